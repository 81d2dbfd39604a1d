"""Three ways in which the same name is written in another kana; a reader of kana sees one name."""

import re

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
_LONG_VOWEL = re.compile("([オコソトノホモヨロゴゾドボポョ][ウオ]|[ウクスツヌフムユルグズブプュ]ウ)")
HALF, HIRAGANA, LONG_MARK = 0, 1, 2


def variant(names: pl.Series, which: Ids) -> pl.Series:
    """Each name in its way (half width, hiragana, long vowel mark); where that changes nothing, in half width."""
    written = [_in_way(name, int(way)) for name, way in zip(names, which, strict=True)]
    return pl.Series(written, dtype=pl.String)


def _in_way(name: str, way: int) -> str:
    if way == HIRAGANA:
        return name.translate(TO_HIRAGANA)
    changed = _LONG_VOWEL.sub(lambda found: found[0][0] + "ー", name) if way == LONG_MARK else name
    return changed if changed != name else name.translate(TO_HALF)
