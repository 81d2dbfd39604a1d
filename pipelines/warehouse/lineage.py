"""Which records a table of `core` is made of, read from the SQL that makes it: nothing is listed twice."""

import re
from collections.abc import Iterable

from pipelines.records import RECORDS
from pipelines.warehouse.refresh import ORDER, core_sql

READS_RECORD = re.compile(r"\blanding\.current_(\w+)")
READS_TABLE = re.compile(r"\bcore\.(\w+)")


def records_behind(tables: Iterable[str]) -> tuple[str, ...]:
    """Records that these tables are made of, through the tables that they read; in the order of RECORDS.

    `core.resident` is made of every record and stands for none. Raises KeyError for a table that nothing makes.
    """
    waiting, met, found = list(tables), set[str](), set[str]()
    while waiting:
        table = waiting.pop()
        if table not in ORDER:
            raise KeyError(f"no file makes core.{table}")
        sql = core_sql(table)
        met.add(table)
        found |= set(READS_RECORD.findall(sql))
        waiting += [t for t in READS_TABLE.findall(sql) if t in ORDER and t not in met]
    return tuple(name for name in RECORDS if name in found)
