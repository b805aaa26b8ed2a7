"""What the two voices hand to the story: a subject and the first sentences."""

from __future__ import annotations

from typing import Any, NamedTuple

from registry_sync.notices import when
from registry_sync.notices.folding import STATUS, Followed
from registry_sync.notices.interface import TrialNews
from registry_sync.trials import presence
from registry_sync.trials.changes import KeptChange

UNKNOWN = "UNKNOWN"


class Said(NamedTuple):
    """A subject, and the first sentences: the source with its date and what it says, then what it means and what not."""

    subject: str
    sentences: tuple[str, ...]


class At(NamedTuple):
    """Where a story stands: the trial's news, the change that heads it, what is told in all, what followed the status."""

    news: TrialNews
    head: KeptChange
    told: tuple[KeptChange, ...]
    followed: Followed

    @property
    def trial(self) -> str:
        """The trial's id."""
        return self.news.trial

    @property
    def is_silent(self) -> bool:
        """The registry's date is not that of the news: it would say that it was so for long.

        UNKNOWN always comes so, and so does what becomes of a record as a whole: found by a search, gone, back, merged.
        """
        return self.news.registry_date is None or self.is_of_the_whole or (self.head.field == STATUS and self.head.after == UNKNOWN)

    @property
    def is_of_the_whole(self) -> bool:
        """Does the head tell what became of the record as a whole? The registry gives that no date."""
        return self.head.topic == "registry" or presence.entries(self.head) is not None

    def of(self, field: str) -> KeptChange | None:
        """The newest change of this field among all that came in, told one by one or not."""
        found = [change for change in self.news.changes if change.field == field]
        return max(found, key=lambda change: change.id, default=None)


class StatusStep(NamedTuple):
    """A step of the overall status. ``origin`` is where it really came from: out of UNKNOWN, the last known status."""

    before: Any
    origin: Any
    after: Any

    @property
    def confirmed(self) -> bool:
        """Out of UNKNOWN, back to what was known before."""
        return bool(self.before == UNKNOWN and self.origin == self.after)


def status_step(at: At) -> StatusStep:
    """The step that the head tells, judged from the last known status when it leaves UNKNOWN (NEWS: "the real step")."""
    before, after = at.head.before, at.head.after
    if before != UNKNOWN:
        return StatusStep(before, before, after)
    return StatusStep(before, _last_known(at), after)


def reason(at: At) -> str | None:
    """Why the trial stopped, in the trial team's words: what the news says, else what the record says."""
    change = at.of("why_stopped")
    value = change.after if change is not None else at.news.record.why_stopped
    return value if isinstance(value, str) and value.strip() else None


def posted(change: KeptChange) -> str | None:
    """The registry's date of a change; ``None`` where it is not known or no date."""
    return change.registry_date if when.parse(change.registry_date) else None


def seen(change: KeptChange) -> str:
    """The day on which a change was seen, UTC."""
    return change.seen_at[:10]


def _last_known(at: At) -> Any:
    change = at.of("last_known_status")
    if change is not None and change.before is not None:
        return change.before
    if at.news.before is not None and at.news.before.overall_status == UNKNOWN:
        return at.news.before.last_known_status
    return None


__all__ = ["STATUS", "UNKNOWN", "At", "Said", "StatusStep", "posted", "reason", "seen", "status_step"]
