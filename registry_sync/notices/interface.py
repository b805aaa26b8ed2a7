"""What a notice is, and what a channel answers when it is given one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

import msgspec

from registry_sync.trials.changes import KeptChange
from registry_sync.trials.dates import Slips
from registry_sync.trials.record import Record

Role = Literal["reader", "coordinator"]
Every = Literal["now", "day", "week"]
Kind = Literal["email", "webhook", "chat"]


class TrialNews(msgspec.Struct, frozen=True):
    """One trial's part of a notice: the changes that this recipient is told, and the record that they led to.

    ``url``: the public page of the record. ``registry_date``: the date that the registry gives the newest version;
    ``None`` where it gave it no new one (a silent change).
    ``into``: the id of the record that this one was merged into.
    ``before``: the record before the first of the changes, for what follows from the step as a whole.
    ``title``: that of the trial where ``record`` is of another entry, which it was merged into.
    ``slips``: by field, how a date that one of the changes tells of has moved since the first version held.
    """

    trial: str
    url: str
    registry_date: str | None
    seen_at: str
    changes: tuple[KeptChange, ...]
    record: Record
    before: Record | None = None
    slips: Mapping[str, Slips] = msgspec.field(default_factory=dict)
    into: str | None = None
    title: str | None = None

    @property
    def named(self) -> str | None:
        """The trial's own title."""
        return self.title or self.record.brief_title or self.record.official_title


class Notice(msgspec.Struct, frozen=True):
    """What one address hears at one time: one trial's news (``now``), or those of a day or a week.

    ``id`` is stable: a repeat after a crash carries the same one. ``created_at``: UTC, ISO 8601 with ``Z``.
    ``stop_token`` is the secret by which this recipient's mails can be stopped; ``None`` leaves such links out.
    ``secret_env`` names the environment variable with a webhook's signing secret. ``more``: trials with news beyond those in ``news``;
    ``note``: what the operator says above the news.
    """

    id: str
    address: str
    kind: Kind
    role: Role
    language: str
    every: Every
    created_at: str
    news: tuple[TrialNews, ...]
    stop_token: str | None = None
    secret_env: str | None = None
    more: int = 0
    note: str | None = None


class Sent(msgspec.Struct, frozen=True):
    """The server took it (SMTP 250, HTTP 2xx)."""


class Retry(msgspec.Struct, frozen=True):
    """Not now: ``reason`` for the operator; ``after`` seconds when the other side asked for a wait.

    ``channel_down``: the fault is the channel's (no server, login or sender refused), not this recipient's, so that
    further notices need not be tried in this run. ``silent``: there is no connection to the
    recipient's host: what else is for it can wait. ``brief``: see ``Refused``.
    """

    reason: str
    after: float | None = None
    channel_down: bool = False
    silent: bool = False
    brief: str | None = None


class Refused(msgspec.Struct, frozen=True):
    """Never: the recipient does not exist, or the receiver is gone (SMTP 5xx, HTTP 410).

    ``brief``: the reason without the other side's own words, for a log: these may repeat an address in any spelling. ``None``: it has none.
    """

    reason: str
    brief: str | None = None


STOPPED = "its address refused several notices in a row; when it is right again: registry-sync subscribe, and registry-sync outbox retry"
"""Why a notice to an address that is stopped for refusals is not tried."""

Outcome = Sent | Retry | Refused


Ahead = Callable[[], Notice | None]
"""The notice that comes next, if that is known; it raises nothing."""


def nothing_ahead() -> Notice | None:
    """No notice is known to come next."""
    return None


class Channel(Protocol):
    """A way to an address. ``close`` ends what it holds open; it may be called twice."""

    def send(self, notice: Notice, ahead: Ahead = nothing_ahead) -> Outcome:
        """Hand the notice over. Expected trouble is an Outcome, never an exception.

        A channel may ask ``ahead`` once, while the receiver thinks, and make ready what it is told; what is sent is decided later.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
