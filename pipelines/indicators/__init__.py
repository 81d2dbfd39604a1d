"""What is counted: one file per stage of life. A new indicator is one entry there and its example in `tests/examples/`."""

from pipelines.declaration import Count, Indicator, Sum
from pipelines.indicators import birth, child, claims, outreach, postpartum, pregnancy

STAGES = (pregnancy, birth, postpartum, child, claims, outreach)

COUNTS: dict[str, Count] = {c.id: c for stage in STAGES for c in stage.COUNTS}
SUMS: dict[str, Sum] = {s.id: s for stage in STAGES for s in stage.SUMS}
INDICATORS: dict[str, Indicator] = {i.id: i for stage in STAGES for i in stage.INDICATORS}
