"""What a trial-finder page says of a trial, beyond the fields of a record: how it says it, and what it leaves open."""

from __future__ import annotations

from typing import Literal

import msgspec

from registry_sync.trials.record import Record

How = Literal["not_reported", "empty", "cut_off", "paraphrased", "headings_lost", "run_together", "unclear"]
"""Why a field that the page names has no value in its record.

``not_reported``: in words ("Not reported"); ``empty``: a label with nothing beside it; ``cut_off``: the rest stands elsewhere ("See 8
more", an ellipsis); ``paraphrased``: the site's own words, or a machine's; ``headings_lost``: items without the headings that say which
are inclusion and which exclusion, or headings without items; ``run_together``: several values without a sign between them;
``unclear``: it says something that cannot be read without doubt.
"""
UNSAID: frozenset[How] = frozenset(("not_reported", "empty"))
"""The page says nothing here; every other way says something that cannot be compared."""


class Listing(msgspec.Struct, frozen=True, omit_defaults=True):
    """A page as it was last read.

    ``record``: the fields that it states now, nothing carried over from earlier looks. ``how``: by field, why it has no value there.
    ``statuses``: the registry's tokens that the page's one word for the status covers, where it covers several ("Non Recruiting"); the
    record's status is ``None`` then. ``said``: by field, the page's own words where they are not those of the record. ``refreshed``: the
    day of which the site says that its copy is. ``ids``: ids of the trial that it shows, besides the NCT id. ``follows``: of these, the
    other registration (EU CT, ISRCTN, ...) whose text the page shows instead of the NCT record's. ``site``: the name of the site's
    profile, ``None`` where it has none. ``beside``: of the ids, other registrations that the page shows as it does the NCT id, so that what
    it says may be theirs. ``unlimited``: ages of which it says that there is no limit; they are ``None`` in the record, as one that it
    does not name is.
    """

    record: Record
    how: dict[str, How] = {}
    statuses: tuple[str, ...] = ()
    said: dict[str, str] = {}
    refreshed: str | None = None
    ids: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    site: str | None = None
    beside: tuple[str, ...] = ()
    unlimited: tuple[str, ...] = ()


class Subject(msgspec.Struct, frozen=True):
    """The trial that a page is to show, as far as the registry's record tells: what a page can prove itself by.

    ``aliases``: earlier NCT ids; ``ids``: the sponsor's id and secondary ids as the record gives them; ``titles``: brief and official
    title, acronym left out.
    """

    trial: str
    aliases: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
