"""Who was sent before and must be taken back, and who must stay because of what was sent before.

Works on tokens alone: the state knows no number and no name. A person flagged later takes along the mother, the
children and the other numbers that earlier deliveries showed, even where this delivery no longer shows the tie.
"""

from collections.abc import Mapping

import polars as pl

from pipelines.edge.problem import EdgeProblem

TIES = ("local_person", "local_pregnancy", "local_identity")
GONE = ["record", "feed", "local_row"]


def everyone_tied(people: pl.Series, rows: list[pl.DataFrame]) -> dict[str, pl.Series]:
    """Tokens (`local_person`) of protected people, closed over every row that ties them to others.

    rows: what was sent and what is at hand, with the columns TIES. Returns column of TIES -> tokens inside.
    """
    inside = {tie: _tokens([]) for tie in TIES} | {"local_person": _tokens(people)}
    ties = pl.concat([r.select(TIES) for r in rows])
    while True:
        reached = ties.filter(is_tied(inside))
        grown = {tie: _tokens(pl.concat([inside[tie], reached[tie]])) for tie in TIES}
        if all(len(grown[tie]) == len(inside[tie]) for tie in TIES):
            return inside
        inside = grown


def is_tied(inside: dict[str, pl.Series]) -> pl.Expr:
    """True for a row that holds a token of somebody inside."""
    return pl.any_horizontal(pl.col(tie).is_in(tokens.implode()).fill_null(False) for tie, tokens in inside.items())


def taken_back(sent: pl.DataFrame, inside: dict[str, pl.Series], held_rows: pl.Series) -> pl.DataFrame:
    """Sent rows (columns GONE) that are now of protected people, or that now stay themselves."""
    return sent.filter(is_tied(inside) | pl.col("local_row").is_in(_tokens(held_rows).implode())).select(GONE)


def absent(sent: pl.DataFrame, local_rows: pl.Series, complete: Mapping[tuple[str, str], int]) -> pl.DataFrame:
    """Sent rows (columns GONE) of the complete feeds and records whose token is not among those of this delivery; not
    those that were taken back before.

    complete: (feed, record) -> per cent of the rows sent before that may be gone. Raises EdgeProblem (2) where more are.
    """
    gone = [sent.select(GONE).clear()]
    if sent.is_empty():
        return gone[0]
    there = local_rows.to_frame("local_row")
    for (feed, record), largest in complete.items():
        before = sent.filter(pl.col("feed") == feed, pl.col("record") == record, "is_there").select(GONE)
        gone.append(before.join(there, on="local_row", how="anti"))
        if 100 * len(gone[-1]) > largest * len(before):
            raise EdgeProblem(
                f"全件の提出 {feed}/{record} に、前に送った行の {largest} % を超える行がありません。途中で切れていないか"
                "確かめてください。一部だけの提出なら delivery を delta に、古い行を出さないなら absent_rows を keep に、番号を"
                "付け直したときは replace にします。何も送りません。",
                f"the full delivery {feed}/{record} lacks more than {largest} % of the rows sent before; see "
                "whether it was cut off. Say delta for a part, absent_rows keep where old rows are left out, replace where the "
                "numbers were given anew. Nothing is sent.",
            )
    return pl.concat(gone)


def _tokens(values: pl.Series | list[bytes]) -> pl.Series:
    return pl.Series(values, dtype=pl.Binary).drop_nulls().unique()
