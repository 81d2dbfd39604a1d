"""Which mothers are low after the delivery: by what burdens them and who supports them."""

import numpy as np

from synthetic.draws import Draws
from synthetic.parameters import parameters
from synthetic.population.children import Children
from synthetic.population.deliveries import Deliveries
from synthetic.population.households import Flags
from synthetic.population.mothers import Mothers
from synthetic.population.risk import latent, raised, with_recurrence


def low_mood(draws: Draws, mothers: Mothers, deliveries: Deliveries, children: Children) -> Flags:
    """Per pregnancy: an EPDS of 9 or more in the first months."""
    d, effects = deliveries, parameters()["risk"]["low_mood"]
    in_intensive_care = np.zeros(len(d.day), dtype=bool)
    in_intensive_care[children.of[children.in_intensive_care]] = True
    liability = raised(
        latent(draws, "risk.low_mood", d.of.id, (effects["strain"], mothers.strain[d.mother])), effects,
        first=d.births_before == 0, single=mothers.is_single[d.mother], intensive_care=in_intensive_care,
        smoking=d.smokes,
    )  # fmt: skip
    return with_recurrence(liability, effects, d.previous, d.of.order)
