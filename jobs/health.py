"""Is each source well, and does what is sent arrive? One incident for each that is not, and what the operator hears by mail.

That is an incident's opening and its closing, notices that were refused for good, and (if wished) a line each week. Every try to send
such mails is a run of the job ``operator``, so that a failed one can wait longer each time, across restarts.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from db import bulletins, incidents, looks, outbox, runs
from db.connection import History
from db.incidents import DELIVERY, IN_PART
from jobs.lock import only_one
from jobs.surroundings import Surroundings, as_stamp, from_stamp, log
from jobs.waits import wait_after
from registry_sync.errors import AlreadyRunning, RegistrySyncError, Stopped
from registry_sync.notices.clean import cut, one_line

if TYPE_CHECKING:  # each sync notes the health of its sources; few have a mail to write
    from db.incidents import Part
    from jobs.reports import SourceReport
    from registry_sync.notices.interface import Channel, Notice, Outcome

JOB = "operator"
_LONGEST_ERROR = 2000


def note_registry(around: Surroundings, history: History, source: SourceReport, *, everything: bool) -> None:
    """Note how the registry was found: as a whole, and in part, so that one bad record hides no outage.

    As a whole it is in trouble when nothing usable came, and most of what is watched failed. ``everything``: all that is watched was asked
    for; less than that does not tell that a part is well again.
    """
    watched = looks.count_watched(history, looks.Wanted(None, around.stamp()))
    is_outage = source.trouble is not None and not source.answered and 2 * len(source.failed) > watched
    outage = source.trouble if is_outage else None
    note(around, history, source.source, outage)
    in_part = None if is_outage else source.trouble
    if in_part is not None or (everything and outage is None):
        note(around, history, IN_PART, in_part)


def note_site(around: Surroundings, history: History, site: str, pages: Sequence[SourceReport]) -> None:
    """Note how a trial-finder site was found: in trouble when none of its pages could be read. One page of several is its own news."""
    troubled = [page for page in pages if page.trouble is not None and not page.answered]
    note(around, history, site, troubled[0].trouble if len(troubled) == len(pages) else None)


def note(around: Surroundings, history: History, source: str, trouble: str | None) -> None:
    """Note how a source was found by a sync: ``trouble`` is what went wrong, on one line; ``None``: it is well.

    Opens, counts and closes the source's incident, in a transaction of its own, and logs a line when it opens and when it closes. Whom
    the settings name as operator hears by mail from the next delivery; without one the log is all. Nothing is written for a source
    that is as well as before.
    """
    if trouble is None and not incidents.is_open(history, source):
        return
    now = around.stamp()
    told_at = None if around.settings.smtp.operator else now
    error = cut(one_line(trouble or ""), _LONGEST_ERROR)
    with history.write() as connection:
        if trouble is None:
            is_news = incidents.well(connection, source, now, told_at=told_at)
        else:
            is_news = incidents.trouble(connection, source, error, now, told_at=told_at)
    if is_news:
        log.info(*("%s is well again", source) if trouble is None else ("%s is in trouble: %s", source, error))


def note_delivery(around: Surroundings, history: History) -> None:
    """Note whether notices are stuck: the oldest that should be with its reader has waited longer than the settings bear."""
    stuck = stuck_since(around, history)
    if stuck is None:
        note(around, history, DELIVERY, None)
        return
    waiting = outbox.counts(history, around.stamp())["due_before"] + _asked(history)[0]
    note(around, history, DELIVERY, f"{waiting} not delivered, the oldest due since {stuck}")


def stuck_since(around: Surroundings, history: History) -> str | None:
    """Since when the oldest notice, or mail that somebody asked for, should be with its reader (UTC), when that is too long ago."""
    oldest = min(filter(None, (outbox.oldest(history, around.stamp()), _asked(history)[1])), default=None)
    late = around.now() - datetime.timedelta(hours=around.settings.smtp.alarm_hours)
    return oldest if oldest is not None and oldest < as_stamp(late) else None


def _asked(history: History) -> tuple[int, str | None]:
    from db import confirmations  # knows of subscriptions, and what loads with these

    return confirmations.asked(history)


def is_due(around: Surroundings, history: History) -> bool:
    """Is there anything that the operator has not heard, and may it be tried now? A failed try waits, unless there is news since."""
    newest = max(filter(None, (incidents.newest_untold(history), bulletins.newest_untold(history, _week(around)))), default=None)
    if newest is None:
        return False
    last = runs.last(history, JOB, now=around.stamp())
    if last is None or last["outcome"] != "failed" or newest > last["started_at"] or not around.settings.smtp.operator:
        return True  # nothing failed, or the process died in it
    wait = datetime.timedelta(seconds=wait_after(_failed_in_a_row(last)))
    return around.now() >= from_stamp(last["started_at"]) + wait


def waiting(history: History) -> tuple[int, str]:
    """How many mails to the operator wait, and why the last try failed; empty when it did not."""
    last = runs.last(history, JOB)
    problems = json.loads(last["detail"]).get("problems", []) if last and last["outcome"] == "failed" else []
    return incidents.count_untold(history) + bulletins.count_untold(history), "; ".join(problems)


def tell(around: Surroundings, history: History, channel: Channel) -> list[str]:
    """Send the operator what is untold, in its order, and mark as told what the mail server took; the problems, a line each.

    Nothing, when another process is at it: two would send everything twice. Raises Stopped, DatabaseError.
    """
    if not around.settings.smtp.operator:
        incidents.nobody_to_tell(history, around.stamp())
        bulletins.nobody_to_tell(history, around.stamp())
        return []
    try:
        with only_one(around.database, JOB):
            bulletins.gather(history, around.stamp(), _week(around))
            return _tell(around, history, channel)
    except AlreadyRunning:
        return []


def _week(around: Surroundings) -> str | None:
    """When the last week ended (UTC), if the operator wishes a line each week."""
    smtp, schedule = around.settings.smtp, around.settings.schedule
    if not (smtp.weekly and smtp.operator):
        return None
    from jobs.triggers import period_end  # loads the scheduler: only where such a line is wished

    ends = period_end("week", schedule.timezone, around.now(), digest=schedule.digest, week_ends=schedule.week_ends)
    while ends > around.now():
        ends -= datetime.timedelta(days=7)
    return as_stamp(ends)


def _tell(around: Surroundings, history: History, channel: Channel) -> list[str]:
    last = runs.last(history, JOB)
    run = runs.begin(history, JOB, around.stamp())
    detail: dict[str, Any] = {"sent": 0, "failed_in_a_row": _failed_in_a_row(last) if last else 0, "problems": []}
    outcome = "stopped"
    try:
        problems = _send_all(around, history, channel, detail)
        outcome = "failed" if problems else "stopped" if around.stop.is_set() else "done"
        detail["failed_in_a_row"] = detail["failed_in_a_row"] + 1 if problems else 0
    finally:
        runs.end(history, run, around.stamp(), outcome, detail)
    return problems


def _failed_in_a_row(run: dict[str, Any]) -> int:
    return int(json.loads(run["detail"]).get("failed_in_a_row", 0))


def _send_all(around: Surroundings, history: History, channel: Channel, detail: dict[str, Any]) -> list[str]:
    from jobs.reports import Problem
    from registry_sync.notices.interface import Retry, Sent

    problems: dict[str, None] = {}
    held = set()
    for untold in _untold(around, history):
        if around.stop.is_set():
            break
        if untold.about in held:
            continue  # its end is not told before its beginning
        outcome = _send(channel, untold.notice)
        if isinstance(outcome, Sent):
            untold.told()
            detail["sent"] += 1
            continue
        held.add(untold.about)
        problems[Problem(f"to the operator: {outcome.reason}", f"to the operator: {outcome.brief or outcome.reason}")] = None
        if isinstance(outcome, Retry) and outcome.channel_down:
            break
    detail["problems"] = [str(problem) for problem in problems]
    return list(problems)


class _Untold(msgspec.Struct, frozen=True):
    """One mail to the operator: what it is about, and how to note that it was taken."""

    about: str
    notice: Any
    told: Callable[[], None]


def _untold(around: Surroundings, history: History) -> Iterator[_Untold]:
    from registry_sync.notices import operator

    address = around.settings.smtp.operator
    for incident, part in incidents.untold(history):
        notice = operator.opening(incident, address) if part == "opening" else operator.closing(incident, address)
        yield _Untold(f"incident {incident.id}", notice, partial(_incident_told, around, history, incident.id, part))
    for bulletin in bulletins.untold(history):
        told = partial(_bulletin_told, around, history, bulletin.id)
        if bulletin.kind == "well":
            state = bulletins.state(history, bulletin.created_at, around.stamp())
            yield _Untold(bulletin.id, operator.weekly(bulletin, state, address), told)
        else:
            parked, stopped = bulletins.parked(history, bulletin.id)
            if parked or stopped:
                yield _Untold(bulletin.id, operator.parked(bulletin, parked, stopped, address), told)
            else:
                told()  # what it was about is gone, as its address wished


def _incident_told(around: Surroundings, history: History, incident: int, part: Part) -> None:
    incidents.told(history, incident, part, around.stamp())


def _bulletin_told(around: Surroundings, history: History, bulletin: str) -> None:
    bulletins.told(history, bulletin, around.stamp())


def _send(channel: Channel, notice: Notice) -> Outcome:
    from registry_sync.notices.interface import Retry

    try:
        return channel.send(notice)
    except Stopped:
        raise
    except RegistrySyncError as error:
        return Retry(str(error))
    except Exception as error:
        # a fault in one mail must not hold up the others
        log.exception("a mail to the operator")
        return Retry(f"could not be written or sent ({type(error).__name__})")
