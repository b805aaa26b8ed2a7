"""The reader's sentences for everything but the overall status: tables, to be read and argued with."""

from __future__ import annotations

from typing import NamedTuple

from registry_sync.notices.reader_status import Words
from registry_sync.trials.record import N_

CRITERIA_FIELDS = frozenset({"criteria", "sex", "minimum_age", "maximum_age", "healthy_volunteers", "study_population"})

_TEAM = N_("Only the study team can say what it means for one person.")
_BELOW = N_("The old and the new text stand below.")
_NOT_WHO = N_("This is about how the trial is done, not about who may take part.")
_DOCTOR = N_("Whether this is an option for one person is for a doctor to say.")


class DateWords(NamedTuple):
    """The sentences for one date: with ``{before}``, ``{after}`` and ``{distance}``."""

    plan_subject: str
    fact_subject: str
    moved: str
    stated: str
    fact: str


DATES: dict[str, DateWords] = {
    "start_date": DateWords(
        N_("New expected start date ({trial})"),
        N_("The start date is given for a trial you follow ({trial})"),
        N_("the expected start moved from {before} to {after}, {distance}."),
        N_("the expected start is {after}."),
        N_("the start of the trial is given as {after}."),
    ),
    "primary_completion_date": DateWords(
        N_("New expected date for the main question of a trial ({trial})"),
        N_("A date is given for the main question of a trial you follow ({trial})"),
        N_("the expected last visit for the main question moved from {before} to {after}, {distance}."),
        N_("the expected last visit for the main question is {after}."),
        N_("the last visit for the main question is given as {after}."),
    ),
    "completion_date": DateWords(
        N_("New expected end date ({trial})"),
        N_("The end date is given for a trial you follow ({trial})"),
        N_("the expected last visit moved from {before} to {after}, {distance}."),
        N_("the expected last visit is {after}."),
        N_("the last visit is given as {after}."),
    ),
}

_GROUPS = Words(
    N_("The groups in a trial you follow have changed ({trial})"), N_("the groups that participants are placed in have changed."), (_TEAM,),
)  # fmt: skip
_TESTED = Words(
    N_("What is tested or given has changed in a trial you follow ({trial})"),
    N_("the list of what is tested or given has changed."),
    (_TEAM,),
)
_MEASURED = Words(
    N_("What is measured has changed in a trial you follow ({trial})"), N_("the list of what the trial measures has changed."), (_NOT_WHO,),
)  # fmt: skip
_DESIGN = Words(
    N_("The design of a trial you follow has changed ({trial})"), N_("the entry on how the trial is set up has changed."), (_BELOW, _TEAM),
)  # fmt: skip
_PAPERS = Words(
    N_("The list of papers has changed for a trial you follow ({trial})"),
    N_("the list of papers and documents for this trial has changed."),
    (N_("They are written for specialists."),),
)
_RESULTS = Words(
    N_("News about the results of a trial you follow ({trial})"),
    N_("the entry about sending in results has changed."),
    (N_("This step alone shows no results."),),
)
_DESCRIPTION = Words(
    N_("The description of a trial you follow has changed ({trial})"),
    N_("the text that describes the trial has changed."),
    (N_("New words do not have to mean a change in the trial itself."),),
)
_RUNS = Words(
    N_("Who runs a trial you follow has changed ({trial})"),
    N_("the entry on who runs the trial has changed."),
    (N_("The registry does not say here what this means for participants."),),
)

FIELDS: dict[str, Words] = {
    "arms": _GROUPS,
    "interventions": _TESTED,
    "primary_outcomes": _MEASURED,
    "secondary_outcomes": _MEASURED,
    "other_outcomes": _MEASURED,
    "study_type": _DESIGN,
    "phases": _DESIGN,
    "allocation": _DESIGN,
    "masking": _DESIGN,
    "documents": _PAPERS,
    "publications": _PAPERS,
    "lead_sponsor": _RUNS,
    "responsible_party": _RUNS,
    "collaborators": _RUNS,
    "overall_officials": Words(
        N_("The people responsible for a trial you follow have changed ({trial})"),
        N_("the people responsible for the trial have changed."),
        (N_("This is about the trial team, not about who may take part."),),
    ),
    "central_contacts": Words(
        N_("The contact for a trial you follow has changed ({trial})"),
        N_("the contact for this trial has changed."),
        (N_("What is listed now stands below."),),
    ),
    "last_known_status": Words(
        N_("News about a trial you follow ({trial})"),
        N_("the entry on what the trial was last known to be doing has changed."),
        (N_("This alone does not tell what the trial is doing."),),
    ),
    # by topic, where no field above is meant
    "results": _RESULTS,
    "identity": _DESCRIPTION,
    "housekeeping": Words(
        N_("The registry has new dates of its own for a trial you follow ({trial})"),
        N_("dates of the entry itself have changed."),
        (N_("This says nothing about the trial itself."),),
    ),
    "deadlines": Words(
        N_("News about the registry entry of a trial you follow ({trial})"),
        N_("there is a note on the upkeep of this entry."),
        (N_("It says nothing about how the trial goes."),),
    ),
}

GENERIC = Words(N_("News about a trial you follow ({trial})"), N_("the entry has changed here: {label}."), (_BELOW,))

EXPANDED: dict[str, Words] = {
    "AVAILABLE": Words(
        N_("Expanded access is available beside a trial you follow ({trial})"),
        N_("expanded access is available: under conditions, a doctor can ask for what is tested, outside the trial."),
        (_DOCTOR,),
    ),
    "NO_LONGER_AVAILABLE": Words(
        N_("Expanded access is no longer available beside a trial you follow ({trial})"),
        N_("expanded access, the use outside the trial, is no longer available."),
        (N_("This step alone says nothing about the trial itself."),),
    ),
    "TEMPORARILY_NOT_AVAILABLE": Words(
        N_("Expanded access is not available for now beside a trial you follow ({trial})"),
        N_("expanded access, the use outside the trial, is not available for now and may come back."),
        (N_("This step alone says nothing about the trial itself."),),
    ),
    "APPROVED_FOR_MARKETING": Words(
        N_("What was given beside a trial you follow is approved ({trial})"),
        N_("what was given through expanded access is approved and can be prescribed in the United States."),
        (_DOCTOR,),
    ),
    "": Words(
        N_("The entry on expanded access has changed for a trial you follow ({trial})"),
        N_("the entry on expanded access, the use outside the trial, has changed."),
        (_DOCTOR,),
    ),
}
"""By the status of the expanded access record."""

REGISTRY: dict[str, Words] = {
    "found": Words(
        N_("A search watched for you found a trial ({trial})"),
        N_("a search that is watched for you now finds this trial."),
        (N_("The trial may have been in the registry for some time."),),
    ),
    "absent": Words(
        N_("A trial you follow is not in the registry any more ({trial})"),
        N_("the entry of this trial is not there any more."),
        (N_("This alone does not tell whether the trial itself goes on."),),
    ),
    "present": Words(
        N_("A trial you follow is in the registry again ({trial})"),
        N_("the entry of this trial is there again."),
        (N_("What it says now stands there."),),
    ),
    "merged": Words(
        N_("A trial you follow now stands under another number ({trial})"),
        N_("the entry of this trial is now part of another entry."),
        (N_("This is about the registry, not about the trial itself."),),
    ),
    "": GENERIC._replace(says=N_("the entry as a whole has changed.")),
}
"""By what has become of the record."""

_REGISTRY_COUNTS = N_("What the trial team tells the registry counts; pages of others can lag.")

LISTING: dict[str, Words] = {
    "agrees again": Words(
        N_("A web page about a trial you follow agrees with the registry again ({trial})"),
        N_("the page and the registry say the same again."),
        (_REGISTRY_COUNTS,),
    ),
    "fell behind": Words(
        N_("A web page about a trial you follow is older than the registry ({trial})"),
        N_("the page still shows what the registry showed before."),
        (_REGISTRY_COUNTS,),
    ),
    "contradicts": Words(
        N_("A web page about a trial you follow differs from the registry ({trial})"),
        N_("the page and the registry do not say the same."),
        (_REGISTRY_COUNTS,),
    ),
    "": Words(
        N_("News about a web page on a trial you follow ({trial})"),
        N_("the page could not be compared with the registry."),
        (N_("This says nothing about the trial itself."),),
    ),
}
"""By the state of the listing page; the empty key for unreadable, gone, and what is not known."""
