"""All facts of a stretch of households, as residents of the submitters that look at them."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from synthetic.draws import Draws
from synthetic.population import (
    checkups,
    claims,
    dental,
    fathers,
    handbooks,
    home_visits,
    information_requests,
    losses,
    newborn_screening,
    notification_answers,
    postpartum_care,
    referrals,
    residency,
    vaccination,
    visits,
)  # fmt: skip
from synthetic.population.calendar import Window
from synthetic.population.checkups import Invitations, invitations_of
from synthetic.population.children import children_of
from synthetic.population.deliveries import deliveries_of
from synthetic.population.households import Pregnancies
from synthetic.population.mothers import mothers_of
from synthetic.population.people import people
from synthetic.population.visits import Scene

OF_PREGNANCY: dict[str, Callable[[Scene], pl.DataFrame]] = {
    "residency_spell": residency.residency_spells,
    "pregnancy_notification": visits.notifications,
    "antenatal_visit": visits.antenatal_visits,
    "delivery": visits.deliveries,
    "birth": visits.births,
    "postpartum_visit": visits.postpartum_visits,
}
OF_CHILD: dict[str, Callable[[Scene, Invitations], pl.DataFrame]] = {
    "child_checkup_target": checkups.targets,
    "child_checkup": checkups.checkups,
    "child_questionnaire": checkups.questionnaires,
}
NOT_SENT: dict[
    str, Callable[[Scene, Invitations], pl.DataFrame]
] = {  # told in the truth; `as_records` says which records carry them
    "pregnancy_losses": losses.pregnancy_losses,
    "fathers": fathers.fathers,
    "vaccinations": vaccination.vaccinations,
    "dental_checks": dental.dental_checks,
    "detailed_exams": referrals.detailed_exams,
    "postpartum_care": postpartum_care.postpartum_care,
    "home_visits": home_visits.home_visits,
    "handbooks": handbooks.handbooks,
    "newborn_screenings": newborn_screening.newborn_screenings,
    "pregnancy_questionnaires": notification_answers.pregnancy_questionnaires,
    "information_requests": information_requests.information_requests,
}
OF_WHAT_WAS_DONE: dict[str, Callable[[Scene, dict[str, pl.DataFrame]], pl.DataFrame]] = {"claims": claims.claims}


@dataclass(frozen=True)
class Facts:
    """What happened, without any file format.

    people: one row per person and submitter. events: record name -> its rows by submitter and in the order of the
    households, with `row` (a number unique within record and submitter), `who` (position among the people), `event`
    (day) and the record's fields. not_sent: tables of the truth, with `who` and the fields that their functions
    name.
    """

    scene: Scene
    people: pl.DataFrame
    events: dict[str, pl.DataFrame]
    not_sent: dict[str, pl.DataFrame]


def scene_of(draws: Draws, pregnancies: Pregnancies, window: Window) -> Scene:
    mothers = mothers_of(draws, pregnancies, window)
    deliveries = deliveries_of(draws, pregnancies, mothers)
    return Scene(draws, window, mothers, deliveries, children_of(draws, deliveries, mothers))


def facts_of(draws: Draws, pregnancies: Pregnancies, window: Window) -> Facts:
    """Facts of these pregnancies' households as far as they live with the submitter that looks at them."""
    scene = scene_of(draws, pregnancies, window)
    invited = invitations_of(scene)
    events = {name: make(scene) for name, make in OF_PREGNANCY.items()}
    events |= {name: make_of_child(scene, invited) for name, make_of_child in OF_CHILD.items()}
    not_sent = {name: make_of_child(scene, invited) for name, make_of_child in NOT_SENT.items()}
    not_sent |= {
        name: make_of_tables(scene, {**events, **not_sent}) for name, make_of_tables in OF_WHAT_WAS_DONE.items()
    }
    return Facts(scene, people(scene), events, not_sent)
