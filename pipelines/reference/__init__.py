"""Facts as data: municipalities, code lists, growth tables, feed layouts; each with its source in SOURCES.md.

The only room that opens the files in it; everybody may ask.
"""

from functools import cache
from importlib.resources import files

import polars as pl

NATION = "000000"


def _csv(name: str, **types: pl.DataType | type[pl.DataType]) -> pl.DataFrame:
    """A file of this folder; every column is text unless its type is given."""
    source = files(__package__).joinpath(*name.split("/")).read_bytes()
    return pl.read_csv(source, infer_schema=False).with_columns(pl.col(c).cast(t) for c, t in types.items())


@cache
def municipalities() -> pl.DataFrame:
    """1,741 municipalities and 171 wards of designated cities on 2025-01-01 (総務省 住民基本台帳), one row each."""
    women = {f"women_{a}_{a + 4}": pl.Int64 for a in range(15, 50, 5)}
    return _csv(
        "municipalities_2025.csv",
        population_20250101=pl.Int64, births_2024=pl.Int64, population_0_4=pl.Int64,
        office_lat=pl.Float64, office_lon=pl.Float64, **women,
    ).with_columns(pref_code=pl.col("code6").str.slice(0, 2))  # fmt: skip


@cache
def units() -> pl.DataFrame:
    """The 1,741 municipalities without the wards of designated cities."""
    return municipalities().filter(pl.col("type") != "designated_ward")


@cache
def code_lists() -> pl.DataFrame:
    """Every code: code_list, name_ja, name_en, issuer, version, code, label_ja, label_en, meaning.

    meaning: `yes`, `no`, `no_answer`, `unknown`, else null. 1 is yes in one list and no in the next.
    """
    return _csv("code_lists.csv")


@cache
def code_list(list_id: str) -> dict[str, str]:
    """Code -> Japanese label of one list; raises KeyError for a list that does not stand in the file."""
    rows = code_lists().filter(pl.col("code_list") == list_id)
    if rows.is_empty():
        raise KeyError(f"code list {list_id} is not in pipelines/reference/code_lists.csv")
    return dict(zip(rows["code"], rows["label_ja"], strict=True))


@cache
def code_that_means(list_id: str, meaning: str) -> str:
    """The one code of a list that says `yes`, `no`, `no_answer` or `unknown`; raises KeyError where not exactly one does."""
    codes = code_lists().filter(pl.col("code_list") == list_id, pl.col("meaning") == meaning)["code"].to_list()
    if len(codes) != 1:
        raise KeyError(f"code list {list_id} has {len(codes)} codes that mean {meaning}")
    return str(codes[0])


@cache
def growth_table(measure: str) -> dict[str, list[float]]:
    """Mean and SD by `key` = sex code * 1000 + completed months, for `height_cm` or `weight_kg` (2000 survey)."""
    stem, unit = measure.rsplit("_", 1)
    rows = _csv("growth_2000_mean_sd.csv").with_columns(pl.all().exclude("sex").cast(pl.Float64))
    sex = pl.when(pl.col("sex") == "M").then(1000).otherwise(2000)
    key = (sex + pl.col("age_months").cast(pl.Int32)).cast(pl.Int32)
    table = rows.select(key=key, mean=f"{stem}_mean_{unit}", sd=f"{stem}_sd_{unit}")
    return {name: table[name].to_list() for name in table.columns}


@cache
def head_circumference_table() -> dict[str, list[float]]:
    """As `growth_table`; the SD is that of the 3rd and 97th percentile of a normal distribution (2 * 1.881 SD apart)."""
    rows = _csv("head_circumference_percentiles.csv").with_columns(pl.all().exclude("sex").cast(pl.Float64))
    sex = pl.when(pl.col("sex") == "M").then(1000).otherwise(2000)
    months = pl.int_ranges(pl.col("age_months_from").cast(pl.Int32), pl.col("age_months_to").cast(pl.Int32))
    table = (
        rows.with_columns(months=months)
        .explode("months")
        .select(key=(sex + pl.col("months")).cast(pl.Int32), mean="p50", sd=(pl.col("p97") - pl.col("p3")) / 3.762)
    )
    return {name: table[name].to_list() for name in table.columns}


@cache
def feed_layout(feed: str, version: str) -> pl.DataFrame:
    """Layout of a feed: record (`*`: every record), source_group, header (CSV heading or JSON path), field, conversion."""
    return _csv(f"feeds/{feed}.csv").filter(pl.col("version") == version)


@cache
def feed_table(feed: str, table: str, version: str) -> pl.DataFrame:
    """What a feed's codes mean, in a table of its own beside its layout (`feeds/<feed>_<table>.csv`)."""
    return _csv(f"feeds/{feed}_{table}.csv").filter(pl.col("version") == version)


@cache
def calibration_targets() -> pl.DataFrame:
    """Published national figures: key, year, stratum, value, unit, source, confidence."""
    return _csv("calibration_targets.csv", year=pl.Int32, value=pl.Float64)


@cache
def births_by_month() -> tuple[int, ...]:
    """Births of 2023 by month, January first (人口動態統計 概数)."""
    return tuple(_csv("births_by_month_2023.csv", births=pl.Int64)["births"])


@cache
def prefectures() -> dict[str, tuple[str, str]]:
    """Prefecture code (2 digits) -> Japanese and English name."""
    rows = _csv("prefectures.csv")
    return {c: (ja, en) for c, ja, en in rows.select("pref_code", "name_ja", "name_en").iter_rows()}


@cache
def medical_areas() -> pl.DataFrame:
    """Secondary medical areas with our frozen codes `<pref2>M<nn>`: area_code, pref_code, name_ja, name_en."""
    return _csv("medical_areas.csv")


@cache
def area_names_en() -> pl.DataFrame:
    """Romanised readings of municipality names (machine-made, 要確認): area_code, name_en."""
    return _csv("area_names_en.csv")


@cache
def feed_trust() -> pl.DataFrame:
    """How far the centre believes a feed: feed, trust (lower is sooner), is_register. Same as the feeds' declarations."""
    rows = _csv("feeds/trust.csv", trust=pl.Int32)
    return rows.with_columns(is_register=pl.col("is_register") == "true")
