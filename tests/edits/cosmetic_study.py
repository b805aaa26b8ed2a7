"""Ways to send the same study otherwise: order of keys and lists, what the registry derives, spelling of blanks and quotes."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from tests.edits.kinds import COSMETIC, Draft, cosmetic, shuffled

# --- order -----------------------------------------------------------------------------------------------------------------


def _reorder(name: str, module: str, key: str) -> None:
    def edit(draft: Draft, rng: random.Random) -> bool:
        items = draft.module(module).get(key) or []
        before = list(items)
        items[:] = shuffled(items, rng)
        return bool(items != before)

    COSMETIC[f"{name}_reordered"] = edit


for _name, _module, _key in (
    ("locations", "contactsLocationsModule", "locations"),
    ("central_contacts", "contactsLocationsModule", "centralContacts"),
    ("officials", "contactsLocationsModule", "overallOfficials"),
    ("primary_outcomes", "outcomesModule", "primaryOutcomes"),
    ("secondary_outcomes", "outcomesModule", "secondaryOutcomes"),
    ("arms", "armsInterventionsModule", "armGroups"),
    ("interventions", "armsInterventionsModule", "interventions"),
    ("keywords", "conditionsModule", "keywords"),
    ("conditions", "conditionsModule", "conditions"),
    ("collaborators", "sponsorCollaboratorsModule", "collaborators"),
    ("secondary_ids", "identificationModule", "secondaryIdInfos"),
    ("publications", "referencesModule", "references"),
    ("phases", "designModule", "phases"),
):
    _reorder(_name, _module, _key)


@cosmetic
def contacts_of_a_site_reordered(draft: Draft, rng: random.Random) -> bool:
    done = False
    for site in draft.module("contactsLocationsModule").get("locations") or []:
        before = list(site.get("contacts") or [])
        if len(before) > 1:
            site["contacts"] = shuffled(before, rng)
            done = done or site["contacts"] != before
    return done


@cosmetic
def keys_reordered(draft: Draft, rng: random.Random) -> bool:
    draft.study = _keys_shuffled(draft.study, rng)
    return True


def _keys_shuffled(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict):
        return {name: _keys_shuffled(value[name], rng) for name in shuffled(list(value), rng)}
    return [_keys_shuffled(inner, rng) for inner in value] if isinstance(value, list) else value


# --- what the registry adds, derives or leaves out ----------------------------------------------------------------------------


@cosmetic
def release_stamped(draft: Draft, _: random.Random) -> bool:
    draft.study.setdefault("derivedSection", {}).setdefault("miscInfoModule", {})["versionHolder"] = "2031-02-03"
    return True


@cosmetic
def derived_section_gone(draft: Draft, _: random.Random) -> bool:
    return draft.study.pop("derivedSection", None) is not None


@cosmetic
def derived_terms_changed(draft: Draft, _: random.Random) -> bool:
    derived = draft.study.setdefault("derivedSection", {})
    derived["conditionBrowseModule"] = {"meshes": [{"id": "D000000", "term": "Anything"}]}
    return True


@cosmetic
def geo_points_moved(draft: Draft, _: random.Random) -> bool:
    sites = draft.module("contactsLocationsModule").get("locations") or []
    for site in sites:
        site["geoPoint"] = {"lat": 12.5, "lon": -7.25}
    return bool(sites)


@cosmetic
def geo_points_gone(draft: Draft, _: random.Random) -> bool:
    return any(site.pop("geoPoint", None) for site in draft.module("contactsLocationsModule").get("locations") or [])


@cosmetic
def no_expanded_access_left_unsaid(draft: Draft, _: random.Random) -> bool:
    module = draft.module("statusModule")
    return module.get("expandedAccessInfo") == {"hasExpandedAccess": False} and bool(module.pop("expandedAccessInfo"))


@cosmetic
def unknown_keys_added(draft: Draft, _: random.Random) -> bool:
    draft.study["newSection"] = {"a": [1, 2.5, None]}
    draft.protocol["newModule"] = {"text": "new"}
    for site in draft.module("contactsLocationsModule").get("locations") or []:
        site["newKey"] = True
    return True


@cosmetic
def empty_lists_instead_of_none(draft: Draft, _: random.Random) -> bool:
    lists = (("conditionsModule", "keywords"), ("outcomesModule", "otherOutcomes"), ("contactsLocationsModule", "overallOfficials"))
    missing = [(module, key) for module, key in lists if module in draft.protocol and key not in draft.protocol[module]]
    for module, key in missing:
        draft.protocol[module][key] = []
    return bool(missing)


@cosmetic
def nulls_instead_of_none(draft: Draft, _: random.Random) -> bool:
    keys = (("statusModule", "whyStopped"), ("identificationModule", "acronym"), ("eligibilityModule", "maximumAge"))
    missing = [(module, key) for module, key in keys if module in draft.protocol and key not in draft.protocol[module]]
    for module, key in missing:
        draft.protocol[module][key] = None
    return bool(missing)


# --- spelling of texts ---------------------------------------------------------------------------------------------------------

_TEXTS = frozenset(
    "briefTitle officialTitle briefSummary detailedDescription measure timeFrame description label facility city name whyStopped "
    "studyPopulation affiliation citation".split()
)


def _respell(kind: str, spell: Callable[[str], str], only: frozenset[str] = _TEXTS) -> None:
    """Every text of the study, spelled otherwise."""

    def edit(draft: Draft, _: random.Random) -> bool:
        return any(_respelt(module, spell, only) for module in draft.protocol.values())

    COSMETIC[kind] = edit


def _respelt(value: Any, spell: Callable[[str], str], only: frozenset[str]) -> bool:
    done = False
    if isinstance(value, list):
        return any(_respelt(inner, spell, only) for inner in value)
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str) and name in only:
                value[name] = spell(inner)
                done = done or value[name] != inner
            else:
                done = _respelt(inner, spell, only) or done
    return done


_MARKUP = frozenset("briefSummary detailedDescription studyPopulation".split())

_respell("texts_decomposed", lambda text: unicodedata.normalize("NFD", text))
_respell("texts_with_double_blanks", lambda text: re.sub(r"(?<=[a-z]) (?=[a-z])", "  ", text) + " ")
_respell("texts_with_non_breaking_spaces", lambda text: re.sub(r"(?<=[a-z]) (?=[a-z])", "\u00a0", text))
_respell("texts_with_curly_quotes", lambda text: re.sub(r"(?<=\w)'(?=\w)", "\u2019", text))
_respell("texts_with_long_dashes", lambda text: re.sub(r"(?<=\w)-(?=\w)", "\u2013", text))
_respell("texts_with_entities", lambda text: re.sub(r"(?<= )&(?= )", "&amp;", re.sub(r"(?<=\w)'(?=\w)", "&#39;", text)))
_respell("prose_with_other_line_ends", lambda text: text.replace("\n", "\r\n"), _MARKUP)
_respell("prose_with_escapes", lambda text: re.sub(r"(?<=\w)([()%/])|(?<= )([(])(?=\w)", lambda found: f"\\{found[0]}", text), _MARKUP)
_respell("prose_without_escapes", lambda text: re.sub(r"\\(?=[<>])", "", text), _MARKUP)
_respell("prose_with_entities", lambda text: re.sub(r"\\[<>]", lambda found: {"<": "&lt;", ">": "&gt;"}[found[0][1]], text), _MARKUP)
