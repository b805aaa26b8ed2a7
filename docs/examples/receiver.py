"""An example of what receives the posts of registry-sync: it verifies them and writes one line for each change. Standard library only.

    HOOK_SECRET=whsec_... python receiver.py --port 8000 --seen seen.db --file news.txt

A post is taken when it was signed with one of the secrets in HOOK_SECRET (blanks between) in the last five minutes. An id that was had
before is answered like the first time and passed over: after a crash or a lost answer the same notice comes again. Put a web server with a
certificate in front of it, and let it listen on loopback, as it does.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

FRESH = 300
"""Seconds by which the time of a post may differ from ours: an older one may be somebody's copy."""

LARGEST = 2_000_000
"""Bytes of a post that are read. registry-sync posts about one million at most."""

PATIENCE = 10
"""Seconds to wait for a sender that says nothing."""


def is_genuine(headers: Mapping[str, str], body: bytes, secrets: list[str], now: float) -> bool:
    """Was this signed with one of our secrets, in the last five minutes?"""
    identity, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not identity or not is_number(timestamp) or abs(now - int(timestamp)) > FRESH:
        return False
    signed = f"{identity}.{timestamp}.".encode() + body
    ours = [b"v1," + base64.b64encode(hmac.digest(key_of(secret), signed, hashlib.sha256)) for secret in secrets]
    theirs = headers.get("webhook-signature", "").encode().split()
    return any(hmac.compare_digest(mine, given) for mine in ours for given in theirs)


def is_number(text: str) -> bool:
    """Some digits, and nothing else?"""
    return text.isascii() and text.isdigit() and len(text) < 16


def key_of(secret: str) -> bytes:
    """``whsec_`` and base64, or any text without blanks."""
    return base64.b64decode(secret.removeprefix("whsec_"), validate=True) if secret.startswith("whsec_") else secret.encode()


def lines_of(news: dict[str, Any]) -> list[str]:
    """One line for each change, and for what else a post says."""
    said = [f"{change['trial']} {change['registry_date'] or change['seen_at'][:10]} {change['summary']}" for change in news["changes"]]
    if news.get("note"):
        said.insert(0, f"A note from the sender: {news['note']}")
    if news.get("more"):
        said.append(f"and {news['more']} more changes: see registry-sync changes --all --json")
    return ["".join(character if character.isprintable() else " " for character in line) for line in said]


class Inbox:
    """Where news goes, and which ids have been there."""

    def __init__(self, seen: Path, file: Path | None) -> None:
        self._seen = seen
        self._file = file
        self._one_at_a_time = threading.Lock()
        with closing(sqlite3.connect(seen)) as database, database:
            database.execute("CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, at TEXT NOT NULL DEFAULT current_timestamp)")

    def take(self, identity: str, news: dict[str, Any]) -> None:
        """Write the news and remember its id, in this order: a crash in between repeats it, and loses nothing."""
        with self._one_at_a_time, closing(sqlite3.connect(self._seen)) as database, database:
            database.execute("BEGIN IMMEDIATE")
            if database.execute("SELECT 1 FROM seen WHERE id = ?", (identity,)).fetchone():
                return
            self._write("".join(f"{line}\n" for line in lines_of(news)))
            database.execute("INSERT INTO seen (id) VALUES (?)", (identity,))

    def _write(self, text: str) -> None:
        if self._file is None:
            sys.stdout.write(text)
            sys.stdout.flush()
            return
        with self._file.open("a", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())


class Handler(BaseHTTPRequestHandler):
    """Answers 204 for what is taken or was had, 401 for what is not genuine, 413 for what is too large, 500 for our own trouble."""

    timeout = PATIENCE
    secrets: list[str]
    inbox: Inbox

    def do_POST(self) -> None:
        """Take a post."""
        length = self.headers.get("Content-Length", "")
        if not is_number(length):
            self._answer(411)
        elif int(length) > LARGEST:
            self._answer(413)
            self._read_away(int(length))
        else:
            self._take(self.rfile.read(int(length)))

    def _take(self, body: bytes) -> None:
        if not is_genuine(self.headers, body, self.secrets, time.time()):
            self._answer(401)
            return
        try:
            self.inbox.take(self.headers["webhook-id"], json.loads(body))
        except (OSError, sqlite3.Error) as error:
            self.log_error("not taken: %s", error)
            self._answer(500)  # it will come again
        except (ValueError, LookupError, TypeError) as error:
            self.log_error("not understood: %s", error)
            self._answer(400)
        else:
            self._answer(204)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _read_away(self, length: int) -> None:
        """Read on, so that the sender hears the answer instead of a broken line; not for ever."""
        left = min(length, 10 * LARGEST)
        while left > 0 and (piece := self.rfile.read(min(left, 65_536))):
            left -= len(piece)


def main() -> None:
    """Receive until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Receives the posts of registry-sync.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0: any free one")
    parser.add_argument("--secret-env", default="HOOK_SECRET", help="the environment variable with the secrets, blanks between")
    parser.add_argument("--seen", type=Path, default=Path("seen.db"), help="remembers what was had")
    parser.add_argument("--file", type=Path, help="the news are added to this file; else they are printed")
    given = parser.parse_args()
    secrets = os.environ.get(given.secret_env, "").split()
    try:
        if not secrets or not all(key_of(secret) for secret in secrets):
            raise ValueError
    except ValueError:
        parser.error(f"{given.secret_env} has to hold the signing secret, or several with blanks between")
    Handler.secrets, Handler.inbox = secrets, Inbox(given.seen, given.file)
    with ThreadingHTTPServer((given.host, given.port), Handler) as server:
        sys.stdout.write(f"listening on http://{given.host}:{server.server_port}/\n")
        sys.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.stdout.write("stopped\n")


if __name__ == "__main__":
    main()
