"""The words in which a source system's feed is described; the layout itself is data in `pipelines/reference/feeds/`."""

from dataclasses import dataclass
from functools import cache, cached_property

import polars as pl

from pipelines.declaration import Record
from pipelines.records import RECORDS

NOTE = "delivery.json"  # beside the files of a feed: what its delivery holds


@dataclass(frozen=True)
class Column:
    """One field of a record as the feed sends it.

    header: the CSV heading, or the path in the JSON object (`basicFiveInfo.nameKana`).
    conversion: how the sent text becomes the field's text: `` (as it is), `flag` (1/0), `true_false`,
        `surname` or `given_name` (the part before or after the first space), `cancellation` (change code 2); `era_date` or `era_digits` (a date of the
        Japanese calendar, feeds.eras); what a spreadsheet made of digits: `zeros_2`, `zeros_6` (that many digits again), `phone` (its leading 0 again).
    """

    header: str
    field: str
    conversion: str = ""


@dataclass(frozen=True)
class Feed:
    """A source system: format, encodings in the order tried, layout version, and how far it is believed.

    version: the layout that is written and meant where nothing else is said. earlier: those that are read besides, the
        newest first; a delivery says its own, or it is known by its headings.
    item_form: form of an item number (a regular expression that no value of a record has), where headings are such: one
        that the version does not know refuses the file, and is told; elsewhere a strange heading is dropped unread.
    trust: the lower, the sooner its values are taken where several feeds tell of one visit.
    is_register: holds the municipality's own register (residents, lists); other feeds' visits count only where
        their person is known to it.
    dropped: headings or JSON keys that are thrown away unread.
    suffixes: endings of files whose name is not given and which may hold rows of every record; none: a file per record.
    evidence_code: what a row is worth as evidence where it does not say so (code list mchdb-L5).
    is_self_entered: its values are the persons' own entries: a row is a self-report whatever it says, and no value of it
        comes before another feed's.
    is_of_agent: comes from a body that acts for many municipalities; its local numbers (of vouchers) are given by the
        residence municipality, so that the same number of two municipalities is of two people.
    """

    name: str
    label_ja: str
    label_en: str
    source_system_code: str
    format: str
    encodings: tuple[str, ...]
    version: str
    trust: int
    is_register: bool
    record_names: tuple[str, ...]
    dropped: tuple[str, ...] = ()
    local_namespace: str = ""
    suffixes: tuple[str, ...] = ()
    evidence_code: str = ""
    is_self_entered: bool = False
    is_of_agent: bool = False
    earlier: tuple[str, ...] = ()
    item_form: str = ""

    @property
    def tells_who_numbers(self) -> bool:
        """Its local numbers come with whoever gave them (the town of an agent's, the facility of FHIR's): two places may
        use one number, and a delivery may hold the residents of several municipalities."""
        return self.is_of_agent or self.format == "fhir"

    @cached_property
    def records(self) -> tuple[Record, ...]:
        return tuple(RECORDS[name] for name in self.record_names)

    @property
    def versions(self) -> tuple[str, ...]:
        """Every layout version that is read, the newest first."""
        return (self.version, *self.earlier)

    def columns(self, record: Record, version: str = "") -> tuple[Column, ...]:
        """The layout of one record in this feed, in file order; empty for a version that does not carry the record."""
        return _layout(self.name, version or self.version, record.name)

    def file_name(self, record: Record) -> str:
        """`<record>.csv` or `<record>.json`: one file per record and delivery (for feeds with suffixes the name we give ours)."""
        return record.name + (self.suffixes[-1] if self.suffixes else f".{self.format}")


EVERY_RECORD = "*"


@cache
def _layout(feed: str, version: str, record: str) -> tuple[Column, ...]:
    """What the feed sends with every record that has it, and the record's own columns after it."""
    from pipelines.reference import feed_layout

    fields = [*RECORDS[record].arriving]
    shared = (pl.col("record") == EVERY_RECORD) & pl.col("field").is_in(fields)
    own = pl.col("record") == record
    rows = feed_layout(feed, version).filter(shared | own)
    if not rows.select(own.any()).item():
        return ()
    return tuple(
        Column(header, field, conversion or "")
        for header, field, conversion in rows.select("header", "field", "conversion").iter_rows()
    )
