"""The report a clerk reads: by rule with line numbers, Japanese first, private, without a value."""

import csv

import polars as pl
import pytest

from pipelines.edge import report
from pipelines.edge.advice import ADVICE, advice
from pipelines.edge.folder import read_folder
from pipelines.edge.refusal import SENTENCES
from pipelines.edge.report import LINES_LISTED, LINES_SHOWN
from pipelines.edge.send import check_feeds
from tests.edge.made_feeds import Town, row


def test_the_page_names_field_rule_and_lines(town: Town) -> None:
    town.feeds.put("birth", row("birth"), *(row("birth", person_local=str(n), sex_code="9") for n in range(3)))
    result = check_feeds(town.feeds.path, town.report)
    page = (town.report / "refusals.html").read_text()
    assert '<html lang="ja">' in page
    assert "性別 / sex" in page
    assert "コード表 019-227 にあるコードであること" in page
    assert "3, 4, 5" in page
    assert result.refused == 3
    assert all(p.stat().st_mode & 0o777 == 0o600 for p in town.report.iterdir())


def test_free_text_is_counted_and_not_shown(town: Town) -> None:
    town.feeds.put(
        "birth", row("birth", note="個人番号は123456789018と聞いた"), row("birth", person_local="2", note=None)
    )
    check_feeds(town.feeds.path, town.report)
    page = (town.report / "refusals.html").read_text()
    assert "123456789018" not in page
    assert "<td class=n>1</td><td class=n>1</td></tr>" in page


def test_nothing_refused_is_said(town: Town) -> None:
    town.feeds.put("birth", row("birth"))
    result = check_feeds(town.feeds.path, town.report)
    assert (result.refused, result.summary()["records"]["birth"]["accepted"]) == (0, 1)
    assert "拒否はありません" in (town.report / "refusals.html").read_text()
    assert len(list(result.lines())) == 4


def test_sums_by_rule_say_what_to_do(town: Town) -> None:
    """The most frequent rule first; a fault of the export goes to the vendor, a wrong code to the screen."""
    town.feeds.put("birth", row("birth"), *(row("birth", person_local=str(n), sex_code="9") for n in range(3)))
    town.feeds.put_bytes("delivery", b"\n")
    check_feeds(town.feeds.path, town.report)
    page = (town.report / "refusals.html").read_text()
    by_rule = page[page.index("規則ごとの件数") :]
    assert by_rule.index("コード表 019-227") < by_rule.index("空のファイルです")
    assert "業務システムで確かめて直し" in by_rule
    assert "ほかの行はこのまま送れます" in page
    with (town.report / "refusals_by_rule.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {(r["file"], r["rule"]): r for r in csv.DictReader(file)}
    code = rows["municipal/birth.csv", "code"]
    assert (code["rows"], code["lines"]) == ("3", "3 4 5")
    assert "もう一度出力" in rows["municipal/delivery.csv", "empty_file"]["what_to_do_ja"]


def test_a_file_that_hides_who_is_protected_is_told_first(town: Town) -> None:
    town.feeds.put("birth", row("birth"))
    town.feeds.put_bytes("delivery", "宛名番号\n1\n".encode())
    check_feeds(town.feeds.path, town.report)
    page = (town.report / "refusals.html").read_text()
    assert page.index("このままでは送れません。municipal/delivery.csv") < page.index("ファイルごとの結果")


def test_every_rule_of_a_file_has_its_advice() -> None:
    assert set(ADVICE) <= set(SENTENCES)
    assert advice("code") == advice("a_rule_between_fields")


def test_many_refusals_are_all_told_in_little_room(town: Town) -> None:
    """Each has its line in the table; the other two count them all; none takes more room than a few codes."""
    bad = [row("birth", person_local=str(n), sex_code="9") for n in range(LINES_LISTED + 5)]
    town.feeds.put("birth", *bad)
    folder = read_folder(town.feeds.path)
    assert folder.refusals.estimated_size() <= 32 * folder.refusals.height + 4096
    check_feeds(town.feeds.path, town.report)
    told = pl.read_csv(town.report / "refusals.csv").filter(rule="code")
    assert told["line"].to_list() == [*range(2, LINES_LISTED + 7)]
    place = pl.read_csv(town.report / "refusals_by_rule.csv").filter(rule="code")
    assert place["rows"].item() == LINES_LISTED + 5
    assert place["lines"].item() == " ".join(map(str, range(2, LINES_LISTED + 2))) + " …"
    assert f"{LINES_SHOWN + 1} …" in (town.report / "refusals.html").read_text()


def test_a_table_of_refusals_is_written_piece_by_piece(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.feeds.put("birth", *(row("birth", person_local=str(n), sex_code="9") for n in range(7)))
    town.feeds.put_bytes("delivery", b"\n")
    check_feeds(town.feeds.path, town.report)
    whole = (town.report / "refusals.csv").read_bytes()
    monkeypatch.setattr(report, "ROWS_AT_ONCE", 2)
    check_feeds(town.feeds.path, town.report)
    assert (town.report / "refusals.csv").read_bytes() == whole
    assert whole.count(b"\r\n") == 9
