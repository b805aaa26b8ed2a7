"""What the tests of the client share."""

from __future__ import annotations

from registry_sync.sources.http import Client
from tests.waiting import PATIENCE

TEXT = b"Plain words that a page could hold. " * 40
AT_ONCE = PATIENCE  # far below a client's timeout, far above what a slow machine needs


def get(client: Client, url: str) -> bytes:
    return client.get(url, accept="text/plain").body
