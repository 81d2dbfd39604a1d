"""Thousands of broken files over all feeds: no traceback, no value in any output, nothing lost (promises 6 and 9).

MCHDB_MALFORMED sets how many; each is made from its number alone, so that a red one can be repeated.
"""

import io
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from pipelines.edge.problem import EdgeProblem
from pipelines.edge.send import check_feeds
from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from tests.edge.made_feeds import CHILD, MOTHER, STRANGER, Folder, row, text_of, workbook_of

MANY = int(os.environ.get("MCHDB_MALFORMED", "2000"))
AT_ONCE = 40
KINDS = [(feed.name, record) for feed in FEEDS.values() for record in feed.record_names]
SECRETS = tuple(
    sorted({v for who in (MOTHER, CHILD, STRANGER) for v in who.values() if len(v) >= 6 and not v.isascii()})
    + sorted({str(who[f]) for who in (MOTHER, CHILD, STRANGER) for f in ("person_local", "birth_date", "phone", "insured_number")})
)  # fmt: skip
PIECES = (
    b"", b",", b'"', b"\n", b"\r", b"\0", b"\xff", b"\x81", b"\xef\xbb\xbf", b"\xfe\xff", b"{", b"}", b"[", b"]", b":", b"\\", b"\\u12",
    b"null", b"NaN", b"1e999", b"-0", b"99999999999999999999", b"2024-13-45", b"0000-00-00", b"=1+1", b" " * 3000, b"\xe3\x80\x80", b"\t", b";",
)  # fmt: skip
Mutation = Callable[[bytes, Random], bytes]


def put_in(text: bytes, dice: Random) -> bytes:
    at = dice.randrange(len(text) + 1)
    return text[:at] + dice.choice(PIECES) + text[at:]


def put_over(text: bytes, dice: Random) -> bytes:
    at, length = dice.randrange(len(text) + 1), dice.choice((1, 2, 7, 40))
    return text[:at] + dice.choice(PIECES) + text[at + length :]


def flip(text: bytes, dice: Random) -> bytes:
    at = dice.randrange(max(1, len(text)))
    return text[:at] + bytes([text[at] ^ (1 << dice.randrange(8))]) + text[at + 1 :] if text else text


def cut_off(text: bytes, dice: Random) -> bytes:
    return text[: dice.randrange(len(text) + 1)]


def behead(text: bytes, dice: Random) -> bytes:
    return text[dice.randrange(len(text) + 1) :]


def again(text: bytes, dice: Random) -> bytes:
    start, end = sorted((dice.randrange(len(text) + 1), dice.randrange(len(text) + 1)))
    return text[:end] + text[start:]


def other_encoding(text: bytes, dice: Random) -> bytes:
    return text.decode("utf-8", "replace").encode(dice.choice(("utf-16", "cp932", "utf-7", "euc-jp")), "replace")


def other_line_ends(text: bytes, dice: Random) -> bytes:
    return text.replace(b"\n", dice.choice((b"\r", b"\r\n", b"\n\n", b"", b"\n\r", b"\x0b", b"\xe2\x80\xa8")))


def shuffled(text: bytes, dice: Random) -> bytes:
    lines = text.split(b"\n")
    dice.shuffle(lines)
    return b"\n".join(lines)


MUTATIONS: tuple[Mutation, ...] = (
    put_in, put_in, put_over, put_over, flip, flip, cut_off, behead, again, other_encoding, other_line_ends, shuffled,
)  # fmt: skip


def other_type(text: bytes, dice: Random) -> bytes:
    """A cell that says it is of another type, or has another place, style or number."""
    cells = [*re.finditer(rb'(?<= )(?:t|s|r)="[^"]*"|(?<=<v>)[^<]*', text)]
    if not cells:
        return text
    cell, said = dice.choice(cells), dice.choice(CELLS)
    return (
        text[: cell.start()]
        + (said if cell[0].startswith((b"t=", b"s=", b"r=")) else said.strip(b'"'))
        + text[cell.end() :]
    )


CELLS = (
    b't="s"', b't="b"', b't="e"', b't="d"', b't="str"', b't="inlineStr"', b't="x"', b's="9999"', b's="-1"', b's="x"', b'r="XFD1048576"',
    b'r="A1"', b'r="1A"', b'r=""', b"1e308", b"-1", b"99999999", b"#N/A", b"x", b"NaN", b"1e999", b"0.5", b"4294967296",
)  # fmt: skip
IN_A_WORKBOOK = (*MUTATIONS, *(other_type,) * 6)


def malformed(number: int) -> tuple[str, str, bytes]:
    """Feed, record, and a good file of it with one to four things wrong."""
    dice = Random(number)
    feed, record = KINDS[number % len(KINDS)]
    rows = [row(record), row(record, **STRANGER, is_not_disclosed="1"), row(record, person_local="3", sex_code="8")]
    if FEEDS[feed].format == "workbook":
        return feed, record, malformed_workbook(workbook_of(FEEDS[feed], RECORDS[record], rows), dice)
    return feed, record, mutated(text_of(FEEDS[feed], RECORDS[record], rows).encode(), dice)


def mutated(text: bytes, dice: Random, by: tuple[Mutation, ...] = MUTATIONS) -> bytes:
    for _ in range(dice.choice((1, 1, 2, 4))):
        text = dice.choice(by)(text, dice)
    return text


def malformed_workbook(whole: bytes, dice: Random) -> bytes:
    """A part of it broken within a good archive, or the archive itself."""
    if dice.random() < 0.2:
        return mutated(whole, dice)
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as good, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as broken:
        chosen = dice.choice([*good.namelist(), *("xl/worksheets/sheet1.xml",) * 9])
        for part in good.namelist():
            text = good.read(part)
            broken.writestr(part, mutated(text, dice, IN_A_WORKBOOK) if part == chosen else text)
    return made.getvalue()


def told(feeds: Path, report: Path) -> str:
    """Everything that the check of one folder says; the check itself raises where read is not accepted and refused."""
    try:
        result = check_feeds(feeds, report)
    except EdgeProblem as problem:
        return f"{problem} {problem.sentence_ja} {problem.sentence_en}"
    counts = result.counts.values()
    assert all(c.read == c.accepted + c.refused + c.excluded for c in counts)
    return "\n".join([*result.lines(), str(result.summary()), *(p.read_text("utf-8") for p in report.iterdir())])


@pytest.mark.parametrize("first", range(0, MANY, AT_ONCE))
def test_a_malformed_file_is_told_without_a_value(tmp_path: Path, first: int) -> None:
    for number in range(first, first + AT_ONCE):
        feed, record, text = malformed(number)
        folder = Folder(tmp_path / str(number) / "313254")
        folder.put_bytes(record, text, feed)
        said = told(folder.path, tmp_path / f"report{number}")
        assert [place for place, secret in enumerate(SECRETS) if secret in said] == [], f"file {number} shows a value"


def test_the_secrets_are_looked_for_where_they_are(tmp_path: Path) -> None:
    """The files do hold what the outputs are searched for."""
    texts = [malformed(number)[2].decode("utf-8", "replace") for number in range(200)]
    assert all(any(secret in text for text in texts) for secret in SECRETS)
