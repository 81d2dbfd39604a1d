"""Promise: a receipt and a municipality's own numbers never tell whether the centre knows a person (privacy, hole 4).

The attacker is a submitter: it sends one forged row with a guessed woman's identity, and looks at what comes back.
"""

from pathlib import Path

import pytest

from pipelines.reference import units
from pipelines.warehouse.database import opened
from pipelines.warehouse.init import init
from pipelines.warehouse.keyring import warehouse_key
from pipelines.warehouse.load import load_parcels
from pipelines.warehouse.receipt import RECEIPTS
from tests.warehouse.parcels import ANAMIZU, SUZU, Centre, Row, Town, new_centre
from tests.warehouse.shelf import birth, delivery, notification, postpartum, shelf

VICTIM = {"name": "woman", "given_phone": "woman"}
COUNTED = ("notification", "delivery", "birth", "postpartum_visit", "checkup_person", "questionnaire", "arrival")


def life(known: bool) -> list[Row]:
    """What the victim's own town holds, with or without her."""
    hers = [
        notification("m1/1", tokens=VICTIM), delivery("m1/1", tokens=VICTIM),
        postpartum("m1/1", "2", tokens=VICTIM, epds_total=14), birth("c1", "m1/1"),
    ]  # fmt: skip
    return [*(hers if known else []), delivery("m2/1"), birth("c2", "m2/1")]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, tuple[Centre, bytes, bytes]]:
    """known -> (centre, the probe's receipt, all receipt files of the probe)."""
    keys = new_centre(tmp_path_factory.mktemp("keys"))
    town, prober = keys.town(SUZU), keys.town(ANAMIZU)
    registry = keys.registry(town, prober).read_text("utf-8")
    probe = prober.send([notification("p1/1", tokens=VICTIM)], keys.root / "probe")
    return {known: _world(tmp_path_factory.mktemp("world"), known, keys, registry, probe) for known in (True, False)}


def _world(root: Path, known: bool, keys: Centre, registry: str, probe: Path) -> tuple[Centre, bytes, bytes]:
    (root / "keys").symlink_to(keys.keys)
    (root / "registry.csv").write_text(registry, "utf-8")
    centre = Centre(root)
    init(centre.folder, centre.warehouse_keys, root / "registry.csv")
    Town(SUZU, keys.keys / SUZU).send(life(known), root / "own")
    load_parcels(root / "own", centre.folder, centre.load_keys)
    [outcome] = load_parcels(probe.parent, centre.folder, centre.load_keys).outcomes
    return centre, outcome.receipt, (centre.folder / RECEIPTS / f"{probe.stem}.json").read_bytes()


def test_the_receipt_is_the_same_whether_she_is_known_or_not(worlds: dict[bool, tuple[Centre, bytes, bytes]]) -> None:
    (_, known, known_file), (_, unknown, unknown_file) = worlds[True], worlds[False]
    assert known == unknown == known_file == unknown_file
    assert b'"accepted"' in known


def test_the_probe_did_link(worlds: dict[bool, tuple[Centre, bytes, bytes]]) -> None:
    """Else the two worlds would be the same for want of an attack."""
    linked = {}
    for known, (centre, *_) in worlds.items():
        with opened(centre.folder, warehouse_key(centre.warehouse_keys)) as connection:
            rows = connection.execute(
                "SELECT count(DISTINCT municipality_code) AS n FROM core.resident GROUP BY person_id"
            ).fetchall()
            linked[known] = max(n for (n,) in rows)
    assert linked == {True: 2, False: 1}


def test_the_probers_own_numbers_are_the_same(worlds: dict[bool, tuple[Centre, bytes, bytes]]) -> None:
    assert cube(worlds[True][0], ANAMIZU) == cube(worlds[False][0], ANAMIZU)


def test_a_forged_row_of_another_town_moves_no_number_of_hers(tmp_path: Path) -> None:
    """Her town's numbers are the same with and without the probe."""
    found = []
    for probed_too in (True, False):
        with shelf(tmp_path / str(probed_too)) as opened_:
            opened_.register((SUZU, SUZU, True), (ANAMIZU, ANAMIZU, True))
            opened_.take(SUZU, life(True))
            if probed_too:
                opened_.take(ANAMIZU, [
                    notification("p1/1", "2022-08", tokens=VICTIM, notification_stage_code="3"),
                    delivery("p1/1", "2023-05", tokens=VICTIM), postpartum("p1/1", "2", tokens=VICTIM, epds_total=0),
                ])  # fmt: skip
            opened_.core("arrival")
            found.append({t: opened_.ask(_own(t, SUZU)) for t in COUNTED})
    assert found[0] == found[1]
    assert found[0]["delivery"]


def test_a_tenfold_parcel_counts_for_nothing(tmp_path: Path) -> None:
    code, expected = "172103", int(units().filter(code6="172103")["births_2024"].item())
    with shelf(tmp_path / "w") as opened_:
        opened_.register((code, code, True))
        opened_.take(code, [birth(f"c{i}", f"m{i}/1") for i in range(10 * expected)])
        assert opened_.core("birth") == []
        assert opened_.ask("SELECT births, expected FROM state.quarantine") == [
            {"births": 10 * expected, "expected": expected}
        ]


def _own(table: str, municipality: str) -> str:
    kept = "*" if table == "arrival" else "* EXCLUDE (person_id)"
    return f"SELECT {kept} FROM core.{table} WHERE municipality_code = '{municipality}' ORDER BY ALL"


def cube(centre: Centre, municipality: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of a municipality in core, without the person links that only larger areas use."""
    with opened(centre.folder, warehouse_key(centre.warehouse_keys)) as connection:
        return {t: connection.execute(_own(t, municipality)).fetchall() for t in COUNTED}
