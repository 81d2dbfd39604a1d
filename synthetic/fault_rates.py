"""How often each kind of fault happens: the profiles of `faults.toml`, or a user's own file."""

import tomllib
from importlib.resources import files
from pathlib import Path

from synthetic.asked import CannotBeHad
from synthetic.fault_kinds import KINDS

STRETCH = 0.03  # of the draw, per kind: no rate is higher
MILLION = 1_000_000
RESERVED = 0.02  # households that may be protected by a fault; their rows have no other
PROFILES = ("none", "typical", "heavy")
HOUSEHOLD_KINDS = ("protected_in_one_feed", "protected_list")

HIGHEST = {  # faults per million
    **{kind.name: round(STRETCH * MILLION) for kind in KINDS},
    **{name: round(RESERVED * MILLION) // len(HOUSEHOLD_KINDS) for name in HOUSEHOLD_KINDS},
}


def profile(name: str) -> dict[str, int]:
    """Kind -> faults per million: a profile of `faults.toml`, or the one profile of a user's file in the same form.

    Raises CannotBeHad for a profile that is not declared, for an unknown kind, and for a rate out of its range.
    """
    if name in PROFILES:
        rates: dict[str, int] = tomllib.loads(files("synthetic").joinpath("faults.toml").read_text("utf-8"))[name]
        return rates
    if not name.endswith(".toml"):
        raise CannotBeHad(
            f"faults は {', '.join(PROFILES)} か、プロファイルのファイル(.toml)です({name})。",
            f"The fault profile must be a file (.toml) or one of {', '.join(PROFILES)}; got {name}.",
        )
    return _own_profile(Path(name))


def _own_profile(path: Path) -> dict[str, int]:
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, FileNotFoundError) as problem:
        raise CannotBeHad(
            f"誤りのプロファイル {path.name} を TOML として読めません。",
            f"The fault profile must be a TOML file; {path.name} cannot be read as one.",
        ) from problem
    if len(tables) != 1 or not all(isinstance(table, dict) for table in tables.values()):
        raise CannotBeHad(
            f"{path.name} には [名前] の表が1つだけ必要です。",
            f"{path.name} must hold exactly one table [name] with its rates.",
        )
    ((_, rates),) = tables.items()
    for kind, rate in rates.items():
        _refuse_rate(path.name, kind, rate)
    return dict(rates)


def _refuse_rate(file: str, kind: str, rate: object) -> None:
    if kind not in HIGHEST:
        raise CannotBeHad(
            f"{file}: 誤りの種類 {kind} はありません。使えるのは {', '.join(HIGHEST)} です。",
            f"{file}: there is no fault {kind}; use one of {', '.join(HIGHEST)}.",
        )
    if type(rate) is not int or not 0 <= rate <= HIGHEST[kind]:
        raise CannotBeHad(
            f"{file}: {kind} は100万件あたり0から{HIGHEST[kind]:,}の整数です({rate})。",
            f"{file}: {kind} must be a whole number from 0 to {HIGHEST[kind]:,} per million; got {rate}.",
        )
