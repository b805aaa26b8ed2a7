"""A study of the version history says what the same study of API v2 says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from registry_sync.demo import record as demo
from registry_sync.demo.as_html import as_html, html_of
from registry_sync.sources.ctgov_html import markdown
from registry_sync.sources.ctgov_record import differing, record_from
from registry_sync.sources.markup import markdown_lines, plain_text
from registry_sync.trials.criteria import parse
from registry_sync.trials.significance import judged
from tests.sources.studies import study

A = "NCT00000001"


def sent(**modules: Any) -> bytes:
    return json.dumps(study(A, **modules)).encode()


def told(html: bytes, markdown: bytes) -> list[tuple[str, Any, Any]]:
    """What is told between a version of the history and a record of API v2."""
    pair = differing(html, markdown, ("html", "markdown"))
    return [(change.field, change.before, change.after) for change in judged(*pair)] if pair else []


@pytest.mark.parametrize(
    ("html", "written"),
    [
        ("One paragraph, &lt;5 years &amp; more.\nA second sentence.", r"One paragraph, \<5 years & more. A second sentence."),
        ("<p>First.</p><p>Second<br>goes on.</p>", "First.\n\nSecond\ngoes on."),
        ("<p>Head:</p><ul><li>one<ol><li>inner</li></ol></li><li>two</li></ul><p>End.</p>", "Head:\n\n* one\n    1. inner\n* two\n\nEnd."),
        ("<h3>Head</h3><p>Text</p>", "\n### Head\n\nText"),
        ("<p>ANC <1.5 and a*b_c</p>", r"ANC \<1.5 and a\*b\_c"),
        ("* Markdown &gt; as it was\n* and not HTML", "* Markdown > as it was\n* and not HTML"),
    ],
)
def test_html_becomes_the_markdown_that_says_the_same(html: str, written: str) -> None:
    assert markdown(html) == written


def test_texts_read_the_same_in_both() -> None:
    text = "Inclusion Criteria:\n\n* Age \\>= 18\n\n  1. or 16\\*\n  2. with consent\n* ECOG <= 1\n\nExclusion Criteria:\n\n* Asthma"
    assert parse(markdown_lines(markdown(html_of(text)))) == parse(markdown_lines(text))
    assert plain_text(markdown("<p>Two things:</p><ul><li>one</li><li>two</li></ul>")) == plain_text("Two things:\n\n* one\n* two")


def test_entities_stand_in_every_text_and_in_no_record() -> None:
    html = sent(
        identificationModule={"briefTitle": "Phase 1&#x2F;2 of O&#x27;Neill&#x27;s", "secondaryIdInfos": [{"id": "AB&#x2F;1"}]},
        contactsLocationsModule={"locations": [{"facility": "&quot;A&quot; &amp; B", "city": "Aarhus"}]},
        outcomesModule={"primaryOutcomes": [{"measure": "<p>Rate</p><p>of events</p>", "timeFrame": "1&#x2F;2 year"}]},
    )
    read = record_from(html, "html")
    assert (read.brief_title, read.secondary_ids) == ("Phase 1/2 of O'Neill's", ("AB/1",))
    assert read.locations
    assert read.locations[0].facility == '"A" & B'
    assert read.primary_outcomes
    assert (read.primary_outcomes[0].measure, read.primary_outcomes[0].time_frame) == ("Rate of events", "1/2 year")


@pytest.mark.parametrize("made", [demo.the_study(), demo.a_study(A)], ids=["the demo's", "a small one"])
def test_the_demos_studies_read_the_same(made: dict[str, Any]) -> None:
    assert record_from(json.dumps(as_html(made)).encode(), "html") == record_from(json.dumps(made).encode())


@pytest.mark.parametrize(
    ("html", "written"),
    [
        ("<p>Aims:</p><ol><li>one</li><li>two</li></ol>", "Aims:\n\n3. one\n4. two"),
        ("<p>Aims:</p><ul><li>one</li></ul>", "Aims:\n\n- one"),
        ("<p>A  _very_ long   text</p>", "A \\_very\\_ long text"),
        ("<p>Aims:</p>", "Aims:\n\n*"),
    ],
)
def test_what_only_the_marking_loses_is_no_change(html: str, written: str) -> None:
    modules = {"descriptionModule": {"briefSummary": html}, "armsInterventionsModule": {"armGroups": [{"label": "X", "description": html}]}}
    other = json.loads(json.dumps(modules).replace(json.dumps(html), json.dumps(written)))
    assert told(sent(**modules), sent(**other)) == []


def test_criteria_that_fall_apart_otherwise_are_no_change() -> None:
    html = "<p>Inclusion Criteria:</p><p>Adults able to consent who live nearby</p>"
    written = "Inclusion Criteria:\n\n* Adults able to consent\n* who live nearby"
    pair = sent(eligibilityModule={"eligibilityCriteria": html}), sent(eligibilityModule={"eligibilityCriteria": written})
    assert told(*pair) == []
    assert len(record_from(pair[1]).criteria or ()) == 2


@pytest.mark.parametrize(
    ("html", "written"),
    [
        ("<p>Up to 5 doses</p>", "Up to 6 doses"),
        ("<ul><li>one</li><li>two</li></ul>", "* one\n* three"),
        ("<p>more than &lt;5</p>", "more than \\>5"),
    ],
)
def test_what_says_something_else_is_a_change(html: str, written: str) -> None:
    fields = [
        field for field, _, _ in told(sent(descriptionModule={"briefSummary": html}), sent(descriptionModule={"briefSummary": written}))
    ]
    assert fields == ["brief_summary"]


def test_a_criterion_that_changed_group_is_a_change() -> None:
    html = "<p>Inclusion Criteria:</p><ul><li>Adults</li><li>Asthma</li></ul><p>Exclusion Criteria:</p><ul><li>Gout</li></ul>"
    written = "Inclusion Criteria:\n\n* Adults\n\nExclusion Criteria:\n\n* Asthma\n* Gout"
    changes = told(sent(eligibilityModule={"eligibilityCriteria": html}), sent(eligibilityModule={"eligibilityCriteria": written}))
    assert changes == [("criteria", "Asthma", "Asthma")]
