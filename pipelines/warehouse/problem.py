"""Why a command of the centre stopped, in one sentence that holds no value of a record and no library's text."""

USAGE, DISK, BUSY, KEY = 64, 74, 75, 77


class WarehouseProblem(Exception):
    """What is required, what was got, what to do; in Japanese and English, with the exit code of the command."""

    def __init__(self, sentence_ja: str, sentence_en: str, exit_code: int) -> None:
        super().__init__(f"{sentence_ja} / {sentence_en}")
        self.sentence_ja, self.sentence_en, self.exit_code = sentence_ja, sentence_en, exit_code


class WarehouseBusy(WarehouseProblem):
    """Another process writes to the warehouse."""

    def __init__(self) -> None:
        super().__init__(
            "データベースに書き込めるのは一度に一つの処理だけです。ほかの処理が使用中です。終わってからもう一度実行してください。",
            "Only one process may use the warehouse at a time, and another one does. Run this again when it has ended.",
            BUSY,
        )


def disk_problem() -> WarehouseProblem:
    return WarehouseProblem(
        "データベースの書き込みには空き容量が必要ですが、足りません。直前の完全な状態は残っています。空きを増やしてもう一度実行してください。",
        "Writing the warehouse needs free disk space, and there is not enough. The last complete state is kept. "
        "Free some space and run this again.",
        DISK,
    )
