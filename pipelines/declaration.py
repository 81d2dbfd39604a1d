"""The words of a declaration: what a record, a count, an indicator and a policy are made of.

Everything is declared once and read by many: the check, the refusal sentence, the parcel, the
warehouse table, the synthetic file and the codebook all derive from the same object. Nothing in
here reads or writes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from functools import cached_property

import polars as pl


class Problem(Exception):
    """A failure told in one sentence: what is required, what was got, what to do; never a record's value.

    exit_code: exit status of the command (design, chapter 6).
    """

    def __init__(self, sentence_ja: str, sentence_en: str, exit_code: int) -> None:
        super().__init__(f"{sentence_ja} / {sentence_en}")
        self.sentence_ja, self.sentence_en, self.exit_code = sentence_ja, sentence_en, exit_code


class Role(Enum):
    """What the edge does with a field."""

    DIRECT = "direct"  # names a person: never leaves; a filled My Number stops the file
    EDGE = "edge"  # needed at the source for a check or a derived class: never leaves
    LINK = "link"  # leaves only inside a composite token under the edge key
    LOCAL_KEY = "local_key"  # leaves only as a token under the submitter's own key
    BIRTH_DATE = "birth_date"  # leaves as the first day of its month
    EVENT_DATE = "event_date"  # leaves as the first day of its month
    FREE_TEXT = "free_text"  # dropped; only the number of filled cells is counted at the edge
    SENSITIVE = "sensitive"  # used at the source for a derived class or a stop; dropped
    QUASI = "quasi"  # leaves as a class of the publication policy
    PLAIN = "plain"  # leaves as it is


MONTHED = (Role.BIRTH_DATE, Role.EVENT_DATE)
LEAVING = (*MONTHED, Role.QUASI, Role.PLAIN)


@dataclass(frozen=True)
class Between:
    """A number or a date within closed limits."""

    low: float | date
    high: float | date

    @property
    def says_ja(self) -> str:
        return f"{self.low} 以上 {self.high} 以下であること"

    @property
    def says_en(self) -> str:
        return f"must be from {self.low} to {self.high}"

    def holds(self, column: pl.Expr) -> pl.Expr:
        return column.is_between(self.low, self.high)


@dataclass(frozen=True)
class OneOf:
    """A code of a code list (of some of its codes, `among`); the list is data in `pipelines/reference/`, by its id."""

    code_list: str
    among: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        from pipelines.reference import code_list

        return self.among or tuple(code_list(self.code_list))

    @property
    def says_ja(self) -> str:
        return f"コード表 {self.code_list} にあるコード{self._some}であること"

    @property
    def says_en(self) -> str:
        return f"must be a code{self._some} of code list {self.code_list}"

    @property
    def _some(self) -> str:
        return f" ({', '.join(self.among)})" if self.among else ""

    def holds(self, column: pl.Expr) -> pl.Expr:
        return column.is_in(list(self.codes))


@dataclass(frozen=True)
class Matches:
    """Text of a fixed form."""

    pattern: str
    form_ja: str
    form_en: str

    @property
    def says_ja(self) -> str:
        return f"{self.form_ja}であること"

    @property
    def says_en(self) -> str:
        return f"must be {self.form_en}"

    def holds(self, column: pl.Expr) -> pl.Expr:
        return column.str.contains(self.pattern)


Rule = Between | OneOf | Matches


@dataclass(frozen=True)
class Classes:
    """Classes of `step` units named by their lower bound; the ends are open (guideline classes).

    `Classes(100, 300, 4000)` maps 2,499 to 2400, 120 to 300 and 4,321 to 4000.
    """

    step: int
    low: int
    high: int

    def of(self, column: pl.Expr) -> pl.Expr:
        return (column // self.step * self.step).clip(self.low, self.high).cast(pl.Int32)


@dataclass(frozen=True)
class Field:
    """A field of a record: how it arrives, what must hold, and what the edge does with it.

    `derive` makes a field at the edge out of other fields of the record (before they are dropped);
    a derived field does not arrive. It must be the same for every day of the months it is made of,
    or a declared class (privacy: nothing computed from a day leaves).
    `told_as` makes the date whose month leaves in the place of the field's own, null for none.
    """

    type: type
    label_ja: str
    label_en: str
    role: Role = Role.PLAIN
    rule: Rule | None = None
    unit: str = ""
    required: bool = False
    source_item: str = ""
    classes: Classes | None = None
    derive: Callable[[], pl.Expr] | None = None
    told_as: Callable[[], pl.Expr] | None = None
    since: int = 1

    def leaves_as(self, name: str) -> str | None:
        """The field's name in the parcel, or None when it stays at the edge."""
        if self.role not in LEAVING:
            return None
        if self.role in MONTHED:
            return name.removesuffix("_date") + "_month"
        return f"{name}_class" if self.classes else name


@dataclass(frozen=True)
class CrossRule:
    """A rule between the fields of one row; `holds` is null where it cannot be judged."""

    name: str
    says_ja: str
    says_en: str
    field: str
    holds: Callable[[], pl.Expr]


@dataclass(frozen=True)
class Record:
    """What a record is: one row per `grain`, identified at its source by `key`.

    event: the field that dates the row (its fiscal year, its visit month); the birth itself has the birth date.
    visit_code: the field that, with person and event month, identifies a visit whatever feed it came through.
    local_tokens: token rule -> the local numbers in it, under the submitter's own key.
    stays: rows that never leave the source (losses, what another source tells of its own resident); counted with the
        exclusions, all causes together.
    reaches_back: tells of years long before those that are delivered (where somebody lived, what a child went through);
        its events do not set the years of a parcel.
    group: the group of the standard specification (健康管理システム標準仕様書) it arrives in.
    """

    name: str
    version: int
    label_ja: str
    label_en: str
    grain: str
    key: tuple[str, ...]
    fields: dict[str, Field]
    event: str
    visit_code: str | None = None
    local_tokens: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rules: tuple[CrossRule, ...] = ()
    stays: Callable[[], pl.Expr] | None = None
    reaches_back: bool = False
    group: str = ""

    @cached_property
    def arriving(self) -> dict[str, Field]:
        return {n: f for n, f in self.fields.items() if f.derive is None}

    @property
    def is_of_person(self) -> bool:
        """False for what a municipality says of itself: nobody is in it, and it has no token of anybody."""
        return "person_local" in self.fields

    @cached_property
    def leaving(self) -> dict[str, tuple[str, Field]]:
        """Parcel column -> (field name, field), in the order of declaration."""
        named = ((f.leaves_as(n), n, f) for n, f in self.fields.items())
        return {left: (n, f) for left, n, f in named if left}

    def of_role(self, *roles: Role) -> Iterator[str]:
        return (n for n, f in self.fields.items() if f.role in roles)


def parcel_type(field: Field) -> pl.DataType:
    """The Polars type of a field after the edge."""
    if field.role in MONTHED:
        return pl.Date()
    return {str: pl.String(), int: pl.Int32(), float: pl.Float64(), bool: pl.Boolean(), date: pl.Date()}[field.type]


class Sensitivity(Enum):
    """Publication class of a count (policy file says what each may show)."""

    S0 = "S0"  # service volume
    S1 = "S1"  # health state
    S2 = "S2"  # mental health, economy, support
    S3 = "S3"  # loss, death, abuse, self-harm


LEVELS = ("nation", "prefecture", "medical_area", "municipality", "ward")


def at_or_above(lowest: str) -> tuple[str, ...]:
    """The levels from the nation down to `lowest`."""
    return LEVELS[: LEVELS.index(lowest) + 1]


@dataclass(frozen=True)
class Category:
    code: str
    label_ja: str
    label_en: str


@dataclass(frozen=True)
class Breakdown:
    """A partition: every member of a population is in exactly one category.

    `column` is a column of the grain in `core`; its values are the category codes, never null.
    `lowest_level` is the lowest area level at which it may be published.
    """

    id: str
    label_ja: str
    label_en: str
    column: str
    categories: tuple[Category, ...]
    lowest_level: str = "municipality"


TOTAL = Breakdown("all", "総数", "total", "'all'", (Category("all", "総数", "total"),))


@dataclass(frozen=True)
class Count:
    """A population and a condition in SQL over one grain of `core`.

    grain: table of `core` with one row per counted thing, and the columns `municipality_code`,
        `fiscal_year`, `calendar_year` (the year by the basis) and its breakdowns.
    counting: `event`, `person_in_submitter_fy`, `person_dedup`, `pregnancy`, `child`.
    basis: `fiscal_year`, `calendar_year`, `birth_cohort_fy`, `delivery_cohort_fy`.
    subject: `person`, `pregnancy`, `event`, or what is not personal: `municipality`, `facility`, `file`, `yen`.
    within: the count whose population and condition contain this one's.
    also_within: counts that contain it in practice (nearly every very low birth weight is preterm).
    is_sensitive: zero and 100 % tell of everyone in the cell (privacy, hole 16).
    known_publicly: the State prints this count per municipality for the same year.
    mature_after_months: months after the end of the year until the cohort's window has closed.
    """

    id: str
    label_ja: str
    label_en: str
    grain: str
    subject: str
    counting: str
    basis: str
    sensitivity: Sensitivity
    population: str
    condition: str = "TRUE"
    within: str | None = None
    also_within: tuple[str, ...] = ()
    is_sensitive: bool = False
    known_publicly: bool = False
    mature_after_months: int = 0

    @property
    def where(self) -> str:
        return f"({self.population}) AND ({self.condition})"


@dataclass(frozen=True)
class Sum:
    """A sum over a count's members; never published itself (privacy, hole 13).

    `expression` is SQL over the grain; values are winsorized at `low` and `high`, and the mean is
    rounded to `step` units.
    """

    id: str
    over: str
    expression: str
    low: float
    high: float


@dataclass(frozen=True)
class Target:
    year: int
    value: float
    plan: str
    source: str


@dataclass(frozen=True)
class Indicator:
    """What a reader sees: made of counts, with the words that make it a number with a meaning.

    kind: `count` (numerator only), `proportion` (numerator within denominator), `rate` (numerator not
        within denominator, may exceed 100 %), `mean` (a Sum over the denominator).
    lowest_level, lowest_level_pooled: the lowest area level for single years and for pooled years.
    breakdowns: every breakdown that will ever be published (one-way).
    direction: `higher`, `lower` is better, or None: no judgement.
    """

    id: str
    kind: str
    label_ja: str
    label_en: str
    definition_ja: str
    definition_en: str
    numerator: str
    denominator: str | None
    unit: str
    official_source: str
    scale: float = 100
    decimals: int = 1
    direction: str | None = None
    caution_ja: str = ""
    caution_en: str = ""
    breakdowns: tuple[Breakdown, ...] = ()
    lowest_level: str = "municipality"
    lowest_level_pooled: str = "municipality"
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True)
class OutreachRule:
    """Who in a town needs to be reached on a day: a population and a condition, as a count has them, and that day.

    grain: table `own.<grain>` of a town hall's list, with days, the columns `local_number`, `household`, what stops a
        list (`is_deceased`, `is_lost`, `left_date`), and the names that the grain has in `core`.
    population, condition: SQL over the grain; `as_of` is the day for which the list is made.
    month: SQL, a date in the month that the line shows.
    priority: `highest`, `high`, `mid`; a household stands on the list of its highest rule alone.
    records: without an accepted file of each of them no list is made.
    beside: records in which help may stand too; where there is no file of one, the reader is told.
    fresh: (record, days) - where its last row was recorded longer before the day, the reader is told to make sure first.
    reached: SQL over the grain: what was missing has come (a visit, a dose, a consultation); `as_of` is the day it was listed
        for. Empty: no count of the rule leaves the town hall, because whoever is on its list may have lost a pregnancy.
    """

    id: str
    label_ja: str
    label_en: str
    definition_ja: str
    definition_en: str
    action_ja: str
    action_en: str
    priority: str
    grain: str
    population: str
    condition: str
    month: str
    records: tuple[str, ...]
    beside: tuple[str, ...] = ()
    fresh: tuple[str, int] | None = None
    reached: str = ""


@dataclass(frozen=True)
class Stop:
    """What keeps anybody off every list, whatever the rule: SQL over the columns that every grain of a list has."""

    id: str
    label_ja: str
    label_en: str
    condition: str


@dataclass(frozen=True)
class Tier:
    """From `population` inhabitants on, a count of 1..k-1 is not shown; `k` None shows nothing."""

    population: int
    k: int | None


@dataclass(frozen=True)
class Policy:
    """A versioned publication policy, read from `pipelines/reference/policies/<id>.toml`."""

    id: str
    label_ja: str
    label_en: str
    guideline: str
    tiers: tuple[Tier, ...]
    lowest_population: dict[str, int]  # per sensitivity class: smallest area population at municipality level
    complement_off_for_publicly_known: bool
    zero_shown_from: int  # a sensitive zero or 100 % is shown from this denominator on
    mean_shown_from: int  # members of a mean below prefecture level
    interval_floor: int  # an attacker's interval is at least max(interval_floor, k/2)
    hidden_areas_on_a_line: int
    pooled_years: int
    new_persons_percent: int  # of a closed cohort after a version change; more, and as many left behind, are split
    lowest_level: dict[str, str] = field(default_factory=dict)  # per sensitivity class: no count below this level
    settings: dict[str, str] = field(default_factory=dict)  # key -> value as published, with its meaning

    def k_for(self, population: int) -> int | None:
        """The threshold of an area with `population` inhabitants."""
        return max((t for t in self.tiers if population >= t.population), key=lambda t: t.population).k
