"""Dates of the Japanese calendar: read where a layout declares them, to the day, and refused in any other form."""

from pathlib import Path

import polars as pl
import pytest

from pipelines.edge.era_date import iso_of
from pipelines.edge.folder import read_folder
from pipelines.feeds import FEEDS
from pipelines.feeds.own import WrongLayout, own_feed
from pipelines.records import RECORDS
from synthetic.send import _in_era
from tests.edge.made_feeds import Folder, row


def iso(text: str | None, form: str = "era_date") -> str | None:
    found: str | None = (
        pl.DataFrame({"text": [text]}, schema={"text": pl.String}).select(iso_of(pl.col("text"), form)).item()
    )
    return found


@pytest.mark.parametrize(
    ("sent", "day"),
    [
        ("令和6年4月1日", "2024-04-01"), ("令和06年04月01日", "2024-04-01"), ("令和元年5月1日", "2019-05-01"),
        ("R6.4.1", "2024-04-01"), ("r6/4/1", "2024-04-01"), ("Ｒ６．４．１", "2024-04-01"), ("令和 6年 4月 1日", "2024-04-01"),
        ("H31.4.30", "2019-04-30"), ("平成元年1月8日", "1989-01-08"), ("S64.1.7", "1989-01-07"), ("昭和元年12月25日", "1926-12-25"),
        ("2024-04-01", "2024-04-01"), (None, None),
    ],
)  # fmt: skip
def test_a_day_of_an_era_is_a_day(sent: str | None, day: str | None) -> None:
    assert iso(sent) == day


@pytest.mark.parametrize(
    ("sent", "day"), [("5060401", "2024-04-01"), ("4310430", "2019-04-30"), ("5010501", "2019-05-01"), ("３６４０１０７", "1989-01-07")]
)  # fmt: skip
def test_so_are_its_digits(sent: str, day: str) -> None:
    assert iso(sent, "era_digits") == day


@pytest.mark.parametrize(
    "sent",
    [
        "令和6年",
        "6.4.1",
        "R元",
        "大正9年1月1日",
        "H31.5.1",
        "平成32年1月1日",
        "R1.4.30",
        "R0.5.1",
        "令和六年四月一日",
        "5060401",
    ],
)
def test_another_form_or_a_day_outside_its_era_stays_as_it_came(sent: str) -> None:
    assert iso(sent) == sent


@pytest.mark.parametrize("sent", ["506041", "50604011", "4320101", "5000501", "9060401", "R6.4.1"])
def test_so_do_other_digits(sent: str) -> None:
    assert iso(sent, "era_digits") == sent


@pytest.mark.parametrize("form", ["era_date", "era_digits"])
@pytest.mark.parametrize("day", ["1989-01-07", "1989-01-08", "2019-04-30", "2019-05-01", "2024-02-29", "2024-12-31"])
def test_what_a_cohort_writes_is_read_back(form: str, day: str) -> None:
    written = _in_era(day, form)
    assert written != day and iso(written, form) == day


def own_layout(conversion: str, field: str) -> str:
    columns = FEEDS["municipal"].columns(RECORDS["birth"])
    told = [f"birth,{c.header},{c.field},{conversion if c.field == field else c.conversion}" for c in columns]
    return "\n".join(["record,header,field,conversion", *told]) + "\n"


def test_a_layout_declares_them_field_by_field(tmp_path: Path) -> None:
    """A birth of the era, one of another form, and one of a day that there is not."""
    layout = tmp_path / "own.csv"
    layout.write_text(own_layout("era_date", "birth_date"), "utf-8")
    feeds = Folder(tmp_path / "feeds" / "313254")
    days = ("令和4年11月19日", "11/19/2022", "令和4年2月30日")
    feeds.put("birth", *(row("birth", person_local=str(n), birth_date=day) for n, day in enumerate(days)))
    [file] = read_folder(feeds.path, layout=layout).files
    assert [str(day) for day in file.rows["birth_date"]] == ["2022-11-19"]
    assert file.refusals.select("line", "field", "rule").rows() == [
        (3, "birth_date", "form_date"),
        (4, "birth_date", "form_date"),
    ]


def test_what_is_no_date_is_of_no_era() -> None:
    with pytest.raises(WrongLayout, match="birth_weight_g is no date"):
        own_feed("own.csv", own_layout("era_date", "birth_weight_g"))
