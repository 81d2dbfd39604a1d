"""The house itself: names, dependencies and their lock, what the wheel holds, and what no file may tell."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGES = ("pipelines", "dashboards", "synthetic")
NOT_OURS = {".git", ".venv", "demo", "dist", "build", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
NAMES_THAT_SAY_NOTHING = {"utils", "util", "common", "misc", "helpers", "helper", "manager", "v2"}
LOCKS = {
    "requirements.lock": ("edge", "centre", "dashboards", "synthetic", "test"),
    "requirements-scale.lock": ("scale",),
    "requirements-edge-windows.lock": ("edge",),
    "requirements-edge-linux.lock": ("edge",),
}

# Each is written in two parts, so that this file does not find itself.
TOLD_BY_NO_FILE = {
    "a path of one machine": [f"/{a}{b}/" for a, b in (("wo", "rk"), ("tm", "p"), ("ro", "ot"), ("ho", "me"))],
    "a host of a package registry": ["pypi" + ".org", "python" + "hosted", "npm" + "js.", "deb." + "debian"],
    "a folder of local packages": ["/opt" + "/wheels", "/opt" + "/pypi"],
}


def tree() -> Iterator[Path]:
    """Every file that is ours, as a path below the root."""
    for file in sorted(ROOT.rglob("*")):
        below = file.relative_to(ROOT)
        if file.is_file() and below.parts[0] not in NOT_OURS and "__pycache__" not in below.parts:
            yield below


def project() -> dict[str, list[str]]:
    """Requirements by extra; `` is what every command needs, `build` what makes the wheel."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = told["project"]["optional-dependencies"]
    return {"": told["project"]["dependencies"], "build": told["build-system"]["requires"], **extras}


def locked(name: str) -> dict[str, str]:
    """Package -> version of a lock file."""
    pairs = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", (ROOT / name).read_text("utf-8"), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in pairs}


def says_nothing(path: Path) -> bool:
    return bool(NAMES_THAT_SAY_NOTHING & {part.split(".")[0].lower() for part in path.parts}) or "manager" in path.stem


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [str(path) for path in tree() if says_nothing(path)] == []


@pytest.mark.parametrize(
    "path", ["pipelines/utils.py", "tests/common/x.py", "pipelines/edge/key_manager.py", "a/v2/b.sql"]
)
def test_a_name_that_says_nothing_is_found(path: str) -> None:
    assert says_nothing(Path(path))


def class_names(folder: Path) -> Iterator[str]:
    """Of every class in the modules of a folder and below; at the top of a package, of its own modules alone."""
    modules = folder.glob("*.py") if folder.name in PACKAGES else folder.rglob("*.py")
    for module in modules:
        yield from (n.name for n in ast.parse(module.read_text("utf-8")).body if isinstance(n, ast.ClassDef))


@pytest.mark.parametrize("package", PACKAGES)
def test_a_class_name_means_one_thing_in_its_room_and_in_what_every_room_sees(package: str) -> None:
    """Rooms that never meet may each have their own `Table`; what lies at the top of a package is seen from all of them."""
    top = list(class_names(ROOT / package))
    for room in (folder for folder in (ROOT / package).iterdir() if folder.is_dir()):
        names = [*top, *class_names(room)]
        assert {name for name in names if names.count(name) > 1} == set(), room.name


def test_every_dependency_has_its_reason() -> None:
    """As a comment on its own line of pyproject.toml."""
    lines = (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
    for requirement in (r for group in project().values() for r in group):
        named = [line for line in lines if f'"{requirement}"' in line]
        assert named, requirement
        assert all(re.search(r'"[\],]* +# \S+ \S+', line) for line in named), f"{requirement}: why is it here?"


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_a_hash_and_no_place_to_fetch_it_from(name: str) -> None:
    blocks = re.split(r"\n(?=\S)", (ROOT / name).read_text("utf-8").strip())
    form = re.compile(r"[a-z0-9._-]+==[^\s;]+( ; [^\\]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+")
    assert [block.splitlines()[0] for block in blocks if not form.fullmatch(block)] == []


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_keeps_what_the_project_asks(name: str) -> None:
    """A requirement changed without `make lock` is found here."""
    versions = locked(name)
    asked = [Requirement(r) for extra in ("", *LOCKS[name]) for r in project()[extra]]
    assert {r.name: versions.get(canonicalize_name(r.name)) for r in asked if not fits(r, versions)} == {}


def fits(requirement: Requirement, versions: dict[str, str]) -> bool:
    version = versions.get(canonicalize_name(requirement.name))
    return version is not None and requirement.specifier.contains(version)


def test_the_locks_agree_and_the_first_holds_the_build_backend() -> None:
    first, *others = (locked(name) for name in LOCKS)
    assert [(n, v, first[n]) for other in others for n, v in other.items() if first.get(n, v) != v] == []
    assert all(fits(Requirement(r), first) for r in project()["build"])


@pytest.mark.parametrize("script", ["start.cmd", "start.sh"])
def test_the_edge_bundle_installs_from_its_own_folder_and_compares_hashes(script: str) -> None:
    """Run as a whole by `make edge-bundle`, which fetches the wheels; without them only its words can be tried."""
    text = (ROOT / "pipelines/edge/bundle" / script).read_bytes().decode("utf-8")
    install = next(line for line in text.splitlines() if "pip install" in line)
    assert "--no-index --find-links wheels --require-hashes" in install
    assert [lock for lock in re.findall(r"requirements-\S+\.lock", text) if lock not in LOCKS] == []
    assert text.count("\r\n") == (text.count("\n") if script.endswith(".cmd") else 0)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names of the files in a wheel built from this tree, offline."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as parts:
        return [n for n in parts.namelist() if ".dist-info/" not in n]


def test_the_wheel_holds_the_three_packages_with_their_data_and_nothing_else(wheel: list[str]) -> None:
    ours = {str(path.as_posix()) for path in tree() if path.parts[0] in PACKAGES}
    assert set(wheel) == ours
    assert {Path(name).suffix for name in wheel} >= {".py", ".sql", ".csv", ".json", ".toml"}
    assert not [name for name in wheel if "test" in Path(name).parts[0]]


def told(text: str) -> list[str]:
    """What a text tells that no file may tell."""
    return [what for what, marks in TOLD_BY_NO_FILE.items() if any(mark in text for mark in marks)]


def test_no_file_tells_of_the_machine_it_was_written_on() -> None:
    texts = ((path, (ROOT / path).read_bytes().decode("utf-8", "ignore")) for path in tree())
    assert {str(path): found for path, text in texts if (found := told(text))} == {}


@pytest.mark.parametrize("marks", TOLD_BY_NO_FILE.values(), ids=TOLD_BY_NO_FILE.keys())
def test_each_mark_of_a_machine_is_found(marks: list[str]) -> None:
    assert all(told(f"see {mark}x for more") for mark in marks)


# The extras that a room is installed with; each alone must do: a town hall installs `edge` and nothing else.
EXTRAS_OF = {
    "pipelines": ("",),
    "pipelines.keys": ("edge", "centre"),
    "pipelines.key_delivery": ("edge", "centre"),
    "pipelines.edge": ("edge",),
    "pipelines.warehouse": ("centre",),
    "pipelines.release": ("centre",),
    "pipelines.conduct": ("centre",),
    "dashboards": ("dashboards",),
    "synthetic": ("synthetic",),
}


def libraries(file: Path) -> set[str]:
    """Top names of all absolute imports of a file, wherever they stand."""
    nodes = list(ast.walk(ast.parse(file.read_text("utf-8"))))
    plain = {name.name for n in nodes if isinstance(n, ast.Import) for name in n.names}
    plain |= {n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module}
    return {name.split(".")[0] for name in plain}


def brought_by(extra: str) -> set[str]:
    return {canonicalize_name(Requirement(r).name) for name in {"", extra} for r in project()[name]}


def test_every_room_imports_only_what_its_extra_brings() -> None:
    distributions = packages_distributions()
    own = {*PACKAGES, *sys.stdlib_module_names}
    for path in (p for p in tree() if p.parts[0] in PACKAGES and p.suffix == ".py"):
        room = max((r for r in EXTRAS_OF if ".".join(path.with_suffix("").parts).startswith(r)), key=len)
        for library in libraries(ROOT / path) - own:
            given = {canonicalize_name(d) for d in distributions.get(library, [library])}
            lacking = [extra or "dependencies" for extra in EXTRAS_OF[room] if not given & brought_by(extra)]
            assert not lacking, f"{path} imports {library}, which {lacking} of pyproject.toml do not bring"
