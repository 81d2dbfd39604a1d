"""Rows of text to typed rows that hold every declared rule; each broken rule of the others is a refusal.

Only the declaration is read here: a new record or rule needs no line in this file.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache

import polars as pl

from pipelines.declaration import Between, CrossRule, Field, OneOf, Record, Role
from pipelines.edge.accepted import Accepted
from pipelines.edge.read import Arrived
from pipelines.edge.refusal import SENTENCES, no_refusals, refused, told_of
from pipelines.edge.whose import WHO, begins, naming, people, places
from pipelines.records import RECORDS

RAW = ":sent"
ENDS_HERE = (Role.DIRECT, Role.FREE_TEXT, Role.LINK)  # no row needs them any more; what links is among the people
FORM_OF = {date: "form_date", int: "form_whole", float: "form_number", bool: "form_flag"}


@dataclass(frozen=True)
class Checked:
    """A file after the check: accepted rows (typed, without what ENDS_HERE), refusals, and what its free text held.

    read = len(rows) + let_go + refused; free_text_cells: filled cells of free text. people: whose rows they are
    (`edge.whose`), refused ones too. begun: for every row as it arrived, whether a stretch begins with it. let_go:
    accepted rows that are not held here any more.
    """

    arrived: Arrived
    rows: pl.DataFrame
    refusals: pl.DataFrame
    free_text_cells: int
    people: pl.DataFrame = field(default_factory=pl.DataFrame)
    begun: pl.Series = field(default_factory=pl.Series)
    let_go: int = 0

    @property
    def accepted(self) -> Accepted:
        return Accepted(self.arrived.feed, self.arrived.record, self.rows, self.people)

    @property
    def refused(self) -> int:
        return self.arrived.read - len(self.rows) - self.let_go

    @property
    def without_rows(self) -> "Checked":
        """The same file, its rows held by nobody but who took them before."""
        return replace(self, rows=self.rows.clear(), people=self.people.clear(), let_go=len(self.rows) + self.let_go)


@dataclass(frozen=True)
class Test:
    """A rule of a field, the sentence of its refusal, and the expression that is true where it is broken.

    is_of_people: what it says is the same for every row of a stretch (`edge.whose`).
    """

    field: str
    rule: str
    sentence_ja: str
    sentence_en: str
    broken: pl.Expr
    is_of_people: bool = False


def check(arrived: Arrived, municipalities: tuple[str, ...]) -> Checked:
    """Checks the rows of one file against its record and the municipalities (6-digit codes) that its submitter sends."""
    texts = _filled(arrived.rows, [*arrived.record.of_role(Role.FREE_TEXT)])
    begun = begins(arrived.rows, arrived.record)
    typed = arrived.rows.select(_typing(arrived.record.name)).with_columns(places(begun))
    if arrived.is_refused:
        none = typed.select(_staying(arrived.record.name)).clear()
        return Checked(arrived, none, arrived.refusals, texts, people(typed.clear(), arrived.record), begun)
    tests = (*_tests(arrived.record.name), _residence(arrived.record, municipalities))
    firsts = typed.select(_of_people(arrived.record.name)).filter(begun)
    verdicts = _verdicts(typed, firsts, tests)
    is_broken = _of_any(verdicts)
    broken = verdicts.filter(is_broken)
    rows, twice = _good(typed.select(_staying(arrived.record.name)), is_broken, arrived.record)
    repeated = refused(arrived.file, arrived.record.name, twice, "duplicate_key", arrived.record.key[0])
    refusals = pl.concat([arrived.refusals, _told(arrived, broken, tests), repeated])
    unreadable = _unreadable(arrived)
    if arrived.read != len(rows) + len(broken) + len(twice) + unreadable:
        raise RuntimeError(f"{arrived.file}: read rows are not the accepted and the refused ones")
    return Checked(arrived, rows, refusals, texts, people(firsts, arrived.record), begun)


def once_each(files: list[Checked]) -> list[Checked]:
    """Files of one feed, each row without those that a file before it holds: key and revision name a row of the feed."""
    held: dict[str, list[pl.DataFrame]] = {}
    return [_without(file, held.setdefault(file.arrived.record.name, [])) for file in files]


def _without(file: Checked, before: list[pl.DataFrame]) -> Checked:
    record = file.arrived.record
    names = file.rows.select(*record.key, pl.col("revision_no").fill_null(0)) if len(file.rows) else None
    if names is None:
        return file
    rows, twice = file.rows, pl.Series("line", [], dtype=pl.UInt32)
    if before:
        is_held = names.select(
            pl.struct(pl.all()).is_in(pl.concat(before).select(pl.struct(pl.all())).to_series().implode())
        )
        rows, twice = rows.filter(~is_held.to_series()), rows.filter(is_held.to_series())["line"]
    before.append(names)
    repeated = refused(file.arrived.file, record.name, twice, "duplicate_key", record.key[0])
    return replace(file, rows=rows, refusals=pl.concat([file.refusals, repeated]))


def _unreadable(arrived: Arrived) -> int:
    """Rows that are refused because they could not be read."""
    return int((arrived.refusals["line"] > 0).sum()) if len(arrived.refusals) else 0


def _filled(rows: pl.DataFrame, names: list[str]) -> int:
    return sum(len(rows) - rows[name].null_count() for name in names)


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
def _staying(record_name: str) -> list[str]:
    """What later steps need: the line, and the fields that do not end here."""
    return ["line", WHO, *(n for n, f in RECORDS[record_name].arriving.items() if f.role not in ENDS_HERE)]


@cache
def _of_people(record_name: str) -> list[str]:
    """The line, what is the same for every row of a stretch, and beside it what was sent."""
    record = RECORDS[record_name]
    names = naming(record)
    return ["line", *names, *(n + RAW for n in names if record.arriving[n].type is not str)]


def _verdicts(typed: pl.DataFrame, firsts: pl.DataFrame, tests: tuple[Test, ...]) -> pl.DataFrame:
    """`line` of every row, and for each rule that some row breaks a column that says where (its place in `tests`).

    firsts: the first row of each stretch, which answers for the stretch where a rule is of its people.
    """
    named = {str(i): t for i, t in enumerate(tests)}
    of_rows = _broken(typed, {i: t for i, t in named.items() if not t.is_of_people})
    broken = of_rows | _broken(firsts, {i: t for i, t in named.items() if t.is_of_people})
    return typed.select("line", *(t.broken.fill_null(False).alias(i) for i, t in named.items() if i in broken))


def _broken(rows: pl.DataFrame, tests: dict[str, Test]) -> set[str]:
    """Which of the tests some row breaks."""
    asked = rows.select(t.broken.any().alias(i) for i, t in tests.items())
    return {i for i in asked.columns if asked[i].item()}


@cache
def _tests(record_name: str) -> tuple[Test, ...]:
    record = RECORDS[record_name]
    of_people = {*naming(record)}
    of_fields = (t for n, f in record.arriving.items() for t in _field_tests(n, f, n in of_people))
    return (*of_fields, *map(_cross_test, record.rules))


def _field_tests(name: str, field: Field, is_of_people: bool) -> list[Test]:
    value, sent = pl.col(name), pl.col(name if field.type is str else name + RAW)
    tests = []
    if field.required:
        tests.append(Test(name, "required", *SENTENCES["required"], sent.is_null(), is_of_people))
    if form := FORM_OF.get(field.type):
        tests.append(Test(name, form, *SENTENCES[form], sent.is_not_null() & value.is_null(), is_of_people))
    if rule := field.rule:
        kind = "code" if isinstance(rule, OneOf) else "range" if isinstance(rule, Between) else "pattern"
        tests.append(Test(name, kind, rule.says_ja, rule.says_en, ~rule.holds(value), is_of_people))
    return tests


def _cross_test(rule: CrossRule) -> Test:
    return Test(rule.field, rule.name, rule.says_ja, rule.says_en, ~rule.holds())


def _residence(record: Record, municipalities: tuple[str, ...]) -> Test:
    """What never leaves, in none of its revisions, may be of anybody's resident."""
    other = ~pl.col("residence_municipality_code").is_in(list(municipalities))
    if record.stays:
        other &= ~record.stays().fill_null(False).all().over(*record.key)
    return Test("residence_municipality_code", "other_municipality", *SENTENCES["other_municipality"], other)


def _of_any(verdicts: pl.DataFrame) -> pl.Series:
    """Where a row breaks a rule."""
    broken = pl.any_horizontal(pl.lit(False), pl.exclude("line"))
    return verdicts.with_columns(broken.alias("is_broken"))["is_broken"]


def _good(rows: pl.DataFrame, is_broken: pl.Series, record: Record) -> tuple[pl.DataFrame, pl.Series]:
    """The rows that break no rule and whose key and revision were not met before, and the lines of those met before."""
    named = pl.struct(*record.key, pl.col("revision_no").fill_null(0))
    hashed = rows.select(named.hash()).to_series()
    is_good, twice = ~is_broken, rows["line"].clear()
    good = hashed.filter(is_good)
    if good.n_unique() < len(good):  # known far sooner than which row of a key is the first
        maybe = (is_good & hashed.is_in(good.filter(good.is_duplicated()).implode())).arg_true()
        again = maybe.filter(~rows[maybe].select(named.is_first_distinct()).to_series())
        twice = rows["line"].gather(again)  # no name of a row: JSON may hold several on a line
        is_good &= ~pl.int_range(len(rows), dtype=pl.UInt32, eager=True).is_in(again.implode())
    return rows if is_good.all() else rows.filter(is_good), twice


def _told(arrived: Arrived, broken: pl.DataFrame, tests: tuple[Test, ...]) -> pl.DataFrame:
    """A refusal for each broken rule of each row."""
    file, record = arrived.file, arrived.record.name
    each = (
        told_of(broken.filter(i)["line"], file, record, t.field, t.rule, t.sentence_ja, t.sentence_en)
        for i, t in ((i, tests[int(i)]) for i in broken.columns if i != "line")
    )
    return pl.concat([no_refusals(), *each]).sort("line", "field", "rule")
