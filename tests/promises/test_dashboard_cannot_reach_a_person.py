"""Promise 8: in-memory DuckDB, the release attached read-only, external access off, configuration locked."""

import ast
from pathlib import Path

import duckdb
import pytest

from dashboards.launch import SETTINGS
from dashboards.published import Release
from tests.dashboards.made_release import make_release

DASHBOARDS = Path(__file__).parents[2] / "dashboards"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return Release(make_release(tmp_path_factory.mktemp("release") / "published.duckdb"))


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret.csv"
    file.write_text("name\nCANARY\n")
    return file


@pytest.mark.parametrize(
    "attempt",
    [
        "SELECT * FROM read_csv('{file}')", "SELECT * FROM '{file}'", "SELECT * FROM read_text('{file}')", "SELECT * FROM glob('{folder}/*')",
        "COPY (SELECT 1) TO '{folder}/out.csv'", "ATTACH '{folder}/other.duckdb' AS other", "LOAD httpfs", "INSTALL httpfs",
        "EXPORT DATABASE '{folder}/all'",
    ],
)  # fmt: skip
def test_nothing_outside_the_release_can_be_reached(release: Release, secret: Path, attempt: str) -> None:
    before = sorted(secret.parent.iterdir())
    with release._cursor() as cursor, pytest.raises(duckdb.Error) as refused:
        cursor.execute(attempt.format(file=secret, folder=secret.parent)).fetchall()
    assert "CANARY" not in str(refused.value)
    assert sorted(secret.parent.iterdir()) == before


@pytest.mark.parametrize("change", ["enable_external_access=true", "lock_configuration=false", "memory_limit='1GB'"])
def test_no_setting_can_be_changed(release: Release, change: str) -> None:
    with release._cursor() as cursor, pytest.raises(duckdb.Error):
        cursor.execute(f"SET {change}")


@pytest.mark.parametrize(("setting", "value"), [("enable_external_access", "false"), ("lock_configuration", "true")])
def test_each_setting_stands(release: Release, setting: str, value: str) -> None:
    assert str(release.ask(f"SELECT current_setting('{setting}') AS is_set").item()).lower() == value


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE published.observation SET value = 1",
        "DELETE FROM published.release",
        "CREATE TABLE published.more (x INTEGER)",
        "DROP TABLE published.area",
    ],
)
def test_the_release_cannot_be_changed(release: Release, change: str) -> None:
    with release._cursor() as cursor, pytest.raises(duckdb.Error):
        cursor.execute(change)


def test_the_database_itself_is_in_memory_and_holds_nothing_but_the_release(release: Release) -> None:
    attached = release.ask(
        "SELECT database_name, path, readonly FROM duckdb_databases() WHERE NOT internal ORDER BY 1"
    ).rows()
    assert [(name, readonly) for name, _, readonly in attached] == [("memory", False), ("published", True)]
    assert attached[0][1] is None


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("client.showErrorDetails", "none"), ("browser.gatherUsageStats", False), ("server.address", "127.0.0.1"), ("server.headless", True),
        ("client.toolbarMode", "minimal"), ("server.fileWatcherType", "none"), ("server.maxUploadSize", 1), ("client.showErrorLinks", False),
    ],
)  # fmt: skip
def test_the_server_tells_nothing_and_listens_here_only(setting: str, value: object) -> None:
    assert SETTINGS[setting] == value


def _imported(file: Path) -> set[str]:
    tree = ast.parse(file.read_text("utf-8"))
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize("file", sorted(DASHBOARDS.rglob("*.py")), ids=lambda f: str(f.relative_to(DASHBOARDS)))
def test_no_page_imports_a_pipeline(file: Path) -> None:
    assert not {name for name in _imported(file) if name.split(".")[0] in ("pipelines", "synthetic", "tests")}


def test_only_one_file_opens_a_database() -> None:
    assert [f.name for f in DASHBOARDS.rglob("*.py") if "duckdb" in _imported(f)] == ["published.py"]
