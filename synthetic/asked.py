"""What was asked for and cannot be had: one sentence, and the exit code of a wrong use."""

from pipelines.declaration import Problem

USAGE = 64  # exit code (design, chapter 6)


class CannotBeHad(Problem, ValueError):
    """An argument, or a line of a user's own file, that names nothing."""

    def __init__(self, sentence_ja: str, sentence_en: str) -> None:
        super().__init__(sentence_ja, sentence_en, USAGE)
