"""Layout versions side by side: known by what is stated or by the headings; an unknown item is named by its number."""

import json
from pathlib import Path

import pytest

from pipelines.edge.folder import read_folder
from pipelines.edge.problem import EdgeProblem
from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from tests.edge.made_feeds import Town, row

LAYOUT = FEEDS["layout"]
RECORD = "vaccination"  # of every version


def columns(version: str) -> list[tuple[str, str]]:
    return [(c.header, c.field) for c in LAYOUT.columns(RECORDS[RECORD], version)]


def put(town: Town, layout: list[tuple[str, str]]) -> Path:
    cells = row(RECORD)
    lines = [",".join(h for h, _ in layout), ",".join(cells.get(field) or "" for _, field in layout)]
    return town.feeds.put_bytes(RECORD, ("\n".join(lines) + "\n").encode(), "layout")


@pytest.mark.parametrize("version", LAYOUT.versions)
def test_each_version_is_known_by_its_headings(town: Town, version: str) -> None:
    put(town, columns(version))
    folder = read_folder(town.feeds.path)
    assert folder.refusals.is_empty()
    assert sum(f.rows.height for f in folder.records) == 1


@pytest.mark.parametrize("stated", [None, LAYOUT.version])
def test_an_unknown_item_refuses_the_file_by_its_number_and_no_value(town: Town, stated: str | None) -> None:
    file = put(town, [*columns(LAYOUT.version), ("D019999-0001", "kana_surname")])
    if stated:
        (file.parent / "delivery.json").write_text(json.dumps({"delivery": "delta", "layout_version": stated}))
    folder = read_folder(town.feeds.path)
    assert sum(f.rows.height for f in folder.records) == 0
    told = folder.refusals.filter(folder.refusals["rule"] == "unknown_item")
    assert told["field"].to_list() == ["D019999-0001"]
    assert str(row(RECORD)["kana_surname"]) not in str(folder.refusals.to_dicts())


def test_a_heading_of_another_form_is_told_by_its_place(town: Town) -> None:
    """It may hold anything, a name too."""
    put(town, [*columns(LAYOUT.version), ("加賀見空太", "kana_surname")])
    folder = read_folder(town.feeds.path)
    assert folder.refusals.height > 0
    assert "加賀見空太" not in str(folder.refusals.to_dicts())


def test_a_version_that_is_not_declared_stops_the_delivery(town: Town) -> None:
    file = put(town, columns(LAYOUT.version))
    (file.parent / "delivery.json").write_text(json.dumps({"delivery": "delta", "layout_version": "1999.1"}))
    with pytest.raises(EdgeProblem) as stopped:
        read_folder(town.feeds.path)
    assert stopped.value.exit_code == 2
