"""Years, copies and status: what the centre's staff do between two releases."""

from pathlib import Path

import pytest

from pipelines.records import RECORDS
from pipelines.warehouse.backup import LEDGER_HEAD, backup, restore
from pipelines.warehouse.database import opened
from pipelines.warehouse.init import init
from pipelines.warehouse.keyring import warehouse_key
from pipelines.warehouse.load import load_parcels
from pipelines.warehouse.period import close_year, open_year
from pipelines.warehouse.problem import WarehouseProblem
from pipelines.warehouse.status import status
from tests.warehouse.parcels import ANAMIZU, SUZU, Centre, Town, new_centre
from tests.warehouse.shelf import birth, delivery

pytestmark = pytest.mark.usefixtures("linkage_in_a_thread")


@pytest.fixture
def town(centre: Centre, town: Town) -> Town:
    """The town, with a first parcel loaded."""
    town.send([birth("c1", "m1/1", birth_weight_g_class=2000), delivery("m1/1")], centre.root / "1")
    load_parcels(centre.root / "1", centre.folder, centre.load_keys)
    return town


def weights(centre: Centre) -> list[int]:
    with opened(centre.folder, warehouse_key(centre.warehouse_keys)) as connection:
        return [w for (w,) in connection.execute("SELECT birth_weight_g_class FROM core.birth ORDER BY ALL").fetchall()]


def test_what_is_held_for_a_closed_year_comes_in_when_it_opens(centre: Centre, town: Town) -> None:
    close_year(2023, centre.folder, centre.warehouse_keys)
    town.send([birth("c1", "m1/1", birth_weight_g_class=2100, revision_no=1), birth("late", "m2/1")], centre.root / "2")
    load_parcels(centre.root / "2", centre.folder, centre.load_keys)
    assert weights(centre) == [2000]
    told = status(centre.folder, centre.warehouse_keys)
    assert told.held.to_dicts() == [{"record": "birth", "rows": 2}]
    assert told.periods.to_dicts() == [{"fiscal_year": 2023, "status": "closed"}]

    open_year(2023, centre.folder, centre.warehouse_keys)
    assert weights(centre) == [2100, 2900]
    assert status(centre.folder, centre.warehouse_keys).held.is_empty()


def test_a_held_row_waits_until_both_its_years_are_open(centre: Centre, town: Town) -> None:
    for year in (2023, 2024):
        close_year(year, centre.folder, centre.warehouse_keys)
    town.send([birth("c1", "m1/1", "2024-04", birth_weight_g_class=2100, revision_no=1)], centre.root / "2")
    load_parcels(centre.root / "2", centre.folder, centre.load_keys)
    open_year(2024, centre.folder, centre.warehouse_keys)
    assert weights(centre) == [2000]
    open_year(2023, centre.folder, centre.warehouse_keys)
    assert weights(centre) == [2100]


def test_no_year_is_no_year(centre: Centre, town: Town) -> None:
    with pytest.raises(WarehouseProblem) as problem:
        close_year(24, centre.folder, centre.warehouse_keys)
    assert problem.value.exit_code == 64


def test_status_tells_what_is_missing(centre: Centre, town: Town) -> None:
    told = status(centre.folder, centre.warehouse_keys)
    assert told.missing.drop("has_arrived").to_dicts() == [
        {"submitter": ANAMIZU, "municipality_code": ANAMIZU, "record": record, "fiscal_year": 2023}
        for record in ("birth", "delivery")
    ]
    assert told.parcels.to_dicts() == [{"submitter": SUZU, "parcels": 1, "sequence": 1}]
    assert any(RECORDS["birth"].label_ja in line and ANAMIZU in line for line in told.lines())
    assert told.summary()["expected"] == 4


def test_a_copy_is_whole_and_closed_to_others(centre: Centre, town: Town, tmp_path: Path) -> None:
    (centre.folder / LEDGER_HEAD).write_text("head")
    backup(centre.folder, tmp_path / "copy", centre.warehouse_keys)
    assert oct((tmp_path / "copy").stat().st_mode & 0o777) == "0o700"
    moved = Centre(tmp_path / "elsewhere")
    restore(tmp_path / "copy", moved.folder, centre.warehouse_keys)
    with opened(moved.folder, warehouse_key(centre.warehouse_keys)) as connection:
        assert connection.execute("SELECT birth_weight_g_class FROM core.birth").fetchall() == [(2000,)]
    assert (moved.folder / LEDGER_HEAD).read_text() == "head"
    assert len(list((moved.folder / "receipts").glob("*.json"))) == 1


def test_neither_copy_nor_restore_overwrites(centre: Centre, town: Town, tmp_path: Path) -> None:
    backup(centre.folder, tmp_path / "copy", centre.warehouse_keys)
    for fails in (
        lambda: backup(centre.folder, tmp_path / "copy", centre.warehouse_keys),
        lambda: restore(tmp_path / "copy", centre.folder, centre.warehouse_keys),
        lambda: restore(tmp_path / "nothing", tmp_path / "new", centre.warehouse_keys),
    ):
        with pytest.raises(WarehouseProblem) as problem:
            fails()
        assert problem.value.exit_code == 64
    assert weights(centre) == [2000]


def test_a_copy_under_another_key_does_not_appear(centre: Centre, town: Town, tmp_path: Path) -> None:
    backup(centre.folder, tmp_path / "copy", centre.warehouse_keys)
    other = new_centre(tmp_path / "other")
    with pytest.raises(WarehouseProblem) as problem:
        restore(tmp_path / "copy", tmp_path / "new", other.warehouse_keys)
    assert problem.value.exit_code == 77
    assert not (tmp_path / "new").exists()


def test_a_new_registry_decides_anew(centre: Centre, town: Town) -> None:
    init(centre.folder, centre.warehouse_keys, centre.registry(town, authority=[]))
    status(centre.folder, centre.warehouse_keys)
    assert weights(centre) == []
    with opened(centre.folder, warehouse_key(centre.warehouse_keys)) as connection:
        assert connection.execute("SELECT count(*) FROM landing.birth").fetchone() == (1,)


def test_an_empty_parcel_keeps_the_chain(centre: Centre, town: Town) -> None:
    """The sending interval is fixed; a month without a birth sends a parcel like any other (privacy, hole 18)."""
    town.send([], centre.root / "2", span=[])
    town.send([birth("c2", "m2/1")], centre.root / "2")
    done = load_parcels(centre.root / "2", centre.folder, centre.load_keys)
    assert [o.reason for o in done.outcomes] == [None, None]
    assert done.summary()["accepted"] == 2
    assert next(iter(done.lines())).startswith("受理 2 件(1 行)")


def test_a_folder_without_parcels_is_a_sentence(centre: Centre, town: Town, tmp_path: Path) -> None:
    with pytest.raises(WarehouseProblem) as problem:
        load_parcels(tmp_path / "none", centre.folder, centre.load_keys)
    assert problem.value.exit_code == 64
