"""Claims at the centre: one line is one voucher or one reimbursement, counted for the municipality of residence."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.parcels import ANAMIZU, SUZU, Row, month
from tests.warehouse.shelf import Shelf, antenatal, delivery, notification, shelf

AGENT = "170003"


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Shelf]:
    with shelf(tmp_path / "w") as found:
        found.register((AGENT, SUZU, True), (AGENT, ANAMIZU, True), (SUZU, SUZU, False))
        yield found


def claim(line: str, person: str = "v1", **values: Any) -> Row:
    facts = {
        "claimed_month": month("2023-06"), "programme_code": "10", "contract_kind_code": "1", "returned_code": "0",
        "public_payment_yen_class": 5000, "is_paid": True,
    }  # fmt: skip
    return Row("claim", line, person, facts | values, feed="claims")


def test_a_line_is_a_row_whoever_it_is_about(centre: Shelf) -> None:
    """A woman whom no register knows has vouchers too; a line sent again is the same line."""
    lines = [claim("1"), claim("2", returned_code="1"), claim("3", "v2", programme_code="31")]
    centre.take(AGENT, lines, SUZU)
    centre.take(AGENT, [claim("1")], SUZU)
    told = centre.core("claim", "municipality_code, fiscal_year, programme_code, returned_code")
    assert [tuple(row.values()) for row in told] == [
        (SUZU, 2023, "10", "0"), (SUZU, 2023, "10", "1"), (SUZU, 2023, "31", "0"),
    ]  # fmt: skip
    assert centre.ask("SELECT rows FROM core.arrival WHERE record = 'claim'") == [{"rows": 3}]


def test_the_registry_says_whose_lines_count(centre: Shelf) -> None:
    """The town's own copy of what its agent sends stays evidence."""
    centre.take(AGENT, [claim("1")], SUZU)
    centre.take(SUZU, [claim("1"), claim("2")])
    assert len(centre.core("claim")) == 1


def test_a_corrected_line_has_its_last_version_and_a_cancelled_one_none(centre: Shelf) -> None:
    centre.take(AGENT, [claim("1"), claim("2")], SUZU)
    centre.take(AGENT, [claim("1", returned_code="1", revision_no=1), claim("2", is_cancelled=True)], SUZU)
    assert centre.core("claim", "returned_code") == [{"returned_code": "1"}]


def test_what_a_line_does_not_say_is_unknown(centre: Shelf) -> None:
    centre.take(AGENT, [claim("1", contract_kind_code=None, returned_code=None, is_paid=None)], SUZU)
    assert centre.core("claim", "contract_kind_code, returned_code, is_paid") == [
        {"contract_kind_code": "9", "returned_code": "unknown", "is_paid": False}
    ]


def test_a_claim_is_no_visit(centre: Shelf) -> None:
    centre.register((SUZU, SUZU, True))
    centre.take(SUZU, [notification("m1/1"), delivery("m1/1"), antenatal("m1/1", 1, "2022-12"), claim("1", "m1")])
    assert centre.core("delivery", "antenatal_visits") == [{"antenatal_visits": 1}]
    assert len(centre.core("claim")) == 1
