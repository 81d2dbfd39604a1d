"""A flag stands even in a row that cannot be read as a row: ragged, not text, cut off, or broken JSON (hole 5)."""

import pytest

from pipelines.edge.folder import read_folder
from pipelines.edge.protect import protected_people
from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from tests.edge.made_feeds import CHILD, STRANGER, Town, row, text_of

CHILD_NO, STRANGER_NO = str(CHILD["person_local"]), str(STRANGER["person_local"])


def protected(town: Town) -> set[str]:
    return set(protected_people([f.arrived for f in read_folder(town.feeds.path).files], [])["person_local"])


def lines(flag: str) -> list[bytes]:
    """Heading, an ordinary child, and one whose flag is `flag`."""
    rows = [row("child_checkup", **STRANGER), row("child_checkup", **CHILD, is_not_disclosed=flag)]
    return text_of(FEEDS["municipal"], RECORDS["child_checkup"], rows).encode("cp932").splitlines()


def cut(line: bytes, at: int) -> bytes:
    cells = line.split(b",")
    return b",".join(cells[:at] + cells[at + 1 :])


BREAKS = {
    "a cell too many at the end": lambda line: line + b",1",
    "a cell too many at the start": lambda line: b"x," + line,
    "a cell too few at the end": lambda line: line.rpartition(b",")[0],
    "a cell too few in the middle": lambda line: cut(line, 20),
    "an address with a comma": lambda line: line.replace("若桜".encode("cp932"), "若桜,".encode("cp932"), 1),
    "a name with a comma": lambda line: line.replace(b",", b",x,", 1),
    "a comma in the name and one in the note": lambda line: b",x,".join(line.replace(b",", b",x,", 1).rsplit(b",", 1)),
    "a byte that is no text": lambda line: line.replace("若桜".encode("cp932"), b"\x81\xff", 1),
    "an open quote": lambda line: line.replace("若桜".encode("cp932"), b'"', 1),
}  # fmt: skip
CANNOT_BE_LAID = {"an open quote", "a comma in the name and one in the note"}


@pytest.mark.parametrize("broken", BREAKS.values(), ids=BREAKS)
def test_the_flag_of_a_row_that_does_not_fit_its_heading_protects(town: Town, broken) -> None:  # type: ignore[no-untyped-def]
    heading, ordinary, flagged = lines("1")
    town.feeds.put_bytes("child_checkup", b"\n".join([heading, ordinary, broken(flagged)]) + b"\n")
    assert read_folder(town.feeds.path).files[0].refused == 1
    assert CHILD_NO in protected(town) and STRANGER_NO not in protected(town)


@pytest.mark.parametrize("broken", [broken for what, broken in BREAKS.items() if what not in CANNOT_BE_LAID])
def test_a_row_that_does_not_fit_and_says_no_protects_nobody(town: Town, broken) -> None:  # type: ignore[no-untyped-def]
    heading, ordinary, other = lines("0")
    town.feeds.put_bytes("child_checkup", b"\n".join([heading, ordinary, broken(other)]) + b"\n")
    assert protected(town) == set()


def test_a_file_cut_between_the_two_bytes_of_its_last_line_end_keeps_its_last_row(town: Town) -> None:
    quoted = [b",".join(b'"' + cell + b'"' for cell in line.split(b",")) for line in lines("1")]
    town.feeds.put_bytes("child_checkup", b"\r\n".join(quoted) + b"\r")
    (file,) = read_folder(town.feeds.path).files
    assert (file.refused, len(file.rows)) == (0, 2)
    assert protected(town) == {CHILD_NO}


@pytest.mark.parametrize(("flag", "expected"), [("1", {CHILD_NO}), ("0", set())])
def test_the_flag_of_a_broken_json_object_protects(town: Town, flag: str, expected: set[str]) -> None:
    rows = [row("child_checkup", **CHILD, is_not_disclosed=flag), row("child_checkup", **STRANGER)]
    text = text_of(FEEDS["pmh"], RECORDS["child_checkup"], rows)
    town.feeds.put_bytes("child_checkup", text.replace('"visitDate":', '"visitDate"', 1).encode(), "pmh")
    (file,) = read_folder(town.feeds.path).files
    assert file.refused == 1, "the object is broken"
    assert protected(town) == expected
