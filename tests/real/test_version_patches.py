"""Real version steps, each read by a person beside its two texts: what the engine tells of it is what that person would tell.

A line of judgement says the group (``inc``, ``exc``) or the field, the operation (``~`` changed, ``+`` added, ``-`` removed), how much
it matters (``M`` major, ``m`` minor, ``h`` housekeeping, ``0`` untold; for criteria the same for both audiences, added and removed are
always major), and a few words by which the item is found, for a change those of before and after; ``+20`` stands for twenty items.
Each eligibility edit was read a second time without sight of this judgement or of the engine: of 217 lines ten differ, in what is a matter
of taste (a lost alternative as major or minor, a thorough rewording as one change or as two), and one was taken over.
Where the engine differs, the judgement stays and KNOWN holds what the engine says, and why: a mended engine must leave KNOWN.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from registry_sync.trials.changes import Change
from tests.real import patching
from tests.real.patching import CRITERIA, STATUS, VersionStep

Key = tuple[str, int]

ELIGIBILITY: dict[Key, str] = {
    ("NCT05180006", 2): "inc ~m neoadjuvant chemotherapy => systemic treatment / exc + history cirrhosis",
    ("NCT01441947", 10): "inc ~m HER2 negative => Receptor (HER) 2 / exc ~m FXa => Factor Xa",
    ("NCT05180006", 3): """
        inc ~m ASCO/CAP guidelines => french national / inc ~M TNBC cohort => PR≤10% / exc ~M HR+ and/or => ER≥10%
        exc - Instability to swallow / exc - glucose metabolism / exc - HbA1c / exc - Fasting plasma / exc - requiring insulin
        exc - CYP3A inhibitors""",
    ("NCT01441947", 5): "inc + post menopausal / exc + prior line / exc + fulvestrant",
    ("NCT03820063", 6): "inc ~m infiltrating breast => primairy",
    ("NCT02755272", 4): """
        inc ~h evaluable disease => Evaluable disease / inc ~m Cooperative Oncology => ECOG performance
        inc ~M birth control => Female subjects / inc +20 / inc -10
        exc ~M carboplatin/gemcitabine less => carboplatin/gemcitabine within / exc ~M autoimmune disease => considered a form / exc +27""",
    ("NCT02154529", 6): """
        inc ~M progressed on previous => not tolerated / inc ~M any number of => Group 1 of
        inc ~M without prior radiation => minimally symptomatic / inc ~M new or progressing => shortest axis
        inc ~m They must agree => Sexually active women / inc - extra CNS / inc - will be limited / inc - coexisting medical
        exc ~m History of torsades => dysfunction, torsades / exc - other than biphosphonates / exc - pregnant or lactating
        exc - contraindications to MRI / exc - without fully recovery / exc - tract disease / exc + interfere with drug""",
    ("NCT02576431", 17): """
        inc ~M 2.0 ULN => 2.5 ULN / inc - Cohort 8 / inc - C1D1 of therapy / inc - RANO criteria / inc - Imaging study
        inc - swallow capsules / exc - unstable brain""",
    ("NCT02576431", 22): """
        inc ~M to Cohort 9 => fusion identified through / inc ~m clinical benefit => clinically meaningful / inc + RECIST v1.1
        inc - organ function / inc - aspartate transaminase / inc - biliary obstruction / inc - Cockcroft-Gault / inc - Lansky
        inc - Archived tumor / exc ~h study). => study.) / exc + targeting TRK / exc + bacterial, viral / exc - 5 half-lives""",
    ("NCT04482309", 29): """
        inc ~M cohorts for patient => Part 1:The / inc + Part 2:The / inc + Cohort A / inc + Cohort B / inc + Cohort C / inc + Cohort D
        inc + Cohort E / inc + ASCO/CAP guidelines / inc + Part 1: IHC / inc + Part 2: IHC / inc - eligibility may be
        exc ~M non-small cell => For Part 2""",
    ("NCT00490139", 74): """
        inc ~M four cycles => For Designs 1 / inc ~M should start => must start / inc ~M MUGA scan => for Design 2B
        inc + definitive surgery""",
    ("NCT02221999", 3): "inc ~M HER2-negative => HER2-positive / inc - ECOG 0-2",
    ("NCT00490139", 100): "inc ~m Table 5 => of the protocol",
    ("NCT01357772", 1): """
        exc ~M exclusion of CIN => exclusion of non-melanoma / exc ~m significant VTE => venous thrombotic event
        exc ~m other SERMs => receptor modulator""",
    ("NCT02632045", 9): """
        inc ~m follicle-stimulating hormone => FSH, LH / inc ~M Scenario 1 => Closed to Accrual
        inc ~M cyclin D-cyclin-dependent => fulvestrant plus palbociclib / inc ~m such as letrozole => or exemestane
        exc ~M To clarify => prior therapies for / exc ~M radiation within 14 => required washout / exc ~M except alopecia => taxane-induced
        exc ~m uncorrected hypokalemia => uncorrected hypocalcemia / exc ~m Atrioventricular => high-grade AV / exc + Systolic Blood
        exc ~M 480 msec => 450 msec / exc ~M least one week => discontinued prior / exc + hormone replacement / exc - SERD
        exc - human fetus""",
    ("NCT06923527", 6): """
        inc ~m who are PR => with PR / inc ~M 15 years => 20 years / inc ~M six months => four weeks / inc +20 / exc +8""",
    ("NCT01357772", 6): """
        inc ~M 75 years => 18 and / inc ~M LIN 2 => DCIS / inc + ECOG / exc ~m Active proliferative => symptomatic myoma
        exc ~m severe cataract => glaucoma / exc ~M following surgery => after trauma / exc ~M last 4 weeks => (SERMs)
        exc ~m heparin or dicoumarol => Dicoumarol anticoagulant / exc ~M grade 2 function => grade ≥ 2 / exc + aromatase inhibitors
        exc + Geographic / exc + breastfeeding / exc + discretion of the""",
    ("NCT00128856", 3): """
        inc ~m 2 (ECOG) => Cooperative Oncology / inc ~m (EKG) => left ventricular / exc ~m (HT) => Hypertension not""",
    ("NCT00879086", 1): """
        inc ~m Female patients => carcinoma of the / exc ~m Prior ixabepilone => received prior ixabepilone
        exc ~m eribulin => Subjects with prior / exc ~m neuropathy Grade => with pre-existing / exc ~m Diabetes => history of diabetes
        exc ~m Bilateral mastectomy => with bilateral mastectomy""",
    ("NCT00490139", 43): """
        inc ~M T1c => micrometastases / inc ~M Table 5 => chemotherapy regimen. / inc ~m with paclitaxel => with taxanes
        inc ~M < 6.0 => ≤ 6.0 / exc ~M except hormonal => or radiotherapy / exc ~M investigational trial => Executive Committee
        exc ~M bilirubin >2.0 => Gilbert's / exc ~M Pregnant or lactating => without a negative / exc ~M <1 year => <12 months
        exc - Carcinoma in situ""",
}

STEPS: dict[Key, str] = {
    ("NCT03820063", 7): """
        overall_status ~ M M / primary_completion_date ~ m 0 / completion_date ~ m m / central_contacts -2 h 0
        locations ~51 h 0 / locations + m m""",
    ("NCT05180006", 1): "overall_status ~ M M / start_date ~ m m / locations ~ h 0",
    ("NCT05780567", 1): "overall_status ~ M M / start_date ~ m h / locations ~2 h 0 / locations + m m",
    ("NCT02546232", 4): """
        overall_status ~ M M / primary_completion_date ~ M 0 / central_contacts -2 h 0 / enrollment ~ m h / locations ~ h 0""",
    ("NCT06214793", 4): "overall_status ~ M M / why_stopped ~ M M / central_contacts - h 0 / locations ~2 h 0",
    ("NCT01441947", 10): """
        overall_status ~ M M / central_contacts - h 0 / enrollment ~ m h / arms ~ m m / keywords + h 0 / keywords - h 0
        detailed_description ~ h h / criteria ~2 m m / locations ~4 h 0 / secondary_outcomes ~ m 0""",
    ("NCT05042791", 1): "overall_status ~ M M / start_date ~ m m / locations + m m",
    ("NCT02942355", 1): "overall_status ~ M M / start_date ~ m m / locations + m m",
    ("NCT05180006", 4): """
        overall_status ~ M M / why_stopped ~ M M / primary_completion_date ~ M h / completion_date ~ m m / central_contacts - h 0
        enrollment ~ m h / locations ~ h 0""",
    ("NCT01441947", 1): "overall_status ~ M M / completion_date ~ m m / locations ~ h 0",
    ("NCT03820063", 2): "overall_status ~ M M / start_date ~ m m / locations ~41 h 0 / locations +7 m m",
    ("NCT01441947", 8): """
        overall_status ~ M M / primary_completion_date ~ M 0 / completion_date ~ m m / central_contacts + h 0 / arms + M M
        interventions ~ m m / interventions + m m / responsible_party ~ M m / locations ~4 h 0""",
    ("NCT06389006", 2): "overall_status ~ M M / start_date ~ m m / locations ~ h 0",
    ("NCT01441947", 18): """
        overall_status ~ M M / start_date ~ m h / primary_completion_date ~ M 0 / completion_date ~ m m / allocation ~ m m
        arms ~ m m / arms + M M / interventions ~2 m m / primary_outcomes ~ M 0 / secondary_outcomes ~3 m 0 / has_results ~ M M
        results_first_submit_date ~ M 0 / results_unposted -4 h 0 / documents + m m""",
    ("NCT04592484", 5): """
        overall_status ~ M M / primary_completion_date ~ M h / completion_date ~ h h / central_contacts - h 0 / enrollment ~ m h
        locations ~8 h 0""",
    ("NCT02942355", 16): "overall_status ~ M M / central_contacts - h 0 / locations ~ h 0",
    ("NCT04280536", 3): """
        overall_status ~ M M / primary_completion_date ~ M 0 / completion_date ~ m m / central_contacts - h 0 / locations ~ h 0""",
    ("NCT02755272", 1): "overall_status ~ M M / start_date ~ m m / locations ~ h 0",
    ("NCT01441947", 7): "overall_status ~ M M / central_contacts - h 0 / locations ~4 h 0",
    ("NCT02755272", 15): "overall_status ~ M M / central_contacts - h 0 / locations ~6 h 0",
    ("NCT00337649", 6): "overall_status ~ M M / central_contacts -2 h 0 / locations ~6 h 0",
    ("NCT01224678", 108): """
        overall_status ~ M M / primary_completion_date ~ M h / primary_outcomes ~ M 0 / secondary_outcomes ~3 m 0
        secondary_outcomes -2 m 0 / secondary_ids + h 0 / lead_sponsor ~ M m / responsible_party ~ M m""",
    ("NCT04756765", 10): """
        overall_status ~ M M / why_stopped ~ M M / primary_completion_date ~ M h / completion_date ~ m m / central_contacts - h 0
        enrollment ~ m h / secondary_ids + h 0 / locations ~ h 0""",
}  # fmt: skip


class Known(NamedTuple):
    """Where the engine and the judgement differ: the judgement's lines, the engine's in their place, and why."""

    judgement: str
    engine: str
    why: str


EVERYTHING = "everything"

KNOWN_ELIGIBILITY: dict[Key, list[Known]] = {
    ("NCT06923527", 6): [Known("inc +20", "inc +18", "i. and ii. inside one paragraph, and iii. in the next, are items")],
    ("NCT01357772", 6): [
        Known("exc ~M grade 2 function => grade ≥ 2", "exc - grade 2 function / exc + grade ≥ 2", "synonyms: half of the words are others"),
    ],
}

KNOWN_STEPS: dict[Key, list[Known]] = {}

OWN_DATES = {"last_update_submit_date", "last_update_post_date", "status_verified_date"}
LETTERS = {"major": "M", "minor": "m", "housekeeping": "h", "untold": "0"}
SIGNS = {"changed": "~", "added": "+", "removed": "-", "moved": ">"}


@pytest.fixture(scope="module")
def steps(shared_data: Path) -> dict[Key, VersionStep]:
    return patching.read_steps(shared_data / "history" / "version-patches.jsonl.xz")


def lines(text: str) -> list[str]:
    return [line.strip() for line in re.split(r" / |\n", text) if line.strip()]


def with_known(judgement: str, known: list[Known]) -> list[str]:
    """The judgement's lines with those of the engine in place of the ones that are known to differ."""
    left = lines(judgement)
    for difference in known:
        left.remove(difference.judgement)
        left += lines(difference.engine)
    return left


# --- the eligibility text ------------------------------------------------------------------------------------------------


class Line(NamedTuple):
    """A line of judgement on the eligibility text; ``number`` is 0 for a line of one item."""

    group: str
    operation: str
    matters: str
    number: int
    before: str
    after: str


def read_line(text: str) -> Line:
    found = re.fullmatch(r"(inc|exc) ([~+-])([Mmh]?)(\d*)(?: (.+))?", text)
    assert found, text
    group, operation, matters, number, words = found.groups(default="")
    before, _, after = words.partition(" => ") if operation == "~" else ("", "", words) if operation == "+" else (words, "", "")
    return Line({"inc": "inclusion", "exc": "exclusion"}[group], operation, matters or "M", int(number or 0), before, after)


def fits(line: Line, change: Change) -> bool:
    """Is this the change that the line means? How much it matters is looked at, too."""
    same = (line.group, line.operation, line.matters) == (change.group, SIGNS[change.operation], LETTERS[change.significance])
    sides = ((line.before, change.before), (line.after, change.after))
    return same and all(words.casefold() in " ".join((text or "").casefold().split()) for words, text in sides)


def unmatched(judged: list[str], told: tuple[Change, ...]) -> list[str]:
    """Lines without their one change, and changes without a line (by group, operation and first words)."""
    left, wrong = list(told), []
    for text in sorted(judged, key=lambda text: read_line(text).number):
        line = read_line(text)
        found = [change for change in left if fits(line, change)]
        if len(found) != (line.number or 1):
            wrong.append(f"{text}: {len(found)} changes")
        left = [change for change in left if change not in found]
    for change in left:
        first_words = " ".join((change.after or change.before).split()[:3])
        wrong.append(f"not judged: {change.group} {SIGNS[change.operation]}{LETTERS[change.significance]} {first_words}")
    return wrong


def test_every_edit_of_the_eligibility_text_is_judged(steps: dict[Key, VersionStep]) -> None:
    assert {key for key, step in steps.items() if step.of(CRITERIA)} == set(ELIGIBILITY)
    assert len(ELIGIBILITY) == 20


def test_no_more_than_three_words_of_the_registry_stand_here() -> None:
    engine = [line for known in KNOWN_ELIGIBILITY.values() for one in known if one.engine != EVERYTHING for line in lines(one.engine)]
    for text in [line for judged in ELIGIBILITY.values() for line in lines(judged)] + engine:
        line = read_line(text)
        assert max(len(line.before.split()), len(line.after.split())) <= 3, text


@pytest.mark.parametrize("key", ELIGIBILITY, ids=str)
def test_an_edit_of_the_eligibility_text_is_told_as_a_reader_would(steps: dict[Key, VersionStep], key: Key) -> None:
    told, known = patching.eligibility_changes(steps[key]), KNOWN_ELIGIBILITY.get(key, [])
    if any(difference.judgement == EVERYTHING for difference in known):
        groups = {change.group for change in told if change.operation != "removed"}
        assert groups == {None}, "the headings are read now: put what is left into KNOWN_ELIGIBILITY"
    else:
        assert unmatched(with_known(ELIGIBILITY[key], known), told) == []
    assert all(change.significance == change.reader_significance for change in told)


# --- status steps --------------------------------------------------------------------------------------------------------


def counted(judged: list[str]) -> Counter[tuple[str, str, str, str]]:
    """Field, operation, coordinator, reader: how often."""
    total: Counter[tuple[str, str, str, str]] = Counter()
    for text in judged:
        found = re.fullmatch(r"(\w+) ([~+-])(\d*) ([Mmh0]) ([Mmh0])", text)
        assert found, text
        total[found[1], found[2], found[4], found[5]] += int(found[3] or 1)
    return total


def told_of(changes: tuple[Change, ...]) -> Counter[tuple[str, str, str, str]]:
    return Counter(
        (change.field, SIGNS[change.operation], LETTERS[change.significance], LETTERS[change.reader_significance]) for change in changes
    )


def test_every_status_step_is_judged(steps: dict[Key, VersionStep]) -> None:
    assert {key for key, step in steps.items() if step.of(STATUS)} == set(STEPS)
    assert len(STEPS) == 23


@pytest.mark.parametrize("key", STEPS, ids=str)
def test_a_status_step_is_told_as_a_reader_would(steps: dict[Key, VersionStep], key: Key) -> None:
    told = told_of(patching.all_changes(steps[key]))
    own_dates = {entry: count for entry, count in told.items() if entry[0] in OWN_DATES}
    assert {(operation, coordinator, reader) for _, operation, coordinator, reader in own_dates} == {("~", "h", "0")}
    assert told - Counter(own_dates) == counted(with_known(STEPS[key], KNOWN_STEPS.get(key, [])))


@pytest.mark.parametrize("key", STEPS, ids=str)
def test_a_status_step_says_the_two_statuses(steps: dict[Key, VersionStep], key: Key) -> None:
    told = [(change.before, change.after) for change in patching.all_changes(steps[key]) if change.field == "overall_status"]
    assert told == [steps[key].of(STATUS)]


# --- all steps -----------------------------------------------------------------------------------------------------------


def test_every_step_has_its_news(steps: dict[Key, VersionStep]) -> None:
    """No version step is silent; its date is housekeeping at least."""
    assert len(steps) == 87
    assert [key for key, step in steps.items() if not patching.all_changes(step)] == []


@pytest.mark.parametrize("table", [KNOWN_ELIGIBILITY, KNOWN_STEPS], ids=["eligibility", "steps"])
def test_what_is_known_to_differ_has_its_reason(table: Mapping[Key, list[Known]]) -> None:
    assert all(difference.why and (difference.judgement != difference.engine or difference.judgement == EVERYTHING)
               for known in table.values() for difference in known)  # fmt: skip
