"""The Japanese year beside the western one, as the ministries' rules for tables ask (統一ルール 1-11)."""

HEISEI, REIWA = 1989, 2019


def japanese_year(period: str, *, is_fiscal: bool) -> str:
    """`2024` -> 令和6年度 or 令和6年; `2022-2024` -> 令和4～令和6年度; month `2024-04` -> 令和6年4月."""
    first, _, second = period.partition("-")
    if len(second) == 2:
        return f"{_era(int(first))}年{int(second)}月"
    word = "年度" if is_fiscal else "年"
    return f"{_era(int(first))}～{_era(int(second))}{word}" if second else f"{_era(int(first))}{word}"


def western_years(period: str) -> tuple[int, int]:
    """First and last western year of a period."""
    first, _, second = period.partition("-")
    return int(first), int(second) if len(second) == 4 else int(first)


def _era(year: int) -> str:
    """2019 is counted as 令和元年 throughout, as its fiscal year is."""
    name, start = ("令和", REIWA) if year >= REIWA else ("平成", HEISEI)
    return f"{name}{'元' if year == start else year - start + 1}"
