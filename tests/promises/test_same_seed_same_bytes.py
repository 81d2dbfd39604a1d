"""Promise 10, cohorts: the same seed gives the same bytes, whatever the chunk, the workers or the processor.

The first N entities do not change when N grows. The committed digest is that of every machine; it changes only with
`synthetic.VERSION`, the parameters, or Faker's lists.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from pipelines.conduct import counted_records
from synthetic.cohort import make_cohort
from synthetic.truth import ORDER

ROOT = Path(__file__).parents[2]
BIRTHS, FEWER = 600, 250
COUNTED = counted_records()  # one column at a time is tried with every record that a cohort can send
COMMITTED = "97f574504c5b758c3d4149cda8619993e0a8645bbc04f91970b360ca84d5f381"
MAKE = "import sys; from pathlib import Path; from pipelines.conduct import counted_records; from synthetic.cohort import make_cohort; make_cohort(Path(sys.argv[1]), ('13',), births=int(sys.argv[2]), faults='heavy', jobs=1, records=counted_records())"


def files_of(out: Path) -> dict[str, str]:
    """Path -> SHA-256 of every file of a cohort."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def digest(out: Path) -> str:
    """One digest of the feeds' bytes and the truth's values (not of Parquet's own encoding)."""
    whole = hashlib.sha256()
    for path in sorted(out.rglob("*")):
        if path.suffix in (".csv", ".json") and path.parent != out:
            whole.update(path.relative_to(out).as_posix().encode() + path.read_bytes())
        elif path.suffix == ".parquet":
            whole.update(path.stem.encode() + pl.read_parquet(path).write_csv().encode())
    return whole.hexdigest()


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """千代田区 and a part of 中央区: both send through PMH as well."""
    out = tmp_path_factory.mktemp("cohort")
    make_cohort(out, ("13",), births=BIRTHS, faults="heavy", jobs=1, records=COUNTED)
    return out


def test_the_committed_digest_stands(cohort: Path) -> None:
    assert digest(cohort) == COMMITTED


def test_one_column_at_a_time_changes_no_byte(tmp_path: Path) -> None:
    for chunk in (1, 1_000_000):
        make_cohort(tmp_path / str(chunk), ("13",), births=60, faults="heavy", jobs=1, chunk=chunk)
    assert files_of(tmp_path / "1") == files_of(tmp_path / "1000000") != {}


@pytest.mark.parametrize(("chunk", "jobs"), [(1_000_000, 1), (7_777, 2), (37, 1), (100, 2)])
def test_chunks_and_workers_change_no_byte(cohort: Path, tmp_path: Path, chunk: int, jobs: int) -> None:
    make_cohort(tmp_path, ("13",), births=BIRTHS, faults="heavy", jobs=jobs, chunk=chunk, records=COUNTED)
    assert files_of(tmp_path) == files_of(cohort)


@pytest.mark.parametrize("off", ["X86_V4 AVX512_ICL AVX512_SPR", "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"])
def test_the_processor_changes_no_byte(cohort: Path, tmp_path: Path, off: str) -> None:
    """Without these NumPy takes other code, whose exp and log differ in the last bit."""
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": off, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MAKE, str(tmp_path), str(BIRTHS)], env=environment, cwd=ROOT, check=True
    )
    assert files_of(tmp_path) == files_of(cohort)


def test_the_first_entities_do_not_change_when_there_are_more(cohort: Path, tmp_path: Path) -> None:
    make_cohort(tmp_path, ("13",), births=FEWER, faults="heavy", jobs=1, records=COUNTED)
    for name in ORDER:
        fewer, more = (pl.read_parquet(out / "truth" / f"{name}.parquet") for out in (tmp_path, cohort))
        assert 0 < len(fewer) < len(more)
        assert fewer.join(more, on=fewer.columns, how="anti", nulls_equal=True).is_empty(), name
    faults, more_faults = (set(pl.read_parquet(o / "truth/answer_key.parquet")["fault_id"]) for o in (tmp_path, cohort))
    assert faults < more_faults


def test_another_seed_gives_another_cohort(cohort: Path, tmp_path: Path) -> None:
    make_cohort(tmp_path, ("13",), births=FEWER, faults="heavy", jobs=1, seed=2)
    names = [set(pl.read_parquet(o / "truth/persons.parquet")["name"].drop_nulls()) for o in (tmp_path, cohort)]
    assert len(names[0] & names[1]) < len(names[0]) / 10


def test_every_table_says_that_it_is_synthetic(cohort: Path) -> None:
    for path in (cohort / "truth").glob("*.parquet"):
        marks = pl.read_parquet_metadata(path)
        assert (marks["synthetic"], marks["seed"], marks["version"]) == ("true", "1", "1"), path.name


def test_an_interrupted_run_leaves_the_last_cohort(
    cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_cohort(tmp_path, ("13",), births=60, jobs=1)
    before = files_of(tmp_path)

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("synthetic.cohort.put_together", stop)
    with pytest.raises(KeyboardInterrupt):
        make_cohort(tmp_path, ("13",), births=80, jobs=1)
    monkeypatch.undo()
    assert {k: v for k, v in files_of(tmp_path).items() if not k.startswith(".making")} == before
    make_cohort(tmp_path, ("13",), births=60, jobs=1)
    assert files_of(tmp_path) == before


@pytest.mark.parametrize(
    "wrong", [{"prefectures": ("99",)}, {"births": 0}, {"faults": "strong"}, {"fiscal_years": (2024, 2022)}]
)
def test_arguments_that_name_nothing_are_refused_in_one_sentence(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r" / .*\.$"):
        make_cohort(tmp_path, **wrong)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
