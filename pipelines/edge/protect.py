"""Protected people (不開示, 支援措置): who must not leave, through any feed, sibling, mother or other number.

Seeds are the required list and every row that carries the flag, refused rows and refused files included. The set is
closed over person, mother, child and siblings, and over the numbers one person has in several source systems. An agent
holds no register: there one insurance card, or one booklet of vouchers, is a family.
"""

from dataclasses import replace
from pathlib import Path

import polars as pl

from pipelines.declaration import Record, Role
from pipelines.edge.canon import canonical
from pipelines.edge.csv_rows import heading_cells, rows_of
from pipelines.edge.decode import encoding_that_decodes, lines_of
from pipelines.edge.problem import EdgeProblem
from pipelines.edge.read import Arrived
from pipelines.edge.whose import naming
from pipelines.feeds import FEEDS

PERSON = ["namespace", "person_local"]
BORN = ["birth_date", "sex_code"]
ISSUER = r"^[0-9a-f]{10,12}-"  # what stands before a hospital's own number (edge.fhir.people)
GIVEN_BY = r"^\d{6}-"  # and before a number that an agent has from a municipality (edge.read)
AGENTS = sorted(feed.local_namespace for feed in FEEDS.values() if feed.is_of_agent)
LIST_HEADER = "local_number"
LIST_ENCODINGS = ("utf-8-sig", "cp932")
NAMES = ("kana_surname", "kana_given_name", "name", "alphabet_name")
CARD = ("insurer_number", "insured_symbol", "insured_number")
BOOKLET = "pregnancy_no"


def listed(path: Path) -> list[str]:
    """The local numbers of the required list (CSV, header `local_number`, may be empty). Raises EdgeProblem (exit 2)."""
    if not path.is_file():
        raise _list_problem("ありません", "is not there")
    data = path.read_bytes()
    encoding = encoding_that_decodes(data, LIST_ENCODINGS)
    heading = heading_cells(lines_of(data, encoding).line(1) or b"") if encoding and data.strip() else []
    if encoding is None or LIST_HEADER not in heading:
        raise _list_problem(f"見出し {LIST_HEADER} がありません", f"lacks the header {LIST_HEADER}")
    rows, ragged, undecodable = rows_of(lines_of(data, encoding), len(heading))
    if ragged or undecodable:
        line = min(ragged + undecodable)
        raise _list_problem(f"{line} 行目が読めません", f"cannot be read at line {line}")
    numbers = rows[f"column_{heading.index(LIST_HEADER) + 1}"].str.normalize("NFKC").str.strip_chars()
    return numbers.filter(numbers != "").to_list()


def _list_problem(ja: str, en: str) -> EdgeProblem:
    return EdgeProblem(
        f"支援措置対象者の一覧(見出し {LIST_HEADER} のCSV、空でも可)が必要ですが、{ja}。何も送りません。",
        f"the list of protected people (CSV with header {LIST_HEADER}, may be empty) is required, but it {en}; "
        "nothing is sent.",
    )


def protected_people(arrived: list[Arrived], numbers: list[str]) -> pl.DataFrame:
    """Everyone who must stay: `namespace, person_local`, distinct. A listed number counts in every source system."""
    people = pl.concat([_no_people(), *(_people(a) for a in arrived if a.record.is_of_person)])
    unread = [
        pl.DataFrame({"person_local": sorted(a.flagged_unread)}, schema={"person_local": pl.String}).select(
            pl.lit(a.feed.local_namespace).alias("namespace"), "person_local"
        )
        for a in arrived
        if a.flagged_unread
    ]
    families = pl.concat([_no_family(), *map(_family, arrived)])
    plain = [n.lstrip("0") for n in numbers]
    is_listed = _without_zeros(pl.col("person_local")).is_in(plain) | _without_zeros(_own_number()).is_in(plain)
    flagged = people.filter(is_listed | pl.col("is_flagged")).select(PERSON)
    inside = pl.concat([everywhere(numbers), flagged, *unread]).unique()
    while len(inside):
        grown = pl.concat([inside, _relatives(inside, families), _same_person(inside, people)]).unique()
        if len(grown) == len(inside):
            break
        inside = grown
    return inside


def everywhere(numbers: list[str]) -> pl.DataFrame:
    """Listed numbers as people of every source system: whoever wrote the list may have looked into any of them."""
    namespaces = pl.DataFrame({"namespace": sorted({feed.local_namespace for feed in FEEDS.values()})})
    return namespaces.join(pl.DataFrame({"person_local": numbers}, schema={"person_local": pl.String}), how="cross")


def of_every_town(numbers: list[str], arrived: list[Arrived], municipalities: tuple[str, ...]) -> list[str]:
    """The numbers of the list; where an agent's feed is among the files, each as every municipality may have given it.

    A list need not say which one it was, and a row that could not be read does not: its number is looked for everywhere.
    """
    agents = [a for a in arrived if a.feed.is_of_agent]
    unread = sorted({number for a in agents for number in a.flagged_unread})
    prefixes = [f"{code}-" for code in municipalities] if agents else []
    of_no_town = [number for number in (*numbers, *unread) if number[:7] not in prefixes]
    return [*numbers, *(prefix + number for number in of_no_town for prefix in prefixes)]


def _own_number() -> pl.Expr:
    """A number without what was put before it."""
    number = pl.col("person_local")
    given_by_town = pl.col("namespace").is_in(AGENTS)
    return pl.when(given_by_town).then(number.str.replace(GIVEN_BY, "")).otherwise(number.str.replace(ISSUER, ""))


def _without_zeros(number: pl.Expr) -> pl.Expr:
    """A spreadsheet drops leading zeros; a list that went through one must still protect."""
    return number.str.strip_chars_start("0")


def only_who(arrived: Arrived, begun: pl.Series) -> Arrived:
    """The file with no more of its rows than tells who is protected: the rest of the text is let go.

    begun: where a stretch of rows that name the same people begins (`edge.whose`); its first row tells of all.
    """
    who = ["person_local", "is_not_disclosed", *BORN, *NAMES, *_others(arrived.record), *_shared(arrived)]
    if not set(who) & arrived.record.arriving.keys() <= {*naming(arrived.record)}:
        raise RuntimeError("a stretch of rows may hide who is protected")
    kept = arrived.rows.select("line", *(who if arrived.record.is_of_person else []))
    return replace(arrived, rows=kept.filter(begun) if len(begun) else kept)


def _others(record: Record) -> list[str]:
    """The fields in which a row names somebody else by a local number."""
    return [n for n in record.of_role(Role.LOCAL_KEY) if n.endswith("_local") and n != "person_local"]


def _people(arrived: Arrived) -> pl.DataFrame:
    """Who each readable row is about. A flag that is filled with anything but 'no' counts as a flag.

    A row without a local number is refused, but its flag still counts for the people of its name and birth date.
    """
    no_number = pl.concat_str(pl.lit(f"?{arrived.file}?"), "line")
    return arrived.rows.select(
        pl.lit(arrived.feed.local_namespace).alias("namespace"),
        pl.coalesce("person_local", no_number).alias("person_local"), *BORN, *NAMES,
        is_flagged=pl.col("is_not_disclosed").fill_null("0") != "0",
    )  # fmt: skip


def _family(arrived: Arrived) -> pl.DataFrame:
    """Each child with the other person its row names: namespace, person_local, relative."""
    return pl.concat([_no_family()] + [
        arrived.rows.drop_nulls(["person_local", other]).select(
            pl.lit(arrived.feed.local_namespace).alias("namespace"), "person_local", pl.col(other).alias("relative"))
        for other in _others(arrived.record)
    ] + _households(arrived))  # fmt: skip


def _shared(arrived: Arrived) -> list[str]:
    """The fields in which an agent's rows show a family."""
    return [n for n in (*CARD, BOOKLET) if arrived.feed.is_of_agent and n in arrived.record.arriving]


def _households(arrived: Arrived) -> list[pl.DataFrame]:
    """Each person with the card and the booklet that the row shows, as if they were a relative: all who share one are tied."""
    if not (fields := _shared(arrived)):
        return []
    rows = canonical(arrived.rows.select("person_local", *fields).drop_nulls("person_local").unique(), CARD)
    symbol = pl.col("insured_symbol").fill_null("")
    card = pl.concat_str(pl.lit("?card"), "insurer_number", symbol, "insured_number", separator="?")
    booklet = [pl.concat_str(pl.lit("?booklet"), BOOKLET, separator="?")] if BOOKLET in fields else []
    return [
        rows.select(pl.lit(arrived.feed.local_namespace).alias("namespace"), "person_local", shared.alias("relative"))
        .drop_nulls()
        for shared in (card, *booklet)
    ]  # fmt: skip


def _relatives(inside: pl.DataFrame, families: pl.DataFrame) -> pl.DataFrame:
    """Mothers of the people inside, and children of the mothers inside (so siblings in the next round)."""
    up = families.join(inside, on=PERSON, how="semi").select("namespace", person_local="relative")
    mothers = inside.rename({"person_local": "relative"})
    down = families.join(mothers, on=["namespace", "relative"], how="semi").select(PERSON)
    return pl.concat([up, down])


def _same_person(inside: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """The same people under other numbers: birth date, sex and a name agree.

    A number of another source system that shares its full name with nobody in the register counts by given name alone:
    a surname often changes when somebody flees.
    """
    days = people.join(inside, on=PERSON, how="semi").select("birth_date").unique()
    near = _named(people.join(days, on="birth_date", how="semi"))
    theirs = near.join(inside, on=PERSON, how="semi")
    stray = _without_full_name_in_register(near)
    given = pl.concat([stray, near.filter(pl.col("namespace") == "")]).filter(pl.col("given").is_not_null())
    found = [
        near.join(theirs, on=["name_form", *BORN], how="semi"),
        stray.join(theirs, on=["given", *BORN], how="semi"),
        given.join(theirs.join(stray, on=PERSON, how="semi"), on=["given", *BORN], how="semi"),
    ]
    return pl.concat(found).select(PERSON).unique()


def _without_full_name_in_register(near: pl.DataFrame) -> pl.DataFrame:
    register = near.filter(pl.col("namespace") == "")
    abroad = near.filter(pl.col("namespace") != "")
    met = abroad.join(register, on=["name_form", *BORN], how="semi").select(PERSON).unique()
    return abroad.join(met, on=PERSON, how="anti")


def _named(people: pl.DataFrame) -> pl.DataFrame:
    """A row for each canonical name of each person (kana, written, alphabet), and the canonical kana given name."""
    distinct = people.unique()
    forms = canonical(distinct, NAMES)
    names = (pl.concat_str("kana_surname", "kana_given_name"), pl.col("name"), pl.col("alphabet_name"))
    given = pl.col("kana_given_name").alias("given")
    return pl.concat([forms.select(*PERSON, *BORN, name.alias("name_form"), given) for name in names]).unique()


def _no_people() -> pl.DataFrame:
    text = [*PERSON, *BORN, *NAMES]
    return pl.DataFrame(schema={**dict.fromkeys(text, pl.String()), "is_flagged": pl.Boolean()})


def _no_family() -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys([*PERSON, "relative"], pl.String()))
