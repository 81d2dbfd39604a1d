"""An export as csv files with a datapackage.json (Frictionless Data Package 1.0): UTF-8 with BOM, so that Excel reads it."""

import json
from pathlib import Path

import polars as pl

from pipelines.release.official_notes import created_on
from pipelines.release.official_tables import Column, Table
from pipelines.release.writing import replace_file

FORMULA = r"^[=+@\t\r]|^-[^0-9]"  # what a spreadsheet would run when it opens a csv; -19 (a class) is a number to it


def write_datapackage(folder: Path, line: dict[str, object], tables: tuple[Table, ...]) -> list[Path]:
    """One csv per table, then their description. Raises DiskError."""
    for table in tables:
        replace_file(folder / f"{table.name}.csv", csv_bytes(table.rows))
    described = folder / "datapackage.json"
    replace_file(described, _described(line, tables))
    return [*(folder / f"{table.name}.csv" for table in tables), described]


def csv_bytes(rows: pl.DataFrame) -> bytes:
    """UTF-8 with BOM, CRLF (RFC 4180); text that a spreadsheet would run as a formula begins with an apostrophe."""
    harmless = [_harmless(name) for name, kind in rows.schema.items() if kind == pl.String]
    return rows.with_columns(harmless).write_csv(include_bom=True, line_terminator="\r\n").encode()


def _harmless(name: str) -> pl.Expr:
    text = pl.col(name)
    return pl.when(text.str.contains(FORMULA)).then(pl.concat_str(pl.lit("'"), text)).otherwise(text).alias(name)


def _described(line: dict[str, object], tables: tuple[Table, ...]) -> bytes:
    package = {
        "name": "mchdb",
        "id": line["release_id"],
        "title": "母子保健 地域統計 / Regional maternal and child health statistics of Japan",
        "version": line["release_id"],
        "created": f"{created_on(line).isoformat()}T00:00:00Z",
        "profile": "tabular-data-package",
        "resources": [_resource(table) for table in tables],
    }
    if line["is_synthetic"]:
        package["description"] = "合成データ / synthetic data"
    return (json.dumps(package, ensure_ascii=False, indent=2) + "\n").encode()


def _resource(table: Table) -> dict[str, object]:
    schema: dict[str, object] = {"fields": [_field(column) for column in table.columns], "missingValues": [""]}
    if table.key:
        schema["primaryKey"] = list(table.key)
    return {
        "name": table.name.lower(),
        "title": f"{table.title_ja} / {table.title_en}",
        "path": f"{table.name}.csv",
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8-sig",
        "dialect": {"delimiter": ",", "lineTerminator": "\r\n", "quoteChar": '"', "doubleQuote": True, "header": True},
        "schema": schema,
    }


def _field(column: Column) -> dict[str, object]:
    field: dict[str, object] = {
        "name": column.name,
        "type": column.type,
        "title": column.label_ja,
        "description": f"{column.label_ja} / {column.label_en}",
    }
    return {**field, "unit": column.unit} if column.unit else field
