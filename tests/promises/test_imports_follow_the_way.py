"""Promise: the imports follow the way of the data, so that a room cannot reach what it must not see.

`edge` and `warehouse` meet only in a parcel, `release` and `dashboards` only in `published.duckdb`; what is declared
(`declaration`, `records`, `feeds`, `indicators`) opens no file and no connection. Read from the source text: an import
inside a function or under TYPE_CHECKING counts like any other.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

DECLARED = {"pipelines.declaration", "pipelines.reference"}
ARRIVING = {*DECLARED, "pipelines.records", "pipelines.feeds"}
MAY_IMPORT: dict[str, set[str]] = {
    "pipelines.reference": set(),
    "pipelines.declaration": DECLARED,
    "pipelines.records": {*DECLARED, "pipelines.records"},
    "pipelines.feeds": ARRIVING,
    "pipelines.keys": set(),  # reads key files; whoever holds one kind of key finds it by the same words
    "pipelines.key_delivery": {"pipelines.keys"},
    "pipelines.edge": {*ARRIVING, "pipelines.keys", "pipelines.edge"},
    "pipelines.warehouse": {*DECLARED, "pipelines.records", "pipelines.keys", "pipelines.warehouse"},
    "pipelines.indicators": {*DECLARED, "pipelines.indicators"},
    "pipelines.release": {*DECLARED, "pipelines.indicators", "pipelines.release"},
    "dashboards": {"dashboards"},
    "synthetic": {*ARRIVING, "synthetic"},
}
# They lay the stations one behind the other and hold no rule of their own; nothing may import them.
CONDUCTORS = {"pipelines.cli", "pipelines.conduct", "pipelines.demo"}
# The municipality's own summary counts what is declared, in memory.
COUNTS_AT_THE_EDGE = {f"pipelines.edge.{name}" for name in ("summary", "outreach", "grains", "reached")}

OPENS_NOTHING = ("pipelines.declaration", "pipelines.records", "pipelines.feeds", "pipelines.indicators")
LIBRARIES_THAT_OPEN = {
    "duckdb", "ftplib", "http", "requests", "shutil", "socket", "sqlite3", "subprocess", "tempfile", "urllib",
}  # fmt: skip
CALLS_THAT_OPEN = ("open", "connect", "urlopen", "read_", "scan_", "write_", "sink_")
HEAVY = ("polars", "duckdb", "numpy", "scipy", "pyarrow", "streamlit", "plotly", "cryptography", "pyrage", "faker")


def room_of(module: str) -> str | None:
    """The room a module stands in, or None when it is not ours."""
    rooms = (r for r in (*MAY_IMPORT, *CONDUCTORS) if module == r or module.startswith(r + "."))
    return max(rooms, key=len, default=None)


def is_in(module: str, rooms: tuple[str, ...]) -> bool:
    return any(module == room or module.startswith(room + ".") for room in rooms)


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def dynamic_target(node: ast.Call) -> str:
    """What `import_module(...)` names, or `?` when only the running program knows it."""
    first = node.args[0] if node.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else "?"


def targets(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything imported, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            stem = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{stem}.{name.name}") for name in node.names)
        elif isinstance(node, ast.Call) and called(node) in ("import_module", "__import__"):
            yield node.lineno, dynamic_target(node)


def import_breach(module: str, target: str) -> str | None:
    """Why this module may not import that target, or None when it may."""
    if target.startswith((".", "?")) or (target.endswith(".*") and target.split(".")[0] in ("pipelines", "dashboards")):
        return f"imports {target}: absolute names only, so that the borders can be read"
    library, theirs, ours = target.split(".")[0], room_of(target), room_of(module)
    if library == "duckdb" and is_in(module, ("pipelines.edge",)) and module not in COUNTS_AT_THE_EDGE:
        return "imports duckdb: the edge opens no database"
    if library == "duckdb" and is_in(module, ("dashboards",)) and module != "dashboards.published":
        return "imports duckdb: a view asks dashboards.published"
    if library in LIBRARIES_THAT_OPEN and is_in(module, OPENS_NOTHING):
        return f"imports {library}: what is declared opens nothing"
    if theirs is None or theirs == ours or ours in CONDUCTORS:
        return None
    if theirs == "pipelines.indicators" and module in COUNTS_AT_THE_EDGE:
        return None
    return None if ours is not None and theirs in MAY_IMPORT[ours] else f"imports {target}, a room it must not see"


def call_breach(module: str, node: ast.Call) -> str | None:
    """Why this module may not make that call, or None when it may."""
    name = called(node)
    if is_in(module, OPENS_NOTHING) and any(
        name == banned or (banned.endswith("_") and name.startswith(banned)) for banned in CALLS_THAT_OPEN
    ):
        return f"calls {name}(): what is declared opens nothing"
    if is_in(module, ("pipelines.edge",)) and name == "connect":
        to = [a.value if isinstance(a, ast.Constant) else "?" for a in (*node.args, *(k.value for k in node.keywords))]
        return None if to in ([], [":memory:"]) else "connects to a file: the edge keeps its database in memory"
    return None


def text_breach(module: str, node: ast.Constant) -> str | None:
    """Why this module may not hold that text, or None when it may."""
    attaches = isinstance(node.value, str) and node.value.lstrip().upper().startswith("ATTACH ")
    at_the_edge = is_in(module, ("pipelines.edge",))
    return "attaches a file: the edge keeps its database in memory" if attaches and at_the_edge else None


def breaches(module: str, source: str) -> list[str]:
    """Every breach of a module's borders: `module:line reason`."""
    tree = ast.parse(source)
    found = [(line, import_breach(module, target)) for line, target in targets(tree)]
    found += [(n.lineno, call_breach(module, n)) for n in ast.walk(tree) if isinstance(n, ast.Call)]
    found += [(n.lineno, text_breach(module, n)) for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    return [f"{module}:{line} {reason}" for line, reason in found if reason]


def modules() -> dict[str, Path]:
    files = (f for package in ("pipelines", "dashboards", "synthetic") for f in sorted((ROOT / package).rglob("*.py")))
    return {".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): f for f in files}


def test_no_module_reaches_over_its_border() -> None:
    found = [breach for name, file in modules().items() for breach in breaches(name, file.read_text("utf-8"))]
    assert found == []


def test_every_module_stands_in_a_room_of_the_way() -> None:
    assert [name for name in modules() if name != "pipelines" and room_of(name) is None] == []


def test_nothing_imports_a_conductor() -> None:
    """A station that calls the command line would run the way backwards."""
    assert all(not rooms & CONDUCTORS for rooms in MAY_IMPORT.values())
    assert breaches("pipelines.warehouse.load", "from pipelines.cli import main") != []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("pipelines.warehouse.load", "from pipelines.edge import seal"),
        ("pipelines.warehouse.load", "import pipelines.edge.seal"),
        ("pipelines.warehouse.load", "from pipelines import edge"),
        ("pipelines.warehouse.load", "def f():\n    from pipelines.edge.seal import seal"),
        ("pipelines.warehouse.load", "if TYPE_CHECKING:\n    import pipelines.edge"),
        ("pipelines.warehouse.load", "import importlib\nimportlib.import_module('pipelines.edge')"),
        ("pipelines.warehouse.load", "__import__(name)"),
        ("pipelines.warehouse.load", "from pipelines import *"),
        ("pipelines.warehouse.load", "from pipelines.feeds import FEEDS"),
        ("pipelines.warehouse.load", "from synthetic.population import births"),
        ("pipelines.edge.seal", "from pipelines.warehouse import load"),
        ("pipelines.edge.seal", "from ..warehouse import load"),
        ("pipelines.edge.seal", "import duckdb"),
        ("pipelines.edge.seal", "from pipelines.indicators import COUNTS"),
        ("pipelines.edge.summary", "import duckdb\nduckdb.connect('people.duckdb')"),
        ("pipelines.edge.summary", "import duckdb\nduckdb.connect(database=path)"),
        ("pipelines.edge.outreach", "con.execute(\"attach 'people.duckdb'\")"),
        ("pipelines.release.publish", "from pipelines.records import RECORDS"),
        ("pipelines.release.publish", "from pipelines.warehouse.opening import opened"),
        ("pipelines.release.publish", "from pipelines.edge import tokens"),
        ("pipelines.indicators.birth", "from pipelines.release import policy"),
        ("pipelines.indicators.birth", "import duckdb"),
        ("pipelines.records.child", "from pipelines.feeds import FEEDS"),
        ("pipelines.records.child", "TABLE = pl.read_csv('growth.csv')"),
        ("pipelines.records.child", "text = Path('growth.csv').read_text()"),
        ("pipelines.feeds.pmh", "with open('layout.csv') as f: pass"),
        ("pipelines.feeds.pmh", "pl.scan_parquet('x')"),
        ("pipelines.declaration", "from pipelines.records import RECORDS"),
        ("pipelines.declaration", "from urllib.request import urlopen"),
        ("pipelines.reference", "from pipelines.declaration import Policy"),
        ("dashboards.views.trend", "from pipelines.declaration import Indicator"),
        ("dashboards.views.trend", "import duckdb"),
        ("synthetic.send", "from pipelines.edge import seal"),
    ],
)  # fmt: skip
def test_a_planted_breach_is_found(module: str, source: str) -> None:
    assert breaches(module, source) != []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("pipelines.edge.seal", "from pipelines.records import parcel\nfrom pipelines.feeds.feed import Feed"),
        ("pipelines.edge.summary", "import duckdb\nfrom pipelines.indicators import COUNTS\nduckdb.connect()"),
        ("pipelines.edge.summary", "import duckdb\nduckdb.connect(':memory:')"),
        ("pipelines.warehouse.load", "import duckdb\nfrom pipelines.records.parcel import TABLES"),
        ("pipelines.release.measure", "from pipelines.indicators import COUNTS\nimport duckdb"),
        ("pipelines.reference.names", "from pipelines.reference import units\nopen('x')"),
        ("pipelines.cli", "def send():\n    from pipelines.edge import send"),
        ("dashboards.published", "import duckdb\nfrom dashboards import words"),
        ("synthetic.send", "from pipelines.feeds import FEEDS"),
    ],
)
def test_what_the_way_allows_is_no_breach(module: str, source: str) -> None:
    assert breaches(module, source) == []


def test_the_command_line_starts_without_a_heavy_library() -> None:
    """`mchdb --help` answers at once, and a town hall needs only the extra of its own command."""
    ask = f"import sys, pipelines.cli; print([m for m in {HEAVY} if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout.strip()) == (0, "[]"), answer.stderr
