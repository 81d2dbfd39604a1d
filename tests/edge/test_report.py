"""The report a clerk reads: by rule with line numbers, Japanese first, private, without a value."""

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
    assert len(list(result.lines())) == 3
