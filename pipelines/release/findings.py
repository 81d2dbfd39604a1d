"""What an audit finds: rules and cells, in sentences; never a value."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

RULES = {
    "value_beside_hidden": ("表示しない状態のセルに値があります。", "a cell that is not shown holds a value"),
    "shown_without_value": ("表示する状態のセルに値がありません。", "a shown cell holds no value"),
    "half_shown": ("指標の一部の欄だけに値があります。", "only some of the columns of an indicator are filled"),
    "without_its_counts": ("計数が表示されていない指標に値があります。", "an indicator is shown whose counts are not"),
    "mean_of_few": ("少人数の平均が表示されています。", "a mean of too few members is shown"),
    "small_count": (
        "表示してはいけない小さな数、差、0 %または100 %が表示されています。",
        "a count, a difference, a zero or a whole is shown that the policy does not allow",
    ),
    "mean_difference": (
        "平均の対象者の差が少人数です。",
        "two means differ by too few members",
    ),
    "contradiction": ("表示された値どうしが矛盾しています。", "the shown values contradict each other"),
    "exactly_told": ("秘匿値が表示された値から正確に分かります。", "a hidden value follows exactly from what is shown"),
    "narrow_interval": ("秘匿値の取り得る範囲が狭すぎます。", "the interval of a hidden value is too narrow"),
    "vintage_difference": (
        "前回の公表との差から、少人数の変化が分かります。",
        "the difference from an earlier release tells of a small change",
    ),
    "certificate_of_other_cells": (
        "証明書が、この公表の秘匿セルのものではありません。",
        "the certificate is not of the hidden cells of this release",
    ),
    "certificate_contradicts": (
        "証明書の表が、公表された値に合いません。",
        "a table of the certificate does not fit the shown values",
    ),
    "certificate_too_narrow": (
        "証明書が、秘匿値の範囲が十分に広いことを示していません。",
        "the certificate does not show that the interval of a hidden value is wide enough",
    ),
    "certificate_misquotes": (
        "証明書の記載が、その表または公表された値と異なります。",
        "the certificate says something else than its tables and the shown values do",
    ),
}


@dataclass(frozen=True)
class Finding:
    """What is wrong with which cell; never a value."""

    rule: str
    cell: tuple[str, ...] = ()

    @property
    def sentence_ja(self) -> str:
        return f"{RULES[self.rule][0]} {self._where()}"

    @property
    def sentence_en(self) -> str:
        return f"{RULES[self.rule][1]}: {self._where()}"

    def _where(self) -> str:
        return "(" + ", ".join(self.cell) + ")" if self.cell else ""


def of_frame(rule: str, frame: pl.DataFrame, keys: tuple[str, ...]) -> Iterator[Finding]:
    """One finding for every row, which `keys` name."""
    for cell in frame.select(keys).iter_rows():
        yield Finding(rule, cell)
