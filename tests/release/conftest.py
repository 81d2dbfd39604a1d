"""A small release for the tests of export and codebook."""

from pathlib import Path

import pytest

from tests.release.small_release import made


@pytest.fixture
def small_release(tmp_path: Path) -> Path:
    return made(tmp_path / "published.duckdb")
