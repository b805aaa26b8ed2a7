"""Two weeks of NCT06805448 as data: what happens on each day at the registry and on the listing page, and who is to hear.

The player runs the real jobs after each day; this file knows neither jobs nor notices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from registry_sync.demo import record
from registry_sync.demo.listing import Listing, ListingFacts
from registry_sync.demo.record import EXCLUSION, INCLUSION, SPONSOR, TITLE, TRIAL
from registry_sync.demo.registry import Registry

SMOKE_FREE_BEFORE = "tobacco within 6 months before"
SMOKE_FREE_AFTER = "tobacco within 12 months before"

_RELEASE_BEFORE_SYNC = timedelta(minutes=77)


@dataclass(frozen=True)
class World:
    """Where a day happens."""

    registry: Registry
    listing: Listing
    day: date


@dataclass(frozen=True)
class Day:
    """One day of the story.

    ``at``: when the jobs run (UTC). ``says``: the teller's line. ``told``: the registry's fields of which subscribers hear;
    empty: nobody hears anything of the trial. ``page``: the fields that differ on the listing page from its last good version; kept, and
    never told as a change of the trial. ``listing``: how the page stands beside the registry from then on; only coordinators hear that.
    ``page_readable``: whether the listing shows the trial at all.
    """

    number: int
    at: datetime
    says: str
    told: tuple[str, ...] = ()
    page: tuple[str, ...] = ()
    listing: str = ""
    page_readable: bool = True
    happens: Callable[[World], None] | None = None

    def apply(self, registry: Registry, listing: Listing) -> None:
        """Let the registry make its release of the day, and what else happens come true."""
        registry.release(self.at - _RELEASE_BEFORE_SYNC)
        if self.happens is not None:
            self.happens(World(registry, listing, self.at.date()))


def first_listing() -> ListingFacts:
    """The listing page of the first day: a copy of the record, made in July 2025."""
    return ListingFacts(
        title=TITLE,
        sponsor=SPONSOR,
        first_submitted=date(2025, 1, 27),
        refreshed=date(2025, 7, 1),
        inclusion=INCLUSION,
        exclusion=EXCLUSION,
        city="Copenhagen",
        country="Denmark",
        summary="Researchers want to know whether stem cells from fat tissue bring back saliva in people with Sjögren's disease.",
        keywords="Dry Mouth Stem Cells",
    )


def _open(world: World) -> None:
    world.registry.put(record.the_study())
    world.listing.put(TRIAL, first_listing())


def _close_recruitment(world: World) -> None:
    closed = record.with_status(world.registry.study(TRIAL), "ACTIVE_NOT_RECRUITING", posted=world.day.isoformat())
    world.registry.put(record.with_completion(closed, "2026-06-30", primary="2026-06-30"))


def _ask_for_twelve_months(world: World) -> None:
    study = world.registry.study(TRIAL)
    world.registry.put(record.with_criterion(study, SMOKE_FREE_BEFORE, SMOKE_FREE_AFTER, posted=world.day.isoformat()))


def _shut_the_site(world: World) -> None:
    world.listing.maintenance(True)


def _catch_up(world: World) -> None:
    facts = world.listing.facts(TRIAL)
    exclusion = tuple(text.replace(SMOKE_FREE_BEFORE, SMOKE_FREE_AFTER) for text in facts.exclusion)
    world.listing.put(TRIAL, replace(facts, status="Active, not recruiting", refreshed=world.day, exclusion=exclusion))
    world.listing.maintenance(False)


def _at(day: int) -> datetime:
    return datetime(2026, 2, day, 6, 17, tzinfo=UTC)


DAYS: tuple[Day, ...] = (
    Day(1, _at(2), "The first look: the record and the listing page are kept, and nobody is told.", happens=_open),
    Day(2, _at(3), "The registry releases its data anew. Only the release stamp moved: nobody is told."),
    Day(
        3,
        _at(5),
        "Recruitment closes, and completion slips from December 2025 to June 2026. The listing page falls behind.",
        told=("overall_status", "primary_completion_date", "completion_date"),
        listing="fell behind",
        happens=_close_recruitment,
    ),
    Day(
        4,
        _at(9),
        "One number in one criterion changes: smoke-free for 12 months, before it was 6. The page has the old one.",
        told=("criteria",),
        listing="fell behind",
        happens=_ask_for_twelve_months,
    ),
    Day(5, _at(11), "The listing page still says Recruiting. That was told when it fell behind: nobody is told."),
    Day(
        6,
        _at(12),
        "The listing site is down for maintenance and answers 200. That is no change: nobody is told.",
        page_readable=False,
        happens=_shut_the_site,
    ),
    Day(
        7,
        _at(15),
        "The listing page is back and has caught up. That is no news of the trial: only the coordinators hear.",
        page=("overall_status", "criteria"),
        listing="agrees again",
        happens=_catch_up,
    ),
)
"""The whole story, in its order."""
