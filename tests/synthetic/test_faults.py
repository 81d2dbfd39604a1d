"""Every kind of fault is there, at its file and line, and turning one on moves no other value."""

import csv
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.declaration import Between
from pipelines.edge.canon import canonical
from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from synthetic.draws import Draws
from synthetic.fault_kinds import KINDS, Sheet
from synthetic.fault_rates import HOUSEHOLD_KINDS, STRETCH, profile
from synthetic.faults import with_faults
from tests.synthetic.conftest import Cohort

ALL_KINDS = [*(kind.name for kind in KINDS), *HOUSEHOLD_KINDS]


@cache
def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


def line_of(out: Path, file: str, line: int) -> bytes:
    return lines_of(out / "feeds" / file)[line - 1]


def cells(out: Path, file: str, line: int) -> dict[str, str]:
    """Field -> text of a CSV line or of a JSON object."""
    data, record = line_of(out, file, line), RECORDS[Path(file).stem]
    if file.endswith(".json"):
        found = json.loads(data.decode().rstrip(","))
        nested = {**found, **{f"basicFiveInfo.{k}": v for k, v in found["basicFiveInfo"].items()}}
        return {c.field: nested[c.header] for c in FEEDS["pmh"].columns(record)}
    text = data.decode("utf-8" if "192015" in file else "cp932")
    (parsed,) = csv.reader([text])
    return dict(zip((c.field for c in FEEDS["municipal"].columns(record)), parsed, strict=True))


def answers(cohort: Cohort, kind: str, feed: str | None = None) -> Iterator[dict[str, str]]:
    key = cohort.truth("answer_key").filter(pl.col("kind") == kind)
    key = key.filter(pl.col("feed") == feed) if feed else key
    if key.is_empty():
        raise AssertionError(f"no {kind} in the cohort")
    return key.iter_rows(named=True)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_every_kind_is_in_the_answer_key_and_belongs_to_its_person(faulty: Cohort, kind: str) -> None:
    key = faulty.truth("answer_key").filter(pl.col("kind") == kind)
    assert not key.is_empty()
    told = key.filter(pl.col("feed") != "").join(faulty.truth("links"), on=["file", "line", "entity_id"], how="anti")
    assert told.is_empty()


def test_a_row_has_one_fault_at_most(faulty: Cohort) -> None:
    key = faulty.truth("answer_key").filter(pl.col("feed") != "")
    assert key.select("file", "line").is_unique().all()


@pytest.mark.parametrize(
    ("kind", "field", "is_there"),
    [
        ("impossible_date", None, lambda text, row: text.endswith("-02-30")),
        ("missing_required", "sex_code", lambda text, row: not text),
        ("other_municipality", "residence_municipality_code", lambda text, row: text != row["file"][:6]),
        ("correction", "revision_no", lambda text, row: text == "1"),
        ("visit_before_birth", None, lambda text, row: text < row["birth_date"]),
        ("stage_disagrees", "notification_stage_code", lambda text, row: text == "4"),
    ],
)
def test_the_fault_stands_at_its_line(faulty: Cohort, kind: str, field: str | None, is_there: object) -> None:
    for answer in answers(faulty, kind):
        found = cells(faulty.out, answer["file"], int(answer["line"])) | {"file": answer["file"]}
        assert is_there(found[field or answer["field"]] or "", found), answer["fault_id"]  # type: ignore[operator]


def test_unknown_codes_are_in_no_code_list(faulty: Cohort) -> None:
    for answer in answers(faulty, "unknown_code"):
        found = cells(faulty.out, answer["file"], int(answer["line"]))[answer["field"]]
        assert found not in RECORDS[Path(answer["file"]).stem].fields[answer["field"]].rule.codes  # type: ignore[union-attr]


def test_a_wrong_unit_is_outside_the_range(faulty: Cohort) -> None:
    for answer in answers(faulty, "wrong_unit"):
        rule = RECORDS[Path(answer["file"]).stem].fields[answer["field"]].rule
        value = cells(faulty.out, answer["file"], int(answer["line"]))[answer["field"]]
        assert isinstance(rule, Between)
        assert not pl.select(rule.holds(pl.lit(value).cast(pl.Float64))).item()


def test_a_duplicate_repeats_the_line_before_it(faulty: Cohort) -> None:
    for answer in answers(faulty, "duplicate_key"):
        first, second = (
            line_of(faulty.out, answer["file"], int(answer["line"]) - back).rstrip(b",") for back in (1, 0)
        )
        assert first == second


def test_a_ragged_row_has_one_cell_too_many(faulty: Cohort) -> None:
    for answer in answers(faulty, "ragged_row"):
        record = RECORDS[Path(answer["file"]).stem]
        line = line_of(faulty.out, answer["file"], int(answer["line"]))
        assert line.count(b",") == len(FEEDS["municipal"].columns(record))


def test_an_undecodable_row_is_the_only_one_of_its_kind(faulty: Cohort) -> None:
    key = faulty.truth("answer_key").filter(pl.col("kind") == "undecodable_byte")
    for file in faulty.truth("links").filter(pl.col("feed") == "municipal")["file"].unique():
        encoding = "utf-8" if "192015" in file else "cp932"
        bad = set()
        for number, line in enumerate((faulty.out / "feeds" / file).read_bytes().splitlines(), start=1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError:
                bad.add(number)
        assert bad == set(key.filter(pl.col("file") == file)["line"])


def test_a_cancellation_is_code_2_in_pmh_and_1_in_the_municipal_system(faulty: Cohort) -> None:
    key = faulty.truth("answer_key").filter(pl.col("kind") == "cancellation")
    cancelling = key.sort("line").group_by("fault_id").last()
    assert set(cancelling["feed"]) == {"municipal", "pmh"}
    for answer in cancelling.iter_rows(named=True):
        found = cells(faulty.out, answer["file"], answer["line"])
        assert found["is_cancelled"] == ("2" if answer["feed"] == "pmh" else "1")
        assert found["revision_no"] == "1"


def test_a_kana_variant_is_another_writing_of_the_true_name_and_links_to_it(faulty: Cohort) -> None:
    names = dict(faulty.truth("persons").select("entity_id", "kana_surname").iter_rows())
    pairs = [
        (cells(faulty.out, answer["file"], int(answer["line"]))["kana_surname"], names[answer["entity_id"]])
        for answer in answers(faulty, "kana_variant", "municipal")
    ]
    sent, true = (pl.Series(side) for side in zip(*pairs, strict=True))
    assert (sent != true).all()
    forms = [canonical(side.to_frame("kana_surname"), ["kana_surname"]) for side in (sent, true)]
    assert forms[0].equals(forms[1])
    assert sent.str.contains("[ｦ-ﾟ]").any() and sent.str.contains("[ぁ-ん]").any() and sent.str.contains("ー").any()


def test_the_protected_list_holds_local_numbers_of_people_with_rows(faulty: Cohort) -> None:
    spells = dict(faulty.truth("moves").select("person_local", "entity_id").iter_rows())
    for answer in answers(faulty, "protected_list"):
        number = line_of(faulty.out, answer["file"], int(answer["line"])).decode()
        assert spells[number] == answer["entity_id"]


def test_a_number_in_a_note_has_the_form_of_a_my_number_and_a_wrong_check_digit(faulty: Cohort) -> None:
    weights = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
    for answer in answers(faulty, "number_in_note"):
        note = cells(faulty.out, answer["file"], int(answer["line"]))["note"]
        digits = [int(c) for c in note if c.isdigit()]
        rest = sum(d * w for d, w in zip(digits, weights, strict=False)) % 11
        assert len(digits) == 12 and digits[-1] != (0 if rest <= 1 else 11 - rest)


def test_typical_faults_stay_under_half_a_percent_of_the_rows() -> None:
    assert sum(n for kind, n in profile("typical").items() if kind not in HOUSEHOLD_KINDS) <= 5_000
    assert not profile("none")
    assert set(profile("typical")) == set(profile("heavy")) == set(ALL_KINDS)


def test_every_rate_fits_into_its_stretch_of_the_draw() -> None:
    assert len(KINDS) * STRETCH < 1
    assert max(profile("heavy").values()) / 1e6 <= STRETCH


def test_turning_one_kind_on_moves_no_other_value() -> None:
    n = 5_000
    rows = pl.DataFrame({"person_local": [str(i) for i in range(n)], "sex_code": ["2"] * n, "phone": ["090"] * n,
                         "branch_number": ["01"] * n, "is_not_disclosed": [False] * n})  # fmt: skip
    about = pl.DataFrame({"row": range(n), "submitter": [0] * n, "entity_id": range(n), "household": range(n)})
    sheet = Sheet(RECORDS["delivery"], "municipal", rows, about)
    heavy = {"missing_required": 20_000, "card_missing": 20_000}
    both = with_faults(Draws(1), sheet, heavy)
    for kind in heavy:
        alone = with_faults(Draws(1), sheet, {kind: heavy[kind]})
        assert alone.key.equals(both.key.filter(pl.col("kind") == kind))
        others = pl.Series(np.isin(both.at, both.key.filter(pl.col("kind") != kind)["position"].to_numpy()))
        assert len(alone.changed) and others.any()
        assert alone.changed.equals(both.changed.filter(~others))
        assert alone.sheet.rows.equals(both.sheet.rows) and alone.sheet.rows.equals(rows)


def test_an_unknown_profile_is_refused_in_one_sentence() -> None:
    with pytest.raises(ValueError, match="none, typical, heavy; got strong"):
        profile("strong")
