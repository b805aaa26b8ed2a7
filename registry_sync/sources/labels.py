"""The words by which trial-finder pages name things, as data: labels, statuses, and where this trial's part ends.

A label is looked up by ``label_key``, a status by ``status_key``. To teach the program another wording, add it here.
"""

from __future__ import annotations

import re
from typing import Final

from registry_sync.sources.folding import fold

SECTION: Final = "section"
"""A label that opens a part of the page and has no value of its own."""
OTHER: Final = "other"
"""A label whose value is not kept: it ends the value before it."""
CRITERIA: Final = "criteria"
FIRST_LISTED: Final = "first_listed"
"""Who brought the trial to the registry, and the day: "Launched by NAME · DATE"."""
AGES: Final = "ages"

_WORDINGS: Final[dict[str, tuple[str, ...]]] = {
    "brief_title": ("brief title", "public title", "short title", "study title", "trial title"),
    "lead_sponsor": (
        "lead sponsor", "sponsor", "study sponsor", "trial sponsor", "sponsored by", "research sponsored by", "sponsor name",
    ),
    FIRST_LISTED: ("launched by",),
    "overall_status": (
        "status", "overall status", "recruitment status", "recruiting status", "trial status", "study status", "current status",
        "overall recruitment status",
    ),
    CRITERIA: (
        "eligibility criteria", "eligibility", "inclusion and exclusion criteria", "inclusion/exclusion criteria",
        "inclusion / exclusion criteria", "criteria", "participation criteria", "selection criteria", "key requirements",
        "key eligibility criteria", "study inclusion/exclusion criteria", "who can participate", "who can join", "who can take part",
    ),
    "sex": (
        "sex", "gender", "sex/gender", "sexes eligible for study", "sex eligible for study", "genders eligible for study", "eligible sex",
        "eligible gender",
    ),
    AGES: (
        "age", "ages", "age range", "age limits", "age group", "ages eligible for study", "eligible age", "eligible ages",
        "age requirements",
    ),
    "minimum_age": ("minimum age", "min age", "minimum age for study", "age minimum", "lower age limit"),
    "maximum_age": ("maximum age", "max age", "maximum age for study", "age maximum", "upper age limit"),
    "healthy_volunteers": (
        "healthy volunteers", "accepts healthy volunteers", "volunteers", "healthy volunteers accepted", "accepting healthy volunteers",
    ),
    "phases": ("phase", "phases", "clinical phase", "trial phase", "study phase", "development phase"),
    "enrollment": (
        "enrollment", "enrolment", "target recruitment", "total enrollment", "total enrolment", "target enrollment", "target enrolment",
        "planned enrollment", "estimated enrollment", "estimated enrolment", "anticipated enrollment", "actual enrollment",
        "actual enrolment", "number of participants", "enrollment (estimated)", "enrollment (actual)", "target sample size",
        "sample size", "participants",
    ),
    "conditions": (
        "conditions", "condition", "condition or disease", "conditions or diseases", "condition(s)", "health condition",
        "health conditions", "medical condition", "medical conditions", "conditions studied", "disease", "diseases",
        "health conditions studied", "study conditions",
    ),
    "keywords": ("keywords", "keyword", "key words"),
    "locations": (
        "locations", "location", "study locations", "trial locations", "study location", "trial location", "sites", "trial sites",
        "study sites", "where is it taking place", "study site locations", "locations and contacts", "contacts and locations",
        "location(s)",
    ),
    "start_date": (
        "start date", "study start", "study start date", "trial start", "trial start date", "actual start date", "estimated start date",
        "actual study start date", "estimated study start date", "study start (actual)", "study start (estimated)",
        "anticipated start date",
    ),
    "primary_completion_date": (
        "primary completion", "primary completion date", "estimated primary completion", "estimated primary completion date",
        "actual primary completion", "actual primary completion date", "primary completion (estimated)", "primary completion (actual)",
        "anticipated primary completion date",
    ),
    "completion_date": (
        "estimated completion", "estimated completion date", "completion date", "study completion", "study completion date",
        "trial completion", "trial completion date", "estimated study completion date", "actual study completion date",
        "actual completion date", "study completion (estimated)", "study completion (actual)", "anticipated completion",
        "anticipated completion date", "estimated study completion", "expected completion",
    ),
    "first_submit_date": (
        "first submit", "first submitted", "first submitted date", "study first submitted", "date first submitted", "first submission",
    ),
    OTHER: (
        "trial launched", "trial updated", "first posted", "last updated", "last update", "last update posted", "last update submitted",
        "last verified", "updated", "registration number", "registration date", "registration status", "identifiers", "identifier",
        "nct id", "nct number", "trial id", "study id", "other study id numbers", "secondary ids", "secondary id", "org study id",
        "protocol id", "trial identifier", "clinicaltrials.gov identifier", "study type", "study classification", "intervention model",
        "allocation", "masking", "primary purpose", "study design", "funder types", "funder type", "collaborators", "collaborator",
        "principal investigator", "investigator", "investigators", "co-investigators", "responsible party", "official title",
        "scientific title", "full title", "acronym", "treatments", "treatment", "interventions", "intervention",
        "intervention / treatment", "intervention/treatment", "drug", "study drug", "patients applied", "protocol", "contact", "contacts",
        "phone", "email", "country", "countries", "city", "facility", "state", "zip", "study population", "sampling method", "duration",
        "follow up", "screening", "recruitment period", "results", "study results", "has results", "language", "distance",
    ),
    SECTION: (
        "trial information", "clinconnect summary", "summary", "brief summary", "trial summary", "study summary", "detailed description",
        "description", "full description", "about", "about this study", "about this trial", "overview", "study overview", "timeline",
        "study timeline", "trial timeline", "key dates", "important dates", "study dates", "study record dates",
        "recruitment & eligibility", "recruitment and eligibility", "study & design", "study and design", "study details",
        "trial details", "details", "basic information", "study contact", "contact information", "central contacts",
        "arms and interventions", "arms & interventions", "study arms", "trial arms", "arms", "arm & interventions", "outcome measures",
        "outcomes", "primary outcome", "primary outcome measures", "primary outcomes", "secondary outcome", "secondary outcome measures",
        "secondary outcomes", "study objectives", "purpose", "purpose of the study", "publications", "references", "documents",
        "study documents", "news", "resources", "clinical trial resources", "additional information", "more information",
        "other information", "participation guide", "study plan", "sponsors and collaborators", "sponsor information",
        "sponsor / collaborators", "sponsors", "design details", "study design details", "trial design", "terms related to this study",
        "related conditions", "how to participate", "how to apply", "apply now", "faq", "frequently asked questions", "disclaimer",
        "share this trial", "share", "get in touch", "trial contacts", "lilly trial alerts", "details and patient eligibility",
        "trial contacts and locations", "central trial contact", "data sourced from clinicaltrials.gov",
    ),
}  # fmt: skip

LABELS: Final[dict[str, str]] = {wording: meaning for meaning, wordings in _WORDINGS.items() for wording in wordings}
"""What a label, in its key, means: a field of the record, or one of the words above."""

ELIGIBILITY_FACTS: Final = frozenset(("sex", AGES, "minimum_age", "maximum_age", "healthy_volunteers"))
"""Meanings of labels that sites put among the eligibility criteria, and whose lines are no criteria."""

PAGE_LABELS: Final = frozenset(
    (CRITERIA, FIRST_LISTED, "locations", "overall_status", "lead_sponsor", "start_date", "primary_completion_date", "completion_date",
     "first_submit_date")
)  # fmt: skip
"""Meanings of labels that are no criterion: a list that has such an item is the page itself, written as a list."""

FIELD_LABELS: Final = frozenset(LABELS.values()) - {SECTION, CRITERIA, "locations"}
"""Meanings of labels that stand beside one value: two of them in a row leave open whose value follows."""

_STATUS_WORDINGS: Final[dict[str, tuple[str, ...]]] = {
    "RECRUITING": (
        "recruiting", "now recruiting", "currently recruiting", "actively recruiting", "recruiting now", "recruiting patients",
        "recruiting participants", "open to recruitment", "open for recruitment", "open to enrollment", "open for enrollment",
        "open to enrolment", "open for enrolment", "open to accrual", "authorised recruiting", "authorized recruiting",
        "ongoing recruiting", "recruitment open", "status recruiting",
    ),
    "NOT_YET_RECRUITING": (
        "not yet recruiting", "not yet enrolling", "not yet open", "not yet open to enrollment", "not yet open for enrollment",
        "recruiting soon", "authorised recruitment pending", "authorized recruitment pending", "authorised not started",
        "ongoing recruitment pending", "not recruiting yet",
    ),
    "ACTIVE_NOT_RECRUITING": (
        "active not recruiting", "active not enrolling", "active but not recruiting", "active no longer recruiting",
        "ongoing not recruiting", "ongoing but not recruiting", "ongoing recruitment ended", "ongoing recruitment closed",
        "authorised recruitment ended", "authorised not recruiting",
    ),
    "ENROLLING_BY_INVITATION": (
        "enrolling by invitation", "enrolling by invitation only", "by invitation only", "enrollment by invitation",
    ),
    "COMPLETED": ("completed", "study completed", "trial completed"),
    "SUSPENDED": ("suspended", "temporarily halted", "recruitment suspended", "temporarily suspended"),
    "TERMINATED": ("terminated", "terminated early", "prematurely ended", "ended early", "stopped early"),
    "WITHDRAWN": ("withdrawn",),
    "UNKNOWN": ("unknown status", "status unknown", "unknown recruitment status"),
    "WITHHELD": ("withheld",),
    "AVAILABLE": ("available for expanded access",),
    "NO_LONGER_AVAILABLE": ("no longer available",),
    "TEMPORARILY_NOT_AVAILABLE": ("temporarily not available",),
    "APPROVED_FOR_MARKETING": ("approved for marketing",),
}  # fmt: skip
_STATUS_BESIDE_A_LABEL: Final[dict[str, str]] = {
    "enrolling": "RECRUITING",
    "active recruiting": "RECRUITING",
    "open": "RECRUITING",
    "unknown": "UNKNOWN",
    "available": "AVAILABLE",
    "halted": "SUSPENDED",
}
BARE_STATUSES: Final[dict[str, str]] = {wording: token for token, wordings in _STATUS_WORDINGS.items() for wording in wordings}
"""Statuses that say so without a label, by ``status_key``. "Active", "Closed" and "Ended" mean too many things to be here."""
STATUSES: Final[dict[str, str]] = BARE_STATUSES | _STATUS_BESIDE_A_LABEL
"""Statuses beside a label, by ``status_key``."""

NOT_STATED: Final = frozenset(
    (
        "", "-", "--", "—", "–", "n/a", "na", "n.a.", "none", "not reported", "not available", "not specified", "not provided",
        "not stated", "not applicable", "no data", "no data available", "unspecified", "unknown", "tbd", "to be determined",
        "none provided", "none reported", "none listed", "none specified", "none stated", "not listed", "not disclosed",
        "not yet available", "not yet reported", "no information", "no information available", "no information provided",
        "information not available", "no criteria", "no criteria provided", "no criteria listed", "no criteria available",
        "no eligibility criteria provided", "see details", "null", "undefined", "loading", "loading...", "loading…",
    )
)  # fmt: skip
"""Words for nothing, in the key of a label."""

_OTHER_TRIALS = re.compile(
    r"^(?:(?:view|see|explore|browse|find|discover|search|show)\s+)?(?:all\s+)?"
    r"(?:similar|related|other|more|recommended|nearby|associated|additional|recently (?:viewed|added)|you may also|people also)"
    r"\b.{0,60}\b(?:trials?|studies|study)\b",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"^about\s+\S", re.IGNORECASE)
_CUT_OFF = re.compile(
    r"^(?:\+\s*)?(?:(?:see|show|view|read|load|expand|display)\s+(?:all|more|full|the rest|\d+\s+more|all\s+\d+)\b.{0,40}"
    r"|\d+\s+more\b.{0,30}|and\s+\d+\s+more\b.{0,20}|more|\.\.\.|…)$",
    re.IGNORECASE,
)
_CHROME = frozenset(
    (
        "show less", "see less", "view less", "read less", "collapse", "select...", "select…", "check my eligibility",
        "check eligibility", "apply", "apply now", "copy", "share", "print", "back to top",
    )
)  # fmt: skip
_CRITERIA_HEADING = re.compile(
    r"^(?:\W*)(?:(?:key|main|major|general|study|trial|child|adult|parent|patient|participant|subject)\s+){0,2}(?:in|ex)clusion\b"
    r"|^participants? must(?: not)?\b|\b(?:in|ex)clusion criteria\b",
    re.IGNORECASE,
)
_MOST_WORDS_IN_HEADING = 12
_MOST_LETTERS_IN_LABEL = 60
_DECORATION = re.compile(r"^[\s•‣◦●▪·*–—-]+|[\s:*?]+$")
_QUOTES = str.maketrans({"\u2019": "'", "\u200b": "", "\ufeff": "", "\u00ad": ""})
_NO_LETTERS = re.compile(r"[\W_]+")
_IN_BRACKETS = re.compile(r"\s*\([^()]*\)\s*$")


def label_key(text: str) -> str:
    """How a label is looked up: lower case, without a bullet before and a colon or question mark behind; empty for a long text."""
    if len(text) > _MOST_LETTERS_IN_LABEL:
        return ""
    return fold(_DECORATION.sub("", text.translate(_QUOTES))).casefold()


def label_meaning(text: str) -> str | None:
    """What ``text`` as a whole means as a label; ``None`` when it is none."""
    return LABELS.get(label_key(text))


def status_key(text: str) -> str:
    """How a status is looked up: its letters in lower case; a remark in brackets at the end is left out."""
    bare = _IN_BRACKETS.sub("", text) or text
    return " ".join(_NO_LETTERS.sub(" ", bare.casefold()).split())


def is_stated(text: str) -> bool:
    """Does this value say anything?"""
    return fold(text).casefold().strip(" .") not in NOT_STATED and fold(text).casefold() not in NOT_STATED


def opens_other_trials(text: str) -> bool:
    """Does this short text introduce trials other than the page's own?"""
    return len(text.split()) <= _MOST_WORDS_IN_HEADING and not text.endswith(".") and _OTHER_TRIALS.match(text) is not None


def opens_about(text: str) -> bool:
    """Is this a heading such as "About the sponsor"?"""
    return len(text.split()) <= _MOST_WORDS_IN_HEADING and not text.endswith((".", ":")) and _ABOUT.match(text) is not None


def is_cut_off(text: str) -> bool:
    """Does the page say that more of a list stands elsewhere ("See 8 more")?"""
    return _CUT_OFF.match(text) is not None


def is_chrome(text: str) -> bool:
    """Is this a button of the site, and no content?"""
    return label_key(text) in _CHROME


def is_criteria_heading(text: str) -> bool:
    """Is this a heading of inclusion or exclusion criteria?"""
    return len(text.split()) <= _MOST_WORDS_IN_HEADING and _CRITERIA_HEADING.search(text) is not None
