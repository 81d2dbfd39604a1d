"""Checkups and services by their code (list mchdb-L22): whose they are."""

from pipelines.declaration import Field, OneOf

OF_MOTHERS = ("10", "20", "21", "50")
OF_CHILDREN = ("30", "31", "32", "33", "34", "35", "36", "37")
OF_NEWBORNS = ("40",)


def programme(*, among: tuple[str, ...] = (), required: bool = True) -> dict[str, Field]:
    """The field `programme_code`, of these codes alone where some are named."""
    field = Field(str, "健診の種類", "programme", rule=OneOf("mchdb-L22", among), required=required)
    return {"programme_code": field}
