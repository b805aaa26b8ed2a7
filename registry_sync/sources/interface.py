"""What a source answers when it is asked for a trial: an observation, never an exception for the expected.

An observation is a record, or a typed reason why there is none. None of the reasons means that something was removed.
"""

from __future__ import annotations

import msgspec

from registry_sync.trials.listing import Listing
from registry_sync.trials.record import Record

CTGOV = "ctgov"
"""The name of the registry as a source; a page's name is its URL."""


class Validators(msgspec.Struct, frozen=True):
    """By what a server tells an unchanged page (RFC 9110, section 8.8): the header values as they came."""

    etag: str | None = None
    last_modified: str | None = None


class Found(msgspec.Struct, frozen=True):
    """A record that is proved to be of this trial.

    ``payload`` is what the source sent (UTF-8 JSON of one study, or the page's bytes).
    ``registry_date`` is the registry's date of this version (last update posted), ``None`` for a page. ``listing``: how a page says it;
    ``validators``: what the page's server gave to ask by next time.
    """

    trial: str
    source: str
    record: Record
    payload: bytes
    registry_date: str | None = None
    listing: Listing | None = None
    validators: Validators | None = None


class Moved(msgspec.Struct, frozen=True):
    """The id is an alias now: the registry answers with another trial's id, and with that one's study (UTF-8 JSON)."""

    trial: str
    source: str
    to: str
    payload: bytes


class Gone(msgspec.Struct, frozen=True):
    """The source does not know this trial."""

    trial: str
    source: str


class Unreadable(msgspec.Struct, frozen=True):
    """Something came, and it is not this trial's record: a maintenance page, another trial, markup without content."""

    trial: str
    source: str
    reason: str


class Failed(msgspec.Struct, frozen=True):
    """Nothing usable came: no connection, too slow, an error status, cut short.

    ``payload``: what came, when it is this trial's and cannot be read. ``absent``: a whole answer came, did not hold the trial, and
    was not fit to prove that it is gone. ``down``: nobody answered at all, so that others at the same place need not be asked now.
    """

    trial: str
    source: str
    error: str
    payload: bytes | None = None
    absent: bool = False
    down: bool = False


class NotModified(msgspec.Struct, frozen=True):
    """The page is the one that was read last (RFC 9110, section 15.4.5)."""

    trial: str
    source: str


class Forbidden(msgspec.Struct, frozen=True):
    """The site does not want this page to be asked for by programs (robots.txt, RFC 9309): it was not."""

    trial: str
    source: str
    reason: str


class Glanced(msgspec.Struct, frozen=True):
    """What a glance showed: by trial a few bytes, to be compared with those of an earlier one."""

    shown: dict[str, bytes]


Observation = Found | Moved | Gone | Unreadable | Failed | NotModified | Forbidden
