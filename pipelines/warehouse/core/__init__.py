"""The statements of `core`: one table per file, in this order. Text alone: a town hall's own summary runs it too."""

from importlib.resources import files

ORDER = (
    "residency", "pregnancy", "pregnancy_elsewhere", "antenatal_elsewhere", "antenatal_visit", "postpartum_visit",
    "notification", "delivery", "birth",
    "checkup_target", "checkup", "questionnaire", "checkup_person", "claim", "outreach", "arrival", "link_quality",
)  # fmt: skip


def core_sql(table: str) -> str:
    """`CREATE TABLE core.<table>` around the SELECT of its file (the portable subset)."""
    select = (files(__package__) / f"{table}.sql").read_text("utf-8")
    return f"CREATE OR REPLACE TABLE core.{table} AS\n{select}"
