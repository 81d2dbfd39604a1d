"""Twelve attackers. Each holds published files, and what it says it knows besides, and does one thing with them.

They use nothing of the project but the files, and plain arithmetic: subtraction, a quotient, a search in bytes. Each
tells how many places it tried and what it found out: cells that are not shown, or people between two shown numbers.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import permutations
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

KEY = ["count_id", "period", "period_kind", "area_code", "breakdown_id", "category_code"]
SHOWN = ("observed", "partial", "provisional", "revised")
NARROW = 5  # people; a policy that keeps less open is no policy


@dataclass(frozen=True)
class Found:
    """What an attacker says: a number of people in [low, high]."""

    about: tuple[str, ...]
    low: float
    high: float


@dataclass(frozen=True)
class Attempt:
    tried: int
    found: list[Found]


@dataclass(frozen=True)
class File:
    """One published file as a stranger reads it."""

    path: Path

    def table(self, name: str) -> pl.DataFrame:
        with duckdb.connect(str(self.path), read_only=True) as connection:
            return connection.sql(f"SELECT * FROM {name} ORDER BY ALL").pl()

    @cached_property
    def cells(self) -> pl.DataFrame:
        return self.table("count_cell").select(*KEY, "status", value=pl.col("value").cast(pl.Float64))

    @cached_property
    def areas(self) -> pl.DataFrame:
        """area_code, level, parent_code, k of the areas that have cells."""
        people = self.table("area_population").group_by("area_code").agg(pl.col("population").last())
        rows = self.table("area").join(people, on="area_code", how="left").filter(
            pl.col("area_code").is_in(self.cells["area_code"].unique().implode())
        )  # fmt: skip
        k = pl.when(pl.col("population") < 25_000).then(20).otherwise(10)
        return rows.select("area_code", "level", "parent_code", k=k)

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """(inner, outer): what the file says lies within what, and what it divides by what."""
        within = self.table("count_definition").filter(pl.col("within_count_id").is_not_null())
        ratios = self.table("indicator").filter(pl.col("kind").is_in(["proportion", "rate"]))
        told = (
            within.select("count_id", "within_count_id").rows() + ratios.select("numerator_id", "denominator_id").rows()
        )
        return sorted({(inner, outer) for inner, outer in told if outer})


@dataclass(frozen=True)
class Hold:
    """What an attacker has: files in the order of publication, and true numbers of its own (KEY, value)."""

    files: tuple[File, ...]
    own: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=[*KEY, "value"]))

    @property
    def last(self) -> File:
        return self.files[-1]


def area_sums(file: File) -> pl.DataFrame:
    """KEY of a part and `whole`, KEY of the area above it as one text."""
    up = file.cells.join(file.areas.select("area_code", "parent_code"), on="area_code").drop_nulls("parent_code")
    return _terms(up, area_code="parent_code")


def category_sums(file: File) -> pl.DataFrame:
    parts = file.cells.filter(pl.col("breakdown_id") != "all")
    return _terms(parts, line=pl.col("breakdown_id"), breakdown_id=pl.lit("all"), category_code=pl.lit("all"))


def year_sums(file: File) -> pl.DataFrame:
    """Every pooled span over its single years, where all of them are there."""
    is_pooled = pl.col("period_kind").str.starts_with("pooled")
    spans = file.cells.filter(is_pooled).select("period", "period_kind").unique()
    blocks = [pl.DataFrame(schema={**dict.fromkeys([*KEY, "whole"], pl.String)})]
    for span, kind in spans.iter_rows():
        first, last = int(span[:4]), int(span[-4:])
        years = [str(y) for y in range(first, last + 1)]
        own = file.cells.filter(~is_pooled, pl.col("period").is_in(years))
        there = (
            own.group_by([k for k in KEY if not k.startswith("period")])
            .agg(pl.len())
            .filter(pl.col("len") == len(years))
        )
        own = own.join(there, on=[k for k in KEY if not k.startswith("period")], how="semi")
        blocks.append(_terms(own, period=pl.lit(span), period_kind=pl.lit(kind)))
    return pl.concat(blocks)


def _terms(parts: pl.DataFrame, line: pl.Expr | None = None, **above: str | pl.Expr) -> pl.DataFrame:
    """Each part with the cell that it is a part of, when that cell is in the file."""
    named = {name: pl.col(to) if isinstance(to, str) else to for name, to in above.items()}
    whole = parts.select(*KEY, named=pl.concat_str([named.get(k, pl.col(k)) for k in KEY], separator="|"),
                         line=line if line is not None else pl.lit(""))  # fmt: skip
    return whole.select(*KEY, whole=pl.concat_str("named", pl.lit("#"), "line"))


def known_of(file: File) -> dict[str, float]:
    shown = file.cells.filter(pl.col("status").is_in(SHOWN))
    return dict(shown.select(pl.concat_str(KEY, separator="|").alias("cell"), "value").iter_rows())


def subtracted(terms: pl.DataFrame, known: dict[str, float]) -> dict[str, float]:
    """Every cell that follows when one term of a sum is unknown, again and again; adds them to `known`.

    What shown zeros say of their parts, and of the sum of nothing but zeros, is published with them and is not counted.
    """
    lines = terms.group_by("whole").agg(pl.concat_str(KEY, separator="|").alias("parts")).iter_rows()
    open_lines = [(whole.split("#")[0], parts) for whole, parts in lines]
    found: dict[str, float] = {}
    while True:
        before = len(known)
        for whole, parts in open_lines:
            missing = [cell for cell in (whole, *parts) if cell not in known]
            rest = sum(known.get(part, 0.0) for part in parts)
            if known.get(whole) == 0:
                known |= dict.fromkeys(parts, 0.0)
            elif missing == [whole] and rest == 0:
                known[whole] = 0.0
            elif len(missing) == 1:
                value = rest if missing[0] == whole else known[whole] - rest
                known[missing[0]] = found[missing[0]] = value
        if len(known) == before:
            return found


def _exact(found: Mapping[str, float]) -> list[Found]:
    return [Found(tuple(cell.split("|")), value, value) for cell, value in found.items()]


def differences_codes(hold: Hold) -> Attempt:
    """1. An area less the areas in it, a total less its categories."""
    terms = pl.concat([area_sums(hold.last), category_sums(hold.last)])
    return Attempt(terms["whole"].n_unique(), _exact(subtracted(terms, known_of(hold.last))))


def differences_years(hold: Hold) -> Attempt:
    """2. Pooled years less the single ones."""
    terms = year_sums(hold.last)
    return Attempt(terms["whole"].n_unique(), _exact(subtracted(terms, known_of(hold.last))))


def differences_vintages(hold: Hold) -> Attempt:
    """3. A number, and the rest of it, in two releases: who came in between."""
    found, tried = [], 0
    for old, new in permutations(hold.files, 2):
        if hold.files.index(old) > hold.files.index(new):
            continue
        for before, after in ((_shown(old), _shown(new)), (_rests(old), _rests(new))):
            both = before.join(after, on=KEY, suffix="_after").join(new.areas, on="area_code")
            tried += both.height
            moved = (pl.col("value_after") - pl.col("value")).abs()
            found += _people(both.filter(moved >= 1, moved < pl.col("k")).with_columns(value=moved))
    return Attempt(tried, found)


def differences_nested_counts(hold: Hold) -> Attempt:
    """4. A count less one that lies within it."""
    rests = _rests(hold.last).join(hold.last.areas, on="area_code")
    return Attempt(rests.height, _people(rests.filter(pl.col("value") >= 1, pl.col("value") < pl.col("k"))))


def _shown(file: File) -> pl.DataFrame:
    return file.cells.filter(pl.col("status").is_in(SHOWN)).select(*KEY, "value")


def _rests(file: File) -> pl.DataFrame:
    """KEY (with `outer-inner` as count) and the difference of every shown pair."""
    shown = _shown(file)
    blocks = [shown.clear()]
    for inner, outer in file.pairs:
        both = shown.filter(count_id=outer).join(shown.filter(count_id=inner), on=KEY[1:], suffix="_inner")
        rest = (pl.col("value") - pl.col("value_inner")).abs()
        blocks.append(both.select(*KEY, value=rest).with_columns(count_id=pl.lit(f"{outer}-{inner}")))
    return pl.concat(blocks)


def _people(rows: pl.DataFrame) -> list[Found]:
    return [Found(tuple(row[:-1]), row[-1], row[-1]) for row in rows.select(*KEY, "value").iter_rows()]


def divides_means(hold: Hold) -> Attempt:
    """5. Two means of groups that lie one in the other: the mean of the few between them."""
    seen = hold.last.table("observation").join(hold.last.areas, on="area_code")
    means = seen.filter(
        pl.col("numerator").is_null(), pl.col("value").is_not_null(), pl.col("denominator").is_not_null()
    )
    found, tried = [], 0
    where = ["indicator_id", *KEY[1:]]
    for named in (["area_code"], ["breakdown_id", "category_code"], ["period", "period_kind"]):
        both = means.join(means, on=[k for k in where if k not in named], suffix="_outer")
        inside = {
            "area_code": pl.col("parent_code") == pl.col("area_code_outer") if "area_code" in named else pl.lit(True),
            "breakdown_id": (pl.col("breakdown_id_outer") == "all") & (pl.col("breakdown_id") != "all") if "breakdown_id" in named else pl.lit(True),
            "period": pl.col("period_outer").str.contains("-") & ~pl.col("period").str.contains("-") if "period" in named else pl.lit(True),
        }  # fmt: skip
        pairs = both.filter(*inside.values())
        tried += pairs.height
        few = pl.col("denominator_outer") - pl.col("denominator")
        total = pl.col("value_outer") * pl.col("denominator_outer") - pl.col("value") * pl.col("denominator")
        for row in pairs.filter(few >= 1, few < pl.col("k")).with_columns(of_few=total / few).iter_rows(named=True):
            found.append(Found((row["indicator_id"], row["area_code"], row["period"]), row["of_few"], row["of_few"]))
    return Attempt(tried, found)


def reads_the_other_town(hold: Hold) -> Attempt:
    """6. Each municipality fills in its own numbers, and subtracts: the other one of its medical area."""
    file = hold.last
    parents = file.areas.filter(pl.col("level") == "municipality")
    area = area_sums(file)
    found, tried = [], 0
    for town, parent in parents.select("area_code", "parent_code").iter_rows():
        near = {*parents.filter(parent_code=parent)["area_code"], parent}
        terms = area.filter(pl.col("area_code").is_in(near), pl.col("whole").str.contains(f"|{parent}|", literal=True))
        mine = hold.own.filter(area_code=town).select(pl.concat_str(KEY, separator="|").alias("cell"), "value")
        known = {**known_of(file), **{cell: float(value) for cell, value in mine.iter_rows()}}
        tried += terms["whole"].n_unique()
        told = subtracted(terms, known)
        # its parent's number is the sum of its own and shown ones: that is no news of anybody
        found += _exact({cell: value for cell, value in told.items() if cell.split("|")[3] not in (town, parent)})
    return Attempt(tried, found)


def unmerges_villages(hold: Hold) -> Attempt:
    """7. A merged town, in any release, less the villages of which it was made that any release shows.

    What shown villages had together was told with them, and is no news of the town.
    """
    known = {cell: value for file in hold.files for cell, value in known_of(file).items()}
    every = pl.concat([file.cells.select(KEY) for file in hold.files]).unique()
    found, tried = [], 0
    succession = hold.last.table("area_succession")
    for (new,), rows in succession.group_by("new_code"):
        olds = set(rows["old_code"])
        tried += len(olds)
        parts = every.filter(pl.col("area_code").is_in(olds - {new}))
        told = subtracted(_terms(parts, area_code=pl.lit(new)), dict(known)) if parts.height else {}
        found += _exact({cell: value for cell, value in told.items() if cell.split("|")[3] in olds})
    return Attempt(tried, found)


def slides_pooled_years(hold: Hold) -> Attempt:
    """8. All spans and single years of all releases as equations over years: which year do they fix?"""
    shown = pl.concat([_shown(file) for file in hold.files]).unique(KEY, keep="last")
    here = hold.last.cells.filter(~pl.col("status").is_in(SHOWN)).select(KEY)
    hidden = {tuple(row) for row in here.iter_rows()}
    found, tried = [], 0
    where = [k for k in KEY if not k.startswith("period")]
    for key, rows in shown.filter(pl.col("value") > 0).group_by(where):
        spans = [
            (p, v)
            for p, kind, v in rows.select("period", "period_kind", "value").iter_rows()
            if "pooled" in kind or len(p) == 4
        ]
        years = sorted({str(y) for p, _ in spans for y in range(int(p[:4]), int(p[-4:]) + 1)})
        matrix = np.array([[float(int(p[:4]) <= int(y) <= int(p[-4:])) for y in years] for p, _ in spans])
        values, *_ = np.linalg.lstsq(matrix, np.array([v for _, v in spans]), rcond=None)
        free = np.abs(np.eye(len(years)) - np.linalg.pinv(matrix) @ matrix).sum(axis=1)
        tried += len(years)
        c, a, b, g = key
        singly = {p for p, _ in spans if len(p) == 4}
        found += [
            Found((str(c), y, "", str(a), str(b), str(g)), v, v)
            for y, v, f in zip(years, values, free, strict=True)
            if f < 1e-9
            and y not in singly
            and (any(h[0] == c and h[1] == y and h[3:] == (a, b, g) for h in hidden) or not hidden)
        ]
    return Attempt(tried, found)


def reads_quality_classes(hold: Hold) -> Attempt:
    """9. A class of completeness times the official number of births: how many arrived."""
    file = hold.last
    official = dict(hold.own.select("area_code", "value").iter_rows())
    hidden = file.cells.filter(~pl.col("status").is_in(SHOWN), count_id="live_births", breakdown_id="all")
    classes = file.table("quality").filter(measure="completeness")
    of_hidden = classes.join(hidden, on=["area_code", "period"])
    found = []
    for area, period, said in of_hidden.select("area_code", "period", "class").iter_rows():
        if area not in official:
            continue
        low, high = _limits(said, official[area])
        found += [Found((area, period, said), low, high)] if high - low < NARROW else []
    return Attempt(classes.height, found)


def _limits(said: str, expected: float) -> tuple[float, float]:
    """How many a class such as `80-94`, `95-`, `-49`, `none` or `93.3` percent leaves."""
    if said == "none":
        return 0, 0
    first, dash, last = said.partition("-")
    low = float(first or 0)
    high = float(last or 200) + 1 if dash else low
    return np.floor(low * expected / 100), np.ceil(high * expected / 100)


def multiplies_percentages(hold: Hold) -> Attempt:
    """10. A percentage, or a limit of its interval, times a denominator that is shown: the hidden numerator."""
    file = hold.last
    ratios = file.table("indicator").filter(pl.col("kind").is_in(["proportion", "rate"]))
    seen = file.table("observation").join(
        ratios.select("indicator_id", "numerator_id", "denominator_id", "scale"), on="indicator_id"
    )
    shown = _shown(file)
    below = shown.rename({"count_id": "denominator_id", "value": "people"})
    above = shown.rename({"count_id": "numerator_id", "value": "counted"})
    rows = seen.join(below, on=["denominator_id", *KEY[1:]], how="left").join(
        above, on=["numerator_id", *KEY[1:]], how="left"
    )
    told = rows.filter(
        pl.any_horizontal(pl.col("value", "ci_low", "ci_high", "numerator").is_not_null()), pl.col("counted").is_null()
    ).with_columns(people=pl.coalesce("denominator", "people"))
    got = told.filter(pl.col("people").is_not_null()).with_columns(
        n=pl.col("value") * pl.col("people") / pl.coalesce("scale", 100.0)
    )
    found = [Found((r["numerator_id"], r["area_code"], r["period"]), r["n"], r["n"]) for r in got.iter_rows(named=True)]
    return Attempt(rows.height, found)


MARK = 7_220_000_000_000_000  # true numbers of a marked release begin here, so that they cannot be met by chance


def searches_bytes(hold: Hold) -> Attempt:
    """11. Every eight bytes of the file and of the ledger beside it, every run of digits and every column unpacked,
    that could be a marked number."""
    files = [hold.last.path, *hold.last.path.parent.glob("ledger*")]
    data = b"".join(path.read_bytes() for path in files)
    found = {MARK} if str(MARK)[:6].encode() in data else set()
    unpacked = [pl.read_parquet(path) for path in files if path.suffix == ".parquet"]
    unpacked += [hold.last.table(name) for name in ("count_cell", "observation")]
    columns = [column.cast(pl.Float64) for frame in unpacked for column in frame if column.dtype.is_numeric()]
    for numbers in (*_as_numbers(data), *(column.drop_nulls().to_numpy() for column in columns)):
        found |= {int(n) for n in numbers[(numbers >= MARK) & (numbers < MARK + 10**9)]}
    return Attempt(len(data), [Found(("bytes",), n, n) for n in sorted(found)])


def _as_numbers(data: bytes) -> Iterator[np.ndarray]:
    for shift in range(8):
        whole = data[shift : shift + (len(data) - shift) // 8 * 8]
        with np.errstate(invalid="ignore"):
            yield from (np.frombuffer(whole, dtype=kind).astype(float) for kind in ("<i8", ">i8", "<f8"))


def compares_statuses(hold: Hold) -> Attempt:
    """12. Hidden cells of areas that sent their records: is there more than one way to be hidden?"""
    file = hold.last
    sent = file.table("coverage").filter(pl.col("class") == "arrived").select("area_code").unique()
    hidden = file.cells.filter(~pl.col("status").is_in(SHOWN))
    below = hidden.join(sent, on="area_code", how="semi")
    ways = below.group_by("status").agg(pl.len(), pl.first("area_code"))
    found = [Found((area, status), 1, NARROW - 1) for status, n, area in ways.iter_rows()] if ways.height > 1 else []
    return Attempt(below.height, found)


ATTACKERS: tuple[Callable[[Hold], Attempt], ...] = (
    differences_codes, differences_years, differences_vintages, differences_nested_counts, divides_means,
    reads_the_other_town, unmerges_villages, slides_pooled_years, reads_quality_classes, multiplies_percentages,
    searches_bytes, compares_statuses,
)  # fmt: skip


def tell(attempt: Attempt) -> Iterator[str]:
    for found in attempt.found[:5]:
        yield f"{found.about}: {found.low}..{found.high}"
