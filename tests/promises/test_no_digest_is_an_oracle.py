"""Promise 7, privacy hole 14: no digest in the product can be recomputed from what was not published.

An insider who lacks one small cell tries 1 to 9 and compares. So every hash of the true cube, of its cells and of the
parcels is worked out, and none may stand in the release, a receipt, the ledger, a log or the name of a file.
"""

import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator

import pytest

from pipelines.release.vintage import levels_for

pytestmark = pytest.mark.alone

SHORTEST = 10  # hexadecimal digits: the keyed part of a release id
HEXADECIMAL = re.compile(rb"[0-9a-fA-F]{10,}")
ALGORITHMS = ("md5", "sha1", "sha256", "sha512", "blake2b")
YEARS, LEVELS = (2022, 2023, 2024), levels_for("final")


def digests(content: bytes) -> Iterator[str]:
    """Hexadecimal beginnings, as long as the shortest digest that the product shows."""
    yield from (hashlib.new(a, content).hexdigest()[:SHORTEST] for a in ALGORITHMS)
    yield f"{zlib.crc32(content):08x}"


def shown_digests(texts: Iterable[bytes]) -> set[str]:
    """Whatever looks like a digest, cut to the same length."""
    return {found.decode().lower()[:SHORTEST] for text in texts for found in HEXADECIMAL.findall(text)}
