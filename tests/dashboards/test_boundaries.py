"""True borders brought by the user: small files and what becomes of them."""

import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dashboards.boundaries import HEIGHT, WIDTH, NotBoundaries, read_boundaries
from dashboards.components.hexmap import tiles

CODES = ("011002", "131016", "472018")
PLACES = {"01100": (141.3, 43.0), "13101": (139.7, 35.7), "47201": (127.7, 26.2)}


def _square(lon: float, lat: float) -> list[list[float]]:
    return [[lon, lat], [lon + 0.3, lat], [lon + 0.3, lat + 0.3], [lon, lat + 0.3], [lon, lat]]


def _geojson(path: Path, name: str = "N03_007", digits: int = 5) -> Path:
    codes = {c[:5]: c for c in CODES}
    features: list[dict[str, Any]] = [
        {
            "type": "Feature",
            "properties": {name: code if digits == 5 else codes[code]},
            "geometry": {"type": "Polygon", "coordinates": [_square(*at)]},
        }
        for code, at in PLACES.items()
    ]
    features.append({"type": "Feature", "properties": {name: None}, "geometry": None})
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


@pytest.mark.parametrize(("name", "digits"), [("N03_007", 5), ("lg_code", 6)])
def test_shapes_come_in_the_order_of_the_tiles_and_inside_the_frame(tmp_path: Path, name: str, digits: int) -> None:
    layout = read_boundaries(_geojson(tmp_path / "n03.geojson", name, digits), CODES)
    assert layout["code6"] == list(CODES)
    assert all(len(rings) == 1 for rings in layout["polygons"])
    numbers = [v for rings in layout["polygons"] for ring in rings for v in ring]
    assert min(numbers) >= 0 and max(numbers[::2]) <= 10 * WIDTH and max(numbers[1::2]) <= 10 * HEIGHT
    sapporo, tokyo, naha = zip(layout["x"], layout["y"], strict=True)
    assert sapporo[1] < tokyo[1] and sapporo[0] > tokyo[0]  # north is up, east is right
    assert naha[0] < tokyo[0] and naha[1] < tokyo[1]  # Okinawa stands in the empty sea of the upper left


def test_a_quantized_topology_is_the_same_map(tmp_path: Path) -> None:
    plain = read_boundaries(_geojson(tmp_path / "n03.geojson"), CODES)
    step = 0.001
    arcs, geometries = [], []
    for i, (code, at) in enumerate(PLACES.items()):
        points = [(round(x / step), round(y / step)) for x, y in _square(*at)]
        arcs.append([points[0], *((b[0] - a[0], b[1] - a[1]) for a, b in pairwise(points))])
        geometries.append({"type": "Polygon", "arcs": [[i if i % 2 else ~i]], "properties": {"N03_007": code}})
    topology = {
        "type": "Topology", "transform": {"scale": [step, step], "translate": [0, 0]}, "arcs": arcs,
        "objects": {"n03": {"type": "GeometryCollection", "geometries": geometries}},
    }  # fmt: skip
    (tmp_path / "n03.topojson").write_text(json.dumps(topology))
    drawn = read_boundaries(tmp_path / "n03.topojson", CODES)

    def corners(layout: dict[str, Any]) -> list[set[tuple[int, int]]]:
        rings = (ring for rings in layout["polygons"] for ring in rings)
        return [set(zip(ring[::2], ring[1::2], strict=True)) for ring in rings]

    assert corners(drawn) == corners(plain)


@pytest.mark.parametrize(
    "content",
    [b"no json", b"[]", b"{}", b'{"type": "FeatureCollection", "features": []}', b'{"features": [1]}', b"\xff\xfe"],
)
def test_what_holds_no_borders_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wrong.json"
    path.write_bytes(content)
    with pytest.raises(NotBoundaries) as refused:
        read_boundaries(path, CODES)
    assert "wrong.json" in str(refused.value) and "N03" in str(refused.value) and "\n" not in str(refused.value)


def test_an_official_file_has_a_shape_for_every_tile() -> None:
    folder = os.environ.get("MCHDB_TEST_DATA")
    if not folder:
        pytest.skip("MCHDB_TEST_DATA names no folder with official borders")
    found = sorted((Path(folder) / "boundaries").glob("*municipality_area.json"))
    if not found:
        pytest.skip("the folder of MCHDB_TEST_DATA has no official borders")
    layout = read_boundaries(found[0], tiles())
    assert [code for code, rings in zip(layout["code6"], layout["polygons"], strict=True) if not rings] == []
    assert all(len(ring) >= 6 for rings in layout["polygons"] for ring in rings)
