"""Three ways in which the same name is written in another kana; a reader of kana sees one name."""

import polars as pl

from synthetic.draws import Ids

_FULL = (
    "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲンァィゥェォッャュョー・"
)
_HALF = "ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜｦﾝｧｨｩｪｫｯｬｭｮｰ･"
_VOICED = "ガギグゲゴザジズゼゾダヂヅデドバビブベボヴ"
_VOICED_BASE = "カキクケコサシスセソタチツテトハヒフヘホウ"
_HALF_OF = dict(zip(_FULL, _HALF, strict=True))
_HALF_OF |= {v: _HALF_OF[b] + "ﾞ" for v, b in zip(_VOICED, _VOICED_BASE, strict=True)}
_HALF_OF |= {v: _HALF_OF[b] + "ﾟ" for v, b in zip("パピプペポ", "ハヒフヘホ", strict=True)}
TO_HALF = str.maketrans(_HALF_OF)
TO_HIRAGANA = str.maketrans({chr(code): chr(code - 0x60) for code in range(ord("ァ"), ord("ヶ"))})
OTHER_LONG_MARK = str.maketrans({"ー": "－"})
WAYS = (TO_HALF, TO_HIRAGANA, OTHER_LONG_MARK)


def variant(names: pl.Series, which: Ids) -> pl.Series:
    """Each name in the way of its number; a name without a long vowel mark is written in half width instead."""
    written = [_in_way(name, int(way)) for name, way in zip(names, which, strict=True)]
    return pl.Series(written, dtype=pl.String)


def _in_way(name: str, way: int) -> str:
    changed = name.translate(WAYS[way])
    return changed if changed != name else name.translate(TO_HALF)
