"""Hole 18: neither order, number, name, length nor metadata of a parcel tells anything of the source."""

import io
import json
import random
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.edge.conftest import centre, town  # noqa: F401  fixtures of the edge's tests
from tests.edge.made_feeds import CHILD, Town, departed, row
from tests.edge.opened_parcel import opened

KANA = "アカサタナハマヤラワイキシチニヒミリ"


def births(count: int) -> list[dict[str, str | None]]:
    """Children in the order of their numbers, names and days, as a register would list them."""
    return [
        row("birth", **CHILD | {"person_local": f"{i:09d}", "kana_given_name": KANA[i % len(KANA)] * (1 + i // len(KANA)),
                                "birth_date": f"2022-11-{i % 28 + 1:02d}", "insured_number": str(i)}, child_order="1",
            pregnancy_no=str(i))
        for i in range(count)
    ]  # fmt: skip


def test_the_order_of_the_feed_does_not_change_the_tables(town: Town) -> None:  # noqa: F811
    rows = births(60)
    town.feeds.put("birth", *rows)
    town.feeds.put(
        "child_checkup", *(row("child_checkup", **{"person_local": r["person_local"]}) for r in rows), feed="pmh"
    )
    first = departed(town.feeds)
    random.Random(1).shuffle(rows)
    town.feeds.put("birth", *rows)
    town.feeds.put(
        "child_checkup", *(row("child_checkup", **{"person_local": r["person_local"]}) for r in rows), feed="pmh"
    )
    second = departed(town.feeds)
    for name, table in (first.records | first.tokens).items():
        assert table.equals((second.records | second.tokens)[name]), name


def test_every_table_is_sorted_by_its_key_and_has_no_row_number(town: Town) -> None:  # noqa: F811
    town.feeds.put("birth", *(r | {"birth_weight_g": str(1000 + 100 * i)} for i, r in enumerate(births(30))))
    left = departed(town.feeds)
    for table in (left.records["birth"], left.tokens["tokens"]):
        assert table["record_key"].is_sorted()
        assert not {"line", "index", "row_nr"} & set(table.columns)
    place = left.records["birth"]["birth_weight_g_class"].to_list()
    assert sorted(place) == [1000 + 100 * i for i in range(30)]
    assert sum(a < b for a, b in pairwise(place)) < 25, "the order of the source is gone"


@pytest.mark.parametrize("counts", [(0, 1, 12)])
def test_no_one_and_twelve_births_have_one_length(town: Town, centre: Path, counts: tuple[int, ...]) -> None:  # noqa: F811
    lengths = set()
    for count in counts:
        town.feeds.put("birth", *births(count))
        parcel = town.send().parcel
        lengths.add(len(opened(parcel, centre).raw))
        assert parcel.stat().st_size < (2 << 20) + 8192, "the seal adds little, and no more for more rows"
    assert lengths == {2 << 20}


def test_an_empty_delivery_is_a_parcel_too(town: Town, centre: Path) -> None:  # noqa: F811
    town.feeds.put("birth")
    inside = opened(town.send().parcel, centre)
    assert (len(inside.tables["birth"]), len(inside.tables["tokens"]), inside.manifest["span"]) == (0, 0, [])


def test_the_name_of_a_parcel_is_random(town: Town) -> None:  # noqa: F811
    town.feeds.put("birth", *births(2))
    names = [town.send().parcel.name for _ in range(3)]
    assert len(set(names)) == 3
    assert all(len(n) == 39 and int(n.removesuffix(".parcel"), 16) >= 0 for n in names)


def test_parquet_carries_no_statistics_and_no_words_of_the_source(town: Town, centre: Path) -> None:  # noqa: F811
    town.feeds.put("birth", *births(60))
    inside = opened(town.send().parcel, centre)
    for member in inside.members.values():
        for content in (c for n, c in member.items() if n.endswith(".parquet")):
            meta = pq.read_metadata(io.BytesIO(content))
            groups = [meta.row_group(i) for i in range(meta.num_row_groups)]
            assert all(not g.column(c).is_stats_set for g in groups for c in range(meta.num_columns))
            assert set(meta.metadata or {}) <= {b"ARROW:schema"}


def test_the_edge_leaves_no_core_dump_and_no_temporary_file(
    town: Town,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Hole 25: what a crash would write holds people."""
    resource = pytest.importorskip("resource", reason="core dumps have no such limit on this system")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    for name in ("TMPDIR", "POLARS_TEMP_DIR"):
        monkeypatch.setenv(name, str(scratch))
    limits: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda *limit: limits.append(limit))
    town.feeds.put("birth", *births(60))
    town.send()
    assert limits == [(resource.RLIMIT_CORE, (0, 0))]
    assert list(scratch.iterdir()) == []
    assert json.loads((town.state / "state.json").read_text())["pending"] is None
