"""Draws: what they depend on, and how they are spread."""

import hashlib

import numpy as np
import pytest

from synthetic.draws import _NORMAL as NORMAL_TABLE
from synthetic.draws import NORMAL_STEPS, Draws, cumulative

IDS = np.arange(200_000)


def test_a_draw_depends_on_seed_stream_and_entity_only() -> None:
    whole = Draws(1).bits("weight", IDS)
    assert np.array_equal(whole[777:1000], Draws(1).bits("weight", IDS[777:1000]))
    assert np.array_equal(whole[::-1], Draws(1).bits("weight", IDS[::-1]))
    assert not np.array_equal(whole, Draws(2).bits("weight", IDS))
    assert not np.array_equal(whole, Draws(1).bits("height", IDS))


def by_hand(seed: int, stream: str, entity: int) -> int:
    """splitmix64 in whole numbers of Python."""
    x = int.from_bytes(hashlib.sha256(f"{seed}/{stream}".encode()).digest()[:8], "little")
    x = (x + entity * 0x9E3779B97F4A7C15) % 2**64
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
    return x ^ x >> 31


@pytest.mark.parametrize("entity", [0, 1, 12_345_678, 2**40])
def test_a_draw_is_splitmix64_over_the_stream_key(entity: int) -> None:
    ids, bits = np.array([entity]), by_hand(7, "weight", entity)
    assert Draws(7).bits("weight", ids)[0] == bits
    assert Draws(7).uniform("weight", ids)[0] == (bits >> 11) / 2**53
    low, part = bits >> 52, (bits & 0xFFFFFFFF) / 2**32
    expected = NORMAL_TABLE[low] + (NORMAL_TABLE[low + 1] - NORMAL_TABLE[low]) * part
    assert Draws(7).normal("weight", ids)[0] == expected


def test_uniform_numbers_are_even_and_below_one() -> None:
    u = Draws(3).uniform("u", IDS)
    assert u.min() >= 0 and u.max() < 1
    assert abs(np.histogram(u, 10)[0] / len(u) - 0.1).max() < 0.003


def test_normal_numbers_have_mean_0_and_sd_1_within_3_84() -> None:
    z = Draws(3).normal("z", IDS)
    assert abs(z.mean()) < 0.01 and abs(z.std() - 1) < 0.01
    assert abs(z).max() < 3.85
    assert abs((z > 1.959964).mean() - 0.025) < 0.002


def test_the_normal_table_has_4097_entries_and_mirrors_itself() -> None:
    assert len(NORMAL_TABLE) == NORMAL_STEPS + 1
    assert np.array_equal(NORMAL_TABLE, -NORMAL_TABLE[::-1])


def test_a_pick_follows_its_shares() -> None:
    picked = Draws(4).picked("p", IDS, cumulative([1, 0, 3]))
    assert abs((picked == 0).mean() - 0.25) < 0.005
    assert not (picked == 1).any()
    assert abs((picked == 2).mean() - 0.75) < 0.005


def test_streams_of_one_entity_are_independent() -> None:
    draws = Draws(5)
    assert abs(np.corrcoef(draws.uniform("a", IDS), draws.uniform("b", IDS))[0, 1]) < 0.01
    assert abs(np.corrcoef(draws.uniform("a", IDS)[:-1], draws.uniform("a", IDS)[1:])[0, 1]) < 0.01
