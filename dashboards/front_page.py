"""The HTML page that Streamlit's browser part starts from, with what Streamlit has no setting for.

- `<html lang="ja">` from the first paint (Streamlit writes "en"; `page_language` follows the switch afterwards).
- The address of the server, so that the browser does not guess it from the page's path (guessing logs 404s).
- A Content-Security-Policy: the browser itself refuses every request to another host.
"""

import re
from functools import cache
from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; frame-ancestors 'self'"
)
_SERVER = "<script>window.__streamlit = { BACKEND_BASE_URL: window.location.origin + '/' }</script>"


@cache
def front_page(title: str) -> str:
    """Streamlit's index.html, in Japanese. Raises RuntimeError when a version of Streamlit has another page."""
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    page, languages = re.subn(r'<html lang="en">', '<html lang="ja">', page)
    page, titles = re.subn(r"<title>.*?</title>", f"<title>{title}</title>{_SERVER}", page)
    page = re.sub(r"<link\s+rel=\"(?:preload|service-desc)\"[^>]*>", "", page)  # a font and a service that are not used
    if (languages, titles) != (1, 1):
        raise RuntimeError("The front page of Streamlit 1.67 is required; this version has another one.")
    return page


class FrontPage:
    """ASGI middleware: answers the addresses of the pages with `front_page`, leaves everything else alone.

    The first page stands at `/`; Streamlit does not know it by its name, so that address leads there.
    """

    def __init__(self, app: ASGIApp, pages: tuple[str, ...], title: str) -> None:
        self.app, self.first, self.paths, self.title = app, f"/{pages[0]}", {"/", *(f"/{p}" for p in pages[1:])}, title

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Request(scope).url if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") else None
        if asked and asked.path == self.first:
            await RedirectResponse(f"/?{asked.query}")(scope, receive, send)
        elif asked and asked.path in self.paths:
            headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache", "Referrer-Policy": "no-referrer"}
            await HTMLResponse(front_page(self.title), headers=headers)(scope, receive, send)
        else:
            await self.app(scope, receive, send)
