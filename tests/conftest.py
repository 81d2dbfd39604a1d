"""What every test shares: an empty home folder, generated tables that are the same on every run, one whole way."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from pipelines.demo import Places

# As the commands set it, before NumPy is loaded: threads of BLAS stall on the short vectors of the audits.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
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


@pytest.fixture(scope="session")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple["Places", str]:
    """The whole way on the cohort of one prefecture, walked once for all tests marked `alone`, and what it printed."""
    from pipelines.demo import Places, run_demo  # here, so that other tests do not load every station

    out = tmp_path_factory.mktemp("whole") / "demo"
    with redirect_stdout(io.StringIO()) as printed:
        run_demo(out, ("31",), seed=1, jobs=2)
    return Places(out), printed.getvalue()


@pytest.fixture(scope="session")
def places(walked: tuple["Places", str]) -> "Places":
    return walked[0]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 24 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be mounted by root on Linux")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture(scope="module")
def linkage_in_a_thread() -> Iterator[None]:
    """The process of the linkage and centre keys as a thread. For tests of what a load does with the answers: to start
    Python and Polars for each load takes longer than the load. That the keys are apart is tested on the process."""
    from pipelines.warehouse import load, rekey
    from tests.warehouse.linkage_thread import linkage_thread

    with pytest.MonkeyPatch.context() as patch:
        for module in (load, rekey):
            patch.setattr(module, "linkage_process", linkage_thread)
        yield
