"""The map of hexagons: one canvas, kept across reruns; a rerun sends class digits and the texts of shown areas only."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
LAYOUTS = {"hexagons": "app/static/map_layout_hex.json", "borders": "map_borders.json"}
_LAYOUT = _HERE.parent / "static" / "map_layout_hex.json"


@cache
def tiles() -> tuple[str, ...]:
    """The six-digit codes of the tiles, in the order of the digits."""
    return tuple(json.loads(_LAYOUT.read_text(encoding="utf-8"))["code6"])


def hexmap(
    digits: str,
    texts: Mapping[str, str],
    chosen: Sequence[str],
    words: Mapping[str, str],
    lang: str,
    by_prefecture: bool,
    shape: str = "hexagons",
) -> str | None:
    """Draws the map and returns the code of the tile that was just chosen, if any.

    digits: one per tile: 0..4 the class, 7 other, 8 not collected, 9 suppressed. texts: tile's code -> what the tooltip
    says besides the name. shape: `hexagons`, or `borders` where the reader brought them. chosen: tiles outlined in the accent colour. by_prefecture: blocks are filled as a whole.
    Raises ValueError when there is not one digit per tile.
    """
    if len(digits) != len(tiles()):
        raise ValueError(f"The map needs one digit for each of its {len(tiles())} tiles, got {len(digits)}.")
    component = st.components.v2.component(
        "mchdb_hexmap",
        html=(_HERE / "hexmap.html").read_text(encoding="utf-8"),
        css=(_HERE / "hexmap.css").read_text(encoding="utf-8"),
        js=(_HERE / "hexmap.js").read_text(encoding="utf-8"),
    )
    result = component(
        data={
            "digits": digits,
            "texts": dict(texts),
            "chosen": list(chosen),
            "words": dict(words),
            "lang": lang,
            "whole": by_prefecture,
            "layout": LAYOUTS[shape],
        },
        key=f"map_{shape}",
        on_pick_change=lambda: None,
    )
    picked = result.get("pick")
    return picked if picked in tiles() else None
