"""A cohort in one municipality, in its own headings, order and encoding."""

import csv
from pathlib import Path

import polars as pl
import pytest

from pipelines.edge.folder import Folder, read_folder
from pipelines.feeds import FEEDS, Column
from pipelines.records import RECORDS
from synthetic.asked import CannotBeHad
from synthetic.cohort import Summary, make_cohort
from synthetic.layout import own_feed

KOFU = "192015"  # sends through PMH as well
LAYOUT = """record,header,field,conversion
birth,宛名,person_local,
birth,児氏名カナ,kana_surname,surname
birth,児氏名カナ,kana_given_name,given_name
birth,体重(g),birth_weight_g,
birth,取消フラグ,is_cancelled,true_false
child_checkup,受診日,visit_date,
child_checkup,番号,person_local,
child_checkup,健診,programme_code,
"""


def layout(folder: Path, text: str = LAYOUT) -> Path:
    path = folder / "own.csv"
    path.write_text(text, "utf-8-sig")
    return path


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    out = tmp_path_factory.mktemp("own")
    return make_cohort(
        out / "cohort", births=1000, municipality=KOFU, layout=layout(out), encoding="cp932", faults="heavy"
    )


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    return make_cohort(
        tmp_path_factory.mktemp("declared"), births=1000, municipality=KOFU, encoding="cp932", faults="heavy"
    )


def rows_of(made: Summary, record: str) -> list[list[str]]:
    data = (made.out / f"feeds/{KOFU}/municipal/{record}.csv").read_bytes()
    return list(csv.reader(data.decode("cp932", "replace").splitlines()))


def test_one_municipality_has_about_the_births_asked_for(own: Summary) -> None:
    assert [path.name for path in (own.out / "feeds").iterdir()] == [KOFU]
    assert own.births == pytest.approx(1000, rel=0.05)


def test_people_move_into_a_part_of_a_municipality_too(declared: Summary) -> None:
    moves = pl.read_parquet(declared.out / "truth/moves.parquet")
    came = moves.join(pl.read_parquet(declared.out / "truth/children.parquet"), on="entity_id")["in_reason_code"] == 2
    assert 0.02 < came.mean() < 0.3  # type: ignore[operator]


def test_files_have_the_municipality_s_own_headings_in_its_order(own: Summary) -> None:
    folder = own.out / f"feeds/{KOFU}/municipal"
    assert {path.name for path in folder.iterdir()} == {"birth.csv", "child_checkup.csv"}
    assert (folder / "birth.csv").read_bytes().startswith("宛名,児氏名カナ,体重(g),取消フラグ\r\n".encode("cp932"))
    assert rows_of(own, "child_checkup")[0] == ["受診日", "番号", "健診"]


def test_cells_are_those_of_the_declared_format(own: Summary, declared: Summary) -> None:
    births, whole = rows_of(own, "birth"), rows_of(declared, "birth")
    at = {c.field: i for i, c in enumerate(FEEDS["municipal"].columns(RECORDS["birth"]))}
    theirs = {
        (row[at["person_local"]], f"{row[at['kana_surname']]} {row[at['kana_given_name']]}".strip(),
         row[at["birth_weight_g"]], "true" if row[at["is_cancelled"]] == "1" else "false")
        for row in whole[1:]
    }  # fmt: skip
    assert len(births) > 900
    same = sum(tuple(row) in theirs for row in births[1:])
    assert same > 0.97 * len(births)  # the rest has faults that the other format cannot show


def test_links_and_answers_are_those_of_the_lines_sent(own: Summary) -> None:
    key = pl.read_parquet(own.out / "truth/answer_key.parquet").filter(pl.col("feed") == "municipal")
    links = pl.read_parquet(own.out / "truth/links.parquet")
    for record in ("birth", "child_checkup"):
        file = f"{KOFU}/municipal/{record}.csv"
        assert links.filter(pl.col("file") == file)["line"].to_list() == list(range(2, len(rows_of(own, record)) + 1))
    assert set(key["field"]) <= {"person_local", "kana_given_name", "birth_weight_g", "visit_date"}
    assert {"duplicate_key", "wrong_unit", "impossible_date"} <= set(key["kind"])
    assert key.join(links, on=["file", "line", "entity_id"], how="anti").is_empty()


def test_a_wrong_unit_stands_where_the_answer_key_says(own: Summary) -> None:
    key = pl.read_parquet(own.out / "truth/answer_key.parquet")
    births = rows_of(own, "birth")
    answers = key.filter(pl.col("kind") == "wrong_unit", pl.col("file") == f"{KOFU}/municipal/birth.csv")
    assert len(answers) > 0
    assert all(int(births[line - 1][2]) < 10 for line in answers["line"])


def test_a_municipality_without_births_sends_headings(tmp_path: Path) -> None:
    made = make_cohort(tmp_path / "o", municipality="014044", layout=layout(tmp_path), jobs=1)
    assert made.rows == made.births == 0
    assert (tmp_path / "o/feeds/014044/municipal/child_checkup.csv").read_text("utf-8") == "受診日,番号,健診\n"
    for name in ("persons", "visits", "links", "answer_key"):
        assert pl.read_parquet(tmp_path / f"o/truth/{name}.parquet").is_empty()


def test_without_an_encoding_a_layout_is_written_in_utf_8(tmp_path: Path) -> None:
    make_cohort(tmp_path / "o", births=20, municipality=KOFU, layout=layout(tmp_path), jobs=1)
    assert (tmp_path / f"o/feeds/{KOFU}/municipal/birth.csv").read_text("utf-8").startswith("宛名,")


def test_the_edge_reads_the_headings_in_the_municipality_s_own_order(tmp_path: Path) -> None:
    """Reversed, in CP932, with faults: what the edge refuses are the lines that the answer key names."""
    lines = [
        f"{name},{column.header},{column.field},{column.conversion}"
        for name in ("birth", "child_checkup")
        for column in _names_in_order(FEEDS["municipal"].columns(RECORDS[name])[::-1])
    ]
    own = layout(tmp_path, "record,header,field,conversion\n" + "\n".join(lines) + "\n")
    made = make_cohort(tmp_path / "o", births=1000, municipality=KOFU, layout=own, encoding="cp932", faults="heavy")
    checked = read_folder(made.out / f"feeds/{KOFU}")
    key = pl.read_parquet(made.out / "truth/answer_key.parquet")
    expected = key.filter(pl.col("expected").str.starts_with("refused:"), pl.col("feed") == "municipal")
    refused = {(f"{KOFU}/{file}", line) for file, line in checked.refusals.select("file", "line").iter_rows()}
    assert len(expected) > 20
    assert {(file, line) for file, line in expected.select("file", "line").iter_rows()} <= refused


def test_the_edge_says_which_headings_another_layout_lacks(own: Summary) -> None:
    refused = read_folder(own.out / f"feeds/{KOFU}").refusals.cast({"file": pl.String})
    assert set(refused.filter(pl.col("file").str.starts_with("municipal"))["rule"]) >= {"column_missing"}


def _names_in_order(columns: tuple[Column, ...]) -> list[Column]:
    """A surname stands before its given name under one heading."""
    return (
        sorted(columns, key=lambda c: c.conversion == "given_name")
        if any(c.conversion for c in columns)
        else [*columns]
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "births,a,person_local,",
            "Line 2 of the layout, record: there is no record births; use one of residency_spell",
        ),
        ("birth,a,weight,", "Line 2 of the layout, field: birth has no field weight; use one of person_local"),
        ("birth,a,is_cancelled,yes_no", "Line 2 of the layout, conversion: there is no conversion yes_no"),
        ("birth,,person_local,", "Line 2 of the layout, header: the heading is empty"),
        ("birth,❤,person_local,", "cannot be written in cp932"),
        ("birth,a,person_local,\nbirth,a,sex_code,", "Line 3 of the layout, header: the heading a stands twice"),
        ("", "must hold rows"),
    ],
)
def test_a_wrong_layout_is_refused_with_line_and_field(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(CannotBeHad) as refused:
        own_feed(layout(tmp_path, f"record,header,field,conversion\n{line}\n"), "cp932")
    assert told in refused.value.sentence_en and refused.value.exit_code == 64


def test_a_layout_needs_its_headings_and_utf_8(tmp_path: Path) -> None:
    with pytest.raises(CannotBeHad, match="must have the headings"):
        own_feed(layout(tmp_path, "a,b\n1,2\n"), "utf-8")
    (tmp_path / "own.csv").write_bytes("record,header,field\nbirth,宛名,person_local\n".encode("cp932"))
    with pytest.raises(CannotBeHad, match="must be a CSV in UTF-8"):
        own_feed(tmp_path / "own.csv", "utf-8")


@pytest.mark.parametrize(
    "wrong",
    [{"municipality": "999999"}, {"municipality": KOFU, "prefectures": ("19",)}, {"encoding": "euc-jp"},
     {"municipality": "313025", "births": 1000}],
)  # fmt: skip
def test_what_cannot_be_had_is_said_in_one_sentence(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(CannotBeHad, match=r" / .*\.$"):
        make_cohort(tmp_path, **wrong)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_the_edge_reads_own_headings_with_the_file_that_wrote_them(tmp_path: Path) -> None:
    """Every field of the standard under another heading: row for row what the standard headings give."""
    records = ("residency_spell", "birth", "child_checkup")
    own_rows = [
        f"{name},独自{n}-{c.header},{c.field},{c.conversion}"
        for n, name in enumerate(records)
        for c in FEEDS["municipal"].columns(RECORDS[name])
    ]
    file = layout(tmp_path, "\n".join(["record,header,field,conversion", *own_rows]) + "\n")
    asked = {"births": 300, "municipality": KOFU, "faults": "heavy", "encoding": "utf-8"}
    theirs = make_cohort(tmp_path / "own", layout=file, **asked)  # type: ignore[arg-type]
    standard = make_cohort(tmp_path / "standard", records=records, **asked)  # type: ignore[arg-type]
    read_own = read_folder(theirs.out / "feeds" / KOFU, layout=file)
    read_standard = read_folder(standard.out / "feeds" / KOFU)

    def told(folder: Folder, record: str) -> pl.DataFrame:
        return pl.concat([f.rows for f in folder.files if f.arrived.record.name == record])

    for record in records:
        assert told(read_own, record).height > 100
        assert told(read_own, record).equals(told(read_standard, record))
    assert "column_missing" in set(read_folder(theirs.out / "feeds" / KOFU).refusals["rule"])
