"""What offices settle between them, and by which way records come: one voucher one line, an answer after its request."""

import polars as pl
import pytest

from synthetic.draws import Draws
from synthetic.parameters import numbers
from synthetic.places import chosen
from synthetic.population.calendar import Window
from synthetic.truth import submitters
from tests.synthetic.conftest import Cohort

ANTENATAL = 10


def test_every_voucher_that_was_used_is_one_line(clean: Cohort) -> None:
    visits, claims = clean.truth("visits"), clean.truth("claims").filter(pl.col("programme_code") == ANTENATAL)
    used = visits.filter(
        pl.col("record") == "antenatal_visit",
        pl.col("visit_code").cast(pl.Int64) <= 14,
        pl.col("date").dt.year() == 2023,
    ).select("entity_id", visit_no=pl.col("visit_code").cast(pl.Int16), service_date="date")
    assert len(used) > 20_000
    met = used.join(claims, on=["entity_id", "visit_no", "service_date"])
    assert len(met) == len(used) and met["row"].is_unique().all()
    assert (claims["visit_no"] <= 14).all()


def test_a_bill_is_what_the_two_sides_pay(clean: Cohort) -> None:
    claims = clean.truth("claims")
    assert (claims["public_payment_yen"] + claims["self_payment_yen"] == claims["unit_price_yen"]).all()
    assert (claims["public_payment_yen"] >= 0).all() and (claims["self_payment_yen"] >= 0).all()
    whole = claims.filter(pl.col("programme_code") == ANTENATAL, pl.col("returned_code") == 0)
    assert (whole["self_payment_yen"] == 0).all()
    per_pregnancy = (
        whole.group_by("entity_id").agg(pl.col("unit_price_yen").sum(), pl.len()).filter(pl.col("len") == 14)
    )
    assert per_pregnancy["unit_price_yen"].mean() == pytest.approx(105_000, rel=0.1)


def test_who_pays_first_is_paid_back_later(clean: Cohort) -> None:
    claims = clean.truth("claims").with_columns(
        months=(pl.col("claimed_date").dt.year() - pl.col("service_date").dt.year()) * 12
        + pl.col("claimed_date").dt.month() - pl.col("service_date").dt.month()
    )  # fmt: skip
    wait = dict(claims.group_by("payment_method_code").agg(pl.col("months").mean()).iter_rows())
    assert wait[2] > 2 * wait[1]
    assert (claims.filter(pl.col("payment_method_code") == 2)["contract_kind_code"] == 4).all()
    assert (claims["months"] >= 1).all()
    assert ((claims["returned_code"] == 1).mean()) == pytest.approx(0.02, abs=0.005)


def test_a_request_goes_to_the_municipality_that_knows(clean: Cohort) -> None:
    asked, moves = clean.truth("information_requests"), clean.truth("moves")
    about_children = asked.filter(pl.col("request_reason_code") == 1)
    came = moves.filter(pl.col("in_reason_code") == 2).select("entity_id", "resident_from_date")
    met = about_children.join(came, on="entity_id").filter(pl.col("requested_date") > pl.col("resident_from_date"))
    assert set(met["entity_id"]) == set(about_children["entity_id"]) and len(about_children) > 50
    stays = asked.filter(pl.col("request_reason_code") == 2).join(
        clean.truth("pregnancies").filter("is_return_home"), left_on="entity_id", right_on="mother_entity_id")  # fmt: skip
    at = stays.filter(pl.col("service_municipality_code") == pl.col("other_municipality_code"))
    assert set(at["entity_id"]) == set(asked.filter(pl.col("request_reason_code") == 2)["entity_id"])
    assert (asked["replied_date"].is_null() == (asked["answer_code"] == 9)).all()


def test_more_is_asked_about_stays_since_the_law_names_them(clean: Cohort) -> None:
    stays = clean.truth("information_requests").filter(pl.col("request_reason_code") == 2)
    by_year = dict(stays.group_by(pl.col("requested_date").dt.year()).len().iter_rows())
    assert by_year[2024] > 1.5 * by_year[2023]


def test_a_questionnaire_tells_what_the_pregnancy_was(clean: Cohort) -> None:
    told = clean.truth("pregnancy_questionnaires").join(clean.truth("pregnancies"), on="pregnancy_id")
    answered = told.filter(pl.col("smoking_code") != 9)
    assert ((answered["smoking_code"] == 2) == answered["is_smoking"]).all()
    assert told.filter(pl.col("satogaeri_code") == 1)["is_return_home"].all()
    assert told["satogaeri_prefecture_code"].is_null().sum() == (told["satogaeri_code"] != 1).sum()
    assert (told["answered_date"] == told["notified_date"]).all()


def test_pmh_spreads_and_paper_goes(clean: Cohort) -> None:
    every = submitters(Draws(1), pl.Series(chosen(())).to_numpy(), Window(2022, 2027))
    by_year = every.group_by("fiscal_year", maintain_order=True).agg(
        joined=(pl.col("pmh_from_date") < pl.date(pl.col("fiscal_year") + 1, 4, 1)).fill_null(False).mean(),
        replaced=pl.col("paper_replaced_share").mean(), pace=pl.col("paper_pace").mean(),
    )  # fmt: skip
    assert by_year["joined"].to_list() == pytest.approx(
        numbers("submitter", "pmh_by_fiscal_year")[:6].tolist(), abs=0.03
    )
    assert by_year["replaced"].is_sorted() and by_year["pace"].is_sorted(descending=True)
    assert every["paper_pace"].n_unique() > 1000


def test_what_is_entered_follows_the_submitter_s_ways(clean: Cohort) -> None:
    visits = clean.rows("antenatal_visit").with_columns(
        pl.col("visit_date").str.to_date(), pl.col("recorded_date").str.to_date(), code=pl.col("file").str.slice(0, 6)
    )
    paper = visits.filter(pl.col("entry_channel_code") == "1", pl.col("visit_kind_code") == "1")
    lag = paper.group_by(code="code").agg(
        lag=(pl.col("recorded_date") - pl.col("visit_date")).dt.total_days().mean(), n=pl.len()
    )
    ways = clean.truth("submitters").filter(pl.col("fiscal_year") == 2023)
    both = lag.filter(pl.col("n") > 500).join(ways, left_on="code", right_on="municipality_code")
    assert len(both) > 5
    assert both.select(pl.corr("lag", "paper_pace")).item() > 0.95
    share = visits.group_by(pl.col("visit_date").dt.year()).agg((pl.col("entry_channel_code") == "1").mean())
    by_year = dict(share.iter_rows())
    assert by_year[2022] > by_year[2024] + 0.02


def test_nothing_comes_through_pmh_before_its_submitter_joined(faulty: Cohort) -> None:
    links = faulty.truth("links").filter(pl.col("feed") == "pmh", pl.col("record") == "antenatal_visit")
    joined = faulty.truth("submitters").select(code="municipality_code", since="pmh_from_date").unique()
    visits = links.with_columns(code=pl.col("file").str.slice(0, 6)).join(joined, on="code")
    first = visits.join(faulty.truth("visits"), on="entity_id").group_by("entity_id").agg(
        pl.col("date").max(), pl.col("since").first())  # fmt: skip
    assert len(first) > 20 and (first["date"] >= first["since"]).all()
