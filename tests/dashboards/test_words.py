"""Both languages are complete, and every word is used."""

import re
import string
from pathlib import Path

import pytest

from dashboards.words import LANGUAGES, WORDS, Words

DASHBOARDS = Path(__file__).parents[2] / "dashboards"
JAPANESE = re.compile(r"[぀-ヿ一-鿿]")
SAID_IN_JAPANESE_TOO = {"synthetic"}
SAME_IN_BOTH = {"year_calendar_year", "download_csv", "divided", "counted"}


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", WORDS)
def test_a_word_is_there_in_both_languages_with_the_same_gaps(key: str) -> None:
    ja, en = WORDS[key]
    assert ja.strip() and en.strip()
    assert _fields(ja) <= _fields(en) | {"numerator"} and _fields(en) - {"numerator"} <= _fields(ja)
    assert key in SAID_IN_JAPANESE_TOO or not JAPANESE.search(en)
    assert key in SAME_IN_BOTH or ja != en


def test_every_word_is_used() -> None:
    files = (f.read_text("utf-8") for f in DASHBOARDS.rglob("*.py") if f.name != "words.py")
    rules_of_words = (DASHBOARDS / "words.py").read_text("utf-8").split("class Words")[1]
    code = "\n".join([*files, rules_of_words]).replace("'", '"')
    prefixes = (*re.findall(r"known\(\"(\w+)\"", code), *re.findall(r"f\"(\w+)_\{", code), "year")
    unused = [key for key in WORDS if f'"{key}"' not in code and not key.startswith(prefixes)]
    assert unused == []


@pytest.mark.parametrize(
    ("lang", "period", "basis", "says"),
    [
        ("ja", "2024", "fiscal_year", "2024年度"),
        ("ja", "2022-2024", "fiscal_year", "2022～2024年度(3年計)"),
        ("ja", "2024", "delivery_cohort_fy", "2024年度分娩"),
        ("en", "2024", "calendar_year", "2024"),
        ("en", "2022-2024", "fiscal_year", "FY2022 to FY2024 (3 years pooled)"),
    ],
)
def test_periods_in_words(lang: str, period: str, basis: str, says: str) -> None:
    assert Words(lang).period(period, basis) == says


def test_numbers_with_their_units() -> None:
    ja, en = (Words(lang) for lang in LANGUAGES)
    assert (ja.quantity(9.25, 1, "%"), ja.quantity(1234, 0, "人"), en.quantity(1234, 0, "人"), en.quantity(12.1, 1, "回")) == (
        "9.2 %", "1,234人", "1,234", "12.1 visits",
    )  # fmt: skip
