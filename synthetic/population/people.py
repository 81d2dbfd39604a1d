"""What a municipality writes about a person: names, numbers, address, phone, insurance."""

import numpy as np
import polars as pl

from synthetic.draws import Draws, Ids
from synthetic.names import Pool, foreign_given_names, foreign_surnames, given_names, streets, surnames
from synthetic.places import places
from synthetic.population.calendar import dates
from synthetic.population.households import person
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


def _given(draws: Draws, pool: Pool, ids: Ids, first: Ids, member: Ids) -> Ids:
    """Position in the pool; children of one delivery never share a name."""
    start = draws.picked("name.given", first, pool.shares)
    stride = 1 + draws.below("name.stride", first, len(pool) // 4)
    return (start + stride * np.maximum(member - 1, 0)) % len(pool)


def _names(scene: Scene, ids: Ids, mother: Ids, member: Ids) -> list[pl.Series]:
    draws, m = scene.draws, scene.mothers
    first = np.where(member > 0, ids - member + 1, ids)
    is_foreign = m.is_foreign[mother]
    is_girl = np.concatenate([np.ones(len(m), dtype=bool), scene.children.sex == FEMALE])
    picked = {
        "girl": _given(draws, given_names("girl"), ids, first, member),
        "boy": _given(draws, given_names("boy"), ids, first, member),
        "foreign": _given(draws, foreign_given_names(), ids, first, member),
    }
    family = draws.picked("name.surname", m.id, surnames().shares)[mother]
    foreign_family = draws.picked("name.surname", m.id, foreign_surnames().shares)[mother]

    def chosen(part: str) -> tuple[pl.Series, pl.Series]:
        def of(pool: Pool, at: Ids) -> pl.Series:
            return (pool.kana if part == "kana" else pool.written)[at]

        given = of(given_names("girl"), picked["girl"]).zip_with(
            pl.Series(is_girl), of(given_names("boy"), picked["boy"])
        )
        given = of(foreign_given_names(), picked["foreign"]).zip_with(pl.Series(is_foreign), given)
        return of(foreign_surnames(), foreign_family).zip_with(pl.Series(is_foreign), of(surnames(), family)), given

    (surname, given), (kana_surname, kana_given) = chosen("written"), chosen("kana")
    return _as_written(surname, given, kana_surname, kana_given, pl.Series(is_foreign))


def _as_written(
    surname: pl.Series, given: pl.Series, kana_surname: pl.Series, kana_given: pl.Series, foreign: pl.Series
) -> list[pl.Series]:
    table = pl.DataFrame({"s": surname, "g": given, "ks": kana_surname, "kg": kana_given, "f": foreign})
    alphabet = pl.concat_str("s", pl.lit(" "), "g")
    return table.select(
        name=pl.when("f").then(alphabet).otherwise(pl.concat_str("s", pl.lit("\u3000"), "g")),
        kana_surname="ks",
        kana_given_name=pl.col("kg").str.replace(" ", "・", literal=True),
        alphabet_name=pl.when("f").then(alphabet),
    ).get_columns()


def _households(scene: Scene) -> pl.DataFrame:
    """What the members of a household share, one row per mother."""
    draws, m = scene.draws, scene.mothers
    towns, buildings = streets()
    here = m.id * 2048 + m.submitter
    numbers = [draws.below(f"address.{part}", here, top) for part, top in (("chome", 9), ("ban", 40), ("go", 30))]
    flat = draws.happens("address.flat", here, 0.35)
    building = np.where(flat, 1 + draws.below("address.building", here, len(buildings) - 1), 0)
    room = np.where(flat, 101 + 100 * draws.below("address.floor", here, 9) + draws.below("address.room", here, 8), 0)
    phone = draws.below("phone", m.id, 10**8)
    kind = pl.Series(["090", "080", "070"])[draws.below("phone.kind", m.id, 3)]
    text = pl.DataFrame({
        "municipality": pl.Series(places().names)[m.submitter],
        "town": towns[draws.below("address.town", here, len(towns))],
        "chome": numbers[0] + 1, "ban": numbers[1] + 1, "go": numbers[2] + 1,
        "building": buildings[building], "room": codes(room, 0), "kind": kind,
        "phone": pl.Series(phone).cast(pl.String).str.zfill(8),
    })  # fmt: skip
    chosen = text.select(
        address=pl.concat_str(
            "municipality", "town", "chome", pl.lit("-"), "ban", pl.lit("-"), "go",
            pl.concat_str(pl.lit(" "), "building", "room").fill_null(""),
        ),
        phone=pl.concat_str("kind", pl.lit("-"), pl.col("phone").str.slice(0, 4), pl.lit("-"), pl.col("phone").str.slice(4)),
    )  # fmt: skip
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
