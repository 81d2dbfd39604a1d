"""The centre's keys, and a town that can send to it."""

from pathlib import Path

import pytest

from pipelines.keys import create
from tests.edge.made_feeds import Town


@pytest.fixture
def centre(tmp_path: Path) -> Path:
    home = tmp_path / "centre"
    for kind in ("edge", "linkage", "load", "centre", "warehouse"):
        create(kind, home / kind)
    return home


@pytest.fixture
def town(tmp_path: Path, centre: Path) -> Town:
    return Town(tmp_path / "town", centre)
