"""A small picture of the single years of one area: dots with intervals, gaps where a year is not shown."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from html import escape

WIDTH, HEIGHT, SIDE, TOP, BASE = 260, 74, 26, 8, 52
INK, LINE = "#2c66a3", "#55606e"


def sparkline(years: Sequence[str], rows: Sequence[dict[str, float | None]], symbols: Sequence[str], label: str) -> str:
    """An HTML image. rows: value, ci_low, ci_high of each year (None where not shown); symbols: what stands in a gap."""
    numbers = [v for row in rows for v in (row["value"], row["ci_low"], row["ci_high"]) if v is not None]
    if not numbers:
        return ""
    low, high = min(numbers), max(numbers)
    middle, half = (low + high) / 2, max((high - low) / 2, abs(low + high) / 40, 1e-9)

    def y(value: float | None) -> float:
        return TOP + (BASE - TOP) * (1 - ((value or 0.0) - middle + half) / (2 * half))

    xs = [SIDE + i * (WIDTH - 2 * SIDE) / max(len(years) - 1, 1) for i in range(len(years))]
    parts = [_segments(xs, rows, y)]
    for x, year, row, symbol in zip(xs, years, rows, symbols, strict=True):
        parts.append(_point(x, row, y) if row["value"] is not None else _text(x, BASE - 12, symbol))
        parts.append(_text(x, HEIGHT - 6, year))
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">{"".join(parts)}</svg>'
    encoded = b64encode(svg.encode()).decode()  # Streamlit's cleaning lets pictures through, not inline SVG
    return f'<img class="years" alt="{escape(label)}" width="{WIDTH}" height="{HEIGHT}" src="data:image/svg+xml;base64,{encoded}">'


def _segments(xs: Sequence[float], rows: Sequence[dict[str, float | None]], y: Callable[[float | None], float]) -> str:
    pairs = zip(zip(xs, rows, strict=True), zip(xs[1:], rows[1:], strict=True), strict=False)
    return "".join(
        f'<line x1="{x1:.1f}" y1="{y(a["value"]):.1f}" x2="{x2:.1f}" y2="{y(b["value"]):.1f}" stroke="{INK}" stroke-width="1.8"/>'
        for (x1, a), (x2, b) in pairs
        if a["value"] is not None and b["value"] is not None
    )


def _point(x: float, row: dict[str, float | None], y: Callable[[float | None], float]) -> str:
    whisker = ""
    if row["ci_low"] is not None and row["ci_high"] is not None:
        whisker = f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y(row["ci_low"]):.1f}" y2="{y(row["ci_high"]):.1f}" stroke="{INK}" stroke-opacity="0.55" stroke-width="1.4"/>'
    return whisker + f'<circle cx="{x:.1f}" cy="{y(row["value"]):.1f}" r="3.4" fill="{INK}"/>'


def _text(x: float, y: float, says: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" font-size="12" fill="{LINE}">{escape(says)}</text>'
