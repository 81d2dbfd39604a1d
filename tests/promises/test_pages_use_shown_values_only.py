"""Promise 11, hole 24: ranks, colours, breaks, sentences and files come from shown cells only.

A release is compared with a twin in which every hidden row carries a value by mistake: no page may differ by a byte.
"""

from pathlib import Path
from shutil import copy

import duckdb
import polars as pl
import pytest

from dashboards.choice import Choice
from dashboards.classes import colour_classes
from dashboards.downloads import as_csv, tidy
from dashboards.published import SHOWN, Release
from dashboards.view import View
from dashboards.words import LANGUAGES, Words
from tests.dashboards.made_release import make_release
from tests.dashboards.pages import run_page, sent

KUNIGAMI, NAHA = "473014", "472018"
ADDRESSES = [
    ("overview", {"area": KUNIGAMI, "period": "2024"}), ("overview", {"area": KUNIGAMI}), ("overview", {"area": "000000"}),
    ("map", {"indicator": "low_birth_weight_rate"}), ("map", {"indicator": "preterm_birth_rate", "level": "medical_area", "period": "2024"}),
    ("map", {"indicator": "very_low_birth_weight_rate", "area": KUNIGAMI}), ("map", {"indicator": "live_birth_count", "level": "prefecture"}),
    ("trend", {"indicator": "low_birth_weight_rate", "area": KUNIGAMI}), ("trend", {"indicator": "relaxed_mother_rate", "area": NAHA}),
    ("trend", {"indicator": "low_birth_weight_rate", "area": "470007", "breakdown": "age5"}), ("definitions", {"indicator": "epds_high_rate"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_release(tmp_path_factory.mktemp("honest") / "published.duckdb")


@pytest.fixture(scope="module")
def mistaken(honest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = Path(copy(honest, tmp_path_factory.mktemp("mistaken")))
    with duckdb.connect(str(path)) as db:
        changed = db.execute(
            "UPDATE observation SET numerator = 3, denominator = 17, value = 77.7, ci_low = 66.6, ci_high = 88.8, "
            f"n_areas_reporting = 1, coverage_births = 0.5 WHERE status NOT IN {SHOWN}"
        ).fetchone()
    assert changed is not None and changed[0] > 20_000
    return path


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("name", "address"), ADDRESSES, ids=lambda a: a if isinstance(a, str) else "-".join(a.values())
)
def test_a_hidden_value_changes_no_byte_of_any_page(
    honest: Path, mistaken: Path, monkeypatch: pytest.MonkeyPatch, name: str, address: dict[str, str], lang: str
) -> None:
    pages = []
    for path in (honest, mistaken):
        monkeypatch.setenv("MCHDB_PUBLISHED", str(path))
        app = run_page(name, lang=lang, **address)
        assert not app.exception
        pages.append(sent(app))
    assert len(pages[0]) > 10
    assert pages[0] == pages[1]


def test_a_hidden_value_is_in_no_file(honest: Path, mistaken: Path) -> None:
    files = []
    for path in (honest, mistaken):
        release = Release(path)
        rows = release.of_level("low_birth_weight_rate", "2022-2024", "municipality")
        view = View(
            release, Choice("ja", "000000", None, "low_birth_weight_rate", None, "municipality", "all"), Words("ja")
        )
        cells = rows.with_columns(
            pl.lit("low_birth_weight_rate").alias("indicator_id"), pl.lit("2022-2024").alias("period")
        )
        files.append(as_csv(tidy(view, cells)))
    assert files[0] == files[1] and b"77.7" not in files[1]


def test_a_hidden_value_is_in_no_answer(mistaken: Path) -> None:
    """Every question about values, over every indicator and level."""
    release = Release(mistaken)
    numbers = ("numerator", "denominator", "value", "ci_low", "ci_high", "coverage_births")
    for indicator in release.indicators()["indicator_id"]:
        answers = [
            release.of_level(indicator, p, level)
            for p in ("2024", "2022-2024")
            for level in ("municipality", "medical_area")
        ]
        answers.append(release.series(indicator, (KUNIGAMI, NAHA)))
        for answer in answers:
            hidden = answer.filter(~pl.col("status").is_in(SHOWN))
            assert all(hidden[n].null_count() == hidden.height for n in numbers)
        near = release.nearest(indicator, KUNIGAMI, "2024")
        assert near is None or near["status"] in SHOWN


def test_colour_breaks_ignore_rows_that_are_not_shown() -> None:
    shown = pl.Series([1.0, 2.0, 3.0, 4.0, 5.0])
    assert colour_classes(shown, 1) == colour_classes(pl.concat([shown, pl.Series([None] * 9, dtype=pl.Float64)]), 1)
