"""Bytes to physical lines of UTF-8 text: strict, stretch by stretch, line by line where it must be, never lossy."""

import codecs
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

import polars as pl

STRETCH_BYTES = 1 << 14  # stays in the processor's nearest memory while it is decoded and looked at
ASKED_TOGETHER = 64  # stretches
# Not a feed's encodings: only read so that the people flagged in a refused file are protected all the same.
ELSEWHERE = ("utf-16", "euc_jp", "iso2022_jp")


class Lines:
    """Physical lines, numbered from 1, in stretches of whole lines: a line is cut out only where it is asked for.

    stretches: texts without their last newline, the heading alone in the first; None is one line that is not text.
    firsts: number of the first line of each stretch, and last the number after all lines. not_text: the bytes of the
    lines that are not text, by number.
    """

    def __init__(self, stretches: Iterable[bytes | None], as_sent: Iterable[bytes] = ()) -> None:
        self.stretches = list(stretches)
        heights = (1 if text is None else text.count(b"\n") + 1 for text in self.stretches)
        self.firsts = list(accumulate(heights, initial=1))
        no_text = (n for n, text in zip(self.firsts, self.stretches, strict=False) if text is None)
        self.not_text = dict(zip(no_text, as_sent, strict=True))
        self._cut: dict[int, list[bytes | None]] = {}

    def __len__(self) -> int:
        return self.firsts[-1] - 1

    def __iter__(self) -> Iterator[bytes | None]:
        return (line for place in range(len(self.stretches)) for line in self.of(place))

    def line(self, number: int) -> bytes | None:
        place = self.place(number)
        return self.of(place)[number - self.firsts[place]]

    def place(self, number: int) -> int:
        """The stretch in which a line lies."""
        return bisect_right(self.firsts, number) - 1

    def of(self, place: int) -> list[bytes | None]:
        """The lines of one stretch."""
        if place not in self._cut:
            text = self.stretches[place]
            self._cut[place] = [None] if text is None else [*text.split(b"\n")]
        return self._cut[place]


def encoding_of(data: bytes, encodings: tuple[str, ...], knows: Callable[[str], bool]) -> str | None:
    """The first encoding in which `knows` recognises the first line, or None."""
    first = next(_stretches(data)).removesuffix(b"\n")
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

    Without their ends: `\\n`, or `\\r\\n`; of the last line `\\r` alone, where the file was cut between the two.
    """
    if encoding == "utf-8-sig":
        data, encoding = data.removeprefix(codecs.BOM_UTF8), "utf-8"
    sent = [*map(_without_ends, _stretches(data))]
    no_text: list[bytes] = []
    stretches: list[bytes | None] = []
    for first in range(0, len(sent), ASKED_TOGETHER):
        some = sent[first : first + ASKED_TOGETHER]
        is_utf8 = encoding == "utf-8" and _are_utf8(some)
        stretches += some if is_utf8 else (line for text in some for line in _as_utf8(text, encoding, no_text))
    return Lines(stretches, no_text)


def _are_utf8(stretches: list[bytes]) -> bool:
    """True where all are text: asked at once, which costs a tenth of decoding them one by one."""
    try:
        pl.Series(stretches, dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.ComputeError:
        return False
    return True


def text_of(data: bytes, encodings: tuple[str, ...], unreadable: str) -> str:
    """The text in the first encoding that decodes; else in the first of all, `unreadable` for each line that is none."""
    texts = (text for e in encodings if (text := _decoded(data, e)) is not None)
    whole = next(texts, None)
    if whole is not None:
        return whole
    return "\n".join(unreadable if line is None else line.decode() for line in lines_of(data, encodings[0]))


def _stretches(data: bytes) -> Iterator[bytes]:
    """The heading line, then whole lines of about STRETCH_BYTES."""
    data = data.removesuffix(b"\r")
    at, least = 0, 0
    while at < len(data) or not at:
        end = data.find(b"\n", at + least) + 1 or len(data) + 1
        yield data[at:end]
        at, least = end, STRETCH_BYTES


def _without_ends(sent: bytes) -> bytes:
    return (sent.replace(b"\r\n", b"\n") if b"\r" in sent else sent).removesuffix(b"\n")


def _as_utf8(text: bytes, encoding: str, no_text: list[bytes]) -> Iterator[bytes | None]:
    """The stretch in UTF-8, or each of its lines alone where one of them is not text: None, and its bytes into `no_text`."""
    decoded = _decoded(text, encoding)
    if decoded is not None:
        yield text if encoding == "utf-8" else decoded.encode()
    elif b"\n" in text:
        yield from (one for line in text.split(b"\n") for one in _as_utf8(line, encoding, no_text))
    else:
        no_text.append(text)
        yield None


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeError:
        return None
