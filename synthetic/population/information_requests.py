"""情報照会: what a municipality asks of another about somebody who moved in, or who went to her parents for the birth.

Fields as in the record of that name; the law for 里帰り and postpartum care is of 2024 (standards 3.4).
"""

import numpy as np
import polars as pl

from synthetic.draws import Ids
from synthetic.parameters import parameters, shares
from synthetic.places import joined_pmh, places
from synthetic.population.calendar import FAR, dates, day
from synthetic.population.checkups import Invitations
from synthetic.population.visits import Scene, codes

MOVED_IN, STAY = 1, 2  # mchdb-L32
SENT, NOTHING_KNOWN, NOT_GIVEN, NOT_YET = 1, 2, 3, 9  # mchdb-L33
SERVER, PMH = 1, 2  # mchdb-L34
LAW = day(2024, 6, 19)


def information_requests(scene: Scene, _: Invitations) -> pl.DataFrame:
    """One row per request of the submitter: request_reason_code, requested_date, replied_date (null: none), answer_code,
    request_channel_code, other_municipality_code; about a child that moved in, or about a mother who stayed elsewhere.
    """
    return pl.concat([_about_children(scene), _about_stays(scene)])


def _about_children(scene: Scene) -> pl.DataFrame:
    """Asked of the municipality before, some days after the move."""
    c, p, draws = scene.children, scene.deliveries.of, scene.draws
    of, share = c.of, parameters()["information_request"]["moved_in"]
    asked = p.moved[of] + 1 + draws.below("request.wait", c.id, 40)
    comes = (p.next_home[of] == p.submitter[of]) & (p.moved[of] > c.born) & (p.moved[of] < FAR) & ~c.is_stillborn
    at = np.flatnonzero(comes & (asked < c.died) & draws.happens("request.moved_in", c.id, share))
    return _requests(scene, len(scene.mothers) + at, c.id[at], MOVED_IN, asked[at], p.home[of[at]])


def _about_stays(scene: Scene) -> pl.DataFrame:
    """Asked of the municipality of the delivery, when the mother is back; seldom before the law named it."""
    d, draws, p = scene.deliveries, scene.draws, parameters()["information_request"]
    asked = d.day + 20 + draws.below("request.back", d.of.id, 50)
    share = np.where(asked >= LAW, p["stay"], p["stay_before_the_law"])
    away = d.returns_home & (d.place != d.home) & scene.is_here(np.arange(len(asked)), asked)
    at = np.flatnonzero(away & draws.happens("request.stay", d.of.id, share))
    return _requests(scene, d.mother[at], d.of.id[at], STAY, asked[at], d.place[at])


def _requests(scene: Scene, who: Ids, ids: Ids, reason: int, asked: Ids, other: Ids) -> pl.DataFrame:
    draws, window, p = scene.draws, scene.window, parameters()["information_request"]
    submitter = np.concatenate([scene.mothers.submitter, scene.submitter_of(np.arange(len(scene.children)))])[who]
    both = np.maximum(joined_pmh(draws, submitter), joined_pmh(draws, other)) <= asked
    by = np.array([1, 3, 4])[draws.picked("request.channel", ids, shares("information_request", "channel_shares"))]
    channel = np.where(both, PMH, by)
    slowest = np.array([0, *p["slowest_days"]])[channel]
    u = draws.uniform("request.days", ids)
    replied = asked + np.floor(u * u * slowest).astype(np.int64)
    answered = draws.happens("request.answered", ids, p["answered"]) & (replied <= window.end)
    answer = np.array([SENT, NOTHING_KNOWN, NOT_GIVEN])[
        draws.picked("request.answer", ids, shares("information_request", "answer_shares"))
    ]
    keep = np.flatnonzero((asked >= window.start) & (asked <= window.end))
    return pl.DataFrame({
        "row": (ids * 4 + reason)[keep], "who": who[keep], "request_reason_code": codes(np.full(len(keep), reason)),
        "requested_date": dates(asked[keep]), "replied_date": dates(np.where(answered, replied, FAR)[keep]),
        "answer_code": codes(np.where(answered, answer, NOT_YET)[keep]), "request_channel_code": codes(channel[keep]),
        "other_municipality_code": places().code[other[keep]],
    })  # fmt: skip
