"""Runs a page of the dashboards without a browser, and reads everything it sent to one."""

from collections.abc import Iterator
from html import unescape
from pathlib import Path
from re import DOTALL, sub
from typing import Any

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

APP = Path(__file__).parents[2] / "dashboards" / "app.py"


def run_page(name: str, **address: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=30)
    app._page_hash = calc_hash(name)  # AppTest can only switch to pages that are files
    for key, value in address.items():
        app.query_params[key] = value
    return app.run()


def elements(app: AppTest) -> Iterator[Any]:
    """Every element of a page, in the order of the page."""

    def walk(block: Any) -> Iterator[Any]:
        for child in block.children.values():
            yield child
            if hasattr(child, "children"):
                yield from walk(child)

    yield from walk(app._tree)


def sent(app: AppTest) -> list[bytes]:
    """What a page sends to the browser, element by element; the ids drawn for downloads are left out."""
    protos = [e.proto for e in elements(app) if getattr(e, "proto", None) is not None]
    for proto in protos:
        if "deferred_file_id" in proto.DESCRIPTOR.fields_by_name:
            proto.ClearField("deferred_file_id")
    return [proto.SerializeToString(deterministic=True) for proto in protos]


def text_of(app: AppTest) -> str:
    """All that a page says in words."""
    says = [str(getattr(e.proto, "body", "")) for e in elements(app) if getattr(e, "proto", None) is not None]
    return unescape(sub(r"<style>.*?</style>|<[^>]+>", " ", "\n".join(says), flags=DOTALL))
