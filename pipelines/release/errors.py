"""What a release may refuse: one sentence in each language and the exit status of the command."""

UNSAFE = 3
USAGE = 64
DISK = 74
BUSY = 75


class ReleaseError(Exception):
    """A failure with one sentence a reader can act on; it never holds a record's value.

    sentence_ja, sentence_en: what is required, what was got, what to do.
    exit_code: exit status of the command (design, section 6).
    """

    def __init__(self, sentence_ja: str, sentence_en: str, exit_code: int) -> None:
        super().__init__(f"{sentence_ja} / {sentence_en}")
        self.sentence_ja = sentence_ja
        self.sentence_en = sentence_en
        self.exit_code = exit_code


class UsageError(ReleaseError):
    """An argument that names nothing which can be released or exported (exit 64)."""

    def __init__(self, sentence_ja: str, sentence_en: str) -> None:
        super().__init__(sentence_ja, sentence_en, USAGE)


class UnsafeError(ReleaseError):
    """Something would be handed on that may not be seen (exit 3)."""

    def __init__(self, sentence_ja: str, sentence_en: str) -> None:
        super().__init__(sentence_ja, sentence_en, UNSAFE)


class LedgerError(ReleaseError):
    """The ledger is absent, behind, forked or altered: nothing is released (exit 3)."""

    def __init__(self, sentence_ja: str, sentence_en: str) -> None:
        super().__init__(sentence_ja, sentence_en, UNSAFE)


class Busy(ReleaseError):
    """Another release holds the ledger (exit 75)."""

    def __init__(self) -> None:
        super().__init__(
            "台帳は別の公表処理が使用中です。終了後にもう一度実行してください。",
            "The ledger is in use by another release; run this command again when it has ended.",
            BUSY,
        )


class DiskError(ReleaseError):
    """The disk did not take the file; what stood there before still stands (exit 74)."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} を書き込めません。空き容量と書込権限を確かめてください(以前のファイルはそのままです)。",
            f"{name} could not be written; check free space and permissions (the earlier file is untouched).",
            DISK,
        )
