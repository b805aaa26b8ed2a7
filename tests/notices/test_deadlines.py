"""What is owed, in a coordinator's language."""

from __future__ import annotations

import re
from typing import Any

import pytest

from registry_sync.notices import duties as words
from registry_sync.notices.i18n import translator
from registry_sync.notices.wording import summary
from registry_sync.trials.changes import Change
from registry_sync.trials.deadlines import RULES

DANISH = translator("da")


@pytest.mark.parametrize(
    ("source", "cited"),
    [
        ("Regulation (EU) 536/2014, Article 36(2)", "Forordning (EU) 536/2014, artikel 36(2)"),
        ("Regulation (EU) 536/2014, Article 37(5) or 38(1)", "Forordning (EU) 536/2014, artikel 37(5) eller 38(1)"),
        ("Regulation (EU) 536/2014, Article 37(1) to (3)", "Forordning (EU) 536/2014, artikel 37(1) til (3)"),
        ("ClinicalTrials.gov: the status Unknown", "ClinicalTrials.gov: statussen Unknown"),
        ("42 CFR 11.44(a)", "42 CFR 11.44(a)"),
    ],
)
def test_a_source_is_cited_in_danish(source: str, cited: str) -> None:
    assert words.cited(source, DANISH) == cited
    assert words.cited(source, translator("en")) == source


def test_no_source_that_has_a_day_keeps_english_words_in_danish() -> None:
    for rule in RULES:
        if rule.law != "registry" or rule.name == "unknown":
            assert not re.search(r"\b(or|to|and|the|status|Article)\b", words.cited(rule.source, DANISH)), rule.source


def test_the_end_by_a_halt_of_two_years_is_told_with_its_day() -> None:
    detail: dict[str, Any] = {
        "rule": "eu-end",
        "by": "2026-03-15",
        "since": "2026-02-28",
        "event": {"kind": "halted", "date": "2024-02-29", "country": "Denmark"},
    }
    told = Change(field="deadline", topic="deadlines", operation="changed", before=None, after="due soon", detail=detail)
    assert words.rows(told, translator("en"))[1:] == [
        "Event: temporary halt, 2024-02-29, Denmark",
        "End of the trial, by a halt of two years: 2026-02-28",
    ]
    assert words.rows(told, DANISH)[1:] == [
        "Hændelse: midlertidig standsning, 2024-02-29, Danmark",
        "Forsøgets afslutning, efter en standsning på to år: 2026-02-28",
    ]
    detail["since"] = "2024-02-29"
    assert len(words.rows(told, DANISH)) == 2


def test_results_that_were_returned_are_called_so_in_the_changes_as_in_the_deadlines() -> None:
    event = Change(field="results_unposted", topic="results", operation="added", before=None, after={"type": "RESET", "date": "2026-02-20"})
    assert "Returned for corrections" in summary(event)
    assert "Sendt tilbage til rettelse" in summary(event, "da")
