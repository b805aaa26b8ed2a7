"""Material edits of the lists of a record: sites, contacts, arms, interventions, outcomes, conditions, papers."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import Any

from tests.edits.fields import News
from tests.edits.kinds import MATERIAL, UNLIKE, Draft, Study, material
from tests.edits.telling import ANY, Expected, Telling, caseless, likeness, told


def _items(draft: Draft, module: str, key: str) -> list[Any]:
    return draft.module(module).get(key) or []


def _drop_if_empty(draft: Draft, module: str, key: str) -> None:
    """The registry leaves out a list that has nothing."""
    if not draft.module(module).get(key):
        draft.module(module).pop(key, None)


def news(field: str, operation: str, before: Any, after: Any, significance: str | None = None, reader: str | None = None) -> Expected:
    return told(Telling(field, operation, before, after, None, significance, reader))


# --- sites ----------------------------------------------------------------------------------------------------------------

_GENERIC = re.compile(r"(research|investigat\w+|clinical|local|study) (site|institution)", re.IGNORECASE)
_PLACE = ("facility", "city", "zip", "country")


def _place(site: Study) -> Study:
    return {name: site.get(name) for name in _PLACE}


def _sites(draft: Draft) -> list[Study]:
    """Sites that are one of a kind by facility, city, postal code and country."""
    sites = _items(draft, "contactsLocationsModule", "locations")
    kept = [tuple(str(site.get(name)).casefold() for name in _PLACE) for site in sites]
    return [site for site, place in zip(sites, kept, strict=True) if kept.count(place) == 1 and site.get("facility") and site.get("city")]


def _one_site(draft: Draft, rng: random.Random, fits: Callable[[Study], object] = lambda _: True) -> Study | None:
    fitting = [site for site in _sites(draft) if fits(site)]
    site = rng.choice(fitting) if fitting else None
    return site if site is not None and draft.take(f"locations:{site['city']}") else None


def _new_site(draft: Draft, rng: random.Random, facility: str, city: str, country: str) -> Study:
    site: Study = {"facility": facility, "city": city, "zip": f"{rng.randint(10000, 99999)}", "country": country}
    if draft.module("statusModule").get("overallStatus") == "RECRUITING":
        site["status"] = "RECRUITING"
        site["contacts"] = [{"name": "Contact A", "role": "CONTACT", "email": "a@example.org"}]
    return site | {"geoPoint": {"lat": 1.0, "lon": 2.0}}


def _add_sites(draft: Draft, rng: random.Random, sites: Sequence[Study]) -> News:
    locations = _items(draft, "contactsLocationsModule", "locations")
    if not locations or not draft.take(*(f"locations:{site['city']}" for site in sites)):
        return []
    for site in sites:
        locations.insert(rng.randint(0, len(locations)), site)
    return [news("locations", "added", None, _place(site)) for site in sites]


@material
def site_added(draft: Draft, rng: random.Random) -> News:
    return _add_sites(draft, rng, [_new_site(draft, rng, "Bellflower Clinic", "Egersund", "Norway")])


@material
def generic_site_added(draft: Draft, rng: random.Random) -> News:
    """Another "Research Site" in a town that has one."""
    known = [site for site in _sites(draft) if _GENERIC.match(site["facility"])]
    if not known:
        return []
    like = rng.choice(known)
    return _add_sites(draft, rng, [_new_site(draft, rng, like["facility"], like["city"], like["country"])])


@material
def site_added_in_a_town_that_has_one(draft: Draft, rng: random.Random) -> News:
    known = [site for site in _sites(draft) if likeness(site["facility"], "Bellflower Eye Practice") == 0]
    if not known:
        return []
    like = rng.choice(known)
    return _add_sites(draft, rng, [_new_site(draft, rng, "Bellflower Eye Practice", like["city"], like["country"])])


@material
def block_of_sites_added(draft: Draft, rng: random.Random) -> News:
    towns = ("Egersund", "Flekkefjord", "Mandal", "Arendal", "Risør", "Kragerø", "Larvik")
    sites = [_new_site(draft, rng, f"{town} Hospital", town, "Norway") for town in rng.sample(towns, rng.randint(3, 7))]
    return _add_sites(draft, rng, sites)


@material
def site_removed(draft: Draft, rng: random.Random) -> News:
    sites = _items(draft, "contactsLocationsModule", "locations")
    site = _one_site(draft, rng) if len(sites) > 1 else None
    if site is None:
        return []
    sites.remove(site)
    return [news("locations", "removed", _place(site), None)]


@material
def block_of_sites_removed(draft: Draft, rng: random.Random) -> News:
    sites, known = _items(draft, "contactsLocationsModule", "locations"), _sites(draft)
    if len(known) < 6 or not draft.take("locations"):
        return []
    gone = rng.sample(known, rng.randint(3, len(known) // 2))
    for site in gone:
        sites.remove(site)
    return [news("locations", "removed", _place(site), None) for site in gone]


@material
def site_status_changed(draft: Draft, rng: random.Random) -> News:
    site = _one_site(draft, rng, lambda site: site.get("status"))
    if site is None:
        return []
    old = site["status"]
    site["status"] = rng.choice([status for status in ("RECRUITING", "COMPLETED", "WITHDRAWN", "SUSPENDED") if status != old])
    return [news("locations", "changed", _place(site) | {"status": old}, _place(site) | {"status": site["status"]})]


@material
def site_contacts_changed(draft: Draft, rng: random.Random) -> News:
    site = _one_site(draft, rng, lambda site: site.get("contacts"))
    if site is None:
        return []
    site["contacts"][0] = {"name": "Contact B", "role": "CONTACT", "phone": "555-0100", "email": "b@example.org"}
    return [news("locations", "changed", _place(site), _place(site), "minor")]


@material
def site_renamed_by_the_registry(draft: Draft, rng: random.Random) -> News:
    """The city is spelled anew, the facility's case changes, or the postal code: one change, the registry's housekeeping."""
    towns = {"Naples": "Napoli", "Napoli": "Naples", "Munich": "München", "Milan": "Milano", "Rome": "Roma", "Prague": "Praha"}
    part = rng.choice(("city", "facility", "zip"))
    fits: dict[str, Callable[[Study], object]] = {
        "city": lambda site: site["city"] in towns and (site.get("zip") or not _GENERIC.match(site["facility"])),
        "facility": lambda site: site["facility"] != site["facility"].upper(),
        "zip": lambda site: site.get("zip"),
    }
    site = _one_site(draft, rng, fits[part])
    if site is None:
        return []
    old = _place(site)
    new = {"city": towns.get(site["city"]), "facility": site["facility"].upper(), "zip": f"{site.get('zip')}-1"}[part]
    twins = [other for other in _items(draft, "contactsLocationsModule", "locations") if _place(other) == old | {part: new}]
    if twins or not draft.take(f"locations:{new}"):
        return []
    site[part] = new
    return [news("locations", "changed", old, _place(site), "housekeeping", "untold")]


@material
def site_named_more_fully(draft: Draft, rng: random.Random) -> News:
    site = _one_site(draft, rng, lambda site: len(site["facility"].split()) >= 2)
    if site is None:
        return []
    old = _place(site)
    site["facility"] += ", East Wing"
    return [news("locations", "changed", old, _place(site), "housekeeping", "untold")]


# --- people ---------------------------------------------------------------------------------------------------------------


@material
def central_contact_number_changed(draft: Draft, rng: random.Random) -> News:
    contacts = _items(draft, "contactsLocationsModule", "centralContacts")
    if not contacts or not draft.take("central_contacts"):
        return []
    contact = rng.choice(contacts)
    old = dict(contact)
    contact["phone"] = "555-0199"
    return [news("central_contacts", "changed", {"name": old.get("name")}, {"name": old.get("name")}, "minor")]


@material
def central_contact_added(draft: Draft, rng: random.Random) -> News:
    contacts = _items(draft, "contactsLocationsModule", "centralContacts")
    if not contacts or not draft.take("central_contacts"):
        return []
    contacts.append({"name": "Contact Q", "role": "CONTACT", "phone": "555-0142", "email": "q@example.org"})
    return [news("central_contacts", "added", None, {"name": "Contact Q", "email": "q@example.org"}, "minor")]


@material
def central_contact_replaced(draft: Draft, rng: random.Random) -> News:
    """Another person at another number: one who went and one who came, or one change."""
    contacts = _items(draft, "contactsLocationsModule", "centralContacts")
    if not contacts or not draft.take("central_contacts"):
        return []
    place = rng.randrange(len(contacts))
    old = {"name": contacts[place].get("name")}
    new = contacts[place] = {"name": "Contact Q", "role": "CONTACT", "phone": "555-0142", "email": "q@example.org"}
    return [_replaced("central_contacts", old, {"name": new["name"]})]


@material
def official_replaced(draft: Draft, rng: random.Random) -> News:
    officials = _items(draft, "contactsLocationsModule", "overallOfficials")
    if not officials or not draft.take("overall_officials"):
        return []
    place = rng.randrange(len(officials))
    old = {"name": officials[place].get("name")}
    officials[place] = {"name": "Contact Q, MD", "role": "PRINCIPAL_INVESTIGATOR", "affiliation": "Example University"}
    return [_replaced("overall_officials", old, {"name": "Contact Q, MD"})]


def _replaced(field: str, old: Study, new: Study) -> Expected:
    return Expected(((Telling(field, "changed", old, new),), (Telling(field, "removed", old, None), Telling(field, "added", None, new))))


@material
def official_affiliation_changed(draft: Draft, rng: random.Random) -> News:
    officials = [one for one in _items(draft, "contactsLocationsModule", "overallOfficials") if one.get("name")]
    if not officials or not draft.take("overall_officials"):
        return []
    official = rng.choice(officials)
    official["affiliation"] = "Example University Hospital"
    return [news("overall_officials", "changed", {"name": official["name"]}, {"affiliation": "Example University Hospital"})]


# --- arms, interventions, outcomes ---------------------------------------------------------------------------------------

_LISTS = {
    "arm": ("arms", "armsInterventionsModule", "armGroups", "label"),
    "intervention": ("interventions", "armsInterventionsModule", "interventions", "name"),
    "primary_outcome": ("primary_outcomes", "outcomesModule", "primaryOutcomes", "measure"),
    "secondary_outcome": ("secondary_outcomes", "outcomesModule", "secondaryOutcomes", "measure"),
    "other_outcome": ("other_outcomes", "outcomesModule", "otherOutcomes", "measure"),
}
_NEW_ITEM: dict[str, Study] = {
    "arm": {"label": "Observation by telephone", "type": "NO_INTERVENTION", "description": "A call each Friday, no drug."},
    "intervention": {"type": "BEHAVIORAL", "name": "Ocarina lessons", "description": "Eight lessons in a small class."},
    "primary_outcome": {"measure": "Grip strength of the left hand", "timeFrame": "week 7"},
    "secondary_outcome": {"measure": "Hours slept as told by a wristband", "timeFrame": "month 5", "description": "Mean of a week."},
    "other_outcome": {"measure": "Sick leave", "timeFrame": "month 11"},
}


def _twinless(items: Sequence[Study], name: str) -> list[Study]:
    kept = [caseless(str(item.get(name))) for item in items]
    return [item for item, key in zip(items, kept, strict=True) if item.get(name) and kept.count(key) == 1]


def _free_item(draft: Draft, rng: random.Random, label: str, fits: Callable[[Study], object]) -> Study | None:
    """One item that no other of its list is named like, and that is unlike those edited already."""
    field, module, key, name = _LISTS[label]
    fitting = [item for item in _twinless(_items(draft, module, key), name) if fits(item) and draft.free(str(item[name]))]
    item = rng.choice(fitting) if fitting else None
    if item is None or not draft.take(f"{field}:{item[name]}"):
        return None
    draft.spoken.append(str(item[name]))
    return item


def _grown(label: str, tail: str) -> None:
    field, _module, _key, name = _LISTS[label]

    def edit(draft: Draft, rng: random.Random) -> News:
        item = _free_item(draft, rng, label, lambda item: not str(item[name]).rstrip().endswith((".", ")", ";", ":")))
        if item is None:
            return []
        old, item[name] = item[name], f"{item[name].rstrip()} {tail}"
        _rename_links(draft, old, item[name])
        return [news(field, "changed", {name: old}, {name: item[name]})]

    MATERIAL[f"{label}_grown_by_two_words"] = edit


def _rename_links(draft: Draft, old: str, new: str) -> None:
    """An arm names its interventions and an intervention its arms, at the registry."""
    module = draft.module("armsInterventionsModule")
    for items, key in ((module.get("armGroups"), "interventionNames"), (module.get("interventions"), "armGroupLabels")):
        for item in items or []:
            if key in item:
                item[key] = [re.sub(rf"(^|: ){re.escape(old)}$", lambda found: f"{found[1]}{new}", link) for link in item[key]]


def _part_changed(label: str, part: str, new: str, field_part: str) -> None:
    field, _, __, name = _LISTS[label]

    def edit(draft: Draft, rng: random.Random) -> News:
        item = _free_item(draft, rng, label, lambda item: item.get(part))
        if item is None:
            return []
        old, item[part] = item[part], f"{item[part].rstrip('. ')}{new}"
        return [news(field, "changed", {name: item[name], field_part: old}, {name: item[name], field_part: item[part]})]

    MATERIAL[f"{label}_{field_part}_changed"] = edit


def _added(label: str) -> None:
    field, module, key, name = _LISTS[label]

    def edit(draft: Draft, rng: random.Random) -> News:
        items, new = _items(draft, module, key), dict(_NEW_ITEM[label])
        if not items or not draft.free(new[name]) or any(likeness(str(item.get(name)), new[name]) >= UNLIKE for item in items):
            return []
        if not draft.take(f"{field}:{new[name]}"):
            return []
        items.insert(rng.randint(0, len(items)), new)
        draft.spoken.append(new[name])
        return [news(field, "added", None, {name: new[name]})]

    MATERIAL[f"{label}_added"] = edit


def _removed(label: str) -> None:
    field, module, key, name = _LISTS[label]

    def edit(draft: Draft, rng: random.Random) -> News:
        item = _free_item(draft, rng, label, lambda _: True)
        if item is None:
            return []
        _items(draft, module, key).remove(item)
        _drop_if_empty(draft, module, key)
        return [news(field, "removed", {name: item[name]}, None)]

    MATERIAL[f"{label}_removed"] = edit


for _label in _LISTS:
    _added(_label)
    _removed(_label)
    _grown(_label, "with rest" if "arm" in _label or _label == "intervention" else "by age")
for _label in ("primary_outcome", "secondary_outcome"):
    _part_changed(_label, "timeFrame", ", and 3 years later", "time_frame")
for _label in ("arm", "intervention", "primary_outcome", "secondary_outcome"):
    _part_changed(_label, "description", " and once more in the last week", "description")


@material
def secondary_outcome_reworded_throughout(draft: Draft, rng: random.Random) -> News:
    """Name, time frame and description at once: still one change of one outcome."""
    item = _free_item(draft, rng, "secondary_outcome", lambda item: item.get("timeFrame") and str(item["measure"])[-1:].isalnum())
    if item is None:
        return []
    old = item["measure"]
    item |= {"measure": f"{old} by age", "timeFrame": "9 years", "description": "Told anew in another way altogether."}
    return [news("secondary_outcomes", "changed", {"measure": old}, {"measure": item["measure"], "time_frame": "9 years"})]


def _renamed(label: str, new: str) -> None:
    """Another name for what its description tells in the same words."""
    field, _, __, name = _LISTS[label]

    def edit(draft: Draft, rng: random.Random) -> News:
        described = [str(item.get("description")) for item in _items(draft, *_LISTS[label][1:3])]
        item = _free_item(draft, rng, label, lambda item: item.get("description") and described.count(item["description"]) == 1)
        if item is None:
            return []
        old, item[name] = item[name], new
        _rename_links(draft, old, new)
        draft.spoken.append(new)
        return [news(field, "changed", {name: old}, {name: new})]

    MATERIAL[f"{label}_renamed"] = edit


_renamed("arm", "Second sequence")
_renamed("intervention", "Zolmifast")


@material
def outcome_made_secondary(draft: Draft, rng: random.Random) -> News:
    """From primary to secondary: gone from one list, new in the other."""
    module = draft.module("outcomesModule")
    item = _free_item(draft, rng, "primary_outcome", lambda _: bool(module.get("secondaryOutcomes")))
    if item is None or not draft.take(f"secondary_outcomes:{item['measure']}"):
        return []
    module["primaryOutcomes"].remove(item)
    _drop_if_empty(draft, "outcomesModule", "primaryOutcomes")
    known = any(caseless(item["measure"]) == caseless(str(other.get("measure"))) for other in module["secondaryOutcomes"])
    module["secondaryOutcomes"].insert(0, item)
    name = ANY if known else {"measure": item["measure"]}
    return [news("primary_outcomes", "removed", {"measure": item["measure"]}, None), news("secondary_outcomes", "added", None, name)]


# --- lists of words -------------------------------------------------------------------------------------------------------


def _strings(label: str, field: str, module: str, key: str, new: str, inner: str | None = None) -> None:
    """``inner``: the key under which the registry wraps each of them."""

    def spelt(item: Any) -> str:
        return str(item[inner] if inner else item)

    def wrapped(text: str) -> Any:
        return {inner: text} if inner else text

    def add(draft: Draft, rng: random.Random) -> News:
        items = _items(draft, module, key)
        if not items or any(likeness(spelt(item), new) >= UNLIKE for item in items) or not draft.take(field):
            return []
        items.insert(rng.randint(0, len(items)), wrapped(new))
        return [news(field, "added", None, new)]

    def remove(draft: Draft, rng: random.Random) -> News:
        items = _items(draft, module, key)
        texts = [caseless(spelt(item)) for item in items]
        once = [item for item, text in zip(items, texts, strict=True) if texts.count(text) == 1]
        if not once or not draft.take(field):
            return []
        item = rng.choice(once)
        items.remove(item)
        _drop_if_empty(draft, module, key)
        return [news(field, "removed", spelt(item), None)]

    MATERIAL[f"{label}_added"], MATERIAL[f"{label}_removed"] = add, remove


_strings("keyword", "keywords", "conditionsModule", "keywords", "hot-air ballooning")
_strings("condition", "conditions", "conditionsModule", "conditions", "Altitude Sickness")
_strings("collaborator", "collaborators", "sponsorCollaboratorsModule", "collaborators", "Lighthouse Trust", "name")
_strings("secondary_id", "secondary_ids", "identificationModule", "secondaryIdInfos", "2031-512345-12-00", "id")


@material
def keyword_grown_by_one_word(draft: Draft, rng: random.Random) -> News:
    keywords = _items(draft, "conditionsModule", "keywords")
    if not keywords or not draft.take("keywords"):
        return []
    place = rng.randrange(len(keywords))
    old, new = keywords[place], f"recurrent {keywords[place]}"
    if any(caseless(new) == caseless(other) for other in keywords) or keywords.count(old) > 1:
        return []
    keywords[place] = new
    return [news("keywords", "changed", old, new)]


# --- papers ---------------------------------------------------------------------------------------------------------------


@material
def publication_added(draft: Draft, rng: random.Random) -> News:
    if not draft.take("publications"):
        return []
    module = draft.protocol.setdefault("referencesModule", {})
    new = {"pmid": "99999999", "type": "RESULT", "citation": "Contact A. A lighthouse at noon. Example J. 2031;1:1-2."}
    module.setdefault("references", []).append(new)
    return [news("publications", "added", None, {"pmid": "99999999"})]


@material
def publication_removed(draft: Draft, rng: random.Random) -> News:
    papers = [paper for paper in _items(draft, "referencesModule", "references") if paper.get("pmid")]
    if not papers or not draft.take("publications"):
        return []
    paper = rng.choice(papers)
    if sum(other["pmid"] == paper["pmid"] for other in papers) > 1:
        return []
    _items(draft, "referencesModule", "references").remove(paper)
    _drop_if_empty(draft, "referencesModule", "references")
    return [news("publications", "removed", {"pmid": paper["pmid"]}, None)]


@material
def document_added(draft: Draft, rng: random.Random) -> News:
    if not draft.take("documents"):
        return []
    module = draft.study.setdefault("documentSection", {}).setdefault("largeDocumentModule", {})
    new = {"typeAbbrev": "ICF", "hasIcf": True, "label": "Leaflet for families", "date": "2031-01-02", "filename": "ICF_009.pdf"}
    module.setdefault("largeDocs", []).append(new)
    return [news("documents", "added", None, {"type": "ICF", "label": "Leaflet for families"})]


@material
def results_returned(draft: Draft, rng: random.Random) -> News:
    """Results that were submitted came back for corrections."""
    if not draft.take("results_unposted", "has_results"):
        return []
    module = draft.study.setdefault("annotationSection", {}).setdefault("annotationModule", {})
    events = module.setdefault("unpostedAnnotation", {}).setdefault("unpostedEvents", [])
    events.append({"type": "RESET", "date": "2031-02-03"})
    return [news("results_unposted", "added", None, {"type": "RESET", "date": "2031-02-03"}, "major", "untold")]
