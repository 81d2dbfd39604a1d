"""The numbers marked as solved stand where the pilot puts them, and a wrong one is moved back."""

import pytest

from synthetic.parameters import parameters
from synthetic.population.risk import cut
from synthetic.solve import COMPLEMENTS, LIABILITIES, SHARES, THRESHOLDS, pilot_tally, solved

COLUMNS = 16_000


def test_the_solved_numbers_are_those_of_the_file() -> None:
    """As far as a tenth of the pilot can tell."""
    new = solved(pilot_tally(COLUMNS))
    assert len(new) == len(THRESHOLDS) + len(LIABILITIES) + len(SHARES) + len(COMPLEMENTS) + 1
    for place, value in new.items():
        told = parameters()
        for part in place:
            told = told[part]  # type: ignore[index]
        if place in LIABILITIES.values() or place in COMPLEMENTS.values():
            assert cut(value) == pytest.approx(cut(told), abs=0.12), place  # type: ignore[arg-type]
        else:
            assert value == pytest.approx(told, abs=0.12 if place[0] == "risk" else 0.01), place


def test_a_wrong_number_is_moved_back(monkeypatch: pytest.MonkeyPatch) -> None:
    effects = parameters()["risk"]["hypertensive"]
    right = effects["threshold"]
    monkeypatch.setitem(effects, "threshold", right - 0.3)
    assert solved(pilot_tally(4_000))["risk", "hypertensive", "threshold"] == pytest.approx(right, abs=0.09)
