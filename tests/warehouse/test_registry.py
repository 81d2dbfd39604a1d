"""The registry says who may send what; a line that does not say it clearly is named by its number."""

from pathlib import Path

import pytest

from pipelines.feeds import FEEDS
from pipelines.reference import feed_trust
from pipelines.warehouse.problem import WarehouseProblem
from pipelines.warehouse.registry import OPEN_END, places, read_registry
from tests.warehouse.parcels import REGISTRY_HEAD, SUZU

KEY = "00" * 32
GOOD = f"{SUZU},{KEY},{SUZU},birth,2022,2024,true\n"


def read(folder: Path, text: str) -> list[dict[str, object]]:
    path = folder / "registry.csv"
    path.write_text(text, "utf-8")
    return read_registry(path).to_dicts()


def test_a_line(tmp_path: Path) -> None:
    assert read(tmp_path, REGISTRY_HEAD + GOOD) == [{
        "submitter": SUZU, "signing_key": KEY, "municipality_code": SUZU, "record": "birth", "from_fy": 2022,
        "to_fy": 2024, "is_authority": True,
    }]  # fmt: skip


def test_an_open_end(tmp_path: Path) -> None:
    assert read(tmp_path, REGISTRY_HEAD + GOOD.replace("2024", ""))[0]["to_fy"] == OPEN_END


@pytest.mark.parametrize(
    "line",
    [
        GOOD.replace("birth", "birthday"),
        GOOD.replace("2022", "two"),
        GOOD.replace("2022", "2025"),
        GOOD.replace("true", "yes"),
        GOOD.replace(KEY, ""),
        GOOD.replace(f",{SUZU},", ",999999,"),
        GOOD,
        GOOD.replace(f"{SUZU},{KEY}", f"agent,{KEY}"),
        GOOD.replace(KEY, "11" * 32).replace("birth", "delivery"),
    ],
    ids=["record", "year", "backwards", "flag", "key", "municipality", "twice", "two authorities", "two keys"],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(WarehouseProblem) as problem:
        read(tmp_path, REGISTRY_HEAD + GOOD + line)
    assert problem.value.exit_code == 64
    assert "line 3" in problem.value.sentence_en or "two keys" in line or "line 2" in problem.value.sentence_en


@pytest.mark.parametrize("text", ["", "submitter,record\n", REGISTRY_HEAD, "\x00\xff"])
def test_a_file_that_is_no_registry(tmp_path: Path, text: str) -> None:
    with pytest.raises(WarehouseProblem):
        read(tmp_path, text)


def test_the_next_authority_takes_over_when_the_first_ends(tmp_path: Path) -> None:
    after = GOOD.replace(f"{SUZU},{KEY}", f"agent,{KEY}").replace("2022,2024", "2025,2026")
    assert len(read(tmp_path, REGISTRY_HEAD + GOOD + after)) == 2


def test_a_ward_belongs_to_its_city() -> None:
    assert places().filter(code="011011")["city_code"].item() == "011002"
    assert places().filter(code=SUZU)["city_code"].item() == SUZU


def test_the_centre_believes_the_feeds_as_they_are_declared() -> None:
    declared = {(f.name, f.trust, f.is_register) for f in FEEDS.values()}
    assert set(feed_trust().iter_rows()) == declared
