"""Starts the dashboards; every setting that protects a reader or the host stands here."""

import gzip
import json
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import streamlit as st
import uvicorn
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from streamlit.web import bootstrap

from dashboards.boundaries import read_boundaries
from dashboards.components.hexmap import tiles
from dashboards.front_page import FrontPage
from dashboards.published import Published
from dashboards.words import PAGE_NAMES, WORDS

APP = Path(__file__).parent / "app.py"
FONT = "'Noto Sans CJK JP', 'Noto Sans JP', 'Hiragino Sans', 'Yu Gothic UI', Meiryo, sans-serif"

SETTINGS: dict[str, object] = {
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.toolbarMode": "minimal",
    "browser.gatherUsageStats": False,
    "server.address": "127.0.0.1",
    "server.headless": True,
    "server.enableStaticServing": True,  # layout and names of the map; nothing of a release is in there
    "server.fileWatcherType": "none",
    "server.runOnSave": False,
    "server.maxUploadSize": 1,
    "logger.enableRich": False,
    "logger.hideWelcomeMessage": True,
    "runner.magicEnabled": False,
    "theme.base": "light",
    "theme.font": FONT,
    "theme.headingFont": FONT,
    "theme.baseFontSize": 15,
    "theme.headingFontSizes": ["1.7rem", "1.25rem", "1.1rem", "1rem", "1rem", "1rem"],
    "theme.headingFontWeights": [700, 700, 700, 600, 600, 600],
    "theme.primaryColor": "#1f5c99",
    "theme.textColor": "#1b2430",
    "theme.backgroundColor": "#ffffff",
    "theme.secondaryBackgroundColor": "#f4f6f9",
    "theme.linkColor": "#1f5c99",
    "theme.borderColor": "#d5dbe2",
    "theme.showWidgetBorder": True,
}


def application(borders: bytes | None = None) -> st.App:
    """The dashboards as an ASGI application; a fault in a page is told in a sentence, never as a traceback.

    borders: the layout of the border map as JSON, served beside the pages.
    """
    front = Middleware(FrontPage, pages=PAGE_NAMES, title=WORDS["title"][0])
    routes = [Route("/map_borders.json", _answers(borders))] if borders else []
    return st.App(APP, middleware=[front], routes=routes, on_script_error=_say_it_failed)


def _answers(borders: bytes) -> Callable[[Request], Awaitable[Response]]:
    packed = gzip.compress(borders)
    headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding", "Cache-Control": "no-cache"}

    async def answer(_: Request) -> Response:
        return Response(packed, media_type="application/json", headers=headers)

    return answer


def _say_it_failed(fault: Exception) -> bool:
    logging.getLogger(__name__).error("A page could not be shown: %s", type(fault).__name__)
    st.error("\n\n".join(WORDS["page_failed"]))
    return True


def launch(published: Path, port: int = 8501, boundaries: Path | None = None) -> None:
    """Serves a release on this machine until interrupted.

    boundaries: an official GeoJSON or TopoJSON of N03 for a map of true borders.
    Raises NotARelease or NotBoundaries (one sentence) when a file is missing or is something else.
    """
    Published(published).current()
    os.environ["MCHDB_PUBLISHED"] = str(published.resolve())
    borders = json.dumps(read_boundaries(boundaries, tiles())).encode() if boundaries else None
    os.environ["MCHDB_BORDERS"] = boundaries.name if boundaries else ""
    bootstrap.load_config_options(SETTINGS | {"server.port": port})
    uvicorn.run(application(borders), host=str(SETTINGS["server.address"]), port=port, log_level="warning")
