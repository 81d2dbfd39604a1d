"""Bytes to physical lines of text: strict, line by line where it must be, never lossy."""

import codecs
from collections.abc import Callable, Iterator

import polars as pl

PIECE_BYTES = 1 << 16
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
    text = _decoded(data, encoding)
    return split_lines(text) if text is not None else pl.concat(_parts(data, encoding))


def _parts(data: bytes, encoding: str) -> Iterator[pl.Series]:
    """Piece by piece of whole lines; line by line only where a piece holds a bad byte."""
    at = 0
    while at < len(data):
        end = data.find(b"\n", at + PIECE_BYTES) + 1 or len(data)
        text = _decoded(data[at:end], encoding)
        yield split_lines(text) if text is not None else _each_line(data[at:end], encoding)
        at = end


def _each_line(piece: bytes, encoding: str) -> pl.Series:
    lines = piece.removesuffix(b"\n").replace(b"\r\n", b"\n").removesuffix(b"\r").split(b"\n")
    return pl.Series("text", [_decoded(line, encoding) for line in lines], dtype=pl.String)


def split_lines(text: str) -> pl.Series:
    lines = pl.Series("text", [text.removesuffix("\n")], dtype=pl.String).str.split("\n").explode()
    return lines.str.strip_suffix("\r") if "\r" in text else lines


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeError:
        return None
