"""Who stays: the list and every flag, closed over mother, child, siblings and other numbers."""

from typing import Any

import pytest

from pipelines.edge.folder import read_folder
from pipelines.edge.problem import EdgeProblem
from pipelines.edge.protect import everywhere, listed, protected_people
from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from tests.edge.made_feeds import CHILD, MOTHER, STRANGER, Town, row, text_of

MOTHER_NO, CHILD_NO, SIBLING_NO, STRANGER_NO = (
    "900000000000001",
    "900000000000002",
    "900000000000003",
    "900000000000009",
)
SIBLING = CHILD | {
    "person_local": SIBLING_NO,
    "name": "加賀見海",
    "kana_given_name": "ウミ",
    "birth_date": "2024-02-02",
}
PMH_MOTHER, PMH_CHILD, PMH_STRANGER = "PMH-77", "PMH-88", "PMH-99"


def family(town: Town, flagged: str = "", record: str = "") -> None:
    """A mother, two children and strangers; `flagged` is flagged in `record` alone."""

    def flag(made: dict[str, str | None], name: str) -> dict[str, str | None]:
        return made | {"is_not_disclosed": "1"} if (made["person_local"], name) == (flagged, record) else made

    people: dict[str, list[dict[str, Any]]] = {
        "birth": [CHILD, SIBLING, STRANGER],
        "delivery": [
            MOTHER,
            MOTHER | {"person_local": STRANGER["mother_local"], "kana_given_name": "ミヨ", "name": "出水美代"},
        ],
        "child_checkup": [CHILD, SIBLING, STRANGER],
    }
    for name, rows in people.items():
        town.feeds.put(name, *(flag(row(name, **p), name) for p in rows))
    abroad = (
        [MOTHER | {"person_local": PMH_MOTHER}],
        [CHILD | {"person_local": PMH_CHILD}, STRANGER | {"person_local": PMH_STRANGER}],
    )
    for name, pmh_rows in zip(("antenatal_visit", "child_checkup"), abroad, strict=True):
        town.feeds.put(name, *(flag(row(name, **p), f"pmh/{name}") for p in pmh_rows), feed="pmh")


def protected_of(town: Town, numbers: list[str]) -> set[str]:
    arrived = [f.arrived for f in read_folder(town.feeds.path).files]
    return set(protected_people(arrived, numbers)["person_local"])


def protected(town: Town, *numbers: str) -> set[str]:
    return protected_of(town, list(numbers)) - set(numbers)


EVERYBODY = {MOTHER_NO, CHILD_NO, SIBLING_NO, PMH_MOTHER, PMH_CHILD}


@pytest.mark.parametrize(
    ("flagged", "record"),
    [
        (MOTHER_NO, "delivery"), (CHILD_NO, "birth"), (SIBLING_NO, "birth"), (CHILD_NO, "child_checkup"),
        (PMH_MOTHER, "pmh/antenatal_visit"), (PMH_CHILD, "pmh/child_checkup"),
    ],
)  # fmt: skip
def test_one_flag_in_one_feed_keeps_the_whole_family(town: Town, flagged: str, record: str) -> None:
    family(town, flagged, record)
    assert protected(town) == EVERYBODY


@pytest.mark.parametrize("number", [MOTHER_NO, SIBLING_NO, PMH_CHILD])
def test_a_listed_number_keeps_the_whole_family(town: Town, number: str) -> None:
    family(town)
    assert protected(town, number) == EVERYBODY - {number}


def test_without_flag_and_list_nobody_stays(town: Town) -> None:
    family(town)
    assert protected(town) == set()


def test_a_refused_row_still_protects(town: Town) -> None:
    family(town)
    town.feeds.put("delivery", row("delivery", is_not_disclosed="1", delivery_date="2024-02-30"))
    assert protected(town) == EVERYBODY


def test_a_flag_on_a_row_without_a_number_counts_for_its_name(town: Town) -> None:
    family(town)
    town.feeds.put("postpartum_visit", row("postpartum_visit", person_local=None, is_not_disclosed="1"))
    assert protected(town) >= EVERYBODY
    assert STRANGER_NO not in protected(town)


@pytest.mark.parametrize("written", ["0042", "42", "０４２"])
def test_a_listed_number_protects_however_a_spreadsheet_wrote_it(town: Town, written: str) -> None:
    town.feeds.put("delivery", row("delivery", person_local="0042"))
    town.protected.write_text(f"local_number\n{written}\n", "utf-8")
    assert "0042" in protected_of(town, listed(town.protected))


def test_an_unreadable_flag_counts_as_a_flag(town: Town) -> None:
    family(town)
    town.feeds.put("delivery", row("delivery", is_not_disclosed="はい"))
    assert protected(town) == EVERYBODY


def test_a_refused_file_still_protects(town: Town) -> None:
    family(town)
    text = text_of(FEEDS["municipal"], RECORDS["delivery"], [row("delivery", is_not_disclosed="1")])
    town.feeds.put_bytes("delivery", text.replace("分娩日", "個人番号").encode())
    assert protected(town) == EVERYBODY


def test_another_surname_in_another_system_hides_nobody(town: Town) -> None:
    """A surname changes when somebody flees: the number without a namesake in the register counts by given name."""
    family(town, CHILD_NO, "birth")
    renamed = CHILD | {"person_local": PMH_CHILD, "kana_surname": "ミナモト", "name": "源空太"}
    town.feeds.put("child_checkup", row("child_checkup", **renamed), feed="pmh")
    assert PMH_CHILD in protected(town)


def test_another_spelling_in_another_system_hides_nobody(town: Town) -> None:
    family(town, CHILD_NO, "birth")
    spelled = CHILD | {
        "person_local": PMH_CHILD,
        "kana_surname": "ｶｶﾞﾐ",
        "kana_given_name": "くーた",
        "name": "カガミ クウタ",
    }
    town.feeds.put("child_checkup", row("child_checkup", **spelled), feed="pmh")
    assert PMH_CHILD in protected(town)


def test_the_list_is_required_and_may_be_empty(town: Town) -> None:
    assert listed(town.protected) == []
    town.protected.write_bytes("\ufefflocal_number\r\n\r\n900000000000002\r\n\r\n".encode())
    assert listed(town.protected) == ["900000000000002"]
    assert (
        set(everywhere(["1"])["namespace"]) == {feed.local_namespace for feed in FEEDS.values()} >= {"", "pmh", "ehr"}
    )
    for content in (None, "", "number\n1\n", "local_number\n1,2\n"):
        town.protected.unlink(missing_ok=True)
        if content is not None:
            town.protected.write_text(content)
        with pytest.raises(EdgeProblem) as stopped:
            listed(town.protected)
        assert stopped.value.exit_code == 2
