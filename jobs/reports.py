"""What a sync and a delivery say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import msgspec.structs

from registry_sync.hosts import site_of
from registry_sync.sources.interface import CTGOV

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from registry_sync.trials.presence import Absence

_NAMED = 5
_KEPT = 20
"""Of so many sites, and of so many kinds of failure, is kept what a run did; of the others how many there were."""
_LONGEST_KEPT = 500
TO_MEND = "ClinicalTrials.gov does not know this id"
"""How the sentence begins about an id that is named by every sync until it is mended or no longer watched."""


ADDRESS = "[address]"
"""What stands in a log in place of a mail address."""


class Problem(str):
    """What went wrong, as whoever typed the command reads it; ``logged``: the same for a log, which names nobody."""

    logged: str

    def __new__(cls, said: str, logged: str) -> Problem:
        """One text with two faces."""
        made = super().__new__(cls, said)
        made.logged = logged
        return made


def in_a_log(problem: str) -> str:
    """A problem as a log has it."""
    return problem.logged if isinstance(problem, Problem) else problem


class DeliverReport(msgspec.Struct):
    """What a delivery did: ``sent``, ``retrying`` and ``failed`` (parked) by this run, ``waiting`` what is unsent after it.

    ``asking``: those of them that ask to confirm or bring a link: the outbox does not list them, since they are no news.
    """

    sent: int = 0
    retrying: int = 0
    failed: int = 0
    waiting: int = 0
    asking: int = 0
    problems: list[str] = msgspec.field(default_factory=list)

    @property
    def is_partial(self) -> bool:
        """Did a delivery fail?"""
        return bool(self.problems)

    def as_json(self) -> dict[str, int]:
        """The object of ``deliver --json``."""
        numbers = msgspec.structs.asdict(self)
        del numbers["problems"], numbers["asking"]
        return numbers


class SourceReport(msgspec.Struct):
    """What one source was asked and said. ``changed``: trials with a new version, the first ones left out.

    ``checked``: the trials of which this sync knows how they stand, by whatever way, and those that failed. ``trouble``: the first
    thing that failed through the source's fault, an id that it does not know being none; ``answered``: did anything usable come, so that
    the trouble is with a part of it?
    """

    source: str
    requests: int = 0
    bytes: int = 0
    checked: int = 0
    changed: int = 0
    baselines: int = 0
    trouble: str | None = None
    answered: bool = False
    failed: list[dict[str, str]] = msgspec.field(default_factory=list)

    def fail(self, trial: str, error: str, *, at_fault: bool) -> None:
        """Note a failure; ``at_fault``: is it the source's?"""
        self.failed.append({"trial": trial, "error": error})
        if at_fault and self.trouble is None:
            self.trouble = f"{trial}: {error}"


class SyncReport(msgspec.Struct):
    """What a sync did; ``changes`` are the trials' own, without housekeeping, as ``changes`` lists them."""

    started: str
    finished: str = ""
    sources: list[SourceReport] = msgspec.field(default_factory=list)
    changes: int = 0
    notices: int = 0
    delivery: DeliverReport = msgspec.field(default_factory=DeliverReport)
    stopped: bool = False
    release: str | None = None
    """The data release that the registry serves (``None``: unknown, and then nothing is settled for the next sync)."""
    released: str | None = None
    """The time of the registry's data, when the registry said that nothing was released since the last look."""
    merged: list[tuple[str, str]] = msgspec.field(default_factory=list)
    """Ids that the registry shows under another one now, and that one."""
    left: list[tuple[str, str]] = msgspec.field(default_factory=list)
    """Trials that have left the registry, as this sync told or was asked by name, and from which day on they were not there."""
    missing: dict[str, Absence] = msgspec.field(default_factory=dict)
    """Trials that the registry did not show when last asked, as they stood when this sync began."""
    problems: list[str] = msgspec.field(default_factory=list)
    """What went wrong and is no source's, nor one trial's."""

    @property
    def is_partial(self) -> bool:
        """Did a source, a page or a delivery fail, or anything else?"""
        return bool(self.problems) or any(source.failed for source in self.sources) or self.delivery.is_partial

    def count(self, kept: tuple[int, int]) -> None:
        """Add so many changes and notices."""
        self.changes += kept[0]
        self.notices += kept[1]

    def fail(self, failed: Iterable[tuple[str, str]]) -> None:
        """Note what went wrong with trials after they were asked for: what was named of one is not named again."""
        if not (failed := list(failed)):
            return
        registry = next((source for source in self.sources if source.source == CTGOV), None)
        if registry is None:
            registry = SourceReport(CTGOV)
            self.sources.insert(0, registry)
        named = {(failure["trial"], failure["error"]) for failure in registry.failed}
        for trial, error in failed:
            if (trial, error) not in named:
                registry.fail(trial, error, at_fault=False)

    def failures(self) -> list[str]:
        """One line for each thing that went wrong, however many trials it befell."""
        lines = []
        for source in self.sources:
            by_error: dict[tuple[str, str], list[str]] = {}
            for failure in source.failed:
                noun = "trials" if failure["trial"].startswith("NCT") else "searches"
                by_error.setdefault((failure["error"], noun), []).append(failure["trial"])
            where = "" if source.source == CTGOV else f" at {source.source}"
            lines += [f"{_named(each, error, noun)}{where}: {error}" for (error, noun), each in by_error.items()]
        return lines + self.problems

    def as_json(self) -> dict[str, Any]:
        """The object of ``sync --json``."""
        return {
            "started": self.started,
            "finished": self.finished,
            "sources": [
                {
                    "source": source.source,
                    "requests": source.requests,
                    "bytes": source.bytes,
                    "checked": source.checked,
                    "changed": source.changed,
                    "failed": source.failed,
                }
                for source in self.sources
            ],
            "changes": self.changes,
            "notices": self.notices,
            "delivered": self.delivery.sent,
        }

    def as_kept(self) -> dict[str, Any]:
        """The same for the table of runs, in a few kilobytes at most: pages by their site, failures by what went wrong."""
        by_site: dict[str, list[SourceReport]] = {}
        kinds: dict[tuple[str, str], list[str]] = {}
        for source in self.sources:
            site = CTGOV if source.source == CTGOV else site_of(source.source)
            by_site.setdefault(site, []).append(source)
            for failure in source.failed:
                kinds.setdefault((site, failure["error"]), []).append(failure["trial"])
        sites = list(by_site.items())
        more = [source for _, sources in sites[_KEPT:] for source in sources]
        often = sorted(kinds.items(), key=lambda kind: len(kind[1]), reverse=True)
        return {
            **self.as_json(),
            "sources": [_summed(site, sources) for site, sources in [*sites[:_KEPT], *([("others", more)] if more else [])]],
            "failed": [
                {"source": site, "error": error[:_LONGEST_KEPT], "count": len(each), "first": each[:_NAMED]}
                for (site, error), each in often[:_KEPT]
            ],
            "failed_otherwise": sum(len(each) for _, each in often[_KEPT:]),
            "problems": self.problems,
        }


def _summed(site: str, sources: Sequence[SourceReport]) -> dict[str, Any]:
    """What was asked of a site in one line; ``failed``: how often it did."""
    return {
        "source": site,
        "requests": sum(source.requests for source in sources),
        "bytes": sum(source.bytes for source in sources),
        "checked": sum(source.checked for source in sources),
        "changed": sum(source.changed for source in sources),
        "failed": sum(len(source.failed) for source in sources),
    }


def _named(failed: list[str], error: str, noun: str) -> str:
    """ "NCT1", "NCT1, NCT2 and NCT3", "NCT1, NCT2 and 1,998 more trials": an id that somebody should mend is always named."""
    if len(failed) <= _NAMED or error.startswith(TO_MEND):
        return " and ".join(filter(None, (", ".join(failed[:-1]), failed[-1])))
    return f"{', '.join(failed[: _NAMED - 1])} and {len(failed) - _NAMED + 1:,} more {noun}"
