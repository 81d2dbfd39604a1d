"""Which tokens may leave: composite rules under the edge key, local rules under the submitter's own key.

A rule under the shared edge key holds the birth date and two of surname, full given name, individual insured
number and phone (privacy, hole 2): whatever is less can be enumerated. Another rule does not build.
"""

from dataclasses import dataclass

CANON_VERSION = 1

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
