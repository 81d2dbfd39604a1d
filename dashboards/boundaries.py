"""True borders brought by the user: an official GeoJSON or TopoJSON (N03 or made from it) as shapes for the map's canvas.

No border is shipped with the project. Shapes come in the order of the map's tiles and in its frame (826 x 950), so the
canvas needs nothing else. Islands far away move into the frames of the hexagon map; the map says so.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import cos, hypot, log, pi, radians, sin, tan
from pathlib import Path
from statistics import median
from typing import Any

CODES = ("lg_code", "N03_007", "lg_code_5", "code")  # Digital Agency, National Land Numerical Information, others
WIDTH, HEIGHT, MARGIN = 826.0, 950.0, 14.0
FINEST = 0.6  # pixels: points nearer to each other than this are one
Ring = list[tuple[float, float]]


class NotBoundaries(Exception):
    """The file holds no borders of municipalities; the message is one sentence."""


@dataclass(frozen=True)
class Shift:
    """A group of far islands and where it is drawn: degrees added to longitude and latitude."""

    prefectures: tuple[str, ...]
    south_of: float
    east_of: float
    by: tuple[float, float]


# Facts of geography, the first that fits: Okinawa and Amami; Minamitorishima, Ogasawara, Okinotorishima.
FAR = (
    Shift(("46", "47"), 29.0, 0.0, (7.4, 16.4)),
    Shift(("13",), 28.0, 150.0, (-11.0, 8.5)),
    Shift(("13",), 28.0, 140.0, (0.4, 6.2)),
    Shift(("13",), 28.0, 130.0, (5.5, 12.0)),
)


def read_boundaries(path: Path, codes: Sequence[str]) -> dict[str, Any]:
    """The layout of the border map for the tiles `codes` (six digits).

    Returns width, height, code6, polygons (per tile a list of rings of x, y in tenths of a pixel; empty where the file
    has no such area), x, y (a point within). Raises NotBoundaries when fewer than half of the tiles are found.
    """
    by_code5 = {code[:5]: code for code in codes}
    shapes: dict[str, list[Ring]] = {code: [] for code in codes}
    for properties, rings in _features(path):
        code = by_code5.get(_code5(properties))
        if code:
            shapes[code] += [_projected(_shifted(ring, code)) for ring in rings]
    if sum(map(bool, shapes.values())) * 2 < len(codes):
        raise NotBoundaries(
            f"Official borders of municipalities are required (a property {' or '.join(CODES)}), {path.name} holds those of "
            f"{sum(map(bool, shapes.values()))} of {len(codes)}; use a GeoJSON or TopoJSON of N03."
        )
    return _fitted(shapes)


def _features(path: Path) -> Iterator[tuple[Mapping[str, Any], list[Ring]]]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told.get("type") == "Topology":
            yield from _of_topology(told)
        else:
            yield from ((f.get("properties") or {}, _rings(f.get("geometry"))) for f in told["features"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise NotBoundaries(
            f"A GeoJSON or TopoJSON is required, {path.name} is neither; use an official file of N03."
        ) from None


def _code5(properties: Mapping[str, Any]) -> str:
    return next((str(properties[name])[:5] for name in CODES if properties.get(name)), "")


def _rings(geometry: Mapping[str, Any] | None) -> list[Ring]:
    if not geometry:
        return []
    parts = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    return [[(float(p[0]), float(p[1])) for p in ring] for part in parts for ring in part]


def _of_topology(topology: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], list[Ring]]]:
    arcs = _arcs(topology)

    def ring(numbers: Sequence[int]) -> Ring:
        return [point for n in numbers for point in (arcs[n] if n >= 0 else arcs[~n][::-1])]

    for layer in topology["objects"].values():
        for g in layer.get("geometries", [layer]):
            if g.get("type") in ("Polygon", "MultiPolygon"):
                parts = [g["arcs"]] if g["type"] == "Polygon" else g["arcs"]
                yield g.get("properties") or {}, [ring(numbers) for part in parts for numbers in part]


def _arcs(topology: Mapping[str, Any]) -> list[Ring]:
    """Arcs in degrees; a quantized topology holds steps from point to point."""
    if "transform" not in topology:
        return [[(float(p[0]), float(p[1])) for p in arc] for arc in topology["arcs"]]
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    decoded: list[Ring] = []
    for arc in topology["arcs"]:
        x = y = 0
        points: Ring = []
        for dx, dy, *_ in arc:
            x, y = x + dx, y + dy
            points.append((x * sx + tx, y * sy + ty))
        decoded.append(points)
    return decoded


def _shifted(ring: Ring, code: str) -> Ring:
    lon, lat = ring[0]
    for far in FAR:
        if code[:2] in far.prefectures and lat < far.south_of and lon > far.east_of:
            return [(x + far.by[0], y + far.by[1]) for x, y in ring]
    return ring


def _projected(ring: Ring) -> Ring:
    """Lambert conformal conic, standard parallels 33 and 44, centre 137.5 E 36 N, y down (as the hexagon layout)."""
    a, b, origin = radians(33), radians(44), radians(36)
    n = log(cos(a) / cos(b)) / log(tan(pi / 4 + b / 2) / tan(pi / 4 + a / 2))
    f = cos(a) * tan(pi / 4 + a / 2) ** n / n
    centre = f / tan(pi / 4 + origin / 2) ** n

    def of(lon: float, lat: float) -> tuple[float, float]:
        rho, theta = f / tan(pi / 4 + radians(lat) / 2) ** n, n * radians(lon - 137.5)
        return rho * sin(theta), rho * cos(theta) - centre

    return [of(lon, lat) for lon, lat in ring]


def _fitted(shapes: Mapping[str, list[Ring]]) -> dict[str, Any]:
    points = [p for rings in shapes.values() for ring in rings for p in ring]
    left, top = min(x for x, _ in points), min(y for _, y in points)
    wide, high = max(x for x, _ in points) - left, max(y for _, y in points) - top
    scale = min((WIDTH - 2 * MARGIN) / wide, (HEIGHT - 2 * MARGIN) / high)

    def pixels(ring: Ring) -> Ring:
        return [((x - left) * scale + MARGIN, (y - top) * scale + MARGIN) for x, y in ring]

    polygons = [[_thinned(pixels(ring)) for ring in rings] for rings in shapes.values()]
    middles = [_middle(rings) for rings in polygons]
    return {
        "width": WIDTH, "height": HEIGHT, "radius_px": 4, "code6": list(shapes), "x": [round(10 * x) for x, _ in middles],
        "y": [round(10 * y) for _, y in middles], "prefecture_outlines": [], "frames": [],
        "prefecture_labels": _labels(list(shapes), middles),
        "polygons": [[[round(10 * v) for p in ring for v in p] for ring in rings] for rings in polygons],
    }  # fmt: skip


def _thinned(ring: Ring) -> Ring:
    """Fewer points; a ring keeps at least a triangle, so that no small island is lost."""
    kept = ring[:1]
    for x, y in ring[1:]:
        if hypot(x - kept[-1][0], y - kept[-1][1]) >= FINEST:
            kept.append((x, y))
    x, y = ring[0]
    return kept if len(kept) > 2 else [(x - 1, y + 0.8), (x + 1, y + 0.8), (x, y - 1)]


def _middle(rings: Sequence[Ring]) -> tuple[float, float]:
    if not rings:
        return -100.0, -100.0
    largest = max(
        rings,
        key=lambda r: (max(x for x, _ in r) - min(x for x, _ in r)) * (max(y for _, y in r) - min(y for _, y in r)),
    )
    return sum(x for x, _ in largest) / len(largest), sum(y for _, y in largest) / len(largest)


def _labels(codes: Sequence[str], middles: Sequence[tuple[float, float]]) -> list[list[float]]:
    of_prefecture: dict[str, list[tuple[float, float]]] = {}
    for code, middle in zip(codes, middles, strict=True):
        if middle[0] > 0:
            of_prefecture.setdefault(code[:2], []).append(middle)
    return [
        [int(p), round(median(x for x, _ in places), 1), round(median(y for _, y in places), 1)]
        for p, places in of_prefecture.items()
    ]
