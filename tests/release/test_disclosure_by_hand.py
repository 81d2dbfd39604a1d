"""The page `docs/disclosure-by-hand.md`: every number in it comes out of the code that releases."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.release.attack import determined, peel, told_to_submitters
from pipelines.release.audit import audit_cells
from pipelines.release.certificate import certificate_of
from pipelines.release.line_rule import choice, close_lines, thin_lines
from pipelines.release.primary import Reason, Terms, primary, terms
from pipelines.release.suppress import protect
from pipelines.release.system import LineKind, Rows, System, build
from pipelines.release.view import View, polytope, view
from tests.release import made_tables as t
from tests.release.made_published import published
from tests.release.test_proof import room

DOC = (Path(__file__).parents[2] / "docs" / "disclosure-by-hand.md").read_text("utf-8")
AREAS = {"A": "A 市", "B": "B 市", "C": "C 市", "P1": "県計"}
SEXES = {"1": "男 boys", "2": "女 girls", "all": "計 total"}
CHILDREN = {"A": (6, 40), "B": (30, 35), "C": (50, 45)}
COUNTS = t.counts_of(t.count("n"))
TREE = t.areas(dict.fromkeys("ABC", t.CITY))
SECRET, ANOTHER = b"of one warehouse", b"of another"


def twelve() -> pl.DataFrame:
    rows = [("n", "2024", a, "sex", s, v) for a, of in CHILDREN.items() for s, v in zip("12", of, strict=True)]
    rows += [("n", "2024", "P1", "sex", s, sum(of[i] for of in CHILDREN.values())) for i, s in enumerate("12")]
    rows += [("n", "2024", a, "all", "all", sum(of)) for a, of in CHILDREN.items()]
    return t.cells([*rows, ("n", "2024", "P1", "all", "all", sum(sum(of) for of in CHILDREN.values()))])


@pytest.fixture(scope="module")
def system() -> System:
    return build(twelve(), TREE, ())


@pytest.fixture(scope="module")
def says(system: System) -> Terms:
    return terms(system, COUNTS, t.STANDARD)


@pytest.fixture(scope="module")
def seen(system: System, says: Terms) -> View:
    return view(system, says, closed(system, says) > 0)


def closed(system: System, says: Terms, secret: bytes = SECRET) -> Rows:
    return close_lines(system, says, primary(system, says), choice(system, secret), Reason.SECONDARY)


def drawn(of_cell: dict[tuple[str, str], str]) -> str:
    """The table as the page has it."""
    lines = ["| | " + " | ".join(SEXES.values()) + " |", "|---|" + "---:|" * len(SEXES)]
    lines += [f"| {name} | " + " | ".join(of_cell[a, s] for s in SEXES) + " |" for a, name in AREAS.items()]
    return "\n".join(lines)


def keyed(system: System) -> list[tuple[str, str]]:
    return system.frame.select("area_code", "category_code").rows()


def test_the_twelve_cells(system: System) -> None:
    values = {cell: str(int(v)) for cell, v in zip(keyed(system), system.value, strict=True)}
    assert drawn(values) in DOC


def test_what_the_primary_rule_hides(system: System, says: Terms) -> None:
    first = primary(system, says)
    assert [cell for cell, r in zip(keyed(system), first, strict=True) if r] == [("A", "1")]
    assert set(says.k.tolist()) == {10} and "k = 10" in DOC


def test_what_the_line_rule_adds(system: System, says: Terms) -> None:
    first, kinds = primary(system, says), system.lines.kind
    n_area, n_sex = int((kinds == LineKind.AREA).sum()), int((kinds == LineKind.CATEGORY).sum())
    assert f"{n_area} 本の縦の式と {n_sex} 本の横の式" in DOC and f"{n_area} sums down and {n_sex} across" in DOC
    thin = int(thin_lines(system, says, first).sum())
    assert f"薄い式は {thin} 本" in DOC and f"{thin} of them are too thin" in DOC
    assert not thin_lines(system, says, closed(system, says)).any()
    boys = [v[0] for v in CHILDREN.values()]
    assert f"{sum(boys)} − {max(boys)} = {sum(boys) - max(boys)}" in DOC


def test_what_is_published(system: System, says: Terms) -> None:
    reason = closed(system, says)
    marks = {Reason.SHOWN: "", Reason.PRIMARY: "**x**", Reason.SECONDARY: "x"}
    rows = zip(keyed(system), system.value, reason, strict=True)
    assert drawn({cell: marks[Reason(r)] or str(int(v)) for cell, v, r in rows}) in DOC
    done = protect(twelve(), TREE, COUNTS, {}, t.STANDARD, SECRET).cells
    assert done["is_shown"].to_list() == (reason == Reason.SHOWN).tolist()
    assert audit_cells(t.seen(done, TREE, COUNTS)) == []


def test_another_key_hides_two_sums_too(system: System, says: Terms) -> None:
    first, other = closed(system, says), closed(system, says, ANOTHER)
    more = [cell for cell, a, b in zip(keyed(system), first, other, strict=True) if b and not a]
    assert more == [("P1", "1"), ("P1", "2")]


def test_the_equations(seen: View) -> None:
    equations = seen.unknown_equations()
    rank = int(np.linalg.matrix_rank(equations.toarray()))
    n, m = equations.shape[1], equations.shape[0]
    assert f"未知数 {n}、式 {m} 本、階数 {rank}" in DOC and f"{n} unknowns, {m} equations, rank {rank}" in DOC
    assert not peel(equations).any() and not determined(equations).any()


def test_the_intervals(seen: View, says: Terms) -> None:
    columns, tables = polytope(seen, np.ones(seen.system.n_cells, dtype=bool))
    lines = []
    for n, cell in enumerate(columns):
        area, sex = keyed(seen.system)[cell]
        width = room(tables, n)
        low, high = ends(area, sex)
        assert high - low == pytest.approx(width)
        assert width >= says.width[cell] == 5
        lines.append(f"| {AREAS[area]} {SEXES[sex]} | {low} … {high} | {high - low} |")
    assert "\n".join(sorted(lines)) in DOC


def ends(area: str, sex: str) -> tuple[int, int]:
    """By hand, as the page does it: no more than its row and its column, no less than the others leave."""
    total = {a: sum(of) for a, of in CHILDREN.items()}
    column = sum(of[int(sex) - 1] for of in CHILDREN.values())
    others = sum(n for a, n in total.items() if a != area)
    return max(0, column - others), min(total[area], column)


def test_a_city_that_knows_its_own_cells_still_reads_nobody(seen: View, system: System, says: Terms) -> None:
    everything = np.ones(system.n_cells, dtype=bool)
    assert not len(told_to_submitters(seen, everything))
    two = [("A", "1"), ("A", "2"), ("B", "1"), ("B", "2")]
    hidden = np.array([cell in two for cell in keyed(system)])
    told = told_to_submitters(view(system, says, hidden), everything)
    assert sorted(keyed(system)[row] for row in told) == two
    (a, _), (b, _) = CHILDREN["A"], CHILDREN["B"]
    assert f"{a + b} − {a} = {b}" in DOC


def test_two_tables_of_the_certificate(tmp_path: Path) -> None:
    done = protect(twelve(), TREE, COUNTS, {}, t.STANDARD, SECRET).cells
    rows = pl.read_parquet(certificate_of(published(tmp_path / "p.duckdb", done, TREE, COUNTS)))
    cells = rows.select("area_code", "category_code").rows()
    tables = np.array(rows["tables"].to_list()) // rows["unit"][0]
    rests = {(a, "all"): sum(of) for a, of in CHILDREN.items()}
    rests |= {("P1", s): sum(of[int(s) - 1] for of in CHILDREN.values()) for s in "12"}
    rests["P1", "all"] = sum(sum(of) for of in CHILDREN.values())
    for nth in (0, tables.shape[1] - 1):
        found = {cell: str(v) for cell, v in zip(cells, tables[:, nth], strict=True)}
        assert drawn({**{c: str(v) for c, v in rests.items()}, **found}) in DOC
    assert (tables.max(axis=1) - tables.min(axis=1) >= 5).all()
