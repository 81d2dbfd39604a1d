"""What a parcel holds: the contract in which edge and warehouse meet without knowing each other (design, chapter 6).

`header.json`, `records.zip.age` (load recipient) and `tokens.zip.age` (linkage recipient). Each sealed zip holds the
same `manifest.json`, its Ed25519 signature `manifest.sig`, and its Parquet tables; padded to a power of two.
"""

import polars as pl

from pipelines.declaration import Record, parcel_type

FORMAT_VERSION = 1
RECORD_VERSION_SPAN = 2  # the centre reads a record's version N and N-1
HEADER, MANIFEST, SIGNATURE, PADDING = "header.json", "manifest.json", "manifest.sig", "padding"
SEALED_RECORDS, SEALED_TOKENS = "records.zip.age", "tokens.zip.age"
SMALLEST_SEALED_BYTES = 1 << 20
TOKENS_TABLE, LAG_TABLE, OUTREACH_TABLE = "tokens", "arrival_lag", "outreach"
TOKEN_BYTES = 16

TOKEN_SCHEMA = {
    "record_key": pl.Binary,  # 16 bytes, drawn for this parcel alone
    "rule": pl.String,
    "key_version": pl.Int32,
    "canon_version": pl.Int32,
    "token": pl.Binary,  # 16 bytes
}

LAG_SCHEMA = {  # how long records took to arrive: an aggregate, never a row (privacy, hole 6)
    "record": pl.String,
    "event_month": pl.Date,
    "entry_channel_code": pl.String,
    "lag_class": pl.String,
    "n": pl.Int32,
}

LAG_CLASSES = ((1, "0-1"), (3, "2-3"), (7, "4-7"), (14, "8-14"), (30, "15-30"), (60, "31-60"))
LONGEST_LAG = "61-"

OUTREACH_SCHEMA = {  # what came of a town's lists of outreach: counts of a rule and a quarter, once, when it has ended
    "rule": pl.String,
    "listed_quarter": pl.Date,  # its first day
    "listed": pl.Int32,
    "reached": pl.Int32,
}
OUTREACH_RULES = (  # of list mchdb-L28; who is on the others may have lost a pregnancy
    "epds_followup", "late_notification", "referral_not_completed", "postpartum_check_missed", "infant_visit_due",
    "checkup_not_attended", "vaccination_delay_and_moved_in",
)  # fmt: skip
MOST_LISTED = 1_000_000  # in one parcel: more than there are children under school age in any town

SYNTHETIC_MARK = "synthetic.json"  # beside the feeds of a made-up cohort: {"seed": n}; travels in the manifest
SMALLEST_COUNT_TOLD = 10  # exclusions of 1..9 are left out of the manifest


def record_schema(record: Record) -> dict[str, pl.DataType]:
    """Columns of a record's table in the parcel: its row key, the feed it came through, what may leave."""
    head: dict[str, pl.DataType] = {"record_key": pl.Binary(), "feed": pl.String()}
    return head | {name: parcel_type(field) for name, (_, field) in record.leaving.items()}
