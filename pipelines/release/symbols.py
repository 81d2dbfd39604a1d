"""The statuses of a published number and the symbol that stands for each in a table.

One symbol for every suppressed cell: telling primary from secondary would tell how small it is.
"""

import polars as pl

SHOWN = ("observed", "partial", "provisional", "revised")
NOT_SHOWN = ("suppressed", "not_yet", "not_collected", "not_applicable", "withheld_quality")
STATUSES = (*SHOWN, *NOT_SHOWN)
ZERO = "－"  # an observed 0 in a statistical table (計数のない場合); the value itself stays the number 0

_SYMBOLS = (
    ("observed", "", "公表値(確定)", "published value"),
    (
        "partial",
        "†",
        "一部の地域・期間の報告による値(網羅割合80～95 %)",
        "part of the area or period reported (80-95 %)",
    ),
    ("provisional", "速", "速報値(変更されることがある)", "provisional value, may change"),
    ("revised", "訂", "前回の公表から改訂した値", "revised since an earlier release"),
    (
        "suppressed",
        "x",
        "秘匿(人数が少ないため、または他の秘匿値が分かるため表示しない)",
        "suppressed, to protect people",
    ),
    ("not_yet", "…", "観察期間が終わっていない", "the period of observation has not ended"),
    ("not_collected", "…", "収集していない", "not collected"),
    ("not_applicable", "・", "あり得ない、または該当しない", "cannot exist, or does not apply"),
    ("withheld_quality", "…", "データの質が基準に達しないため表示しない", "withheld: data quality below the standard"),
)


def symbols() -> pl.DataFrame:
    """Rows of the published table `symbol`: status, symbol, meaning_ja, meaning_en (all text, one row per status)."""
    return pl.DataFrame(_SYMBOLS, schema=["status", "symbol", "meaning_ja", "meaning_en"], orient="row")
