"""Truth put together from the parts of many submitters: whom a row names is told once, and nobody else is."""

import polars as pl
import pytest

from synthetic.parts import NAMED
from tests.synthetic.conftest import Cohort


@pytest.mark.parametrize("name", sorted(NAMED))
def test_everybody_told_is_named_by_a_row_somewhere(clean: Cohort, name: str) -> None:
    links = clean.truth("links").select("entity_id")
    assert clean.truth(name).join(links, left_on=NAMED[name], right_on="entity_id", how="anti").is_empty()


def test_everybody_named_by_a_row_is_told_once(clean: Cohort) -> None:
    persons = clean.truth("persons")
    assert persons["entity_id"].is_unique().all()
    assert clean.truth("links").join(persons, on="entity_id", how="anti").is_empty()
    children = persons.filter(pl.col("kind") == "child").select("entity_id")
    assert children.equals(children.join(clean.truth("children"), on="entity_id", how="semi"))


def test_links_are_in_the_order_of_files_and_lines(clean: Cohort) -> None:
    links = clean.truth("links")
    follows = pl.col("line") == pl.col("line").shift().over("file") + 1
    assert links.select((follows | (pl.col("line") == 2)).all()).item()
    assert links["file"].rle_id().n_unique() == links["file"].n_unique()
