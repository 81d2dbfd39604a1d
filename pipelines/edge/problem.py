"""What stops the whole command at the source. The sentence names files, columns and rules, never a record's value."""

NOTHING_SENT = 2
USAGE, DISK, BUSY = 64, 74, 75


class EdgeProblem(Exception):
    """Nothing was sent: what is required, what was got, what to do; with the exit status of the command."""

    def __init__(self, sentence_ja: str, sentence_en: str, exit_code: int = NOTHING_SENT) -> None:
        super().__init__(f"{sentence_ja} / {sentence_en}")
        self.sentence_ja = sentence_ja
        self.sentence_en = sentence_en
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[type["EdgeProblem"], tuple[str, str, int]]:
        return EdgeProblem, (self.sentence_ja, self.sentence_en, self.exit_code)
