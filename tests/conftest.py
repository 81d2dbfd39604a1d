"""What every test shares: an empty home folder, and generated tables that are the same on every run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# No deadline: both cores are shared. Derandomized: a red run can be repeated, a green one is no luck of the draw.
settings.register_profile("house", deadline=None, derandomize=True, database=None)
settings.load_profile("house")


@pytest.fixture(scope="session", autouse=True)
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home folder that holds nothing, as a new user's: a filled one hides faults (DuckDB finds extensions there)."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HOME", str(home))
        environment.setenv("USERPROFILE", str(home))
        yield home
    if (home / ".duckdb").exists():
        raise RuntimeError("no test may leave anything for DuckDB in the home folder, but .duckdb was made there")
