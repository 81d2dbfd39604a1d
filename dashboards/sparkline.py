"""A small picture of the single years of one area: dots with intervals, gaps where a year is not shown."""

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, SIDE, TOP, BASE = 260, 74, 26, 8, 52
INK, LINE = "#2c66a3", "#55606e"


def sparkline(years: Sequence[str], rows: Sequence[dict[str, float | None]], symbols: Sequence[str], label: str) -> str:
    """SVG text. rows: value, ci_low, ci_high of each year (None where not shown); symbols: what stands in a gap."""
    numbers = [v for row in rows for v in (row["value"], row["ci_low"], row["ci_high"]) if v is not None]
    if not numbers:
        return ""
    low, high = min(numbers), max(numbers)
    middle, half = (low + high) / 2, max((high - low) / 2, abs(low + high) / 40, 1e-9)

    def y(value: float) -> float:
        return TOP + (BASE - TOP) * (1 - (value - middle + half) / (2 * half))

    xs = [SIDE + i * (WIDTH - 2 * SIDE) / max(len(years) - 1, 1) for i in range(len(years))]
    parts = [_segments(xs, rows, y)]
    for x, year, row, symbol in zip(xs, years, rows, symbols, strict=True):
        parts.append(_point(x, row, y) if row["value"] is not None else _text(x, BASE - 12, symbol))
        parts.append(_text(x, HEIGHT - 6, year))
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'


def _segments(xs: Sequence[float], rows: Sequence[dict[str, float | None]], y) -> str:  # type: ignore[no-untyped-def]
    pairs = zip(zip(xs, rows, strict=True), zip(xs[1:], rows[1:], strict=True), strict=False)
    return "".join(
        f'<line x1="{x1:.1f}" y1="{y(a["value"]):.1f}" x2="{x2:.1f}" y2="{y(b["value"]):.1f}" stroke="{INK}" stroke-width="1.8"/>'
        for (x1, a), (x2, b) in pairs
        if a["value"] is not None and b["value"] is not None
    )


def _point(x: float, row: dict[str, float | None], y) -> str:  # type: ignore[no-untyped-def]
    whisker = ""
    if row["ci_low"] is not None and row["ci_high"] is not None:
        whisker = f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y(row["ci_low"]):.1f}" y2="{y(row["ci_high"]):.1f}" stroke="{INK}" stroke-opacity="0.55" stroke-width="1.4"/>'
    return whisker + f'<circle cx="{x:.1f}" cy="{y(row["value"]):.1f}" r="3.4" fill="{INK}"/>'


def _text(x: float, y: float, says: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" font-size="12" fill="{LINE}">{escape(says)}</text>'
