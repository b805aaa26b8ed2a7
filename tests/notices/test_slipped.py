"""How often and how far a date has moved before, as both voices say it."""

from __future__ import annotations

import pytest

from registry_sync.notices.story import Story, story
from registry_sync.trials.dates import Slips
from registry_sync.trials.record import Dated
from tests.notices.told import TRIAL, change, news

MOVED = change("completion_date", Dated("2025-12-31", "ESTIMATED"), Dated("2026-06", "ESTIMATED"))
EARLIER = change("completion_date", Dated("2026-06", "ESTIMATED"), Dated("2026-03", "ESTIMATED"))


def slips(**keys) -> Slips:
    return Slips(**{"first": "2025-04", "last": "2026-06", "later": 3, "since": "2024-03-11", **keys})


def told(role: str, moves: Slips | None, *changes, language: str = "en") -> Story:
    return story(news(*(changes or (MOVED,)), slips={"completion_date": moves} if moves else {}), role, language)


@pytest.mark.parametrize(
    ("moved", "moves", "subject"),
    [
        (MOVED, slips(), "Study completion +6 months (third slip, +14 in total)"),
        (MOVED, slips(later=11), "Study completion +6 months (slip 11, +14 in total)"),
        (MOVED, slips(later=1, first="2025-12-31"), "Study completion +6 months"),
        (MOVED, slips(later=2, earlier=1, first="2026-06"), "Study completion +6 months (second slip, back at the first date)"),
        (MOVED, slips(later=2, first="2026-06-01", last="2026-06-09"), "Study completion +6 months (second slip, +8 days in total)"),
        (MOVED, slips(later=0, put_back=True), "Study completion +6 months (put back)"),
        (EARLIER, slips(earlier=1, last="2026-03"), "Study completion −3 months (moved 4 times, +11 in total)"),
        (MOVED, None, "Study completion +6 months"),
    ],
)
def test_the_subject_says_which_slip_it_is(moved, moves: Slips | None, subject: str) -> None:
    assert told("coordinator", moves, moved).subject == f"{TRIAL}: {subject}, posted 2026-02-03"


def test_the_coordinator_hears_all_moves() -> None:
    heard = told("coordinator", slips(earlier=1))
    assert "Study completion has moved 4 times since 2024-03-11, the first version held: 2025-04 → 2026-06 (+14 months)." in heard.sentences
    assert "Later: 3; earlier: 1." in heard.sentences
    back = told("coordinator", slips(later=1, earlier=1, last="2025-04"))
    assert "Study completion has moved 2 times since 2024-03-11, the first version held: 2025-04 → 2025-04." in back.sentences


def test_a_date_that_was_put_back_is_no_slip() -> None:
    sentence = "This puts back the date of the version before; neither step is counted as a slip."
    assert sentence in told("coordinator", slips(later=0, put_back=True)).sentences
    assert "This puts back the date that stood there before." in told("reader", slips(later=0, put_back=True)).sentences


def test_the_reader_hears_of_moves_before_in_plain_words() -> None:
    heard = told("reader", slips())
    assert heard.sentences[1:3] == ("It has moved 3 times since March 2024.", "In all, it is now 14 months later than at first.")
    assert "It has moved 3 times so far." in told("reader", slips(since=None)).sentences
    assert "It is back at the date that it had at first." in told("reader", slips(first="2026-06")).sentences
    assert not [sentence for sentence in told("reader", slips(later=1)).sentences if "has moved" in sentence]


def test_danish_says_it_too() -> None:
    assert told("coordinator", slips(), language="da").subject.startswith(
        f"{TRIAL}: Forsøgets afslutning +6 måneder (tredje udskydelse, +14 i alt)"
    )
    assert "Datoen er flyttet 3 gange siden marts 2024." in told("reader", slips(), language="da").sentences


def test_a_date_that_became_a_fact_is_no_slip_in_the_subject() -> None:
    fact = change("completion_date", Dated("2025-12-31", "ESTIMATED"), Dated("2026-02-10", "ACTUAL"))
    moves = slips(last="2026-02-10")
    assert told("coordinator", moves, fact).subject == f"{TRIAL}: Study completion +1 month, posted 2026-02-03"
    assert "has moved" not in told("reader", moves, fact).text


def test_beside_other_news_the_entry_of_the_date_says_it() -> None:
    status = change("overall_status", "RECRUITING", "ACTIVE_NOT_RECRUITING", id=2)
    older = change("completion_date", Dated("2025-10", "ESTIMATED"), Dated("2025-12-31", "ESTIMATED"), id=0)
    notes = {role: [entry.note for entry in told(role, slips(), status, MOVED, older).items[1:]] for role in ("reader", "coordinator")}
    assert notes["coordinator"] == ["6 months later; third slip, +14 in total", "2 months later"]
    assert notes["reader"] == [
        "6 months later. It has moved 3 times since March 2024. In all, it is now 14 months later than at first.",
        "2 months later",
    ]
