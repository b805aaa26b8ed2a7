"""The whole tool against the loopback world, as a user would drive it: watch, subscribe, sync, deliver, and look."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from db import dated, outbox, subscriptions, watches
from db.connection import History, open_history
from jobs.deliver import DeliverReport, deliver
from jobs.surroundings import Surroundings, as_stamp
from jobs.sync import SyncReport, sync
from registry_sync.demo.hook import Hook
from registry_sync.demo.listing import Listing
from registry_sync.demo.mailbox import Mailbox
from registry_sync.demo.record import TRIAL
from registry_sync.demo.registry import Registry
from registry_sync.notices.route import Subscription
from registry_sync.settings import Ctgov, Http, Settings, Smtp, Webhook
from registry_sync.trials.changes import KeptChange
from tests.waiting import PATIENCE

MONDAY = datetime.datetime(2026, 2, 2, 6, 17, tzinfo=datetime.UTC)


@dataclass
class House:
    """A folder, a world on loopback, and a clock that the test moves."""

    folder: Path
    registry: Registry
    listing: Listing
    mailbox: Mailbox
    hook: Hook
    at: datetime.datetime = MONDAY
    settings: Settings = field(init=False)
    say: Callable[[str], object] = lambda _: None

    def __post_init__(self) -> None:
        self.settings = Settings(
            database=str(self.folder / "history.db"),
            ctgov=Ctgov(url=self.registry.url),
            http=Http(contact="operator@example.org", requests_per_minute=600000, timeout=PATIENCE, attempts=1),
            smtp=Smtp(host=self.mailbox.host, port=self.mailbox.port, sender="Trial alerts <alerts@example.org>", timeout=PATIENCE),
            webhook=Webhook(allow_private=True),
        )

    def set(self, section: str, **values: Any) -> None:
        """Change settings of one section."""
        changed = msgspec.structs.replace(getattr(self.settings, section), **values)
        self.settings = msgspec.structs.replace(self.settings, **{section: changed})

    @property
    def around(self) -> Surroundings:
        return Surroundings(self.settings, now=lambda: self.at, say=self.say)

    @contextmanager
    def history(self) -> Iterator[History]:
        with open_history(Path(self.settings.database), create=True) as opened:
            yield opened

    def watch(self, *trials: str, pages: tuple[str, ...] = ()) -> None:
        with self.history() as history:
            watches.add(history, trials or (TRIAL,), pages, as_stamp(self.at))

    def subscribe(self, address: str, *trials: str, kind: Any = "email", **more: Any) -> None:
        with self.history() as history:
            consent = subscriptions.Consent("w", "me", as_stamp(self.at))
            wanted = Subscription(id=0, address=address, kind=kind, **more)
            subscriptions.add(history, wanted, trials or (TRIAL,), consent=consent, now=as_stamp(self.at))

    def sync(self, *trials: str, days: float = 1, **more: Any) -> SyncReport:
        """A sync, ``days`` after the last one."""
        self.at += datetime.timedelta(days=days)
        return sync(self.around, trials=trials, **more)

    def deliver(self, *, hours: float = 0) -> DeliverReport:
        self.at += datetime.timedelta(hours=hours)
        return deliver(self.around)

    def changes(self, **more: Any) -> list[KeptChange]:
        with self.history() as history:
            return list(dated.changes(history, **more))

    def outbox(self) -> list[dict[str, Any]]:
        with self.history() as history:
            return outbox.listing(history)

    def counts(self) -> dict[str, int]:
        """How many rows each table has that grows with news."""
        with self.history() as history:
            tables = ("version", "change", "notice", "notice_change", "subscription", "run")
            return {table: history.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in tables}


@contextmanager
def open_house(folder: Path) -> Iterator[House]:
    """A house in a folder; its servers stop with the block."""
    with Registry() as registry, Listing() as listing, Mailbox() as mailbox, Hook() as hook:
        yield House(folder, registry, listing, mailbox, hook)
