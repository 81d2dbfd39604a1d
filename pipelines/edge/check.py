"""Rows of text to typed rows that hold every declared rule; each broken rule of the others is a refusal.

Only the declaration is read here: a new record or rule needs no line in this file.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache

import polars as pl

from pipelines.declaration import Between, CrossRule, Field, OneOf, Record, Role
from pipelines.edge.my_number import cells_with_one
from pipelines.edge.read import Arrived
from pipelines.edge.refusal import REFUSAL_SCHEMA, SENTENCES, refused
from pipelines.records import RECORDS

RAW = ":sent"
ENDS_HERE = (Role.DIRECT, Role.FREE_TEXT)  # nothing after the check needs them
FORM_OF = {date: "form_date", int: "form_whole", float: "form_number", bool: "form_flag"}


@dataclass(frozen=True)
class Checked:
    """A file after the check: accepted rows (typed, without what ENDS_HERE), refusals, and what its free text held.

    read = len(rows) + refused; free_text_cells: filled cells; my_numbers_in_text: those with a valid 12-digit number.
    """

    arrived: Arrived
    rows: pl.DataFrame
    refusals: pl.DataFrame
    free_text_cells: int
    my_numbers_in_text: int

    @property
    def refused(self) -> int:
        return self.arrived.read - len(self.rows)


@dataclass(frozen=True)
class Test:
    """A rule of a field, the sentence of its refusal, and the expression that is true where it is broken."""

    field: str
    rule: str
    sentence_ja: str
    sentence_en: str
    broken: pl.Expr


def check(arrived: Arrived, municipality: str) -> Checked:
    """Checks the rows of one file against its record and against the submitter's municipality code (6 digits)."""
    cells, numbers = _free_text(arrived)
    if arrived.is_refused:
        return Checked(arrived, _typed(arrived).clear(), arrived.refusals, cells, numbers)
    typed = _typed(arrived)
    tests = (*_tests(arrived.record.name), _residence(municipality))
    verdicts = typed.select(t.broken.fill_null(False).alias(str(i)) for i, t in enumerate(tests))
    is_broken = verdicts.select(pl.any_horizontal(pl.all())).to_series()
    good = typed.filter(~is_broken).drop(pl.selectors.ends_with(RAW), *arrived.record.of_role(*ENDS_HERE))
    rows, twice = _first_of_each_key(good, arrived.record)
    broken = verdicts.insert_column(0, typed["line"]).filter(is_broken)
    repeated = refused(arrived.file, arrived.record.name, twice, "duplicate_key", arrived.record.key[0])
    refusals = pl.concat([arrived.refusals, _told(arrived, broken, tests), repeated])
    unreadable = int((arrived.refusals["line"] > 0).sum())
    if arrived.read != len(rows) + len(broken) + len(twice) + unreadable:
        raise RuntimeError(f"{arrived.file}: read rows are not the accepted and the refused ones")
    return Checked(arrived, rows, refusals, cells, numbers)


def _typed(arrived: Arrived) -> pl.DataFrame:
    return arrived.rows.select(_typing(arrived.record.name))


@cache
def _typing(record_name: str) -> list[pl.Expr]:
    """Each field as its type, and beside it what was sent where the two may differ."""
    fields = RECORDS[record_name].arriving
    sent = (pl.col(n).alias(n + RAW) for n, f in fields.items() if f.type is not str)
    return [pl.col("line"), *(_parsed(n, f).alias(n) for n, f in fields.items()), *sent]


def _parsed(name: str, field: Field) -> pl.Expr:
    text = pl.col(name)
    if field.type is date:
        return pl.when(text.str.len_bytes() == 10).then(text.str.to_date("%Y-%m-%d", strict=False))
    if field.type is bool:
        return text.replace_strict({"1": True, "0": False}, default=None, return_dtype=pl.Boolean)
    if field.type is int:
        return text.cast(pl.Int32, strict=False)
    if field.type is float:
        number = text.cast(pl.Float64, strict=False)
        return pl.when(number.is_finite()).then(number)
    return text


@cache
def _tests(record_name: str) -> tuple[Test, ...]:
    record = RECORDS[record_name]
    return (*(t for n, f in record.arriving.items() for t in _field_tests(n, f)), *map(_cross_test, record.rules))


def _field_tests(name: str, field: Field) -> list[Test]:
    value, sent = pl.col(name), pl.col(name if field.type is str else name + RAW)
    tests = []
    if field.required:
        tests.append(Test(name, "required", *SENTENCES["required"], sent.is_null()))
    if form := FORM_OF.get(field.type):
        tests.append(Test(name, form, *SENTENCES[form], sent.is_not_null() & value.is_null()))
    if rule := field.rule:
        kind = "code" if isinstance(rule, OneOf) else "range" if isinstance(rule, Between) else "pattern"
        tests.append(Test(name, kind, rule.says_ja, rule.says_en, ~rule.holds(value)))
    return tests


def _cross_test(rule: CrossRule) -> Test:
    return Test(rule.field, rule.name, rule.says_ja, rule.says_en, ~rule.holds())


def _residence(municipality: str) -> Test:
    other = pl.col("residence_municipality_code") != municipality
    return Test("residence_municipality_code", "other_municipality", *SENTENCES["other_municipality"], other)


def _first_of_each_key(rows: pl.DataFrame, record: Record) -> tuple[pl.DataFrame, pl.Series]:
    """The rows whose key and revision were not met before, and the lines of the others."""
    is_first = rows.select(pl.struct(*record.key, pl.col("revision_no").fill_null(0)).is_first_distinct()).to_series()
    return rows.filter(is_first), rows.filter(~is_first)["line"]


def _told(arrived: Arrived, broken: pl.DataFrame, tests: tuple[Test, ...]) -> pl.DataFrame:
    """A refusal for each broken rule of each row."""
    if broken.is_empty():
        return pl.DataFrame(schema=REFUSAL_SCHEMA)
    said = pl.DataFrame(
        [(str(i), t.field, t.rule, t.sentence_ja, t.sentence_en) for i, t in enumerate(tests)],
        schema=["test", "field", "rule", "sentence_ja", "sentence_en"],
        orient="row",
    )
    each = broken.unpivot(index="line", variable_name="test", value_name="is_broken").filter("is_broken")
    return each.join(said, on="test").select(
        pl.lit(arrived.file).alias("file"), pl.lit(arrived.record.name).alias("record"), "line", "field", "rule",
        "sentence_ja", "sentence_en",
    ).sort("line", "field", "rule")  # fmt: skip


def _free_text(arrived: Arrived) -> tuple[int, int]:
    texts = [arrived.rows[name] for name in arrived.record.of_role(Role.FREE_TEXT)]
    return sum(t.len() - t.null_count() for t in texts), sum(map(cells_with_one, texts))
