"""Bundles changed at random: never an exception, never a value in what is told, and every row accounted for."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.edge.folder import Folder
from pipelines.edge.report import page
from pipelines.edge.send import CheckResult, check_feeds
from tests.edge.made_bundles import bundle, child, lines, patient, read, visit, weight
from tests.edge.made_feeds import MOTHER

CANARIES = (
    *(MOTHER[n] for n in ("name", "kana_surname", "phone", "insured_number", "birth_date")),
    "H-1",
    "H-2",
    "P-1",
    "カナリア",
)
WHOLE = [
    patient(), child(), visit(), visit("2022-06-20", 2, "v2"), weight(), weight(4.25, of="Encounter/v2"),
    {"resourceType": "Composition", "type": {"coding": [{"system": "urn:mchdb:record", "code": "child_checkup"}]},
     "subject": {"reference": "Patient/c"}, "date": "2023-01-01", "section": [{"entry": [{"reference": "Observation/x"}]}]},
    {"resourceType": "Condition", "code": {"coding": [{"system": "http://snomed.info/sct", "code": "72892002"}]},
     "subject": {"reference": "Patient/m"}, "onsetDateTime": "2022-03-01"},
    {"resourceType": "Practitioner", "id": "カナリア"},
]  # fmt: skip
ODD: st.SearchStrategy[Any] = st.sampled_from([
    None, True, 3, -1, 10**400, 1e308, 5e-324, "", "カナリア", "\ud800", "\0", [], {}, [[]], [None], {"カナリア": []}, [{"system": {}}],
    "9999-99-99", "2022-13-45T99:99:99Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "Patient/m", "#", "Encounter/v1",
])  # fmt: skip


def places(element: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = element.items() if isinstance(element, dict) else enumerate(element) if isinstance(element, list) else ()
    return [path, *(p for name, value in inner for p in places(value, (*path, name)))]


PLACES = [p for p in places(WHOLE) if p]


def changed(path: tuple[Any, ...], value: Any, drop: bool) -> list[Any]:
    whole = json.loads(json.dumps(WHOLE))
    at = whole
    for name in path[:-1]:
        at = at[name]
    if drop:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return whole


def assert_sound(folder: Folder, feeds: Path) -> None:
    said = page(folder) + str(folder.refusals.rows()) + str(folder.warnings)
    told: CheckResult = check_feeds(feeds)
    said += "".join(told.lines()) + str(told.summary())
    assert not [canary for canary in CANARIES if canary in said]
    assert all(c.read == c.accepted + c.refused + c.excluded for c in told.counts.values())
    assert (folder.refusals.height > 0) == (told.refused > 0)


@settings(max_examples=60, deadline=None)
@given(path=st.sampled_from(PLACES), value=ODD, drop=st.booleans(), in_lines=st.booleans())
def test_an_element_that_is_dropped_or_of_another_kind(
    path: tuple[Any, ...], value: Any, drop: bool, in_lines: bool
) -> None:
    with tempfile.TemporaryDirectory() as home:
        text = (lines if in_lines else bundle)(*changed(path, value, drop))
        folder = read(Path(home), text.encode("utf-8", "surrogatepass"), "export.ndjson" if in_lines else "bundle.json")
        assert_sound(folder, Path(home) / "feeds" / folder.submitter)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), in_lines=st.booleans())
def test_bytes_that_are_cut_doubled_or_replaced(data: st.DataObject, in_lines: bool) -> None:
    text = (lines if in_lines else bundle)(*WHOLE).encode()
    first = data.draw(st.integers(0, len(text)))
    last = data.draw(st.integers(first, min(len(text), first + 60)))
    middle = data.draw(
        st.sampled_from(
            [b"", b"\xff", b"\0", b'"', b"{", b"]", b"\xef\xbb\xbf", b"NaN", b"\\ud800", text[first:last] * 2]
        )
    )
    with tempfile.TemporaryDirectory() as home:
        folder = read(Path(home), text[:first] + middle + text[last:], "export.ndjson" if in_lines else "bundle.json")
        assert_sound(folder, Path(home) / "feeds" / folder.submitter)
