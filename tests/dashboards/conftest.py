"""A release made once for all tests of the dashboards, and a way to run one page of it without a browser."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboards.published import Release
from tests.dashboards.made_release import make_release
from tests.dashboards.pages import run_page


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_release(tmp_path_factory.mktemp("release") / "published.duckdb")


@pytest.fixture(scope="session")
def release(published: Path) -> Release:
    return Release(published)


@pytest.fixture
def page(published: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """`page("map", level="prefecture")` runs a page as if that address had been opened."""
    monkeypatch.setenv("MCHDB_PUBLISHED", str(published))
    return run_page
