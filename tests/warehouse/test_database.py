"""The warehouse is opened in one place: encrypted, one process at a time, never HOME, every failure one sentence."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines.records import RECORDS
from pipelines.warehouse import database, schema
from pipelines.warehouse.database import attached, make_folder, opened, told_plainly
from pipelines.warehouse.problem import WarehouseBusy, WarehouseProblem
from pipelines.warehouse.schema import landing_columns, prepare

KEY = "ab" * 32
ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "w"
    make_folder(made)
    connection = attached(made, KEY)
    prepare(connection)
    connection.execute("CREATE TABLE core.canary AS SELECT 'canary-in-plain' AS word FROM range(1000)")
    connection.close()
    yield made


def test_nothing_on_the_disk_is_plain(folder: Path) -> None:
    with opened(folder, KEY) as connection:
        connection.execute("INSERT INTO core.canary SELECT 'canary-in-plain' FROM range(1000)")
        assert (folder / "warehouse.duckdb.wal").stat().st_size > 0
        assert not [f for f in folder.rglob("*") if f.is_file() and b"canary-in-plain" in f.read_bytes()]
    assert b"canary-in-plain" not in (folder / "warehouse.duckdb").read_bytes()


def test_what_spills_is_encrypted(folder: Path) -> None:
    with opened(folder, KEY, memory_limit="160MB") as connection:
        connection.execute(
            "CREATE TABLE core.long AS SELECT repeat('canary-in-plain', 20) || i AS word FROM range(600000) r(i)"
        )
        sorting = connection.execute("SELECT word FROM core.long ORDER BY hash(word)")
        sorting.fetchmany(10)
        spilled = [f for f in (folder / "spill").rglob("*") if f.is_file()]
        assert spilled
        assert not [f for f in spilled if b"canary-in-plain" in f.read_bytes()]


def test_folders_are_the_owners_alone(folder: Path) -> None:
    assert {oct(p.stat().st_mode & 0o777) for p in (folder, folder / "spill", folder / "receipts")} == {"0o700"}


def test_the_connection_reaches_no_other_file_and_stays_so(folder: Path) -> None:
    with opened(folder, KEY) as connection:
        with pytest.raises(duckdb.PermissionException):
            connection.execute("SELECT * FROM read_csv('/etc/hosts')")
        with pytest.raises(duckdb.InvalidInputException):
            connection.execute("SET enable_external_access=true")


def test_another_key_is_refused_in_our_words(folder: Path) -> None:
    with pytest.raises(WarehouseProblem) as problem, opened(folder, "cd" * 32):
        pass
    assert problem.value.exit_code == 77
    assert "cd" * 4 not in str(problem.value) and "Error" not in str(problem.value)


def test_a_second_process_is_told_to_wait(folder: Path) -> None:
    ask = (
        "import sys; from pathlib import Path\n"
        "from pipelines.warehouse.database import opened\n"
        "from pipelines.warehouse.problem import WarehouseProblem\n"
        "try:\n    opened(Path(sys.argv[1]), sys.argv[2]).__enter__()\n"
        "except WarehouseProblem as problem:\n    print(problem.sentence_en); sys.exit(problem.exit_code)"
    )
    with opened(folder, KEY):
        answer = subprocess.run(
            [sys.executable, "-c", ask, str(folder), KEY], cwd=ROOT, capture_output=True, text=True, check=False
        )
    assert (answer.returncode, answer.stdout.strip()) == (75, WarehouseBusy().sentence_en)
    with opened(folder, KEY):
        pass  # free again


def test_no_warehouse_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(WarehouseProblem) as problem, opened(tmp_path, KEY):
        pass
    assert problem.value.exit_code == 64


def test_home_is_never_touched(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    monkeypatch.setenv("HOME", str(home))
    with opened(folder, KEY) as connection:
        connection.execute("SELECT 1")
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [OSError(28, "No space left on device"), duckdb.IOException("Could not write file: No space left on device")],
)
def test_a_full_disk_is_one_sentence(error: Exception) -> None:
    with pytest.raises(WarehouseProblem) as problem, told_plainly():
        raise error
    assert problem.value.exit_code == 74
    assert "No space left" not in str(problem.value)


def test_a_missing_extension_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(database, "find_spec", lambda name: None)
    make_folder(tmp_path / "w")
    with pytest.raises(WarehouseProblem) as problem:
        attached(tmp_path / "w", KEY)
    assert problem.value.exit_code == 64


def test_the_landing_is_what_is_declared(folder: Path) -> None:
    with opened(folder, KEY) as connection:
        for record in RECORDS.values():
            described = connection.execute(f"DESCRIBE landing.{record.name}").fetchall()
            assert {name: kind for name, kind, *_ in described} == {
                name: kind.removesuffix(" NOT NULL") for name, kind in landing_columns(record).items()
            }
        comment = connection.execute(
            "SELECT comment FROM duckdb_columns() WHERE schema_name = 'landing' AND table_name = 'birth' AND column_name = 'birth_weight_g_class'"
        ).fetchone()
    assert comment == ("出生体重 / birth weight",)


def test_no_landing_column_is_made_of_what_stays_at_the_edge(folder: Path) -> None:
    stays = {n for r in RECORDS.values() for n, f in r.fields.items() if f.leaves_as(n) is None}
    with opened(folder, KEY) as connection:
        columns = {
            c
            for (c,) in connection.execute(
                "SELECT column_name FROM duckdb_columns() WHERE schema_name IN ('landing', 'core')"
            ).fetchall()
        }
    assert columns & stays == set()


def test_a_field_declared_later_becomes_a_column(folder: Path) -> None:
    with opened(folder, KEY) as connection:
        connection.execute("DROP VIEW landing.current_birth")
        connection.execute("ALTER TABLE landing.birth DROP COLUMN nicu_code")
        prepare(connection)
        assert ("nicu_code",) in connection.execute("SELECT column_name FROM (DESCRIBE landing.birth)").fetchall()


def test_a_code_list_that_has_grown_keeps_the_codes_there_are(folder: Path) -> None:
    with opened(folder, KEY) as connection:
        connection.execute("DROP VIEW landing.current_birth")
        connection.execute("ALTER TABLE landing.birth ALTER COLUMN nicu_code SET DATA TYPE ENUM('2')")
        connection.execute("""INSERT INTO landing.birth (submitter, sequence, feed, row_key, resident_key, is_held, nicu_code)
            VALUES ('a', 1, 'municipal', uuid(), uuid(), FALSE, '2')""")
        prepare(connection)
        described = {name: kind for name, kind, *_ in connection.execute("DESCRIBE landing.birth").fetchall()}
        assert described["nicu_code"] == landing_columns(RECORDS["birth"])["nicu_code"]
        assert connection.execute("SELECT nicu_code FROM landing.birth").fetchall() == [("2",)]


def test_a_migration_that_stops_halfway_is_applied_whole_the_next_time(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = tmp_path / "migrations" / "9999_later.sql"
    step.parent.mkdir()
    monkeypatch.setattr(schema, "files", lambda package: tmp_path)
    with opened(folder, KEY) as connection:
        step.write_text("CREATE TABLE state.later (n INTEGER); SELECT error('stopped')")
        with pytest.raises(duckdb.Error, match="stopped"):
            prepare(connection)
        step.write_text("CREATE TABLE state.later (n INTEGER); INSERT INTO state.later VALUES (1)")
        prepare(connection)
        assert connection.execute("SELECT n FROM state.later").fetchall() == [(1,)]


def test_the_lock_falls_with_its_process(folder: Path) -> None:
    hold = "import sys,time; from pathlib import Path\nfrom pipelines.warehouse.database import opened\nwith opened(Path(sys.argv[1]), sys.argv[2]):\n    print('held', flush=True); time.sleep(60)"
    process = subprocess.Popen(
        [sys.executable, "-c", hold, str(folder), KEY], cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ}
    )
    with process:
        if process.stdout is None or process.stdout.readline().strip() != b"held":
            raise RuntimeError("the other process did not open the warehouse")
        with pytest.raises(WarehouseBusy), opened(folder, KEY):
            pass
        process.kill()
    with opened(folder, KEY):
        pass
