"""Bytes to physical lines of UTF-8 text: strict, stretch by stretch, line by line where it must be, never lossy."""

import codecs
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate, pairwise
from types import MappingProxyType

import polars as pl

STRETCH_BYTES = 1 << 15  # stays in the processor's nearest memory while it is looked at
TOGETHER = (1 << 20, 1 << 15, 0)  # bytes of whole lines that are decoded at once, in turn where some are not text
NOT_PARTING = bytes(set(range(256)) - set(b',\n"'))
NO_LINES: Mapping[int, bytes] = MappingProxyType({})
# Not a feed's encodings: only read so that the people flagged in a refused file are protected all the same.
ELSEWHERE = ("utf-16", "euc_jp", "iso2022_jp")


class Lines:
    """Physical lines of one text, numbered from 1, in stretches of whole lines: a line is cut out only where it is asked for.

    text: lines that end in `\n`, from `begin` on, in UTF-8 but for those that are not text; the heading is the first
    stretch, alone. ends: where each stretch ends. shapes: the commas, quotes and newlines of each, with a newline for
    the end of every line, the last one's too. firsts: number of the first line of each, and last the number after all
    lines. not_text: the bytes, as sent, of the lines that are not text, by number.
    """

    def __init__(self, text: bytes, begin: int = 0, not_text: Mapping[int, bytes] = NO_LINES) -> None:
        """not_text: by the place in the text where the line begins."""
        self.text, self.begin = text, begin
        heading = next(_ends(text, begin, len(text), 0), begin)
        self.ends = [heading, *_ends(text, heading, len(text), STRETCH_BYTES)]
        self.shapes = [text[a:b].translate(None, NOT_PARTING) for a, b in pairwise((begin, *self.ends))]
        self.shapes[-1] += b"" if text.endswith(b"\n") else b"\n"
        self.firsts = list(accumulate((shape.count(b"\n") for shape in self.shapes), initial=1))
        self.not_text = {self._number(at): line for at, line in not_text.items()}
        self._cut: dict[int, list[bytes]] = {}

    def __len__(self) -> int:
        return self.firsts[-1] - 1

    def line(self, number: int) -> bytes | None:
        """A line without its end; None where it is not text."""
        place = self.place(number)
        return None if number in self.not_text else self.of(place)[number - self.firsts[place]]

    def place(self, number: int) -> int:
        """The stretch in which a line lies."""
        return bisect_right(self.firsts, number) - 1

    def _number(self, at: int) -> int:
        """The number of the line that begins at this place in the text."""
        place = bisect_right(self.ends, at)
        return self.firsts[place] + self.text.count(b"\n", self.span(place)[0], at)

    def span(self, place: int) -> tuple[int, int]:
        """Where in the text a stretch lies, without its last newline."""
        begin, end = self.ends[place - 1] if place else self.begin, self.ends[place]
        return begin, end - self.text.endswith(b"\n", begin, end)

    def of(self, place: int) -> list[bytes]:
        """The lines of one stretch."""
        if place not in self._cut:
            begin, end = self.span(place)
            self._cut[place] = self.text[begin:end].split(b"\n")
        return self._cut[place]


def encoding_of(data: bytes, encodings: tuple[str, ...], knows: Callable[[str], bool]) -> str | None:
    """The first encoding in which `knows` recognises the first line, or None."""
    first = data[: next(_ends(data, 0, len(data), 0), 0)].removesuffix(b"\n").removesuffix(b"\r")
    return next((e for e in encodings if (line := _decoded(first, e)) is not None and knows(line)), None)


def encoding_that_decodes(data: bytes, encodings: tuple[str, ...]) -> str | None:
    """The first encoding in which the whole file is text, or None."""
    return next((e for e in encodings if _decoded(data, e) is not None), None)


def read_elsewhere(data: bytes, knows: Callable[[str], bool]) -> bytes | None:
    """The text of a file in an encoding that is not the feed's, as UTF-8, or None."""
    texts = (text for e in ELSEWHERE if (text := _decoded(data, e)) is not None)
    return next((text.encode() for text in texts if knows(text.split("\n", 1)[0])), None)


def lines_of(data: bytes, encoding: str) -> Lines:
    """The physical lines, None where a line is not text in this encoding; no line for what follows the last newline.

    Without their ends: `\n`, or `\r\n`; of the last line `\r` alone, where the file was cut between the two.
    """
    begin = 0
    if encoding == "utf-8-sig":
        begin, encoding = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0, "utf-8"
    if b"\r" in data:
        data = data.removesuffix(b"\r").replace(b"\r\n", b"\n")
    parts = _parts(data, begin, len(data), encoding, TOGETHER)
    if encoding == "utf-8":
        return Lines(data, begin, {at: sent.removesuffix(b"\n") for at, sent, text in parts if text is None})
    texts: list[bytes] = []
    not_text: dict[int, bytes] = {}
    length = 0
    for _, sent, text in parts:
        if text is None:
            not_text[length] = sent.removesuffix(b"\n")
        texts.append(b"\n" if text is None else text)
        length += len(texts[-1])
    return Lines(b"".join(texts), not_text=not_text)


def _parts(
    data: bytes, begin: int, end: int, encoding: str, together: tuple[int, ...]
) -> Iterator[tuple[int, bytes, bytes | None]]:
    """(place, lines as sent, lines in UTF-8) of as many lines as can be decoded at once; None of one that is not text."""
    for at, to in pairwise((begin, *_ends(data, begin, end, together[0]))):
        sent = data[at:to]
        text = _in_utf8(sent, encoding)
        if text is None and len(together) > 1:
            yield from _parts(data, at, to, encoding, together[1:])
        else:
            yield at, sent, text


def _in_utf8(sent: bytes, encoding: str) -> bytes | None:
    if encoding == "utf-8" and len(sent) > STRETCH_BYTES:
        return sent if _is_utf8(sent) else None
    decoded = _decoded(sent, encoding)
    return None if decoded is None else decoded.encode()


def _is_utf8(sent: bytes) -> bool:
    """Asked of Polars, at a tenth of what decoding costs."""
    try:
        pl.Series([sent], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.ComputeError:
        return False
    return True


def text_of(data: bytes, encodings: tuple[str, ...], unreadable: str) -> str:
    """The text in the first encoding that decodes; else in the first of all, `unreadable` for each line that is none."""
    texts = (text for e in encodings if (text := _decoded(data, e)) is not None)
    whole = next(texts, None)
    if whole is not None:
        return whole
    lines = lines_of(data, encodings[0])
    each = (lines.line(n) for n in range(1, len(lines) + 1))
    return "\n".join(unreadable if line is None else line.decode() for line in each)


def _ends(data: bytes, begin: int, end: int, least: int) -> Iterator[int]:
    """Where stretches of whole lines end that are so many bytes long at least, the last one as long as it is."""
    while begin < end:
        begin = data.find(b"\n", begin + least, end) + 1 or end
        yield begin


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeError:
        return None
