"""What a municipality writes about a person: names, numbers, address, phone, insurance."""

from functools import cache

import numpy as np
import polars as pl

from synthetic.draws import Draws, Ids
from synthetic.names import Pool, foreign_given_names, foreign_surnames, given_names, joined, streets, surnames
from synthetic.places import places
from synthetic.population.calendar import dates
from synthetic.population.households import Flags, person
from synthetic.population.visits import Scene, codes

LOCAL_DIGITS = 10**11  # more than there are person ids; multiplication by a number prime to it is a permutation
_LOCAL_FACTOR, _PMH_FACTOR, _PREGNANCY_FACTOR = 486_187_739, 433_494_437, 370_248_451
FEMALE = 2
HOLDER_IS_MOTHER = 0.15
NATIONAL_INSURANCE = 0.17


def people(scene: Scene) -> pl.DataFrame:
    """One row per person in view: mothers by submitter and id, then children in the order of their deliveries."""
    m, c = scene.mothers, scene.children
    mother = np.concatenate([np.arange(len(m)), scene.deliveries.mother[c.of]])
    member = np.concatenate([np.zeros(len(m), dtype=np.int64), c.order])
    ids = np.concatenate([person(m.id, 0), c.id])
    named = np.concatenate([np.ones(len(m), dtype=bool), ~c.is_stillborn])
    household, submitter = _households(scene), m.submitter[mother]
    frame = pl.DataFrame({
        "submitter": submitter, "entity_id": ids, "household": m.id[mother], "member": member.astype(np.int8),
        "mother_entity_id": person(m.id, 0)[mother],
        "birth_date": dates(np.concatenate([m.born, c.born])),
        "sex_code": codes(np.concatenate([np.full(len(m), FEMALE), c.sex])),
        "is_named": named,
    })  # fmt: skip
    branches = np.where(member == 0, np.where(household["mother_holds"].to_numpy()[mother], 0, 1), 1 + member)
    return frame.with_columns(
        *_names(scene, ids, mother, member),
        *household.drop("mother_holds").select(pl.all().gather(mother)),
        branch_number=pl.Series(["00", "01", "02", "03", "04", "05"])[branches],
        person_local=local_number(ids, submitter, _LOCAL_FACTOR),
        pmh_key=pl.concat_str(pl.lit("P"), local_number(ids, submitter + 5000, _PMH_FACTOR)),
    )


def local_number(ids: Ids, municipality: Ids, factor: int) -> pl.Series:
    """Eleven digits, unique within a municipality, without order; 15 digits at most are in use (宛名番号)."""
    mixed = (ids.astype(np.uint64) * np.uint64(factor) + (municipality * 7_919_111).astype(np.uint64)) % np.uint64(
        LOCAL_DIGITS
    )
    return pl.Series(mixed).cast(pl.String).str.zfill(11)


def pregnancy_number(pregnancy: Ids, municipality: Ids, of_pmh: bool = False) -> pl.Series:
    """Registration number of a pregnancy at its municipality."""
    return local_number(pregnancy, municipality + (9000 if of_pmh else 3000), _PREGNANCY_FACTOR)


GIRLS, BOYS, FOREIGN = 0, 1, 2


def _given(draws: Draws, pool: Pool, first: Ids, member: Ids) -> Ids:
    """Position in the pool; children of one delivery never share a name."""
    start = draws.picked("name.given", first, pool.shares)
    stride = 1 + draws.below("name.stride", first, len(pool) // 4)
    return (start + stride * np.maximum(member - 1, 0)) % len(pool)


def _names(scene: Scene, ids: Ids, mother: Ids, member: Ids) -> list[pl.Series]:
    draws, m = scene.draws, scene.mothers
    first = np.where(member > 0, ids - member + 1, ids)
    is_girl = np.concatenate([np.ones(len(m), dtype=bool), scene.children.sex == FEMALE])
    kind = np.where(m.is_foreign[mother], FOREIGN, np.where(is_girl, GIRLS, BOYS))
    given, start = np.empty(len(ids), dtype=np.int64), 0
    for number, pool in enumerate((given_names("girl"), given_names("boy"), foreign_given_names())):
        at = np.flatnonzero(kind == number)
        given[at] = start + _given(draws, pool, first[at], member[at])
        start += len(pool)
    family = draws.picked("name.surname", m.id, surnames().shares)
    at = np.flatnonzero(m.is_foreign)
    family[at] = len(surnames()) + draws.picked("name.surname", m.id[at], foreign_surnames().shares)
    return _as_written(family[mother], given, kind == FOREIGN)


@cache
def _spoken() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Surnames (those of foreign residents last) and given names (girls', boys', foreign residents'): written, kana."""
    foreign = foreign_given_names()
    dotted = Pool(foreign.written, foreign.kana.str.replace(" ", "・", literal=True), foreign.shares)
    return joined(surnames(), foreign_surnames()), joined(given_names("girl"), given_names("boy"), dotted)


def _as_written(family: Ids, given: Ids, is_foreign: Flags) -> list[pl.Series]:
    """Positions in the tables of `_spoken` as names; those of foreign residents with a narrow space, as in the alphabet."""
    (surname, kana_surname), (name, kana_name) = (
        table[at].get_columns() for table, at in zip(_spoken(), (family, given), strict=True)
    )
    space = pl.Series(["\u3000", " "])[is_foreign.astype(np.uint32)]
    table = pl.DataFrame({"s": surname, "space": space, "g": name, "f": is_foreign})
    whole = table.select(name=pl.concat_str("s", "space", "g"), f="f")
    return [
        whole["name"], kana_surname.alias("kana_surname"), kana_name.alias("kana_given_name"),
        whole.select(pl.when("f").then("name").alias("alphabet_name")).to_series(),
    ]  # fmt: skip


@cache
def _house_numbers() -> pl.Series:
    """丁目, 番, 号: 9 by 40 by 30 of them."""
    return pl.Series([f"{a}-{b}-{c}" for a in range(1, 10) for b in range(1, 41) for c in range(1, 31)])


@cache
def _four_digits() -> pl.Series:
    return pl.Series([f"{number:04}" for number in range(10_000)])


def _households(scene: Scene) -> pl.DataFrame:
    """What the members of a household share, one row per mother."""
    draws, m = scene.draws, scene.mothers
    towns, buildings = streets()
    here = m.id * 2048 + m.submitter
    chome, ban, go = (
        draws.below(f"address.{part}", here, top) for part, top in (("chome", 9), ("ban", 40), ("go", 30))
    )
    flat = draws.happens("address.flat", here, 0.35)
    building = np.where(flat, 1 + draws.below("address.building", here, len(buildings) - 1), 0)
    room = np.where(flat, 101 + 100 * draws.below("address.floor", here, 9) + draws.below("address.room", here, 8), 0)
    phone = draws.below("phone", m.id, 10**8)
    kind = pl.Series(["090-", "080-", "070-"])[draws.below("phone.kind", m.id, 3)]
    text = pl.DataFrame({
        "municipality": places().name[m.submitter],
        "town": towns[draws.below("address.town", here, len(towns))],
        "house": _house_numbers()[(chome * 40 + ban) * 30 + go],
        "building": buildings[building], "room": codes(room, 0), "kind": kind,
        "upper": _four_digits()[phone // 10_000], "lower": _four_digits()[phone % 10_000],
    })  # fmt: skip
    chosen = text.select(
        address=pl.concat_str(
            "municipality", "town", "house", pl.concat_str(pl.lit(" "), "building", "room").fill_null("")
        ),
        phone=pl.concat_str("kind", "upper", pl.lit("-"), "lower"),
    )
    return chosen.with_columns(*_insurance(scene), *_household_marks(scene))


def _household_marks(scene: Scene) -> list[pl.Series]:
    m = scene.mothers
    return [
        pl.Series("is_not_disclosed", m.is_protected),
        codes(1 + m.is_foreign.astype(np.int64)).alias("resident_type_code"),
        pl.Series("mother_holds", scene.draws.happens("insurance.mother", m.id, HOLDER_IS_MOTHER)),
    ]


def _insurance(scene: Scene) -> list[pl.Series]:
    """Insurer number (8 digits with its check digit), symbol, number; national insurance is the municipality's own."""
    draws, m = scene.draws, scene.mothers
    national = draws.happens("insurance.national", m.id, NATIONAL_INSURANCE)
    prefecture = places().prefecture[m.home]
    company = 10_000 * (600 + prefecture) + draws.below("insurance.company", m.id, 400)
    town = 10_000 * prefecture + m.submitter % 10_000
    body = np.where(national, town, company)
    seat = np.where(national, 900_000 + m.submitter, company % 10_000)
    number = draws.below("insurance.number", np.where(national, m.id * 4 + 1, m.id * 4), 10_000_000)
    return [
        pl.Series("insurer_number", body * 10 + _check_digit(body)).cast(pl.String).str.zfill(8),
        pl.Series("insured_symbol", seat + 10_000).cast(pl.String),
        pl.Series("insured_number", number).cast(pl.String).str.zfill(7),
    ]


def _check_digit(body: Ids) -> Ids:
    """Weights 2, 1 from the right, digits of two-digit products added (保険者番号, standards 7.4)."""
    total, rest = np.zeros_like(body), body.copy()
    for place in range(7):
        product = rest % 10 * (2 if place % 2 == 0 else 1)
        total += product // 10 + product % 10
        rest //= 10
    return (10 - total % 10) % 10
