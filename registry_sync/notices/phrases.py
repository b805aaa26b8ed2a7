"""The registry's tokens in words: its own labels for everyone, and plain words for readers.

Tokens are those of the enumerations in the registry's API description (``Status``, ``RecruitmentStatus``, ``Phase``,
``DesignMasking``, ``ContactRole``, ...). A token that is not in the table is shown as words ("Some token"), never dropped.
"""

from __future__ import annotations

import re
from typing import Any

from registry_sync.notices.clean import as_text
from registry_sync.notices.i18n import Translator
from registry_sync.trials.record import BY_NAME, N_

ACTUAL = "ACTUAL"
_AGE = re.compile(r"([0-9]{1,4}) (year|month|week|day|hour|minute)s?", re.IGNORECASE)
ESTIMATED = frozenset({"ESTIMATED", "ANTICIPATED"})
"""ANTICIPATED is the registry's older word for the same."""

TOKENS: dict[str, str] = {
    # overall status, site status, expanded access
    "ACTIVE_NOT_RECRUITING": N_("Active, not recruiting"),
    "APPROVED_FOR_MARKETING": N_("Approved for marketing"),
    "AVAILABLE": N_("Available"),
    "COMPLETED": N_("Completed"),
    "ENROLLING_BY_INVITATION": N_("Enrolling by invitation"),
    "NOT_YET_RECRUITING": N_("Not yet recruiting"),
    "NO_LONGER_AVAILABLE": N_("No longer available"),
    "RECRUITING": N_("Recruiting"),
    "SUSPENDED": N_("Suspended"),
    "TEMPORARILY_NOT_AVAILABLE": N_("Temporarily not available"),
    "TERMINATED": N_("Terminated"),
    "UNKNOWN": N_("Unknown status"),
    "WITHDRAWN": N_("Withdrawn"),
    "WITHHELD": N_("Withheld"),
    # date and enrolment types
    "ACTUAL": N_("actual"),
    "ANTICIPATED": N_("estimated"),
    "ESTIMATED": N_("estimated"),
    # study type, phase, allocation, masking
    "EXPANDED_ACCESS": N_("Expanded access"),
    "INTERVENTIONAL": N_("Interventional"),
    "OBSERVATIONAL": N_("Observational"),
    "EARLY_PHASE1": N_("Early phase 1"),
    "NA": N_("Not applicable"),
    "PHASE1": N_("Phase 1"),
    "PHASE2": N_("Phase 2"),
    "PHASE3": N_("Phase 3"),
    "PHASE4": N_("Phase 4"),
    "NON_RANDOMIZED": N_("Non-randomised"),
    "RANDOMIZED": N_("Randomised"),
    "DOUBLE": N_("Double"),
    "NONE": N_("None (open label)"),
    "QUADRUPLE": N_("Quadruple"),
    "SINGLE": N_("Single"),
    "TRIPLE": N_("Triple"),
    # sex
    "ALL": N_("All"),
    "FEMALE": N_("Female"),
    "MALE": N_("Male"),
    # arms and interventions
    "ACTIVE_COMPARATOR": N_("Active comparator"),
    "EXPERIMENTAL": N_("Experimental"),
    "NO_INTERVENTION": N_("No intervention"),
    "OTHER": N_("Other"),
    "PLACEBO_COMPARATOR": N_("Placebo comparator"),
    "SHAM_COMPARATOR": N_("Sham comparator"),
    "BEHAVIORAL": N_("Behavioural"),
    "BIOLOGICAL": N_("Biological"),
    "COMBINATION_PRODUCT": N_("Combination product"),
    "DEVICE": N_("Device"),
    "DIAGNOSTIC_TEST": N_("Diagnostic test"),
    "DIETARY_SUPPLEMENT": N_("Dietary supplement"),
    "DRUG": N_("Drug"),
    "GENETIC": N_("Genetic"),
    "PROCEDURE": N_("Procedure"),
    "RADIATION": N_("Radiation"),
    # people
    "CONTACT": N_("Contact"),
    "PRINCIPAL_INVESTIGATOR": N_("Principal investigator"),
    "SPONSOR": N_("Sponsor"),
    "SPONSOR_INVESTIGATOR": N_("Sponsor-investigator"),
    "STUDY_CHAIR": N_("Study chair"),
    "STUDY_DIRECTOR": N_("Study director"),
    "SUB_INVESTIGATOR": N_("Sub-investigator"),
    # results, documents, publications
    "RELEASE": N_("Submitted"),
    "RESET": N_("Returned for corrections"),
    "UNRELEASE": N_("Submission withdrawn"),
    "ICF": N_("Informed consent form"),
    "Prot": N_("Study protocol"),
    "Prot_ICF": N_("Study protocol and informed consent form"),
    "Prot_SAP": N_("Study protocol and statistical analysis plan"),
    "Prot_SAP_ICF": N_("Study protocol, statistical analysis plan and informed consent form"),
    "SAP": N_("Statistical analysis plan"),
    "SAP_ICF": N_("Statistical analysis plan and informed consent form"),
    "BACKGROUND": N_("Background"),
    "DERIVED": N_("Derived"),
    "RESULT": N_("Result"),
    # what stands before and after a change of the trial itself, of a listing page, of a deadline
    "absent": N_("not in the registry"),
    "found": N_("found by a search"),
    "merged": N_("merged into another record"),
    "present": N_("in the registry"),
    "agrees": N_("agrees with the registry"),
    "agrees again": N_("agrees with the registry again"),
    "contradicts": N_("contradicts the registry"),
    "fell behind": N_("is behind the registry"),
    "gone": N_("gone"),
    "unreadable": N_("cannot be read"),
    "due soon": N_("due soon"),
    "met": N_("met"),
    "overdue": N_("overdue"),
}

PLAIN: dict[str, str] = {
    "ACTIVE_NOT_RECRUITING": N_("going on, takes no new participants"),
    "APPROVED_FOR_MARKETING": N_("approved, can be prescribed in the United States"),
    "AVAILABLE": N_("available outside a trial"),
    "COMPLETED": N_("finished"),
    "ENROLLING_BY_INVITATION": N_("takes participants by invitation only"),
    "NOT_YET_RECRUITING": N_("not looking for participants yet"),
    "NO_LONGER_AVAILABLE": N_("no longer available outside a trial"),
    "RECRUITING": N_("looking for participants"),
    "SUSPENDED": N_("paused"),
    "TEMPORARILY_NOT_AVAILABLE": N_("not available outside a trial for now"),
    "TERMINATED": N_("ended early"),
    "UNKNOWN": N_("not confirmed for two years, shown as “unknown”"),
    "WITHDRAWN": N_("called off before anyone took part"),
    "WITHHELD": N_("details not shown by the registry (“withheld”)"),
    "ACTUAL": N_("took place"),
    "ANTICIPATED": N_("planned"),
    "ESTIMATED": N_("planned"),
    "RANDOMIZED": N_("groups are decided by chance"),
    "NON_RANDOMIZED": N_("groups are not decided by chance"),
    "NONE": N_("everyone knows which treatment is given"),
    "SINGLE": N_("one party does not know which treatment is given"),
    "DOUBLE": N_("two parties do not know which treatment is given"),
    "TRIPLE": N_("three parties do not know which treatment is given"),
    "QUADRUPLE": N_("nobody directly involved knows which treatment is given"),
    "PLACEBO_COMPARATOR": N_("group that gets a placebo, a treatment without an active substance"),
    "SHAM_COMPARATOR": N_("group that gets a procedure that looks real but is not"),
    "ACTIVE_COMPARATOR": N_("group that gets a known treatment to compare with"),
    "EXPERIMENTAL": N_("group that gets what is being tested"),
    "NO_INTERVENTION": N_("group that gets no treatment from the trial"),
}
"""What a token means, where its label alone would not tell a reader."""

READER_TOKENS: dict[str, str] = {
    "due soon": N_("expected soon"),
    "met": N_("received"),
    "overdue": N_("still expected"),
}
"""Labels that readers get instead: what a trial team owes the registry is not theirs to judge."""

READER_LABELS: dict[str, str] = {
    "overall_status": N_("What the trial is doing"),
    "why_stopped": N_("Reason given by the trial team"),
    "last_known_status": N_("What the trial was last known to be doing"),
    "expanded_access": N_("Use outside a trial (expanded access)"),
    "start_date": N_("Start of the trial"),
    "primary_completion_date": N_("Last visit for the main question"),
    "completion_date": N_("Last visit of the trial"),
    "criteria": N_("Rules on who may take part"),
    "minimum_age": N_("Lowest age"),
    "maximum_age": N_("Highest age"),
    "healthy_volunteers": N_("Healthy people may take part"),
    "study_population": N_("Who is studied"),
    "overall_officials": N_("People responsible for the trial"),
    "enrollment": N_("Number of participants"),
    "phases": N_("Stage of testing (phase)"),
    "allocation": N_("How people are placed in groups"),
    "masking": N_("Who knows which treatment is given (masking)"),
    "primary_outcomes": N_("Main things that the trial measures"),
    "secondary_outcomes": N_("Other things that the trial measures"),
    "has_results": N_("Results shown by the registry"),
    "lead_sponsor": N_("Who runs the trial (sponsor)"),
    "responsible_party": N_("Who answers for the registry entry"),
    "brief_title": N_("Short title"),
    "brief_summary": N_("Short description"),
    "status_verified_date": N_("Entry last confirmed by the trial team"),
}
"""Field labels for readers; a field without one keeps the label of the table of fields."""

OTHER_LABELS: dict[str, str] = {
    "registry": N_("Registry record"),
    "listing": N_("Listing page"),
    "deadlines": N_("Deadline"),
}
"""Labels for the topics that are about the trial as a whole, by topic."""


def token(value: Any, t: Translator) -> str:
    """A token's label; words made of the token itself when the table has none."""
    if not isinstance(value, str):
        return as_text(value)
    known = value if value in TOKENS else value.replace("_", " ")
    return t.gettext(TOKENS[known]) if known in TOKENS else _as_words(value)


def plain(value: Any, t: Translator) -> str:
    """A token's label and what it means: "Active, not recruiting (going on, takes no new participants)"."""
    if not isinstance(value, str):
        return as_text(value)
    label = t.gettext(READER_TOKENS[value]) if value in READER_TOKENS else token(value, t)
    meaning = PLAIN.get(value)
    return f"{label} ({t.gettext(meaning)})" if meaning else label


def date_type(value: Any, t: Translator) -> str:
    """How sure a date is, for readers; empty when the registry does not say."""
    meaning = PLAIN.get(value) if isinstance(value, str) and (value in ESTIMATED or value == ACTUAL) else None
    return t.gettext(meaning) if meaning else ""


def age(value: Any, t: Translator) -> str:
    """An age as the registry gives it ("18 Years", "30 Weeks", "1 Day") in the reader's language."""
    shape = _AGE.fullmatch(as_text(value))
    if shape is None:
        return as_text(value)
    n, unit = int(shape[1]), shape[2].casefold()
    words = {
        "year": t.ngettext("{n} year", "{n} years", n),
        "month": t.ngettext("{n} month", "{n} months", n),
        "week": t.ngettext("{n} week", "{n} weeks", n),
        "day": t.ngettext("{n} day", "{n} days", n),
        "hour": t.ngettext("{n} hour", "{n} hours", n),
        "minute": t.ngettext("{n} minute", "{n} minutes", n),
    }
    return words[unit].format(n=n)


def label(field: str, topic: str, t: Translator) -> str:
    """A field's name for people, in the registry's terms."""
    if field in BY_NAME:
        return t.gettext(BY_NAME[field].label)
    if topic in OTHER_LABELS:
        return t.gettext(OTHER_LABELS[topic])
    return _as_words(field)


def reader_label(field: str, topic: str, t: Translator) -> str:
    """A field's name for people who do not know the registry's terms."""
    return t.gettext(READER_LABELS[field]) if field in READER_LABELS else label(field, topic, t)


def _as_words(name: str) -> str:
    words = as_text(name.replace("_", " ")).strip()
    return words[:1].upper() + words[1:].lower() if words.isupper() or words.islower() else words or "?"
