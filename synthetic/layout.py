"""A municipality's own format, from a CSV of the user's: of the records that a cohort has facts for (`pipelines.feeds.own`)."""

from pathlib import Path

from pipelines.feeds.own import OwnFeed, WrongLayout
from pipelines.feeds.own import own_feed as laid_out
from synthetic.asked import CannotBeHad
from synthetic.population.as_records import SENT

ENCODINGS = ("utf-8", "utf-8-sig", "cp932")


def own_feed(path: Path, encoding: str) -> OwnFeed:
    """The feed that the file lays out; raises CannotBeHad with line and field for what no record has."""
    try:
        return laid_out(path.name, path.read_text("utf-8-sig"), SENT, encoding)
    except (UnicodeDecodeError, FileNotFoundError) as problem:
        raise CannotBeHad(
            f"項目配置 {path.name} を UTF-8 のCSVとして読めません。",
            f"The layout must be a CSV in UTF-8; {path.name} cannot be read as one.",
        ) from problem
    except WrongLayout as problem:
        raise CannotBeHad(problem.sentence_ja, problem.sentence_en) from problem
