"""Publication policies: versioned files that say what may be shown, each key with its meaning and its guideline."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import polars as pl

from pipelines.declaration import Count, Policy, Tier
from pipelines.indicators import COUNTS
from pipelines.release.errors import UsageError

FOLDER = "policies"


class UnknownPolicy(UsageError):
    """No policy file of that id."""


@cache
def policies() -> tuple[str, ...]:
    """The ids of all policy files, in alphabetical order."""
    names = (f.name for f in files("pipelines.reference").joinpath(FOLDER).iterdir())
    return tuple(sorted(n.removesuffix(".toml") for n in names if n.endswith(".toml")))


def load_policy(policy_id: str) -> Policy:
    """The policy `policy_id`; raises UnknownPolicy with the ids there are."""
    file = _file(policy_id)
    keys = file["keys"]
    classes = {key.removeprefix("class_"): entry for key, entry in keys.items() if key.startswith("class_")}
    return Policy(
        id=file["id"],
        label_ja=file["label_ja"],
        label_en=file["label_en"],
        guideline=file["guideline"],
        tiers=tuple(Tier(e["population"], e.get("k")) for key, e in keys.items() if key.startswith("tier_")),
        lowest_population={name: entry["population"] for name, entry in classes.items()},
        lowest_level={name: entry["level"] for name, entry in classes.items()},
        complement_off_for_publicly_known=keys["complement_off_for_publicly_known"]["value"],
        zero_shown_from=keys["zero_shown_from"]["value"],
        mean_shown_from=keys["mean_shown_from"]["value"],
        interval_floor=keys["interval_floor"]["value"],
        hidden_areas_on_a_line=keys["hidden_areas_on_a_line"]["value"],
        pooled_years=keys["pooled_years"]["value"],
        new_persons_percent=keys["new_persons_percent"]["value"],
        settings={key: _text(entry["value"]) for key, entry in keys.items()},
    )


def policy_rows(policy: Policy, counts: Mapping[str, Count] = COUNTS) -> pl.DataFrame:
    """The rows of the published table `policy`: policy_id, key, value, meaning_ja, meaning_en, guideline (all text).

    The rows say everything an auditor needs who has nothing but the published file: besides the keys of the policy
    file, which counts are sensitive, which are publicly known, and which lie within others in practice.
    """
    keys = _file(policy.id)["keys"]
    rows = [
        (policy.id, key, policy.settings[key], entry["meaning_ja"], entry["meaning_en"], entry["guideline"])
        for key, entry in keys.items()
    ]
    rows += [(policy.id, *row, "計数の宣言") for row in _count_rows(counts)]
    columns = ("policy_id", "key", "value", "meaning_ja", "meaning_en", "guideline")
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def policy_from_rows(rows: pl.DataFrame) -> Policy:
    """The policy that a published file says it follows: the file of that id, held to what the rows say.

    Raises UnknownPolicy for an id that this version does not have, or whose numbers are other ones.
    """
    policy = load_policy(str(rows["policy_id"][0]))
    told = dict(rows.select("key", "value").iter_rows())
    if any(told.get(key) != value for key, value in policy.settings.items()):
        raise UnknownPolicy(
            "公表ファイルの公表基準が、この版の同じ名前の基準と異なります。公表した版の mchdb で監査してください。",
            "The policy in the file differs from this version's of the same name; audit it with the version that made it.",
        )
    return policy


def _count_rows(counts: Mapping[str, Count]) -> list[tuple[str, str, str, str]]:
    sensitive = " ".join(sorted(c.id for c in counts.values() if c.is_sensitive))
    known = " ".join(sorted(c.id for c in counts.values() if c.known_publicly))
    nested = " ".join(sorted(f"{c.id}<{outer}" for c in counts.values() for outer in c.also_within))
    return [
        ("sensitive_counts", sensitive, "慎重に扱う計数", "sensitive counts"),
        ("publicly_known_counts", known, "国が市区町村別に公表している計数", "counts that the State prints"),
        ("nested_in_practice", nested, "事実上含まれる計数の組", "pairs of counts nested in practice"),
    ]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@cache
def _file(policy_id: str) -> dict[str, Any]:
    if policy_id not in policies():
        there = ", ".join(policies())
        raise UnknownPolicy(
            f"公表基準は {there} のいずれかです。指定された名前のものはありません。",
            f"The policy must be one of {there}; there is none of the given name.",
        )
    return tomllib.loads(files("pipelines.reference").joinpath(FOLDER, f"{policy_id}.toml").read_text("utf-8"))
