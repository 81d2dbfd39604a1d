"""Promises 1 and 5, hole 25: what a town hall makes for itself is private, leaves protected households out, and holds
no more than it must.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.edge.problem import EdgeProblem
from pipelines.edge.summary import summarize
from pipelines.warehouse.core import ORDER, core_sql
from tests.edge.conftest import centre, town  # noqa: F401  fixtures of the edge's tests
from tests.edge.made_feeds import CHILD, MOTHER, STRANGER, Town, row
from tests.edge.test_outreach import CASES, ITS, Case, born, listed, notified, on_list, run, visited

FLAG = {"is_not_disclosed": "1"}
PMH_CHILD = CHILD | {"person_local": "PMH-88"}
THEIRS = {"person_local": STRANGER["person_local"]}
STRANGE = STRANGER | {"birth_date": CHILD["birth_date"]}


def two_families(**flagged: dict[str, str]) -> Case:
    """The checkups of two children who were not seen; flags by record, PMH's under its own number of the child."""
    rows = {
        "birth": (born(**flagged.get("birth", {})), born(**STRANGE)),
        "child_checkup_target": (on_list(**flagged.get("list", {})), on_list(**STRANGE)),
        "antenatal_visit": (visited("2022-06-01", **flagged.get("mother", {})),),
    }
    elsewhere = row("child_checkup", **PMH_CHILD | flagged.get("pmh", {}), programme_code="31", visit_date="2023-03-15")
    return Case("checkup_not_attended", rows, "2024-07-31", ITS, {"child_checkup": (elsewhere,)})


@pytest.mark.parametrize("where", ["birth", "list", "mother", "pmh"])
def test_a_flag_in_one_feed_keeps_the_household_off_the_list(town: Town, where: str) -> None:  # noqa: F811
    assert listed(town, two_families()) == [ITS, STRANGE["person_local"]]
    assert listed(town, two_families(**{where: FLAG})) == [STRANGE["person_local"]]


@pytest.mark.parametrize("who", [MOTHER, CHILD, PMH_CHILD], ids=["mother", "child", "the child's number elsewhere"])
def test_so_does_the_required_list(town: Town, who: dict[str, str]) -> None:  # noqa: F811
    town.protected.write_text(f"local_number\n{who['person_local']}\n")
    assert listed(town, two_families()) == [STRANGE["person_local"]]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_no_rule_lists_a_protected_person(town: Town, case: Case) -> None:  # noqa: F811
    assert listed(town, case) == [case.who]
    town.protected.write_text(f"local_number\n{MOTHER['person_local']}\n")
    assert listed(town, case) == []


def test_it_says_that_they_are_left_out_and_not_how_many(town: Town) -> None:  # noqa: F811
    """With and without a protected household among those who are due, the same words."""
    said = [_said(run(town, two_families()).lines())]
    town.protected.write_text(f"local_number\n{MOTHER['person_local']}\n")
    said.append(_said(run(town, two_families()).lines()))
    assert said[0] == said[1]
    assert any("不開示・支援措置の世帯は、この結果に含めていません" in line for line in said[0])


def _said(lines: object) -> list[str]:
    """All but the length of the list itself."""
    return [line for line in lines if not line.endswith(" / lines")]  # type: ignore[attr-defined]


def test_the_summary_counts_no_protected_household(town: Town) -> None:  # noqa: F811
    run(town, two_families(mother=FLAG))
    core = [core_sql(table) for table in ORDER]
    done = summarize(town.feeds.path, town.protected, town.home / "own", core)
    table = done.files[0].read_text("utf-8-sig")
    assert "live_birth_count,出生数(住民),Live births (all residents),2022,all,all,総数,総数,1,,1.0" in table
    assert any("含めていません" in line for line in done.lines())


def test_the_list_names_nobody_and_no_day(town: Town) -> None:  # noqa: F811
    text = run(town, two_families()).file.read_text("utf-8-sig")
    named = [v for k, v in (CHILD | MOTHER).items() if k not in ("person_local", "sex_code", "branch_number")]
    assert [value for value in (*named, "2024-06-05", MOTHER["person_local"]) if value in text] == []


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_list_beside_parcels_is_refused(town: Town, below: str) -> None:  # noqa: F811
    run(town, two_families())
    town.send()
    to = town.out / below / "list.csv"
    with pytest.raises(EdgeProblem) as stopped:
        run(town, two_families(), to=to)
    assert stopped.value.exit_code == 64
    assert not to.exists()


def test_a_link_into_the_folder_of_parcels_is_refused(town: Town) -> None:  # noqa: F811
    run(town, two_families())
    town.send()
    link = town.home / "looks-harmless"
    link.symlink_to(town.out, target_is_directory=True)
    with pytest.raises(EdgeProblem):
        run(town, two_families(), to=link / "list.csv")


def test_nothing_else_is_written(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Neither beside the list nor where the command was begun nor in the folder for temporary files."""
    elsewhere = {name: tmp_path / name for name in ("begun", "TMPDIR")}
    for name, folder in elsewhere.items():
        folder.mkdir()
        monkeypatch.setenv(name, str(folder))
    monkeypatch.chdir(elsewhere["begun"])
    done = run(town, two_families())
    summarize(town.feeds.path, town.protected, town.home / "own", [core_sql(table) for table in ORDER])
    assert [list(folder.iterdir()) for folder in elsewhere.values()] == [[], []]
    assert [f.name for f in done.file.parent.iterdir()] == ["list.csv"]
    assert {f.stat().st_mode & 0o777 for f in (done.file, *(town.home / "own").iterdir())} == {0o600}


@pytest.mark.parametrize("spoil", [lambda t: t.protected.unlink(), lambda t: t.protected.write_text("")])
def test_without_the_required_list_there_is_no_list(town: Town, spoil: Callable[[Town], object]) -> None:  # noqa: F811
    spoil(town)
    with pytest.raises(EdgeProblem) as stopped:
        run(town, two_families())
    assert stopped.value.exit_code == 2
    assert not (town.home / "lists").exists()


def test_nothing_is_told_of_a_value(town: Town) -> None:  # noqa: F811
    """Rows whose every cell is the canary are refused; the list is made of the others, and says nothing of them."""
    case = two_families()
    canary: dict[str, str | None] = dict.fromkeys(row("child_checkup"), "カナリア7731")
    done = run(town, case.with_rows(child_checkup=(canary,), pregnancy_notification=(notified(),)))
    said = "\n".join([*done.lines(), str(done.summary()), done.file.read_text("utf-8-sig")])
    assert done.listed == 2
    assert "カナリア" not in said and "7731" not in said
