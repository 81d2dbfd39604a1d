"""The areas of a release: the published table `area`, and the tree that the counts are summed along."""

import polars as pl

from pipelines.reference import NATION, area_names_en, medical_areas, prefectures, units

BOUNDARY_YEAR = 2025


def area_table() -> pl.DataFrame:
    """Nation, 47 prefectures, medical areas and 1,741 municipalities, with the columns of the published `area`."""
    return pl.concat([_nation(), _prefectures(), _medical_areas(), _municipalities()], how="diagonal").select(
        "area_code", "area_code5", "level", "name_ja", "name_en", "parent_code", "medical_area_code",
        pl.lit(None, pl.Date).alias("valid_from"), pl.lit(None, pl.Date).alias("valid_to"), "lat", "lon",
    )  # fmt: skip


def population_table(recorded: pl.DataFrame | None = None) -> pl.DataFrame:
    """area_code, year, population of every area on 1 January of the boundary year, and of every year that is
    `recorded` with earlier releases (`Ledger.populations`), as it was then."""
    now = _populations()
    if recorded is None:
        return now
    then = recorded.filter(pl.col("area_code").is_in(now["area_code"].implode())).cast(dict(now.schema))  # type: ignore[arg-type]
    return pl.concat([then, now]).unique(["area_code", "year"], keep="first", maintain_order=True)


def strictest(populations: pl.DataFrame) -> pl.DataFrame:
    """area_code, population: the smallest of all years. A tier once published is never left for a milder one: what
    it hid would follow from pooled years, or from the years after (privacy, hole 22)."""
    return populations.group_by("area_code").agg(pl.min("population"))


def _populations() -> pl.DataFrame:
    municipal = units().select(
        area_code="code6", population="population_20250101", pref="pref_code", medical=_medical_code()
    )
    sums = [
        municipal.group_by(area_code=key).agg(pl.col("population").sum())
        for key in (pl.lit(NATION), pl.concat_str("pref", pl.lit("0000")), pl.col("medical"))
    ]
    rows = pl.concat([*sums, municipal.select("area_code", "population")])
    return rows.select("area_code", pl.lit(BOUNDARY_YEAR, pl.Int32).alias("year"), "population")


def registered_tree(municipalities: list[str], recorded: pl.DataFrame | None = None) -> pl.DataFrame:
    """The registered municipalities and what lies above them: area_code, level, parent_code, population (`strictest`).

    The nation, prefectures and medical areas keep their own population (it decides their threshold); their counts
    are the sums of the registered municipalities.
    """
    table = area_table().join(strictest(population_table(recorded)), on="area_code")
    own = table.filter(pl.col("area_code").is_in(municipalities))
    medical = table.filter(pl.col("area_code").is_in(own["parent_code"].implode()))
    above = table.filter(pl.col("area_code").is_in(medical["parent_code"].implode()))
    nation = table.filter(pl.col("area_code") == NATION)
    return pl.concat([nation, above, medical, own]).select("area_code", "level", "parent_code", "population")


def _medical_code() -> pl.Expr:
    codes = medical_areas()
    by_name = dict(zip(codes["pref_code"] + codes["name_ja"], codes["area_code"], strict=True))
    return pl.concat_str("pref_code", "secondary_medical_area").replace_strict(by_name)


def _nation() -> pl.DataFrame:
    return pl.DataFrame(
        {"area_code": NATION, "area_code5": "00000", "level": "nation", "name_ja": "登録された都道府県の合計",
         "name_en": "Sum of the registered prefectures"}
    )  # fmt: skip


def _prefectures() -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"area_code": f"{code}0000", "area_code5": f"{code}000", "level": "prefecture", "name_ja": ja,
             "name_en": en, "parent_code": NATION}
            for code, (ja, en) in prefectures().items()
        ]
    )  # fmt: skip


def _medical_areas() -> pl.DataFrame:
    own = medical_areas().filter(pl.col("area_code").is_in(units().select(_medical_code()).to_series().implode()))
    return own.select(
        "area_code", "name_ja", "name_en",
        level=pl.lit("medical_area"), parent_code=pl.concat_str("pref_code", pl.lit("0000")),
        medical_area_code="area_code",
    )  # fmt: skip


def _municipalities() -> pl.DataFrame:
    return units().join(area_names_en(), left_on="code6", right_on="area_code").select(
        area_code="code6", area_code5="code5", level=pl.lit("municipality"), name_ja="name", name_en="name_en",
        parent_code=_medical_code(), medical_area_code=_medical_code(), lat="office_lat", lon="office_lon",
    )  # fmt: skip
