"""Tables into Plotly figures; no Streamlit, no SQL. Hidden cells bring a status and a symbol, never a value."""

import plotly.graph_objects as go
import polars as pl

from dashboards.words import Words

FONT = "'Noto Sans CJK JP', 'Noto Sans JP', 'Hiragino Sans', 'Yu Gothic UI', Meiryo, sans-serif"
INK, QUIET, GRID = "#1b2430", "#55606e", "#e3e8ee"
BLUE, ACCENT = "#2c66a3", "#d9480f"
LINES = (ACCENT, "#123f75", "#55606e", "#7a4a9e", "#0f766e", "#8a5a00", "#3f76b0", "#9d174d")
MARKS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid", "dash")
ROW_PX = 24


def _plain(figure: go.Figure, height: int) -> go.Figure:
    return figure.update_layout(
        height=height, paper_bgcolor="white", plot_bgcolor="white", dragmode=False, hoverlabel={"font": {"family": FONT, "size": 13}},
        font={"family": FONT, "size": 13, "color": INK}, margin={"l": 8, "r": 16, "t": 44, "b": 40}, separators=".,",
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}},
    )  # fmt: skip


def ranking(
    rows: pl.DataFrame, words: Words, decimals: int, unit: str, chosen: str | None, lines: dict[str, float]
) -> go.Figure:
    """Dots with intervals, the first row on top; rows without a value show their symbol at the left edge.

    rows: area_code, label, value, ci_low, ci_high, symbol, status_word, in order. lines: label -> comparator's value.
    """
    figure = go.Figure()
    rows = rows.with_row_index("place")
    shown = rows.filter(pl.col("value").is_not_null())
    for is_chosen, colour in ((False, BLUE), (True, ACCENT)):
        part = shown.filter((pl.col("area_code") == (chosen or "")) == is_chosen)
        if part.height:
            figure.add_trace(_dots(part, words, decimals, unit, colour, "diamond" if is_chosen else "circle"))
    for i, (label, value) in enumerate(lines.items()):
        figure.add_trace(_comparator(label, value, rows.height, i))
    hidden = rows.filter(pl.col("value").is_null())
    # Symbols stand on an axis of their own, so that no hidden row has a place on the scale of values.
    figure.add_trace(
        go.Scatter(
            x=[0.01] * hidden.height,
            y=hidden["place"].to_list(),
            xaxis="x2",
            mode="text",
            textposition="middle right",
            text=[f"{s}　{w}" for s, w in zip(hidden["symbol"], hidden["status_word"], strict=True)],
            textfont={"size": 12, "color": QUIET},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    _plain(figure, 84 + ROW_PX * max(rows.height, 3)).update_layout(
        xaxis={"title": {"text": words.unit(unit), "font": {"size": 12}}, "gridcolor": GRID, "zeroline": False, "tickfont": {"size": 12}, "fixedrange": True},
        xaxis2={"overlaying": "x", "visible": False, "range": [0, 1], "fixedrange": True},
        yaxis={"tickvals": rows["place"].to_list(), "ticktext": [_bold(r, chosen) for r in rows.iter_rows(named=True)], "automargin": True,
               "range": [rows.height - 0.4, -0.6], "tickfont": {"size": 12}, "showgrid": False, "zeroline": False, "fixedrange": True},
    )  # fmt: skip
    return figure


def _bold(row: dict[str, str], chosen: str | None) -> str:
    return f"<b>{row['label']}</b>" if row["area_code"] == chosen else row["label"]


def _dots(part: pl.DataFrame, words: Words, decimals: int, unit: str, colour: str, mark: str) -> go.Scatter:
    return go.Scatter(
        x=part["value"].to_list(), y=part["place"].to_list(), mode="markers", showlegend=False,
        marker={"color": colour, "size": 9, "symbol": mark}, error_x=_whiskers(part, colour),
        hovertext=[_says(r, words, decimals, unit) for r in part.iter_rows(named=True)], hoverinfo="text",
    )  # fmt: skip


def _whiskers(part: pl.DataFrame, colour: str) -> dict[str, object]:
    up = (part["ci_high"] - part["value"]).fill_null(0).to_list()
    down = (part["value"] - part["ci_low"]).fill_null(0).to_list()
    return {
        "type": "data",
        "symmetric": False,
        "array": up,
        "arrayminus": down,
        "color": colour,
        "thickness": 1.6,
        "width": 0,
    }


def _says(row: dict[str, object], words: Words, decimals: int, unit: str) -> str:
    value, low, high = row["value"], row["ci_low"], row["ci_high"]
    says = words.quantity(value, decimals, unit)  # type: ignore[arg-type]
    interval = words.interval(low, high, decimals)  # type: ignore[arg-type]
    return f"<b>{row['label']}</b><br>{says}" + (f"<br>{words('interval')} {interval}" if interval else "")


def _comparator(label: str, value: float, n: int, i: int) -> go.Scatter:
    return go.Scatter(
        x=[value, value], y=[-0.6, n - 0.4], mode="lines", name=label, hoverinfo="skip",
        line={"color": QUIET, "width": 1.4, "dash": ("dash", "dot")[i % 2]},
    )  # fmt: skip


def trend(rows: pl.DataFrame, words: Words, decimals: int, unit: str, basis: str) -> go.Figure:
    """One line per `line` over `period` (years), with intervals; a year that cannot be shown breaks its line.

    rows: line, period, value, ci_low, ci_high, symbol. Several lines stand a little apart, so that intervals can be read.
    """
    figure = go.Figure()
    names = rows["line"].unique(maintain_order=True).to_list()
    years = sorted({int(p) for p in rows["period"]})
    for i, name in enumerate(names):
        part = _every_year(rows.filter(pl.col("line") == name), years)
        shift = (i - (len(names) - 1) / 2) * min(0.07, 0.4 / len(names))
        figure.add_trace(_line(part, name, i, shift, words, decimals, unit))
        figure.add_trace(_missing(part, i, shift))
    _plain(figure, 440).update_layout(
        margin={"l": 8, "r": 16, "t": 24 + 22 * ((len(names) + 2) // 3), "b": 40},
        xaxis={"tickvals": years, "ticktext": [words(f"year_{basis}", year=y) for y in years], "range": [years[0] - 0.4, years[-1] + 0.4],
               "showgrid": False, "tickfont": {"size": 12}, "fixedrange": True},
        yaxis={"title": {"text": words.unit(unit), "font": {"size": 12}}, "gridcolor": GRID, "zeroline": False, "tickfont": {"size": 12}, "automargin": True, "fixedrange": True},
        yaxis2={"overlaying": "y", "visible": False, "range": [0, 1], "fixedrange": True},
    )  # fmt: skip
    return figure


def _every_year(part: pl.DataFrame, years: list[int]) -> pl.DataFrame:
    frame = pl.DataFrame({"year": years}).join(
        part.with_columns(year=pl.col("period").cast(pl.Int64)), on="year", how="left"
    )
    return frame.with_columns(pl.col("symbol").fill_null("…"), pl.col("line").fill_null(part["line"][0]))


def _line(part: pl.DataFrame, name: str, i: int, shift: float, words: Words, decimals: int, unit: str) -> go.Scatter:
    k = i % len(LINES)
    whiskers = _whiskers(part, LINES[k])
    labelled = part.with_columns(label=pl.lit(name))
    return go.Scatter(
        x=[y + shift for y in part["year"]], y=part["value"].to_list(), name=name, mode="lines+markers", connectgaps=False,
        line={"color": LINES[k], "width": 2.2, "dash": DASHES[k]}, marker={"size": 9, "symbol": MARKS[k]}, error_y=whiskers,
        hovertext=[_says(r, words, decimals, unit) for r in labelled.iter_rows(named=True)], hoverinfo="text",
    )  # fmt: skip


def _missing(part: pl.DataFrame, i: int, shift: float) -> go.Scatter:
    hidden = part.filter(pl.col("value").is_null())
    return go.Scatter(
        x=[y + shift for y in hidden["year"]], y=[0.03] * hidden.height, yaxis="y2", mode="text", text=hidden["symbol"].to_list(),
        textfont={"size": 14, "color": LINES[i % len(LINES)]}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip
