"""What the tests of the client share."""

from __future__ import annotations

import socket

from registry_sync.sources.http import Client

TEXT = b"Plain words that a page could hold. " * 40
AT_ONCE = 10.0  # seconds: far below the 20 of a client's timeout, far above what a slow machine needs


def get(client: Client, url: str) -> bytes:
    return client.get(url, accept="text/plain").body


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
