"""Which law binds a trial's responsible party, as far as its record shows it. Advice on the record, no legal advice.

``us``: an applicable clinical trial under 42 CFR 11.22(b), read from the elements by which ClinicalTrials.gov itself shows one.
``eu``: a trial under Regulation (EU) 536/2014, shown by the number that CTIS gives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from registry_sync.trials.countries import country_key
from registry_sync.trials.dates import first_day, last_day
from registry_sync.trials.record import Record

Law = Literal["us", "eu"]
Bound = Literal["applies", "not shown", "cannot tell"]

LAWS: tuple[Law, ...] = Law.__args__  # type: ignore[attr-defined]
FINAL_RULE = "2017-01-18"
"""42 CFR part 11 binds in full what began on this day or later; of earlier trials less is owed (11.64(a)(1))."""

_STATUTE = "2007-12-26"
"""Section 801 of the FDAAA binds what was still going on that day (42 U.S.C. 282(j)(2)(C))."""

_US = frozenset({
    "united states", "puerto rico", "guam", "american samoa", "northern mariana islands", "u.s. virgin islands", "virgin islands (u.s.)",
})  # fmt: skip
"""The States and the territories (42 CFR 11.10, "State")."""
_EEA = frozenset({
    "austria", "belgium", "bulgaria", "croatia", "cyprus", "czechia", "denmark", "estonia", "finland", "france", "germany", "greece",
    "hungary", "iceland", "ireland", "italy", "latvia", "liechtenstein", "lithuania", "luxembourg", "malta", "netherlands", "norway",
    "poland", "portugal", "romania", "slovakia", "slovenia", "spain", "sweden",
})  # fmt: skip
_MEDICINES = frozenset({"DRUG", "BIOLOGICAL", "GENETIC", "COMBINATION_PRODUCT"})
_PHASE_1 = frozenset({"EARLY_PHASE1", "PHASE1"})
_EU_NUMBER = re.compile(r"(?<!\d)20\d\d-5\d{5}-\d\d(?:-\d\d)?(?!\d)")


class Oversight(msgspec.Struct, frozen=True):
    """What the registry's entry says of who regulates the trial; ``None``: it does not say.

    Data elements: Studies a U.S. FDA-regulated Drug Product, ... Device Product, Product Manufactured in and Exported from the U.S.,
    Primary Purpose (for feasibility studies of devices).
    """

    fda_drug: bool | None = None
    fda_device: bool | None = None
    us_export: bool | None = None
    primary_purpose: str | None = None


class Standing(msgspec.Struct, frozen=True):
    """Whether a law binds, and by what that is shown: a key of the table of wordings, and what goes into it."""

    bound: Bound
    reason: str
    shown: str = ""


Answers = Mapping[Law, bool]
"""What a coordinator has said of a trial: this law binds it, or does not."""


def standing(law: Law, record: Record, oversight: Oversight, answers: Answers) -> Standing:
    """How a law stands to a trial; the coordinator's word counts more than what the record shows."""
    if law in answers:
        return Standing("applies" if answers[law] else "not shown", "said")
    return _us(record, oversight) if law == "us" else _eu(record)


def member_state(name: str) -> str | None:
    """A State of the EU or EEA by any of its English names, as the registry spells it; ``None`` for what is none."""
    key = country_key(name)
    return key.title() if key in _EEA else None


def began_before_the_final_rule(record: Record) -> bool | None:
    """Did the trial start before 18 January 2017? ``None``: the record does not tell."""
    start = first_day(record.start_date.date if record.start_date else None)
    return start.isoformat() < FINAL_RULE if start else None


def _us(record: Record, oversight: Oversight) -> Standing:
    """42 CFR 11.22(b): interventional, of a product that the FDA regulates, beyond phase 1 or feasibility, with a tie to the US."""
    if record.study_type is None:
        return Standing("cannot tell", "no study type")
    if record.study_type != "INTERVENTIONAL":
        return Standing("not shown", "not interventional", record.study_type)
    completed = last_day(record.primary_completion_date.date if record.primary_completion_date else None)
    if completed is not None and completed.isoformat() < _STATUTE:
        return Standing("not shown", "before the statute", completed.isoformat())
    drug, device = oversight.fda_drug, oversight.fda_device
    if record.phases and _PHASE_1.issuperset(record.phases) and not device:
        drug = device = False
        only_because = Standing("not shown", "phase 1", "/".join(record.phases))
    elif device and not drug and oversight.primary_purpose == "DEVICE_FEASIBILITY":
        device = False
        only_because = Standing("not shown", "feasibility")
    else:
        only_because = Standing("not shown", "not regulated")
    if not drug and not device:
        return only_because if drug is False and device is False else Standing("cannot tell", "not stated")
    there = sorted({site.country for site in record.locations or () if site.country and country_key(site.country) in _US})
    if there:
        return Standing("applies", "site in the US", there[0] if len(there) == 1 else ", ".join(there))
    if oversight.us_export:
        return Standing("applies", "exported")
    return Standing("cannot tell", "no site in the US")  # an IND or IDE is not public


def _eu(record: Record) -> Standing:
    """A number of CTIS shows it; a medicine with sites in the EU or EEA may be registered there without saying so here."""
    for number in record.secondary_ids or ():
        found = _EU_NUMBER.search(number)
        if found:
            return Standing("applies", "EU CT number", found[0])
    medicine = any(each.type in _MEDICINES for each in record.interventions or ())
    if record.study_type == "INTERVENTIONAL" and medicine and any(country_key(site.country) in _EEA for site in record.locations or ()):
        return Standing("cannot tell", "medicine in the EU")
    return Standing("not shown", "no EU CT number")
