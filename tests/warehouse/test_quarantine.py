"""Years out of all proportion land and do not count (privacy, hole 4)."""

from pathlib import Path
from uuid import UUID

import polars as pl
import pytest

from pipelines.reference import units
from pipelines.warehouse.linkage_process import second_pseudonyms
from tests.warehouse.parcels import EDGE_KEYS, Row, first_token
from tests.warehouse.shelf import Shelf, birth, delivery, shelf

HAKUSAN = "172103"


def births(n: int, year: str = "2023-05") -> list[Row]:
    return [birth(f"c{i}-{year}", f"m{i}/1", year) for i in range(n)]


def expected(code: str) -> int:
    return int(units().filter(code6=code)["births_2024"].item())


@pytest.mark.parametrize(
    ("percent", "is_counted"), [(49, False), (51, True), (100, True), (199, True), (201, False), (1000, False)]
)
def test_a_year_of_births_counts_within_50_and_200_percent(tmp_path: Path, percent: int, is_counted: bool) -> None:
    code, n = HAKUSAN, expected(HAKUSAN) * percent // 100
    with shelf(tmp_path / "w") as opened:
        opened.register((code, code, True))
        opened.take(code, [*births(n), *births(expected(code), "2022-05"), delivery("m1/1")])
        years = {
            r["fiscal_year"]: r["n"]
            for r in opened.core("birth", "DISTINCT fiscal_year, count(*) OVER (PARTITION BY fiscal_year) AS n")
        }
        assert years == {2022: expected(code)} | ({2023: n} if is_counted else {})
        assert len(opened.ask("SELECT 1 FROM core.delivery")) == int(is_counted)
        assert opened.ask("SELECT count(*) AS n FROM landing.birth") == [{"n": n + expected(code)}]


def test_chance_alone_quarantines_nobody(tmp_path: Path) -> None:
    """Twelve of 48 is a quarter, but 50 expected births are where judging begins; 313891 expects fewer."""
    code = "313891"
    assert expected(code) < 50
    with shelf(tmp_path / "w") as opened:
        opened.register((code, code, True))
        opened.take(code, births(3))
        assert len(opened.core("birth")) == 3


def test_a_few_corrections_after_a_whole_year_do_not_quarantine_it(tmp_path: Path) -> None:
    code, n = HAKUSAN, expected(HAKUSAN)
    with shelf(tmp_path / "w") as opened:
        opened.register((code, code, True))
        opened.take(code, births(n))
        opened.take(code, [birth("c1-2023-05", "m1/1", birth_weight_g_class=1500, revision_no=1)])
        assert len(opened.core("birth")) == n


@pytest.mark.parametrize(("percent", "is_counted"), [(100, True), (201, False)])
def test_births_that_two_feeds_tell_of_are_judged_once(tmp_path: Path, percent: int, is_counted: bool) -> None:
    """Twice the same births are no doubling; other births of the other feed are."""
    code, n = HAKUSAN, expected(HAKUSAN)
    own = births(n)
    theirs = [
        birth(f"e{i}", f"e-m{i}/1", feed="ehr", tokens={"name": f"c{i}-2023-05"}) for i in range(n * percent // 100)
    ]
    with shelf(tmp_path / "w") as opened:
        opened.register((code, code, True))
        opened.take(
            code, [*own, *theirs, *([] if is_counted else [birth(f"f{i}", "f/1", feed="ehr") for i in range(n)])]
        )
        assert (len(opened.core("birth", "entity_id")) > 0) == is_counted


def test_births_that_two_feeds_tell_of_are_judged_once_across_an_open_bridge(tmp_path: Path) -> None:
    """The register spoke before the new key, the hospital after it; that both mean the same, other rows told."""
    code, n = HAKUSAN, expected(HAKUSAN)
    seen = [birth(f"e{i}", f"e-m{i}/1", feed="ehr", tokens={"name": f"c{i}-2023-05"}) for i in range(n * 11 // 10)]
    with shelf(tmp_path / "w") as opened:
        opened.register((code, code, True))
        opened.take(code, births(n))
        opened.towns[code].edge = 2
        opened.take(code, seen)
        assert opened.core("birth") == [], "more than twice the births: nothing says yet that they are the same"
        bridge(opened, [f"c{i}-2023-05" for i in range(n)])
        assert len(opened.core("birth", "entity_id")) == n


def bridge(opened: Shelf, identities: list[str]) -> None:
    """Pairs of the pseudonyms of these under two edge keys, as parcels of a bridging period leave them."""
    former, current = (pseudonyms(identities, version) for version in (1, 2))
    opened.connection.executemany(
        "INSERT INTO state.bridge VALUES ('name', ?, ?)", list(zip(former, current, strict=True))
    )


def pseudonyms(identities: list[str], version: int) -> list[UUID]:
    tokens = {
        "record_key": [place.to_bytes(4, "big") for place in range(len(identities))],
        "rule": ["name"] * len(identities),
        "token": [first_token("name", text, EDGE_KEYS[version]) for text in identities],
    }
    told = second_pseudonyms(pl.DataFrame(tokens), "centre").sort("record_key")
    return [UUID(bytes=pseudonym) for pseudonym in told["pseudonym"]]
