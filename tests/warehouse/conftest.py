"""A centre with one town in its registry that has sent nothing yet, and another beside it."""

from pathlib import Path

import pytest

from pipelines.warehouse.init import init
from tests.warehouse.parcels import ANAMIZU, SUZU, Centre, Town, new_centre


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return new_centre(tmp_path)


@pytest.fixture
def town(centre: Centre) -> Town:
    town = centre.town(SUZU)
    init(centre.folder, centre.warehouse_keys, centre.registry(town, centre.town(ANAMIZU)))
    return town
