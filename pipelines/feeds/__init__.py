"""What arrives: one file per source system. A new feed is one file here, its layout in `pipelines/reference/feeds/`, a line below."""

from pipelines.feeds.claims import CLAIMS
from pipelines.feeds.ehr import EHR
from pipelines.feeds.excel import EXCEL
from pipelines.feeds.feed import Column, Feed
from pipelines.feeds.handbook import HANDBOOK
from pipelines.feeds.layout import LAYOUT
from pipelines.feeds.municipal import MUNICIPAL
from pipelines.feeds.pmh import PMH
from pipelines.feeds.requests import REQUESTS

FEEDS: dict[str, Feed] = {feed.name: feed for feed in (MUNICIPAL, PMH, EHR, HANDBOOK, CLAIMS, REQUESTS, LAYOUT, EXCEL)}

__all__ = ["FEEDS", "Column", "Feed"]
