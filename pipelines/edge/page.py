"""A page that stays in the town hall: one file, no script, nothing fetched; Japanese first, for a screen and for paper."""

import re
from collections.abc import Sequence
from html import escape

NUMBER = re.compile(r"-|[\d,]+(\.\d+)?")

STYLE = (
    "body{font-family:system-ui,'Yu Gothic UI','Meiryo','Noto Sans JP',sans-serif;max-width:64rem;margin:2rem auto;"
    "padding:0 1rem;color:#1a1a1a;line-height:1.6}h1{font-size:1.5rem;margin:.2rem 0}h2{font-size:1.15rem;margin:2rem 0 .3rem}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 1rem}th,td{border:1px solid #999;padding:.3rem .6rem;"
    "text-align:left;vertical-align:top}th{background:#eef1f4}td.n{text-align:right;font-variant-numeric:tabular-nums;"
    "white-space:nowrap}.en{color:#555;font-size:.85em}.mark{display:inline-block;border:2px solid #a40000;color:#a40000;"
    "font-weight:bold;padding:.2rem .8rem;margin:.5rem 0}.note{color:#444;font-size:.92em;margin:.2rem 0}"
    "@media print{body{margin:0;max-width:none}h2,tr{break-inside:avoid}}"
)


def page_of(title_ja: str, title_en: str, body: Sequence[str], mark: str = "") -> str:
    """The whole page around its parts, which are HTML already. mark: stands in the title and in a frame."""
    title = f"{title_ja} / {title_en}" + (f" - {mark}" if mark else "")
    framed = f"<p class=mark>{escape(mark)}</p>" if mark else ""
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    heading = f"<h1>{both(title_ja, title_en)}</h1>{framed}"
    return f'<!doctype html>\n<html lang="ja"><head>{head}</head>\n<body>{heading}{"".join(body)}</body></html>\n'


def both(ja: str, en: str) -> str:
    """Japanese with its English after it."""
    return f"{escape(ja)} <span class=en lang=en>{escape(en)}</span>"


def paragraph(ja: str, en: str) -> str:
    return f"<p class=note>{escape(ja)}<br><span class=en lang=en>{escape(en)}</span></p>"


def table(heads: Sequence[tuple[str, str]], rows: Sequence[Sequence[object]]) -> str:
    """heads: (ja, en). A number stands right, anything else is text."""
    head = "".join(f"<th>{escape(ja)}<br><span class=en lang=en>{escape(en)}</span></th>" for ja, en in heads)
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(cell: object) -> str:
    text = f"{cell:,}" if isinstance(cell, int) else str(cell)
    return f"<td{' class=n' if NUMBER.fullmatch(text) else ''}>{escape(text)}</td>"
