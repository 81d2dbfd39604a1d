"""Colour classes and figures: small tables and their answers."""

import polars as pl
import pytest

from dashboards import figures
from dashboards.classes import PALETTE, colour_classes
from dashboards.sparkline import sparkline
from dashboards.words import Words

JA = Words("ja")


def test_five_classes_hold_a_fifth_each() -> None:
    classes = colour_classes(pl.Series([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10]), 1)
    digits = [classes.digit(v, "observed") for v in (1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10)]
    assert digits == ["0", "0", "1", "1", "2", "2", "3", "3", "4", "4"]


@pytest.mark.parametrize("values", [[3.0], [3.0, 3.0, 3.0], [0.01, 0.02], [1.0, 1.0, 1.0, 9.0], []])
def test_no_class_is_empty_and_no_two_share_a_colour(values: list[float]) -> None:
    classes = colour_classes(pl.Series(values, dtype=pl.Float64), 1)
    used = {classes.digit(v, "observed") for v in values}
    assert len(set(classes.colours)) == len(classes.colours) == len(classes.breaks) + 1
    assert not values or len(used) == len(classes.colours)


def test_what_is_not_shown_has_a_look_of_its_own() -> None:
    classes = colour_classes(pl.Series([1.0, 2.0, None]), 1)
    looks = [
        classes.digit(None, s) for s in ("suppressed", "withheld_quality", "not_yet", "not_published", "not_collected")
    ]
    assert looks == ["9", "9", "7", "7", "8"]
    assert not set(looks) & {str(i) for i in range(len(PALETTE))}


def _ranked() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "area_code": ["a", "b", "c"], "label": ["甲市", "乙市", "丙村"], "value": [9.0, 7.5, None], "ci_low": [8.0, 6.0, None],
            "ci_high": [10.5, 9.0, None], "symbol": ["", "", "x"], "status_word": ["公表値", "公表値", "秘匿"],
        }
    )  # fmt: skip


def test_a_ranking_draws_intervals_and_puts_symbols_off_the_scale() -> None:
    figure = figures.ranking(_ranked(), JA, 1, "%", "b", {"県 8.0 %": 8.0})
    dots = [t for t in figure.data if t.mode == "markers"]
    assert [(list(t.x), list(t.error_x.arrayminus), list(t.error_x.array)) for t in dots] == [
        ([9.0], [1.0], [1.5]),
        ([7.5], [1.5], [1.5]),
    ]
    (hidden,) = [t for t in figure.data if t.mode == "text"]
    assert list(hidden.y) == [2] and "x" in hidden.text[0] and hidden.xaxis == "x2"
    assert [t.marker.color for t in dots] == [figures.BLUE, figures.ACCENT]


def test_a_trend_breaks_its_line_where_a_year_is_not_shown() -> None:
    rows = pl.DataFrame(
        {
            "line": ["甲市"] * 3, "period": ["2022", "2023", "2024"], "value": [9.0, None, 8.0], "ci_low": [8.0, None, 7.0],
            "ci_high": [10.0, None, 9.0], "symbol": ["", "x", ""],
        }
    )  # fmt: skip
    line, missing = figures.trend(rows, JA, 1, "%", "fiscal_year").data
    assert list(line.y) == [9.0, None, 8.0] and line.connectgaps is False
    assert (list(missing.text), missing.yaxis) == (["x"], "y2")


def test_no_text_of_a_figure_is_smaller_than_11_pixels() -> None:
    def sizes(part: object) -> list[float]:
        if isinstance(part, dict):
            own = [
                v for k, v in part.items() if k == "size" and "family" not in part and set(part) <= {"size", "color"}
            ]
            return own + [s for v in part.values() for s in sizes(v)]
        return [s for v in part for s in sizes(v)] if isinstance(part, list | tuple) else []

    figure = figures.ranking(_ranked(), JA, 1, "%", "b", {})
    found = [*sizes(figure.to_plotly_json()["layout"]), figure.layout.font.size, figure.layout.xaxis.tickfont.size]
    assert min(found) >= 11


def test_a_sparkline_without_a_value_is_nothing() -> None:
    empty: dict[str, float | None] = {"value": None, "ci_low": None, "ci_high": None}
    assert sparkline(["2023", "2024"], [empty, empty], ["x", "x"], "年") == ""
    assert "<img" in sparkline(["2023", "2024"], [empty, empty | {"value": 3.0}], ["x", ""], "年")
