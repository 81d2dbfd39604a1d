"""Draws that depend on seed, stream name and entity only: same bytes for any chunk, worker or processor.

A draw is splitmix64 over the entity id with the stream's key (Steele, Lea, Flood 2014). Only integer operations and
IEEE-exact floating operations are used (no exp, log, pow), because those differ between processors.
"""

import hashlib
from functools import lru_cache
from math import ceil
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_UNIT = 1.0 / (1 << 53)
_FRACTION = 1.0 / (1 << 32)
_SPARE = np.uint64(11)  # bits of 64 that a floating number has no room for
FEW = 32
NORMAL_STEPS = 4096
_TAIL = 1 / 16384  # a normal draw stays within 3.84 standard deviations


def _normal_table() -> Floats:
    """4,097 quantiles of the standard normal, rounded to 1e-6 so that the last bit of a library cannot show."""
    normal = NormalDist()
    shares = (min(max(i / NORMAL_STEPS, _TAIL), 1 - _TAIL) for i in range(NORMAL_STEPS + 1))
    return np.array([round(normal.inv_cdf(share) * 1e6) for share in shares], dtype=np.int64) / 1e6


_NORMAL = _normal_table()
_STEP = np.append(np.diff(_NORMAL), 0.0)


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
        x >>= _SPARE
        return _fraction(x, _UNIT)

    def normal(self, stream: str, ids: Ids) -> Floats:
        """Standard normal numbers by linear interpolation of the table."""
        x = self.bits(stream, ids)
        low = (x >> np.uint64(52)).view(np.int64)
        x &= np.uint64(0xFFFFFFFF)
        drawn = _fraction(x, _FRACTION)
        drawn *= _STEP.take(low)
        drawn += _NORMAL.take(low)
        return drawn

    def below(self, stream: str, ids: Ids, n: int | NDArray[np.int64]) -> Ids:
        """Whole numbers from 0 to n - 1."""
        u = self.uniform(stream, ids)
        u *= n
        return u.astype(np.int64)

    def happens(self, stream: str, ids: Ids, share: float | Floats) -> NDArray[np.bool_]:
        """Where a uniform number is below the share; one share for all is compared with the bits themselves."""
        if isinstance(share, np.ndarray):
            return self.uniform(stream, ids) < share
        limit = ceil(share * (1 << 53)) << 11
        x = self.bits(stream, ids)
        return np.full(len(x), share > 0) if not 0 < limit < 1 << 64 else x < np.uint64(limit)

    def picked(self, stream: str, ids: Ids, cumulative: Floats) -> Ids:
        """Position in a cumulative distribution that ends at 1."""
        u = self.uniform(stream, ids)
        return _counted(u, cumulative[:-1]) if len(cumulative) <= FEW else _guided(u, cumulative)


def _fraction(x: NDArray[np.uint64], unit: float) -> Floats:
    """Whole numbers below 2**63 as floating numbers; signed ones convert faster."""
    drawn = x.view(np.int64).astype(np.float64)
    drawn *= unit
    return drawn


def _counted(u: Floats, bounds: Floats) -> Ids:
    """Bounds at or below each number: for a few of them faster than a search, with the same result."""
    at = np.zeros(len(u), dtype=np.uint8)
    for bound in bounds:
        at += (u >= bound).view(np.uint8)
    return at.astype(np.int64)


def _guided(u: Floats, cumulative: Floats) -> Ids:
    """As a search, from where the first bits of each number lead (Chen and Asau 1974)."""
    guide = _guide(cumulative.tobytes())
    at = guide.take((u * len(guide)).astype(np.int64))
    while (is_later := cumulative.take(at) <= u).any():
        at += is_later
    return at


@lru_cache(maxsize=64)
def _guide(cumulative: bytes) -> Ids:
    bounds = np.frombuffer(cumulative, dtype=np.float64)
    steps = 1 << len(bounds).bit_length()
    return np.searchsorted(bounds[:-1], np.arange(steps) / steps, side="right").astype(np.int64)


def cumulative(weights: list[float] | list[int] | NDArray[np.int64]) -> Floats:
    """Shares added up in order; the last is exactly 1."""
    total = np.cumsum(np.asarray(weights, dtype=np.float64))
    shares = total / total[-1]
    shares[-1] = 1.0
    return shares
