"""Which layout version a file is of: the one that its delivery states, else the one that its headings fit best."""

from pipelines.declaration import Record
from pipelines.edge.note import Note
from pipelines.edge.problem import EdgeProblem
from pipelines.feeds import Column, Feed


def columns_of(feed: Feed, record: Record, heading: list[str], stated: str | None) -> tuple[Column, ...]:
    """The layout of the stated version; else of that with the fewest headings strange or missing, the newest first."""
    if stated and (columns := feed.columns(record, stated)):
        return columns
    layouts = [columns for version in feed.versions if (columns := feed.columns(record, version))]
    return min(layouts, key=lambda columns: len({c.header for c in columns} ^ set(heading)))


def known_headings(feed: Feed, record: Record) -> set[str]:
    """The headings of every version."""
    return {c.header for version in feed.versions for c in feed.columns(record, version)}


def refuse_unknown_version(feed: Feed, note: Note) -> None:
    """Raises EdgeProblem (2) where a delivery states a version of which nothing is declared."""
    if note.layout_version in (None, *feed.versions):
        return
    known = ", ".join(feed.versions)
    raise EdgeProblem(
        f"{feed.name} の delivery.json にある layout_version は知らない版です。読めるのは {known} です。何も送りません。",
        f"the layout_version in delivery.json of {feed.name} is not known; it must be one of {known}. Nothing is sent.",
    )
