"""Material edits of a whole list at once: every site, every time frame."""

from __future__ import annotations

import random

from tests.edits.fields import News
from tests.edits.kinds import Draft, material
from tests.edits.lists import news
from tests.edits.telling import caseless


@material
def all_sites_close(draft: Draft, _: random.Random) -> News:
    """Every site is completed while the trial's own status stays."""
    sites = draft.module("contactsLocationsModule").get("locations") or []
    open_ = [site for site in sites if site.get("status") not in (None, "COMPLETED")]
    if not open_ or not draft.take("locations", "overall_status"):
        return []
    expected = []
    for site in open_:
        place = {name: site.get(name) for name in ("facility", "city", "zip", "country")}
        expected.append(news("locations", "changed", place | {"status": site["status"]}, place | {"status": "COMPLETED"}))
        site["status"] = "COMPLETED"
    return expected


@material
def all_site_contacts_changed(draft: Draft, _: random.Random) -> News:
    """A call centre answers for every site."""
    sites = [site for site in draft.module("contactsLocationsModule").get("locations") or [] if site.get("contacts")]
    if not sites or not draft.take("locations", "overall_status"):
        return []
    for site in sites:
        site["contacts"] = [{"name": "Call Centre", "role": "CONTACT", "phone": "555-0100", "email": "centre@example.org"}]
    places = [{name: site.get(name) for name in ("facility", "city", "zip", "country")} for site in sites]
    return [news("locations", "changed", place, place, "minor") for place in places]


@material
def all_time_frames_changed(draft: Draft, _: random.Random) -> News:
    """The last visit is later now, for every secondary outcome."""
    outcomes = draft.module("outcomesModule").get("secondaryOutcomes") or []
    names = [caseless(str(outcome.get("measure"))) for outcome in outcomes]
    if len(names) < 2 or len(set(names)) < len(names) or not draft.take("secondary_outcomes"):
        return []
    expected = []
    for outcome in outcomes:
        name = {"measure": outcome.get("measure")}
        expected.append(news("secondary_outcomes", "changed", name, name | {"time_frame": "at 31 months"}))
        outcome["timeFrame"] = "at 31 months"
    return expected
