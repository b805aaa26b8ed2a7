"""The generator of labelled edits on small studies, and its judge: an edit untold, and a telling without an edit, are both seen."""

from __future__ import annotations

import msgspec
import pytest

from registry_sync.demo.record import Study, a_study, the_study
from registry_sync.trials.changes import Change
from tests.edits.__main__ import described
from tests.edits.known import KNOWN
from tests.edits.outline import outline
from tests.edits.run import COSMETIC, MATERIAL, Outcome, cases, run
from tests.edits.telling import Telling, WordsOf, agrees, judge, told

NESTED = """Inclusion Criteria:

1. Adults with a dry mouth for at least 3 months
2. Adequate function of organs:

   * Haemoglobin ≥ 9.0 g/dL without transfusion
   * Creatinine \\<= 1.5 x the upper limit of normal
   * Liver:

     * ALT \\< 3 x the upper limit of normal, and AST of the same
     * Bilirubin within 2 mg of the day before
3. Able to consent in writing, or has a guardian who may consent

Exclusion Criteria:

* Pregnancy
* Smoking
* Another trial within 30 days (of any drug or device)"""


def nested_study() -> Study:
    study = a_study("NCT00000002", places=(("Copenhagen", "Denmark"), ("Oslo", "Norway"), ("Bergen", "Norway")))
    study["protocolSection"]["eligibilityModule"]["eligibilityCriteria"] = NESTED
    return study


@pytest.fixture(scope="module")
def studies() -> list[Study]:
    return [the_study(), nested_study(), a_study("NCT00000003", status="NOT_YET_RECRUITING")]


@pytest.fixture(scope="module")
def outcomes(studies: list[Study]) -> list[Outcome]:
    return [run(case) for case in cases(studies, 5, 400)]


def a_change(**more: object) -> Change:
    change = Change(field="criteria", topic="criteria", operation="changed", before="Age ≥ 18", after="Age ≥ 21", group="inclusion")
    return msgspec.structs.replace(change, **more)


def test_there_are_many_kinds_of_edits_that_matter_and_of_those_that_do_not() -> None:
    assert len(MATERIAL) >= 20
    assert len(COSMETIC) >= 20
    assert not MATERIAL.keys() & COSMETIC.keys()
    assert KNOWN.keys() <= MATERIAL.keys() | COSMETIC.keys() | {"amendment", "rewritten"}


def test_edits_of_small_studies_are_told_and_nothing_besides(outcomes: list[Outcome]) -> None:
    failed = [one for one in outcomes if not one.verdict.holds and KNOWN.keys().isdisjoint((one.case.label, *one.case.kinds))]
    assert not failed, "\n".join(map(described, failed[:5]))
    assert len(outcomes) > 200


def test_an_edit_that_is_not_told_is_seen(outcomes: list[Outcome]) -> None:
    held = [one for one in outcomes if one.verdict.holds and one.changes]
    assert held
    for outcome in held:
        assert not judge(outcome.case.expected, outcome.changes[1:]).holds


def test_a_telling_without_an_edit_is_seen(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        besides = a_change(before="Nobody wrote this", after=None, operation="removed")
        assert besides in judge(outcome.case.expected, (*outcome.changes, besides)).besides


def test_the_same_seed_gives_the_same_edits(studies: list[Study]) -> None:
    first, second = list(cases(studies, 11, 60)), list(cases(studies, 11, 60))
    assert first == second
    assert first != list(cases(studies, 12, 60))


def test_no_edit_touches_the_study_that_it_began_with(studies: list[Study]) -> None:
    before = msgspec.json.encode(studies)
    list(cases(studies, 13, 120))
    assert msgspec.json.encode(studies) == before


def test_one_kind_can_be_asked_for(studies: list[Study]) -> None:
    assert {case.label for case in cases(studies, 1, 10, "number_changed")} == {"number_changed"}
    assert all(len(case.kinds) > 1 for case in cases(studies, 1, 10, "rewritten"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"field": "keywords"},
        {"operation": "removed"},
        {"group": "exclusion"},
        {"before": "Age ≥ 17"},
        {"after": "Age ≥ 20"},
        {"after": None},
        {"significance": "minor"},
    ],
)
def test_a_telling_with_the_wrong_field_operation_group_words_or_weight_does_not_count(wrong: dict[str, object]) -> None:
    expected = [told(Telling("criteria", "changed", "Age ≥ 18", "Age ≥ 21.", "inclusion", "major"))]
    right = a_change(significance="major")
    assert judge(expected, [right]).holds
    verdict = judge(expected, [msgspec.structs.replace(right, **wrong)])
    assert len(verdict.missing) == len(verdict.besides) == 1


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (r"ALT \> 3", "ALT > 3"),
        ("ALT &amp;gt; 3", "ALT > 3"),
        ("Sjögren\u2019s", "Sjo\u0308gren's"),
        ("a\n   b;", "a b"),
        (r"A\_1 **b**", "A1 b"),
    ],
)
def test_two_spellings_that_read_the_same_agree(one: str, two: str) -> None:
    assert agrees(one, two)
    assert not agrees(one, f"{two} or more")


def test_a_number_a_sign_and_a_capital_letter_do_not_agree_with_others() -> None:
    assert not agrees("Age > 18", "Age >= 18")
    assert not agrees("Age 1.5", "Age 15")
    assert not agrees("adults", "Adults")
    assert agrees(WordsOf(("One thing.", "Another")), "One thing; Another.")


def test_an_outline_gives_back_the_text_and_knows_what_stands_below_what() -> None:
    lines = outline(NESTED)
    assert lines.render() == NESTED
    liver = next(place for place, row in enumerate(lines.rows) if row.text == "Liver:")
    below = [row.text for row in lines.rows[liver + 1 : lines.block(liver)] if not row.blank]
    assert [text.split()[0] for text in below] == ["ALT", "Bilirubin"]
    assert lines.depth(liver) == 1
    assert [lines.rows[place].text.split()[0] for place in lines.siblings(liver)] == ["Haemoglobin", "Creatinine", "Liver:"]
    assert (lines.group(liver), lines.group(len(lines.rows) - 1)) == ("inclusion", "exclusion")


def test_an_outline_leaves_alone_what_may_be_read_in_two_ways() -> None:
    items = (r"* 1\. Age 18 or more", "* Adults 1. with a cough 2. with a fever", "* Adults", "* Adults", "* Meets no exclusion criterion")
    assert outline("Inclusion Criteria:\n\n" + "\n".join(items)).editable() == []
