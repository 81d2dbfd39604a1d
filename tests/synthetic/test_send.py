"""The files: declared headings, encodings, and two feeds of one visit that agree."""

import json

import polars as pl
import pytest

from pipelines.feeds import FEEDS
from pipelines.feeds.feed import Column
from pipelines.records import RECORDS
from synthetic.draws import Draws
from synthetic.fault_kinds import Sheet
from synthetic.faults import with_faults
from synthetic.observe import THROUGH_PMH
from synthetic.places import Habits
from synthetic.population.calendar import Window
from synthetic.send import _marked as marked
from synthetic.send import _object as object_of
from synthetic.send import lines_of
from tests.synthetic.conftest import COUNTED, Cohort


def test_every_file_of_the_contract_is_there_with_the_declared_heading(faulty: Cohort) -> None:
    for code, encoding in (("192015", "utf-8-sig"), ("192023", "cp932")):
        for feed in (FEEDS["municipal"], FEEDS["pmh"]):
            sent = COUNTED if feed.name == "municipal" else THROUGH_PMH
            for record in (RECORDS[name] for name in sent):
                data = (faulty.out / "feeds" / code / feed.name / feed.file_name(record)).read_bytes()
                if feed.format == "csv":
                    heading = data.splitlines()[0].decode(encoding).split(",")
                    assert heading == [c.header for c in feed.columns(record)]
        assert (faulty.out / "feeds" / code / "protected.csv").read_text().startswith("local_number\n")


def test_some_send_a_bom_and_some_cp932_with_crlf(faulty: Cohort) -> None:
    bom = (faulty.out / "feeds/192015/municipal/birth.csv").read_bytes()
    sjis = (faulty.out / "feeds/192023/municipal/birth.csv").read_bytes()
    assert bom.startswith(b"\xef\xbb\xbf") and bom.count(b"\xef\xbb\xbf") == 1 and b"\r" not in bom
    assert sjis.count(b"\r\n") == sjis.count(b"\n") > 100
    assert "宛名番号".encode("cp932") in sjis


def test_about_a_fifth_of_the_submitters_send_cp932_and_a_fifth_have_joined_pmh() -> None:
    from synthetic.places import chosen, habits

    all_habits = [habits(Draws(1), i, Window(2022, 2024).end) for i in chosen(())]
    assert 0.17 < sum(h.encoding == "cp932" for h in all_habits) / len(all_habits) < 0.23
    assert 0.17 < sum(h.uses_pmh for h in all_habits) / len(all_habits) < 0.23


@pytest.mark.parametrize("record", THROUGH_PMH)
def test_pmh_is_an_array_with_one_object_a_line(faulty: Cohort, record: str) -> None:
    text = (faulty.out / f"feeds/192015/pmh/{record}.json").read_text("utf-8")
    objects = json.loads(text)
    assert len(objects) == len(text.splitlines()) - 2
    first = objects[0]
    assert set(first["basicFiveInfo"]) == {"name", "nameKana", "dateOfBirth", "sex", "address"}
    assert first["modificationSeg"] in ("1", "2") and isinstance(first["isNotDisclosed"], bool)
    assert all(len(o["myNumber"]) == 12 for o in objects)


def test_a_visit_in_two_feeds_has_one_code_and_day_and_two_local_numbers(clean: Cohort) -> None:
    links = clean.truth("links").filter(pl.col("record") == "child_checkup")
    files = links.filter(pl.col("feed") == "pmh")["file"].unique().to_list()
    assert files
    own = clean.rows("child_checkup").select(
        "entity_id", "programme_code", "visit_date", "branch", "person_local", "weight_kg"
    )
    for file in files:
        objects = json.loads((clean.out / "feeds" / file).read_text("utf-8"))
        theirs = pl.DataFrame({
            "line": pl.Series(range(2, len(objects) + 2), dtype=pl.UInt32),
            "programme_code": [o["programmeCode"] for o in objects],
            "visit_date": [o["visitDate"] for o in objects], "branch": [o["branch"] for o in objects],
            "key": [o["municipalityIdentityKey"] for o in objects],
        }).join(links.filter(pl.col("file") == file), on="line")  # fmt: skip
        both = theirs.join(own, on=["entity_id", "programme_code", "visit_date", "branch"])
        assert len(both) == len(theirs) > 0
        assert (both["key"] != both["person_local"]).all()


def test_local_numbers_have_15_digits_at_most(clean: Cohort) -> None:
    numbers = clean.rows("residency_spell")["person_local"]
    assert numbers.str.contains(r"^\d{1,15}$").all()


def test_head_cells_are_filled_as_a_municipality_would(clean: Cohort) -> None:
    rows = clean.rows("antenatal_visit")
    filled = rows.select(pl.all().is_not_null().mean()).row(0, named=True)
    for name in ("name", "kana_surname", "birth_date", "address", "residence_municipality_code", "recorded_date",
                 "service_municipality_code", "facility_code", "entry_channel_code", "evidence_code", "pregnancy_no"):  # fmt: skip
        assert filled[name] == 1, name
    assert 0.95 < filled["phone"] < 1 and 0.95 < filled["insured_number"] < 1
    assert rows["insurer_number"].drop_nulls().str.contains(r"^\d{8}$").all()
    assert clean.rows("birth")["insured_number"].is_null().all()
    assert rows.filter(pl.col("evidence_code") == "2")["weight_kg"].is_null().all()


@pytest.mark.parametrize(("encoding", "byte"), [("utf-8", b"\xff"), ("cp932", b"\x81\x39")])
def test_marks_become_a_comma_and_bytes_that_are_no_text(encoding: str, byte: bytes) -> None:
    habits = Habits(encoding, False)
    sent = marked(habits.written("a\x1f,住\x1e\n".encode()), habits)
    assert sent == b"a,," + "住".encode(encoding) + byte + (b"\r\n" if encoding == "cp932" else b"\n")
    with pytest.raises(UnicodeDecodeError):
        sent.decode(encoding)


def test_a_column_added_to_a_feed_needs_no_line_here() -> None:
    """A layout with another nesting and heading is sent as declared."""
    columns = (
        Column("visit.day", "visit_date"), Column("size.weight", "weight_kg"), Column("number", "branch"),
        Column("hidden", "is_not_disclosed", "true_false"),
    )  # fmt: skip
    rows = pl.DataFrame({
        "visit_date": ["2024-04-01"], "weight_kg": ["9.5"], "branch": [3], "is_not_disclosed": [True],
        "modificationSeg": ["1"], "myNumber": ["0"],
    })  # fmt: skip
    sent = rows.select(object_of(columns, RECORDS["child_checkup"]).struct.json_encode()).item()
    assert json.loads(sent) == {
        "modificationSeg": "1", "myNumber": "0", "hidden": True, "number": "3", "visit": {"day": "2024-04-01"},
        "size": {"weight": 9.5},
    }  # fmt: skip


def test_a_line_break_in_a_cell_is_refused_because_rows_are_cut_at_lines() -> None:
    fields = {column.field: ["a"] for column in FEEDS["municipal"].columns(RECORDS["delivery"])}
    about = pl.DataFrame({"row": [1], "submitter": [0], "entity_id": [1], "household": [1]})

    def lines(address: str) -> bytes:
        rows = pl.DataFrame(fields | {"address": [address], "is_not_disclosed": [False]})
        faulty = with_faults(Draws(1), Sheet(RECORDS["delivery"], "municipal", rows, about), {})
        return lines_of(Draws(1), faulty, FEEDS["municipal"]).between(0, 1, Habits("utf-8", False))

    assert lines("1-2-3").count(b"\n") == 1
    with pytest.raises(ValueError, match="line break"):
        lines("1-2-3\n101")


def test_the_summary_tells_where_the_time_went(clean: Cohort) -> None:
    seconds = clean.summary.seconds
    assert set(seconds) == {"moves", "feeds", "truth"} and all(s > 0 for s in seconds.values())
    assert f"feeds {seconds['feeds']:.1f} s" in clean.summary.lines()[1]
