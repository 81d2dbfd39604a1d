"""The town's own summary: what it says, where it may stand, and that a town hall's install is enough for it."""

import csv
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines.edge.problem import EdgeProblem
from pipelines.edge.summary import SummaryResult, in_memory, summarize
from pipelines.warehouse.core import ORDER, core_sql
from tests.edge.made_feeds import CHILD, STRANGER, Town, row

CORE = [core_sql(table) for table in ORDER]
OF_THE_CENTRE_ALONE = ("scipy", "highspy", "numpy", "duckdb_extension_httpfs", "xlsxwriter", "faker", "streamlit")


def made(town: Town) -> SummaryResult:
    return summarize(town.feeds.path, town.protected, town.home / "own", CORE)


def figures(town: Town) -> dict[tuple[str, str, str], tuple[str, str, str]]:
    """(indicator, year, category) -> numerator, denominator, value of the written table."""
    text = (town.home / "own" / "summary.csv").read_text("utf-8-sig")
    return {
        (r["indicator_id"], r["fiscal_year"], r["category_code"]): (r["numerator"], r["denominator"], r["value"])
        for r in csv.DictReader(text.splitlines())
    }


def test_a_small_town_is_counted_by_hand(town: Town) -> None:
    town.feeds.put("birth", row("birth"), row("birth", **STRANGER, birth_weight_g="2480"))
    made(town)
    found = figures(town)
    assert found["live_birth_count", "2022", "all"] == ("2", "", "2.0")
    assert found["low_birth_weight_rate", "2022", "all"] == ("1", "2", "50.0")
    assert found["low_birth_weight_rate", "2022", "1"] == ("1", "2", "50.0")


@pytest.mark.parametrize("feeds", [("municipal",), ("pmh",), ("municipal", "pmh")])
def test_a_visit_counts_once_whichever_feed_tells_of_it(town: Town, feeds: tuple[str, ...]) -> None:
    """PMH has its own number for the child; the names make it one."""
    town.feeds.put("birth", row("birth"))
    town.feeds.put("child_checkup_target", row("child_checkup_target"))
    for feed in feeds:
        number = CHILD["person_local"] if feed == "municipal" else "PMH-88"
        town.feeds.put("child_checkup", row("child_checkup", person_local=number), feed=feed)
    made(town)
    assert figures(town)["checkup_18m_rate_official", "2024", "all"] == ("1", "1", "100.0")


def test_a_visit_of_nobody_known_to_the_register_does_not_count(town: Town) -> None:
    town.feeds.put("birth", row("birth"))
    town.feeds.put("child_checkup", row("child_checkup", **STRANGER | {"person_local": "PMH-99"}), feed="pmh")
    made(town)
    assert ("checkup_18m_rate_official", "2024", "all") not in figures(town)


def test_the_page_says_what_it_is_and_what_each_number_means(town: Town) -> None:
    town.feeds.put("birth", row("birth"))
    done = made(town)
    page = (town.home / "own" / "summary.html").read_text()
    assert "内部資料・公表不可 / not for publication</title>" in page
    for words in (
        "若桜町",
        "出生数(住民)",
        "定義: ",
        "2022年度",
        "住民基本台帳",
        "該当する記録がありません",
        "含めていません",
    ):
        assert words in page
    assert "<script" not in page and "http" not in page
    assert all("内部資料・公表不可" in line for line in done.lines() if "summary." in line)
    assert all(f.stat().st_mode & 0o777 == 0o600 for f in done.files)


def test_a_year_that_is_not_over_is_marked(town: Town) -> None:
    """The last event told of is in May 2023: fiscal year 2022 is over, its deliveries are not five months old yet."""
    delivered = {"delivery_date": "2022-11-19"}
    town.feeds.put("delivery", row("delivery", **delivered))
    town.feeds.put("birth", row("birth"), row("birth", **STRANGER | {"birth_date": "2023-05-02"}))
    made(town)
    with (town.home / "own" / "summary.csv").open(encoding="utf-8-sig") as file:
        complete = {(r["indicator_id"], r["fiscal_year"]): r["is_complete"] for r in csv.DictReader(file)}
    assert complete["live_birth_count", "2022"] == "true"
    assert complete["live_birth_count", "2023"] == "false"
    assert complete["postpartum_checkup_1m_rate", "2022"] == "false"


def test_it_is_written_anew_with_its_own_mode(town: Town) -> None:
    town.feeds.put("birth", row("birth"))
    out = town.home / "own"
    out.mkdir()
    (out / "summary.csv").write_text("old")
    (out / "summary.csv").chmod(0o644)
    made(town)
    assert (out / "summary.csv").stat().st_mode & 0o777 == 0o600
    assert sorted(f.name for f in out.iterdir()) == ["summary.csv", "summary.html"]


@pytest.mark.parametrize("below", ["", "deep/er"])
def test_beside_parcels_it_is_refused(town: Town, below: str) -> None:
    town.feeds.put("birth", row("birth"))
    town.send()
    with pytest.raises(EdgeProblem) as stopped:
        summarize(town.feeds.path, town.protected, town.out / below, CORE)
    assert stopped.value.exit_code == 64
    assert not (town.out / "summary.csv").exists()
    assert not (town.out / "deep").exists()


def test_without_the_list_nothing_is_made(town: Town) -> None:
    town.feeds.put("birth", row("birth"))
    town.protected.unlink()
    with pytest.raises(EdgeProblem) as stopped:
        made(town)
    assert stopped.value.exit_code == 2
    assert not (town.home / "own").exists()


def test_a_flag_that_cannot_be_seen_stops_it(town: Town) -> None:
    town.feeds.put("birth", row("birth"))
    town.feeds.put_bytes("delivery", "宛名番号\n1\n".encode())
    with pytest.raises(EdgeProblem) as stopped:
        made(town)
    assert stopped.value.exit_code == 2
    assert "delivery.csv" in stopped.value.sentence_ja


def test_the_install_of_a_town_hall_is_enough(town: Town, tmp_path: Path) -> None:
    """Nothing that only the centre installs is asked for."""
    town.feeds.put("birth", row("birth", **CHILD))
    command = f"""import sys
sys.modules |= dict.fromkeys({OF_THE_CENTRE_ALONE})
sys.argv = ["mchdb", "edge", "summary", {str(town.feeds.path)!r}, "--protected", {str(town.protected)!r}, "--out", {str(tmp_path / "own")!r}]
from pipelines.cli import main
main()"""
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "summary.html" in done.stdout


def test_its_database_reaches_no_file() -> None:
    connection = in_memory()
    for statement in ("SELECT * FROM read_csv('people.csv')", "ATTACH 'people.duckdb'", "SET temp_directory='.'"):
        with pytest.raises(duckdb.Error):
            connection.execute(statement)
    row = connection.execute("SELECT current_setting('temp_directory')").fetchone()
    assert row == ("",)
