"""Bytes to physical lines of text: strict, line by line where it must be, never lossy."""

import codecs
from collections.abc import Callable, Iterator

import polars as pl

# Not a feed's encodings: only read so that the people flagged in a refused file are protected all the same.
ELSEWHERE = ("utf-16", "euc_jp", "iso2022_jp")


def encoding_of(data: bytes, encodings: tuple[str, ...], knows: Callable[[str], bool]) -> str | None:
    """The first encoding in which `knows` recognises the first line, or None."""
    first = data.split(b"\n", 1)[0]
    return next((e for e in encodings if (line := _decoded(first, e)) is not None and knows(line)), None)


def encoding_that_decodes(data: bytes, encodings: tuple[str, ...]) -> str | None:
    """The first encoding in which the whole file is text, or None."""
    return next((e for e in encodings if _decoded(data, e) is not None), None)


def read_elsewhere(data: bytes, knows: Callable[[str], bool]) -> str | None:
    """The text of a file in an encoding that is not the feed's, or None."""
    texts = (text for e in ELSEWHERE if (text := _decoded(data, e)) is not None)
    return next((text for text in texts if knows(text.split("\n", 1)[0])), None)


def lines_of(data: bytes, encoding: str) -> pl.Series:
    """The physical lines, null where a line is not text in this encoding; no line for what follows the last newline."""
    if encoding == "utf-8-sig":
        data, encoding = data.removeprefix(codecs.BOM_UTF8), "utf-8"
    parts = list(_parts(data, encoding))
    return parts[0] if len(parts) == 1 else pl.concat(parts)


def _parts(data: bytes, encoding: str) -> Iterator[pl.Series]:
    """The lines up to each line that is not text, that line as a null, and the rest."""
    at = 0
    while at < len(data):
        try:
            yield split_lines(data[at:].decode(encoding))
            return
        except UnicodeDecodeError as problem:
            first = data.rfind(b"\n", at, at + problem.start) + 1 or at
            last = data.find(b"\n", at + problem.start)
            if first > at:
                yield split_lines(data[at:first].decode(encoding))
            yield pl.Series("text", [None], dtype=pl.String)
            at = last + 1 if last >= 0 else len(data)


def split_lines(text: str) -> pl.Series:
    lines = pl.Series("text", [text.removesuffix("\n")], dtype=pl.String).str.split("\n").explode()
    return lines.str.strip_suffix("\r") if "\r" in text else lines


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeError:
        return None
