"""Why a workbook cannot be taken."""


class Unreadable(Exception):
    """rule: of `refusal.SENTENCES`."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule
