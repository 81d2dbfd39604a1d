"""Draws that depend on seed, stream name and entity only: same bytes for any chunk, worker or processor.

A draw is splitmix64 over the entity id with the stream's key (Steele, Lea, Flood 2014). Only integer operations and
IEEE-exact floating operations are used (no exp, log, pow), because those differ between processors.
"""

import hashlib
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_UNIT = 1.0 / (1 << 53)
_FRACTION = 1.0 / (1 << 32)
NORMAL_STEPS = 4096
_TAIL = 1 / 16384  # a normal draw stays within 3.84 standard deviations


def _normal_table() -> Floats:
    """4,097 quantiles of the standard normal, rounded to 1e-6 so that the last bit of a library cannot show."""
    normal = NormalDist()
    shares = (min(max(i / NORMAL_STEPS, _TAIL), 1 - _TAIL) for i in range(NORMAL_STEPS + 1))
    return np.array([round(normal.inv_cdf(share) * 1e6) for share in shares], dtype=np.int64) / 1e6


_NORMAL = _normal_table()


def stream_key(seed: int, name: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "little"))


class Draws:
    """All random numbers of a cohort."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._keys: dict[str, np.uint64] = {}

    def bits(self, stream: str, ids: Ids) -> NDArray[np.uint64]:
        """64 even bits per id."""
        key = self._keys.setdefault(stream, stream_key(self.seed, stream))
        x: NDArray[np.uint64] = np.asarray(ids).astype(np.uint64)
        x *= _GOLDEN
        x += key
        for shift, factor in ((np.uint64(30), _FIRST), (np.uint64(27), _SECOND)):
            x ^= x >> shift
            x *= factor
        x ^= x >> np.uint64(31)
        return x

    def uniform(self, stream: str, ids: Ids) -> Floats:
        """53-bit numbers from 0 to below 1."""
        x = self.bits(stream, ids)
        x >>= np.uint64(11)
        return x.astype(np.float64) * _UNIT

    def normal(self, stream: str, ids: Ids) -> Floats:
        """Standard normal numbers by linear interpolation of the table."""
        x = self.bits(stream, ids)
        low = (x >> np.uint64(52)).astype(np.int64)
        part = (x & np.uint64(0xFFFFFFFF)).astype(np.float64) * _FRACTION
        start = _NORMAL[low]
        return start + (_NORMAL[low + 1] - start) * part

    def below(self, stream: str, ids: Ids, n: int | NDArray[np.int64]) -> Ids:
        """Whole numbers from 0 to n - 1."""
        return np.floor(self.uniform(stream, ids) * n).astype(np.int64)

    def happens(self, stream: str, ids: Ids, share: float | Floats) -> NDArray[np.bool_]:
        return self.uniform(stream, ids) < share

    def picked(self, stream: str, ids: Ids, cumulative: Floats) -> Ids:
        """Position in a cumulative distribution that ends at 1."""
        return np.searchsorted(cumulative[:-1], self.uniform(stream, ids), side="right").astype(np.int64)


def cumulative(weights: list[float] | list[int] | NDArray[np.int64]) -> Floats:
    """Shares added up in order; the last is exactly 1."""
    total = np.cumsum(np.asarray(weights, dtype=np.float64))
    shares = total / total[-1]
    shares[-1] = 1.0
    return shares
