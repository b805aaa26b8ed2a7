"""What the operator does by hand, from the terminal or on the operator's page: with notices that wait, and with who is told."""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import parseaddr

import msgspec

from db import aliases, outbox, subscriptions
from db.connection import History
from db.outbox import Waiting
from jobs import wishes
from jobs.surroundings import Surroundings
from registry_sync.errors import UsageError

LONGEST_NOTE = 2_000
"""Characters of the operator's words above the news."""


class Written(msgspec.Struct, frozen=True):
    """A notice as its reader gets it, in plain text; ``why_not``: why it will not be sent, and then there is no text."""

    subject: str = ""
    text: str = ""
    why_not: str = ""


def retry(around: Surroundings, history: History, ids: Sequence[str]) -> list[str]:
    """Make these notices due at once, a dead process's too; the ids named that are not unsent. None named: all that is unsent, not held."""
    from jobs.deliver import JOB
    from jobs.lock import desk_of

    with desk_of(history.path, JOB) as desk:
        outbox.free_claims(history, desk.nobody_at(outbox.claimants(history) | {desk.number}))
    return outbox.retry(history, ids, around.stamp())


def as_note(words: str | None) -> str | None:
    """The operator's words as they stand above the news; ``None`` where there are none. Raises UsageError for too many."""
    from registry_sync.notices.clean import block

    note = block((words or "").replace("\r\n", "\n")) or None
    if note is not None and len(note) > LONGEST_NOTE:
        raise UsageError(f"a note has {LONGEST_NOTE:,} characters at most: this one has {len(note):,}")
    return note


def written(around: Surroundings, history: History, waiting: Waiting) -> Written:
    """What would be sent of a notice now."""
    from jobs.writing import NotOurs, WritingDesk
    from registry_sync.notices import compose
    from registry_sync.notices.interface import Refused

    desk = WritingDesk(around, history, by=0)
    desk.begin([waiting])
    notice = desk.notice(waiting)
    if notice is None or isinstance(notice, NotOurs):
        return Written(why_not="nobody at its address wants any of it any more, or none of it is so any more: it will not be sent")
    if isinstance(notice, Refused):
        return Written(why_not=f"it will not be sent: {notice.reason}")
    smtp, web_url = around.settings.smtp, around.settings.web.url
    stop = compose.stop_by(notice, smtp.unsubscribe, web_url, smtp.reply_to or parseaddr(smtp.sender)[1])
    return Written(compose.subject(notice), compose.text(notice, stop_by=stop, web_url=web_url))


def unsubscribe(around: Surroundings, history: History, address: str, trials: Sequence[str]) -> int:
    """Stop what an address hears of these trials, or (none named) of all, at the operator's wish; how many subscriptions that touched.

    Raises UsageError for single trials of what is followed as a whole.
    """
    trials = aliases.current_ids(history, trials)
    _check_apart(history, address, trials)
    return wishes.stop(around, history, address, trials, why="operator")


def _check_apart(history: History, address: str, trials: Sequence[str]) -> None:
    from registry_sync.notices.address import masked

    if trials and subscriptions.covers_everything(history, address):
        raise UsageError(f"{masked(address)} follows every trial that is watched: stop that as a whole, with no trial named", about=address)
    search = subscriptions.covering_search(history, address, trials)
    if search is not None:
        raise UsageError(
            f"{masked(address)} follows what the search {search} finds: stop that as a whole, with {search.options}",
            about=address,
        )
