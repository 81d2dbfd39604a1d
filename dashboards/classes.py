"""Colour classes of a map, from shown values only: a hidden value can neither move a break nor colour a tile."""

from dataclasses import dataclass

import polars as pl

N_CLASSES = 5
PALETTE = ("#e6eef7", "#b7cfe6", "#7ba6cf", "#3f76b0", "#123f75")  # one hue, even steps of lightness
SUPPRESSED, OTHER, NOT_COLLECTED = "9", "7", "8"  # digits after those of the classes
LOOK_OF_STATUS = {"suppressed": SUPPRESSED, "withheld_quality": SUPPRESSED, "not_collected": NOT_COLLECTED}


@dataclass(frozen=True)
class ColourClasses:
    """Rising inner breaks; class i holds break[i-1] <= value < break[i]. `colours` are as many as there are classes."""

    breaks: tuple[float, ...]

    @property
    def colours(self) -> tuple[str, ...]:
        n = len(self.breaks) + 1
        return tuple(PALETTE[round(i * (N_CLASSES - 1) / (n - 1))] for i in range(n)) if n > 1 else (PALETTE[2],)

    def digit(self, value: float | None, status: str) -> str:
        """The digit of a tile: its place in the palette, or its look where no value is shown."""
        if value is None:
            return LOOK_OF_STATUS.get(status, OTHER)
        place = sum(value >= b for b in self.breaks)
        return str(PALETTE.index(self.colours[place]))


def colour_classes(values: pl.Series, decimals: int) -> ColourClasses:
    """Quintiles of the shown values, rounded as the indicator is; equal breaks are dropped, so no class is empty."""
    shown = values.drop_nulls().sort()
    if shown.is_empty():
        return ColourClasses(())
    cuts = (shown.quantile(i / N_CLASSES, "linear") for i in range(1, N_CLASSES))
    kept: list[float] = []
    for cut in sorted({round(float(cut or 0), decimals) for cut in cuts}):
        low = kept[-1] if kept else float("-inf")
        if ((shown >= low) & (shown < cut)).any() and (shown >= cut).any():
            kept.append(cut)
    return ColourClasses(tuple(kept))
