"""Which tokens may leave: composite rules under the edge key, local rules under the submitter's own key.

A rule under the shared edge key holds the birth date and two of surname, full given name, individual insured
number and phone (privacy, hole 2): whatever is less can be enumerated. Another rule does not build.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

CANON_VERSION = 1
# Local numbers are hashed as they stand: their tokens stay the same when the canonical forms change.
LOCAL_CANON_VERSION = 1


class LinkageVersion(NamedTuple):
    """What makes two tokens of one identity equal: the version of the edge key and that of the canonical forms."""

    key: int
    canon: int = CANON_VERSION

    @classmethod
    def parsed(cls, text: str) -> "LinkageVersion":
        """`2` (the forms of today) or `2.1`. Raises ValueError."""
        told = re.fullmatch(r"([1-9]\d{0,8})(?:\.([1-9]\d{0,8}))?", text)
        if told is None:
            raise ValueError("a linkage version is written KEY or KEY.CANON, like 2 or 2.1")
        return cls(int(told[1]), int(told[2] or CANON_VERSION))

    def told(self) -> dict[str, int]:
        """As a manifest names it."""
        return {"key_version": self.key, "canon_version": self.canon}

    def __str__(self) -> str:
        return f"{self.key}.{self.canon}"


STRENGTH = {
    "surname": ({"kana_surname"}, {"alphabet_name"}),
    "given name": ({"kana_given_name"}, {"alphabet_name"}),
    "insured number": ({"insurer_number", "insured_number"},),
    "phone": ({"phone"},),
}


@dataclass(frozen=True)
class TokenRule:
    """A composite token: HMAC-SHA256 over `parts` in this order, domain-separated by `name` and versions."""

    name: str
    parts: tuple[str, ...]

    def __post_init__(self) -> None:
        parts = set(self.parts)
        strong = [s for s, ways in STRENGTH.items() if any(way <= parts for way in ways)]
        if "birth_date" not in parts or len(strong) < 2:
            raise ValueError(
                f"token rule {self.name} must hold the birth date and two of {', '.join(STRENGTH)}; "
                f"it holds {', '.join(self.parts)}. Add a part or leave the rule out."
            )


TOKEN_RULES = (
    TokenRule("name", ("kana_surname", "kana_given_name", "birth_date", "sex_code")),
    TokenRule(
        "given_insured",
        ("kana_given_name", "insurer_number", "insured_symbol", "insured_number", "birth_date", "sex_code"),
    ),
    TokenRule("given_phone", ("kana_given_name", "phone", "birth_date", "sex_code")),
    TokenRule("alphabet", ("alphabet_name", "birth_date", "sex_code")),
)

LOCAL_RULES = ("local_row", "local_person", "local_pregnancy")
