"""A town's own headings for its municipal CSV: the same file with which a cohort writes them reads them back."""

from pathlib import Path

from pipelines.edge.problem import USAGE, EdgeProblem
from pipelines.edge.read import NEEDED_TO_PROTECT
from pipelines.feeds import FEEDS, Feed
from pipelines.feeds.own import OwnFeed, own_feed
from pipelines.records import RECORDS


def feeds_with(layout: Path | None) -> dict[str, Feed]:
    """Every feed, the municipal one under the headings of the file. Raises WrongLayout, EdgeProblem (64)."""
    if layout is None:
        return FEEDS
    try:
        text = layout.read_text("utf-8-sig")
    except (UnicodeDecodeError, OSError) as problem:
        raise EdgeProblem(
            "項目配置(--layout)を UTF-8 のCSVとして読めません。何も読みません。",
            "the layout (--layout) must be a CSV in UTF-8; it cannot be read as one. Nothing is read.",
            USAGE,
        ) from problem
    own = own_feed("--layout", text)
    _refuse_lacking(own)
    return FEEDS | {own.name: own}


def _refuse_lacking(own: OwnFeed) -> None:
    """Without a field that every row needs all rows would be refused; without the flag nobody would be protected."""
    for record in own.records:
        told = {column.field for column in own.columns(record)}
        needed = {n for n, f in record.arriving.items() if f.required}
        needed |= set(NEEDED_TO_PROTECT) & record.arriving.keys()
        if lacking := sorted(needed - told):
            names = ", ".join(f"{name}({RECORDS[record.name].arriving[name].label_ja})" for name in lacking)
            raise EdgeProblem(
                f"項目配置(--layout)の {record.name} に、必要な項目 {names} がありません。何も読みません。",
                f"the layout (--layout) of {record.name} must name the fields {', '.join(lacking)} too. Nothing is read.",
                USAGE,
            )
