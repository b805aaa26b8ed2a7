"""Sends what was asked for by forms, after the answer to them."""

from __future__ import annotations

import asyncio
import contextlib
import threading

from jobs import deliver
from jobs.surroundings import Surroundings, log
from registry_sync.errors import RegistrySyncError
from registry_sync.plural import count


class Postman:
    """One at a time, whoever calls; what he cannot send is sent by the next delivery. The log names no address."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._at_work = threading.Lock()
        self._called = threading.Event()
        self._waited_for: set[asyncio.Event] = set()

    async def go(self) -> None:
        """Send what waits; or leave it to who is at work already, who then goes once more.

        In a thread that the end of the process does not wait for: a mail server may take long, and what is lost is sent again.
        """
        self._called.set()
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def work() -> None:
            self._work()
            with contextlib.suppress(RuntimeError):  # the server has ended in the meantime
                loop.call_soon_threadsafe(done.set)

        self._waited_for.add(done)
        threading.Thread(target=work, name="postman", daemon=True).start()
        try:
            await done.wait()
        finally:
            self._waited_for.discard(done)

    def leave(self) -> None:
        """Wait for no mail any more: the process ends."""
        if self._waited_for:
            log.warning("forms: a mail is still on its way; what waits is sent by the next delivery")
        for each in self._waited_for:
            each.set()

    def _work(self) -> None:
        while self._called.is_set() and self._at_work.acquire(blocking=False):
            try:
                self._called.clear()
                self._send()
            finally:
                self._at_work.release()

    def _send(self) -> None:
        try:
            report = deliver.send_asked(self._around)
        except RegistrySyncError as error:
            log.warning("forms: what was asked for waits for the next delivery (%s)", type(error).__name__)
        except Exception as error:
            log.error("forms: what was asked for waits for the next delivery (%s)", type(error).__name__)
        else:
            if report.is_partial:
                log.warning("forms: %s sent, %s to be tried again, %s refused", count(report.sent, "mail"), report.retrying, report.failed)
