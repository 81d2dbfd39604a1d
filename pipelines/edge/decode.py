"""Bytes to physical lines of UTF-8 text: strict, line by line where it must be, never lossy."""

import codecs
from collections.abc import Callable, Iterator

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


def read_elsewhere(data: bytes, knows: Callable[[str], bool]) -> bytes | None:
    """The text of a file in an encoding that is not the feed's, as UTF-8, or None."""
    texts = (text for e in ELSEWHERE if (text := _decoded(data, e)) is not None)
    return next((text.encode() for text in texts if knows(text.split("\n", 1)[0])), None)


def lines_of(data: bytes, encoding: str) -> list[bytes | None]:
    """The physical lines, None where a line is not text in this encoding; no line for what follows the last newline."""
    if encoding == "utf-8-sig":
        data, encoding = data.removeprefix(codecs.BOM_UTF8), "utf-8"
    whole = _as_utf8(data, encoding)
    return [*split_lines(whole)] if whole is not None else [line for part in _parts(data, encoding) for line in part]


def text_of(data: bytes, encodings: tuple[str, ...], unreadable: str) -> str:
    """The text in the first encoding that decodes; else in the first of all, `unreadable` for each line that is none."""
    texts = (text for e in encodings if (text := _decoded(data, e)) is not None)
    whole = next(texts, None)
    if whole is not None:
        return whole
    return "\n".join(unreadable if line is None else line.decode() for line in lines_of(data, encodings[0]))


def split_lines(text: bytes) -> list[bytes]:
    """Lines without their ends: `\\n`, or `\\r\\n`; of the last line `\\r` alone, where the file was cut between the two."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    return text.removesuffix(b"\n").removesuffix(b"\r").split(b"\n")


def _parts(data: bytes, encoding: str) -> Iterator[list[bytes | None]]:
    """Piece by piece of whole lines; line by line only where a piece holds a bad byte."""
    at = 0
    while at < len(data):
        end = data.find(b"\n", at + PIECE_BYTES) + 1 or len(data)
        text = _as_utf8(data[at:end], encoding)
        yield (
            [*split_lines(text)]
            if text is not None
            else [_as_utf8(line, encoding) for line in split_lines(data[at:end])]
        )
        at = end


def _as_utf8(data: bytes, encoding: str) -> bytes | None:
    text = _decoded(data, encoding)
    return None if text is None else data if encoding == "utf-8" else text.encode()


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeError:
        return None
