"""The frame of the codebook's pages: plain HTML that reads the same on a screen, on paper and without a network."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

STYLE = """
:root { --ink: #1d2733; --soft: #55606e; --line: #d5dae1; --band: #f3f6f9; --accent: #0b5a9e; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: #fff; font: 16px/1.75 "Hiragino Sans", "Yu Gothic", "Noto Sans CJK JP",
  "Noto Sans JP", Meiryo, sans-serif; }
header, main, footer { max-width: 1180px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 28px; border-bottom: 1px solid var(--line); }
header p { margin: 0; color: var(--soft); font-size: 14px; }
nav { display: flex; flex-wrap: wrap; gap: 4px 20px; padding: 12px 0 14px; }
a { color: var(--accent); }
nav a { text-decoration: none; }
nav a:hover { text-decoration: underline; }
nav a[aria-current] { color: var(--ink); font-weight: 700; border-bottom: 2px solid var(--accent); }
h1 { font-size: 28px; line-height: 1.35; margin: 32px 0 8px; }
h2 { font-size: 20px; line-height: 1.45; margin: 40px 0 10px; scroll-margin-top: 12px; }
h1 [lang=en], h2 [lang=en] { display: block; color: var(--soft); font-size: 15px; font-weight: 400; }
[lang=en] { font-family: system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; line-height: 1.55; }
p [lang=en], td [lang=en], th [lang=en], dt [lang=en], dd [lang=en], li [lang=en] { display: block; color: var(--soft); font-size: 14px; }
.note { padding: 10px 14px; background: #fff6e5; border-left: 4px solid #d98200; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 15px; line-height: 1.6; }
th, td { text-align: left; vertical-align: top; padding: 8px 12px 8px 0; border-bottom: 1px solid var(--line); }
td:first-child { min-width: 8em; }
thead th { border-bottom: 2px solid var(--ink); font-size: 14px; white-space: nowrap; }
tbody tr:hover { background: var(--band); }
dl { display: grid; grid-template-columns: minmax(120px, 190px) 1fr; margin: 0; border-top: 1px solid var(--line); }
dt, dd { margin: 0; padding: 7px 12px 7px 0; border-bottom: 1px solid var(--line); }
dt { color: var(--soft); font-size: 14px; line-height: 1.5; }
dt [lang=en] { font-size: 13px; }
footer [lang=en] { display: block; }
thead th [lang=en] { font-weight: 400; }
code { font: 14px/1.6 ui-monospace, Consolas, "Noto Sans Mono CJK JP", monospace; overflow-wrap: anywhere; }
footer { margin: 56px auto 32px; padding-top: 12px; color: var(--soft); font-size: 13px; border-top: 1px solid var(--line); }
@media (max-width: 600px) { header, main, footer { padding-left: 16px; padding-right: 16px; } h1 { font-size: 23px; }
  dl { grid-template-columns: 1fr; } dt { border: 0; padding-bottom: 0; } table { min-width: 660px; } }
@media print { nav { display: none; } body { font-size: 10pt; } table, td, th { font-size: 9pt; }
  tr, dl, h2 { break-inside: avoid; } h2 { break-after: avoid; } .wide { overflow: visible; }
  table { min-width: 0; } }
"""


@dataclass(frozen=True)
class Page:
    """One page: its file name without suffix, its titles, and its body as HTML."""

    name: str
    title_ja: str
    title_en: str
    body: str


def document(page: Page, pages: Iterable[Page], edition_ja: str, edition_en: str) -> str:
    """A whole page with the way to the others."""
    return f"""<!doctype html>
<html lang="ja">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(page.title_ja)} / {escape(page.title_en)} · mchdb</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<p>母子保健 地域統計 コードブック <span lang="en">Codebook of the maternal and child health statistics</span></p>
<nav aria-label="ページ / pages">{"".join(_way(each, page) for each in pages)}</nav>
</header>
<main>
<h1>{both(page.title_ja, page.title_en)}</h1>
{page.body}
</main>
<footer>{both(edition_ja, edition_en)}</footer>
</body>
</html>
"""


def _way(each: Page, here: Page) -> str:
    current = ' aria-current="page"' if each.name == here.name else ""
    return f'<a href="{each.name}.html"{current}>{escape(each.title_ja)}</a>'


def both(ja: object, en: object) -> str:
    """Japanese, then English where it says something else."""
    text = "" if ja is None else str(ja)
    other = "" if en is None or str(en) == text else str(en)
    return escape(text) + (f' <span lang="en">{escape(other)}</span>' if other else "")


def paragraph(ja: str, en: str) -> str:
    return f"<p>{both(ja, en)}</p>"


def heading(anchor: str, ja: object, en: object) -> str:
    return f'<h2 id="{escape(anchor, quote=True)}">{both(ja, en)}</h2>'


def grid(headings: Iterable[tuple[str, str]], rows: Iterable[Iterable[str]]) -> str:
    """A table of cells that are HTML already; says so where there is no row."""
    head = "".join(f'<th scope="col">{both(ja, en)}</th>' for ja, en in headings)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    if not body:
        return paragraph("なし", "none")
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>'


def terms(entries: Iterable[tuple[str, str, str]]) -> str:
    """A list of (name ja, name en, HTML), leaving out what is empty."""
    return f"<dl>{''.join(f'<dt>{both(ja, en)}</dt><dd>{text}</dd>' for ja, en, text in entries if text)}</dl>"


def code(text: object) -> str:
    return f"<code>{escape(str(text))}</code>" if text not in (None, "") else ""
