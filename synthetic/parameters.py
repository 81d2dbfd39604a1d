"""The cohort's numbers, read once from `parameters.toml`."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from synthetic.draws import Floats, cumulative


@cache
def parameters() -> dict[str, dict[str, Any]]:
    """Section -> name -> value; probabilities are shares from 0 to 1."""
    return tomllib.loads(files("synthetic").joinpath("parameters.toml").read_text("utf-8"))


def numbers(section: str, name: str) -> Floats:
    """A list (or a table) of the file as an array."""
    return np.array(parameters()[section][name], dtype=np.float64)


def shares(section: str, name: str) -> Floats:
    """A list of the file as a cumulative distribution."""
    return cumulative(parameters()[section][name])
