"""The eras in which dates of the Japanese calendar are counted, and how they are written.

First days: the orders under 元号法 (平成: 1989-01-08; 令和: 2019-05-01) and the imperial notice of 1926 (昭和). The digits of
the eras are those of codes in claims (要確認).
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Era:
    """year 1 of the era is the year of its first day; it lasts to the day before the next one's."""

    name: str
    letter: str
    digit: str
    first: date
    last: date


ERAS = (
    Era("昭和", "S", "3", date(1926, 12, 25), date(1989, 1, 7)),
    Era("平成", "H", "4", date(1989, 1, 8), date(2019, 4, 30)),
    Era("令和", "R", "5", date(2019, 5, 1), date(9999, 12, 31)),
)
ERA_FORMS = ("era_date", "era_digits")  # 令和6年4月1日 or R6.4.1; 5060401
