"""A clerk's workbook: what is read from it, what refuses it, and what is never said of it."""

import io
import re
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import openpyxl.utils
import pytest

from pipelines.edge.folder import Folder, read_folder
from pipelines.edge.protect import protected_people
from pipelines.edge.workbook.markup import MOST_ELEMENTS
from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from tests.edge.made_feeds import CHILD, TOWN, Town, row, workbook_of

RECORD = "child_checkup"
SECRET = "加賀見空太の台帳"


def book(*rows: dict[str, str | None]) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(workbook_of(FEEDS["excel"], RECORDS[RECORD], list(rows or [row(RECORD)]))))


def saved(workbook: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def read(town: Town, content: bytes, name: str = "book-1.xlsx") -> Folder:
    file = town.feeds.path / "excel" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return read_folder(town.feeds.path)


def accepted(folder: Folder) -> int:
    return sum(f.rows.height for f in folder.records)


def rules(folder: Folder) -> set[str]:
    return set(folder.refusals["rule"])


def test_titles_above_and_merged_heads_do_not_hide_the_headings(town: Town) -> None:
    made = book()
    sheet = made.worksheets[0]
    sheet.insert_rows(1, 3)
    sheet["A1"] = "乳幼児健診 個票"
    sheet["A3"] = "基本"
    sheet.merge_cells("A3:D3")
    for empty in range(40):
        sheet.cell(sheet.max_row + 1, 1).value = None if empty else " "
    folder = read(town, saved(made))
    assert (accepted(folder), folder.refusals.height) == (1, 0)


def test_a_day_is_read_as_a_date_a_number_of_days_or_text(town: Town) -> None:
    made = book(*(row(RECORD, branch=str(n), visit_date="2024-06-12") for n in (1, 2, 3)))
    sheet = made.worksheets[0]
    heading = [c.value for c in sheet[1]]
    header = next(c.header for c in FEEDS["excel"].columns(RECORDS[RECORD]) if c.field == "visit_date")
    at = heading.index(header) + 1
    sheet.cell(3, at).value, sheet.cell(3, at).number_format = 45455, "General"
    sheet.cell(4, at).value, sheet.cell(4, at).number_format = "2024年6月12日", "@"
    folder = read(town, saved(made))
    assert accepted(folder) == 3
    assert {str(d) for f in folder.records for d in f.rows["visit_date"]} == {"2024-06-12"}


def zipped(change: Callable[[str, bytes], bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(book()))) as whole, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for part in whole.namelist():
            made.writestr(part, change(part, whole.read(part)))
    return out.getvalue()


def in_sheet(old: bytes, new: bytes) -> bytes:
    return zipped(lambda part, text: text.replace(old, new, 1) if part.endswith("sheet1.xml") else text)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "empty_file"),
        (SECRET.encode(), "not_workbook"),
        (saved(book())[:900], "not_workbook"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "password"),
        (in_sheet(b"<worksheet", b"<!DOCTYPE w [<!ENTITY a 'b'>]><worksheet"), "not_workbook"),
        (in_sheet(b"</sheetData>", b'<row r="99"><c r="A99"><f>1+1</f><v></v></c></row></sheetData>'), "formula"),
        (zipped(lambda part, text: text + b" " * (1 << 27) if part.endswith("sheet1.xml") else text), "too_large"),
    ],
    ids=["empty", "no zip", "cut off", "password", "entities", "a formula never worked out", "swells"],
)
def test_a_workbook_that_cannot_be_trusted_is_refused_as_a_whole(town: Town, content: bytes, rule: str) -> None:
    town.feeds.put("residency_spell", row("residency_spell"))
    folder = read(town, content, f"{SECRET}.xlsx")
    assert rule in rules(folder)
    assert {f.arrived.feed.name for f in folder.records if f.rows.height} == {"municipal"}
    assert SECRET not in str(folder.refusals.to_dicts())


def test_a_hidden_sheet_is_not_taken(town: Town) -> None:
    made = book()
    made.worksheets[0].sheet_state = "hidden"
    made.active = 1
    folder = read(town, saved(made))
    assert accepted(folder) == 0
    assert "hidden_sheet" in rules(folder)


def test_a_my_number_on_any_sheet_stops_the_workbook(town: Town) -> None:
    made = book()
    made.create_sheet("控え").append(["氏名", "個人番号"])
    folder = read(town, saved(made))
    assert accepted(folder) == 0
    assert rules(folder) == {"my_number"}


def test_a_cell_with_an_error_refuses_its_line_alone(town: Town) -> None:
    made = book(row(RECORD, branch="1"), row(RECORD, branch="2"))
    made.worksheets[0].cell(2, 20).value = "#N/A"
    made.worksheets[0].cell(2, 20).data_type = "e"
    folder = read(town, saved(made))
    assert accepted(folder) == 1
    assert sum(f.arrived.read for f in folder.files) == accepted(folder) + folder.refusals["line"].n_unique()


def test_sums_that_differ_are_told_by_line_and_never_by_number(town: Town) -> None:
    made = book()
    sums = made.worksheets[1]
    for cell in next(sums.iter_rows(min_row=2, max_row=2)):
        if cell.value == 1:
            cell.value = 4_711
    folder = read(town, saved(made))
    told = [f"{ja} {en}" for f in folder.files for ja, en in f.arrived.warnings]
    assert any("differ" in each and "2" in each for each in told)
    assert not any("4711" in each or "4,711" in each for each in told)


def test_a_sheet_name_and_the_properties_are_never_said(town: Town) -> None:
    made = book()
    made.create_sheet(SECRET).append(["別の表"])
    made.properties.creator = made.properties.title = SECRET
    folder = read(town, saved(made), f"{SECRET}.xlsx")
    assert accepted(folder) == 1
    said = [str(folder.refusals.to_dicts()), *(f"{w}" for f in folder.files for w in f.arrived.warnings)]
    assert not any(SECRET in each for each in said)
    assert not any(SECRET in f.arrived.file for f in folder.files)


def test_a_workbook_leaves_no_file_behind(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read from memory: no plain-text temporary file (privacy, hole 25)."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    assert accepted(read(town, saved(book()))) == 1
    assert list(scratch.iterdir()) == []


FLAG = next(i for i, c in enumerate(FEEDS["excel"].columns(RECORDS[RECORD]), start=1) if c.field == "is_not_disclosed")


def flagged_by(cell: bytes) -> bytes:
    """A workbook whose flag stands in this cell of its only line."""
    made = book()
    made.worksheets[0].cell(2, FLAG).value = "=4711"
    written, out = re.compile(rb'<c r="[A-Z]+2"[^>]*><f>4711</f><v ?/?>(?:</v>)?</c>'), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(made))) as whole, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as changed:
        for part in whole.namelist():
            changed.writestr(part, written.sub(cell, whole.read(part)))
    at = openpyxl.utils.get_column_letter(FLAG)
    assert cell in zipfile.ZipFile(io.BytesIO(out.getvalue())).read("xl/worksheets/sheet1.xml"), at
    return out.getvalue()


def flag_cell(inside: bytes, kind: bytes = b"") -> bytes:
    at = openpyxl.utils.get_column_letter(FLAG).encode() + b"2"
    return b'<c r="%s"%s>%s</c>' % (at, kind, inside)


def moved(content: bytes, name: str) -> bytes:
    """The same workbook with the part of its first sheet under another name."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as whole, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for part in whole.namelist():
            text = whole.read(part)
            if part.endswith(".rels") or part == "[Content_Types].xml":
                text = text.replace(b"worksheets/sheet1.xml", name.encode())
            made.writestr(part.replace("worksheets/sheet1.xml", name), text)
    return out.getvalue()


def test_a_formula_that_gave_nothing_is_an_empty_cell(town: Town) -> None:
    """As a spreadsheet saves =IF(B2="","",B2): a text, of no letters."""
    folder = read(town, flagged_by(flag_cell(b"<f>IF(B2=&quot;&quot;,&quot;&quot;,B2)</f><v></v>", b' t="str"')))
    assert (accepted(folder), folder.refusals.height) == (1, 0)


@pytest.mark.parametrize(
    "inside", [b"<f>1</f>", b"<f>1</f><!-- --><v/>", b"<f><![CDATA[1]]></f><v></v>", b'<f t="shared" si="0"/>']
)
@pytest.mark.parametrize(
    "name", ["worksheets/sheet1.xml", "lines/one.xml", "worksheets/sheet1.XML", "worksheets/sheet1.dat"]
)
def test_a_flag_that_was_never_worked_out_sends_nobody(town: Town, inside: bytes, name: str) -> None:
    """However it is written, and whatever the part of the sheet is called."""
    folder = read(town, moved(flagged_by(flag_cell(inside)), name))
    assert accepted(folder) == 0
    assert folder.unseen() == ["excel/book-1.xlsx"]


@pytest.mark.parametrize(
    "more",
    [
        b'<row r="2"><c r="A2"><v>1</v></c></row>',
        b'</sheetData><sheetData><row r="2"><c r="A2"><v>1</v></c></row>',
        b'<row r="9"><c r="A9"><v>1</v></c><c r="A9"/></row>',
        b'<row r="9"><c r="A9"><v>1</v></c><c r="a9"/></row>',
        b'<row r="9"><c><v>1</v></c><c r="A9"/></row>',
    ],
    ids=[
        "a row of an earlier number",
        "and in another table",
        "a cell twice",
        "in small letters",
        "once without its place",
    ],
)
def test_what_a_reader_would_pass_over_refuses_the_workbook(town: Town, more: bytes) -> None:
    folder = read(town, in_sheet(b"</sheetData>", more + b"</sheetData>"))
    assert (accepted(folder), rules(folder)) == (0, {"not_workbook"})


def test_a_workbook_is_judged_in_time_that_grows_as_it_does(town: Town) -> None:
    """Blanks behind a formula: of those who look back from each, sixteen times as many take 256 times as long."""

    def taken(blanks: int) -> float:
        blank = b'<row r="99"><c r="A99"><f>1</f>' + b" " * blanks + b"<v>1</v></c></row></sheetData>"
        content = in_sheet(b"</sheetData>", blank)
        start = time.process_time()
        assert accepted(read(town, content)) == 1
        return time.process_time() - start

    taken(1)
    assert taken(640_000) < 40 * taken(40_000)


def test_more_markup_than_a_sheet_has_room_for_is_too_large(town: Town) -> None:
    folder = read(town, in_sheet(b"</sheetData>", b"</sheetData>" + b"<x/>" * (MOST_ELEMENTS + 1)))
    assert (accepted(folder), rules(folder)) == (0, {"too_large"})


def sheet_per_age(title: str, *changes: dict[str, str | None]) -> bytes:
    """As towns keep them: a sheet of one age, without a column for it, its lines with results and answers."""
    feed, made = FEEDS["excel"], openpyxl.Workbook()
    columns = {c.header: c.field for record in feed.records for c in feed.columns(record)}
    unsaid = ("programme_code", "branch", "residence_municipality_code")
    named = {header: field for header, field in columns.items() if field not in unsaid}
    sheet = made.worksheets[0]
    sheet.title = title
    sheet.append([*named])
    for change in changes or ({},):
        cells = {**row("child_questionnaire"), **row(RECORD)} | change
        sheet.append([cells.get(field) for field in named.values()])
    return saved(made)


@pytest.mark.parametrize(
    ("title", "programme"), [("３～４か月児健診", "31"), ("1歳6か月児", "34"), ("3歳児 令和6年度", "36")]
)
def test_a_sheet_of_an_age_tells_checkups_and_answers(town: Town, title: str, programme: str) -> None:
    folder = read(town, sheet_per_age(title))
    assert folder.refusals.is_empty()
    rows = {f.arrived.record.name: f.rows.row(0, named=True) for f in folder.records}
    assert rows.keys() == set(FEEDS["excel"].record_names)
    assert {r["programme_code"] for r in rows.values()} == {programme}
    assert {r["residence_municipality_code"] for r in rows.values()} == {TOWN}


@pytest.mark.parametrize("title", ["Sheet1", "9~11か月児", "3歳・5歳児"])
def test_a_title_that_names_no_age_or_two_does_not_make_one_up(town: Town, title: str) -> None:
    assert rules(read(town, sheet_per_age(title))) == {"column_missing"}


def test_a_line_without_answers_is_a_checkup_alone(town: Town) -> None:
    own = {c.field for c in FEEDS["excel"].columns(RECORDS["child_questionnaire"])} - set(RECORDS[RECORD].arriving)
    folder = read(town, sheet_per_age("3歳児", {}, dict.fromkeys(own) | {"person_local": "900000000000077"}))
    assert {f.arrived.record.name: f.arrived.read for f in folder.records} == {RECORD: 2, "child_questionnaire": 1}


def test_digits_that_became_numbers_are_codes_again(town: Town) -> None:
    content = workbook_of(FEEDS["excel"], RECORDS[RECORD], [row(RECORD, service_municipality_code="011002")])
    assert openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]["S2"].value == 11002
    [file] = [f for f in read(town, content).records if f.rows.height]
    assert file.rows["service_municipality_code"].to_list() == ["011002"]


def test_a_flag_protects_from_a_hidden_sheet_and_from_a_line_with_an_error(town: Town) -> None:
    flagged = row(RECORD, is_not_disclosed="1")
    hidden = book(flagged)
    hidden.worksheets[0].sheet_state, hidden.active = "hidden", 1
    wrong = book(flagged)
    at = [c.value for c in wrong.worksheets[0][1]].index("身長") + 1
    wrong.worksheets[0].cell(2, at).value, wrong.worksheets[0].cell(2, at).data_type = "#N/A", "e"
    for made in (hidden, wrong):
        folder = read(town, saved(made))
        assert accepted(folder) == 0 and folder.unseen() == []
        assert set(protected_people([f.arrived for f in folder.files], [])["person_local"]) >= {CHILD["person_local"]}


def test_a_flag_of_which_nobody_can_tell_whose_it_is_stops_the_sending(town: Town) -> None:
    made = book(row(RECORD, is_not_disclosed="1"))
    at = [c.value for c in made.worksheets[0][1]].index("宛名番号") + 1
    made.worksheets[0].cell(2, at).value, made.worksheets[0].cell(2, at).data_type = "#REF!", "e"
    assert read(town, saved(made)).unseen() == ["excel/book-1.xlsx"]


def test_cells_far_away_need_no_room(town: Town) -> None:
    """A reader that gives a sheet the room of its outermost cells ends the process here; the sheet says no dimension."""
    rows = b"".join(b'<row r="%d"><c r="XFD%d"><v>1</v></c></row>' % (n, n) for n in (*range(9, 209), 20_000))

    def far(part: str, text: bytes) -> bytes:
        is_sheet = part.endswith("sheet1.xml")
        whole = re.sub(rb"<dimension[^>]*>", b"", text).replace(b"</sheetData>", rows + b"</sheetData>")
        return whole if is_sheet else text

    tracemalloc.start()
    folder = read(town, zipped(far))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert accepted(folder) == 1
    assert most < 10_000_000


def test_a_gap_of_a_million_rows_costs_little_and_loses_no_row(town: Town) -> None:
    """A stray cell in the last row that a sheet can have, and rows on both sides of shorter gaps."""
    made = book(*(row(RECORD, branch=str(n)) for n in (1, 2, 3)))
    sheet = made.worksheets[0]
    sheet.move_range("A4:AZ4", rows=500_000)
    sheet.move_range("A3:AZ3", rows=70)
    sheet["A1048576"] = "x"
    content, start = saved(made), time.process_time()
    folder = read(town, content)
    assert time.process_time() - start < 3
    [file] = [f for f in folder.records if f.rows.height]
    assert sorted(file.rows["branch"]) == [1, 2, 3]
    assert set(folder.refusals["line"]) == {1_048_576}
    assert sum(f.arrived.read for f in folder.files) == accepted(folder) + 1


def test_what_a_spreadsheet_lays_beside_an_open_workbook_is_not_read(town: Town) -> None:
    (town.feeds.path / "excel").mkdir(parents=True)
    (town.feeds.path / "excel" / "~$book-1.xlsx").write_bytes(b"\x05" + SECRET.encode())
    folder = read(town, saved(book()))
    assert (accepted(folder), folder.refusals.height, folder.unseen()) == (1, 0, [])
