"""Every case as people read it: mail in both parts, chat and summary, in both voices and every language."""

from __future__ import annotations

import json
import re

import pytest

from registry_sync.notices import compose
from registry_sync.notices.i18n import translator
from registry_sync.notices.items import Item
from registry_sync.trials.changes import Change
from tests.corpus.loader import Case, all_cases
from tests.corpus.voices import Told, folded, told
from tests.notices.test_never_said import NEVER, NOT_STOPPED, STOPPED, TO_READERS

CASES = {name: case for name, case in all_cases().items() if case.changes}
_GOES_ON = frozenset({"ACTIVE_NOT_RECRUITING", "COMPLETED", "RECRUITING", "UNKNOWN"})
_TOKEN = re.compile(r"\b[A-Z]{4,}_[A-Z_]+\b|\bRECRUITING\b|\bESTIMATED\b|\bACTUAL\b")
_PLACEHOLDER = re.compile(r"\{[a-z_]+\}")
_MARKS = re.compile(r"\[-|-\]|\{\+|\+\}")


showing = pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=[pytest.mark.xfail(strict=True, raises=AssertionError, reason=case.known_shown)] if case.known_shown else []
        )
        for name, case in CASES.items()
    ],
)


@pytest.fixture(scope="module")
def notices() -> dict[str, list[Told]]:
    return {name: told(case) for name, case in CASES.items()}


def test_every_change_is_heard_by_somebody(notices: dict[str, list[Told]]) -> None:
    """A coordinator who asked for all topics hears of every case, so that none escapes the searches below."""
    assert [name for name, heard in notices.items() if not any(one.role == "coordinator" for one in heard)] == []
    assert sum(any(one.role == "reader" for one in heard) for heard in notices.values()) >= 100


def test_nothing_is_said_that_is_never_said(notices: dict[str, list[Told]]) -> None:
    for name, one in _each(notices):
        found = [match.group() for pattern in NEVER[one.language] for match in re.finditer(pattern, one.everything, re.IGNORECASE)]
        assert not found, (name, one, found)


def test_readers_never_hear_that_something_is_overdue(notices: dict[str, list[Told]]) -> None:
    for name, one in _each(notices):
        assert one.role != "reader" or not re.search(TO_READERS[one.language], one.everything, re.IGNORECASE), (name, one)


def test_nothing_stopped_that_goes_on_or_is_unknown(notices: dict[str, list[Told]]) -> None:
    for name, one in _each(notices):
        if one.role == "reader" and one.news.record.overall_status in _GOES_ON and not any(map(_leaves_a_stop, one.news.changes)):
            text = one.sent.replace(NOT_STOPPED[one.language], "")
            assert not re.search(STOPPED[one.language], text, re.IGNORECASE), (name, one)


def test_no_planned_number_is_told_as_people_who_took_part(notices: dict[str, list[Told]]) -> None:
    for name, one in _each(notices):
        for change in one.news.changes:
            if change.field == "enrollment" and change.after and change.after["type"] == "ESTIMATED":
                assert not re.search(rf"\b{change.after['count']} \((people|personer)", one.everything), (name, one)


def test_no_reader_sees_a_bare_token_and_nobody_a_placeholder(notices: dict[str, list[Told]]) -> None:
    for name, one in _each(notices):
        assert not _PLACEHOLDER.search(one.everything), (name, one)
        if one.role == "reader":
            assert not _TOKEN.search(one.plain), (name, one, _TOKEN.search(one.plain))
            assert not _TOKEN.search(one.html), (name, one, _TOKEN.search(one.html))


def test_a_subject_tells_of_no_disease_title_or_site(notices: dict[str, list[Told]]) -> None:
    for name, one in _each(notices):
        subject, record = one.subject, one.news.record
        secrets = [record.brief_title, record.official_title, *(record.conditions or ())]
        secrets += [part for site in record.locations or () for part in (site.facility, site.city)]
        secrets += [text for change in one.news.changes for text in _texts(change.before, change.after)]
        assert 0 < len(subject) <= 120, (name, one)
        assert record.trial in subject
        assert not [secret for secret in secrets if secret and len(secret) > 3 and secret.casefold() in subject.casefold()], (name, subject)


@showing
def test_every_difference_is_shown(name: str, notices: dict[str, list[Told]]) -> None:
    for one in notices[name]:
        assert one.story.items, one
        for item in one.story.items:
            _shows_a_difference(one, item)
        assert len(one.summaries) == len(one.news.changes)
        for line in one.summaries:
            _tells_a_difference(line)


def _shows_a_difference(one: Told, item: Item) -> None:
    """A change shows what was or what is, in the mail's text and its HTML; where it shows both, a person can tell them apart."""
    sides = [folded(side) for side in (item.before, item.after) if side is not None]
    assert sides, (one, item)
    assert all(sides), (one, item)
    assert translator(one.language).gettext("empty") not in sides, (one, item)
    assert len(set(sides)) == len(sides) or _is_move(one, item.after), (one, item)
    assert not [words for words, mark in item.runs if mark != "same" and not words.strip()], (one, item)
    for side in sides:
        assert side in _MARKS.sub("", one.plain), (one, side)
        assert side in one.html, (one, side)


def _tells_a_difference(line: str) -> None:
    """A summary is one line with something behind its name, and where it has two sides they differ."""
    assert 0 < len(line) <= 300, line
    assert "\n" not in line
    assert line.partition(": ")[2], line
    sides = re.search(r"(?:: |^)(?P<before>[^:]*) → (?P<after>.*)$", line)
    assert sides is None or sides["before"].strip() != sides["after"].strip(), line


def test_the_short_text_and_the_post_hold_the_news(notices: dict[str, list[Told]]) -> None:
    for name, one in _each(notices):
        assert one.story.sentences[0].split(":")[-1].strip() in one.short, (name, one)
        assert len(one.short) <= 1500
        posted = json.loads(compose.post(one.notice))
        assert [change["id"] for change in posted["changes"]] == [change.id for change in one.news.changes]
        assert [change["summary"] for change in posted["changes"]] == one.summaries or one.language != "en"


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items() if case.reader_says or case.coordinator_says])
def test_the_words_that_a_case_asks_for_are_said(case: Case) -> None:
    """In the mail to those who chose no topics, where they hear of it at all, and in its HTML but for the marks."""
    for role, phrases in (("reader", case.reader_says), ("coordinator", case.coordinator_says)):
        one = next((one for one in told(case) if one.role == role and one.language == "en"), None)
        assert one is not None or not phrases, f"nothing is told to a {role}"
        for phrase in phrases if one else ():
            assert phrase in f"{one.subject} {one.plain}", (role, phrase, one.plain)
            assert _MARKS.sub("", phrase) in f"{one.subject} {one.html}", (role, phrase, one.html)


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items() if case.never])
def test_the_words_that_a_case_forbids_are_not_said(case: Case) -> None:
    for one in told(case):
        said = [phrase for phrase in case.never if one.language == "en" and phrase in one.sent]
        assert not said, (one, said)


def _each(notices: dict[str, list[Told]]) -> list[tuple[str, Told]]:
    return [(name, one) for name, heard in notices.items() for one in heard]


def _leaves_a_stop(change: Change) -> bool:
    return change.field == "why_stopped" or change.before in ("SUSPENDED", "TERMINATED", "WITHDRAWN")


def _is_move(one: Told, text: str | None) -> bool:
    """A criterion that crossed to the other side reads the same on both: its heading tells the change."""
    return any(change.operation == "moved" and change.after == text for change in one.news.changes)


def _texts(*values: object) -> list[str]:
    """The criteria among these values: running text that a subject must not quote."""
    return [value for value in values if isinstance(value, str) and " " in value]
