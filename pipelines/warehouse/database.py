"""The one function that opens the warehouse: encrypted at rest, spill included, one process at a time, never HOME.

DuckDB 1.5.5 writes encrypted files only with its httpfs extension, which is loaded by its path inside the wheel
(reference: engineering, chapter 3): nothing is searched, installed or downloaded.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import duckdb

from pipelines.warehouse.problem import DISK, KEY, USAGE, WarehouseBusy, WarehouseProblem, disk_problem

try:
    import fcntl
except ImportError:  # Windows: DuckDB's own lock on the file remains
    fcntl = None  # type: ignore[assignment]

DATABASE, SPILL, RECEIPTS, LOCK = "warehouse.duckdb", "spill", "receipts", "lock"
MEMORY_LIMIT = "1GB"
DISK_ERRORS = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
# A batch of parcels or a refresh is larger: written once, to the file, at its commit. Less passes the log first.
CHECKPOINT_THRESHOLD = "32MB"


def make_folder(folder: Path) -> None:
    """An empty warehouse folder, readable by its owner alone."""
    for part in (folder, folder / SPILL, folder / RECEIPTS):
        part.mkdir(parents=True, exist_ok=True)
        part.chmod(0o700)


@contextmanager
def opened(
    folder: Path, warehouse_key: str, *, memory_limit: str = MEMORY_LIMIT, threads: int | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse in `folder`, ready for SQL; closed and unlocked afterwards.

    Raises WarehouseBusy (75) while another process has it, WarehouseProblem 77 for another key, 74 for a full disk,
    64 where there is no warehouse.
    """
    require_warehouse(folder)
    with locked(folder):
        connection = attached(folder, warehouse_key, memory_limit, threads)
        try:
            with told_plainly():
                yield connection
        finally:
            connection.close()


def require_warehouse(folder: Path) -> None:
    """Raises WarehouseProblem (64) where there is no warehouse."""
    if not (folder / DATABASE).is_file():
        raise WarehouseProblem(
            "データベースのフォルダが必要ですが、指定されたフォルダにはありません。mchdb init で作成してください。",
            "A warehouse folder is required; the given folder holds none. Make one with mchdb init.",
            USAGE,
        )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the folder's lock; the system gives it back even after kill -9."""
    handle = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        _take(handle)
        yield
    finally:
        os.close(handle)


def _take(handle: int) -> None:
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise WarehouseBusy() from None


def attached(
    folder: Path, warehouse_key: str, memory_limit: str = MEMORY_LIMIT, threads: int | None = None, draft: str = ""
) -> duckdb.DuckDBPyConnection:
    """A connection to the encrypted file; creates the file where there is none. The caller holds the lock.

    draft: name of another file, which is `warehouse` then; the one there is can be read as `before`.
    """
    connection, sealed = _engine(folder, memory_limit, threads), _encryption(warehouse_key)
    try:
        if draft:
            connection.execute(f"ATTACH {_quoted(folder / DATABASE)} AS before ({sealed}, READ_ONLY)")
        connection.execute(f"ATTACH {_quoted(folder / (draft or DATABASE))} AS warehouse ({sealed})")
    except duckdb.Error as error:
        connection.close()
        raise _not_opened(error) from None
    connection.execute("USE warehouse")
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")
    return connection


def _encryption(warehouse_key: str) -> str:
    return f"ENCRYPTION_KEY {_quoted(warehouse_key)}, ENCRYPTION_CIPHER 'GCM'"


def _engine(folder: Path, memory_limit: str, threads: int | None) -> duckdb.DuckDBPyConnection:
    spill = str(folder / SPILL)
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_persistent_secrets": "false",
            "extension_directory": spill,
            "home_directory": spill,
            "temp_directory": spill,
            "memory_limit": memory_limit,
            "checkpoint_threshold": CHECKPOINT_THRESHOLD,
            "preserve_insertion_order": "false",
            **({"threads": str(threads)} if threads else {}),
        },
    )
    connection.execute("SET temp_file_encryption=true")
    # Our joins name the larger side first; the estimate behind the views is far too low and would turn them round.
    connection.execute("SET disabled_optimizers='build_side_probe_side'")
    connection.execute(f"LOAD {_quoted(_extension())}")
    return connection


def _extension() -> Path:
    spec = find_spec("duckdb_extension_httpfs")
    roots = list(spec.submodule_search_locations or ()) if spec else []
    path = Path(roots[0]) / "extensions" / f"v{duckdb.__version__}" / "httpfs.duckdb_extension" if roots else None
    if path is None or not path.is_file():
        raise WarehouseProblem(
            f"暗号化には DuckDB {duckdb.__version__} 用の duckdb-extension-httpfs が必要ですが、ありません。mchdb[centre] を導入してください。",
            f"Encryption needs duckdb-extension-httpfs for DuckDB {duckdb.__version__}; it is missing. Install mchdb[centre].",
            USAGE,
        )
    return path


def _not_opened(error: duckdb.Error) -> WarehouseProblem:
    """The cause is told apart by DuckDB's text, which goes no further."""
    text = str(error)
    if "Conflicting lock" in text or "lock on file" in text:
        return WarehouseBusy()
    if "ncryption key" in text:
        return WarehouseProblem(
            "このデータベースを作成した鍵(warehouse)が必要ですが、別の鍵が渡されました。正しい鍵のフォルダを --keys に指定してください。",
            "The warehouse key that made this warehouse is required; another was given. Name the right folder with --keys.",
            KEY,
        )
    return disk_problem() if _is_disk(text) else unreadable()


def unreadable() -> WarehouseProblem:
    return WarehouseProblem(
        "データベースのファイルが読めません。mchdb restore で控えから戻してください。",
        "The warehouse file cannot be read. Bring it back from a copy with mchdb restore.",
        DISK,
    )


def _is_disk(text: str) -> bool:
    return any(
        sign in text for sign in ("No space left", "File too large", "disk quota", "Could not write", "max_temp")
    )


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turns what a full disk makes of DuckDB and the system into one sentence; any other fault goes on as it is."""
    try:
        yield
    except duckdb.Error as error:
        if not _is_disk(str(error)):
            raise
        raise disk_problem() from None
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        raise disk_problem() from None


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All of it or, on any fault, none of it; a fault in the commit has rolled back by itself."""
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise


def _quoted(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
