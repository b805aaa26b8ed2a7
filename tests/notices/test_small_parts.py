from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.notices.bucket import draw, full
from registry_sync.notices.clean import block, cut, one_line
from registry_sync.notices.deadline import Deadline
from registry_sync.notices.when import a_year_later, parse, shift


def test_a_minutes_worth_may_be_spent_at_once_and_comes_back_by_the_minute() -> None:
    assert draw(full(60), 0, per_minute=60, most=100) == (60, 0.0, 0.0)
    assert draw(0.0, 0, per_minute=60) == (0, 0.0, pytest.approx(1.0))
    assert draw(0.0, 1.0, per_minute=60).taken == 1
    assert draw(0.0, 3600, per_minute=60, most=100).taken == 60


@given(st.integers(1, 600_000), st.integers(1, 400), st.integers(1, 20))
def test_no_more_than_the_rate_after_the_first_minutes_worth(per_minute: int, takes: int, lot: int) -> None:
    level, waited, taken = full(per_minute), 0.0, 0
    while taken < takes:
        drawn = draw(level, 0.0, per_minute=per_minute, most=min(lot, takes - taken))
        taken, level = taken + drawn.taken, drawn.level
        if not drawn.taken:
            waited += drawn.wait
            level = draw(level, drawn.wait, per_minute=per_minute, most=0).level
    assert waited == pytest.approx(max(0, takes - per_minute) * 60 / per_minute, abs=1e-6)


def test_a_clock_that_goes_back_gives_nothing_and_a_lower_limit_holds_at_once() -> None:
    assert draw(0.0, -500, per_minute=1) == (0, 0.0, pytest.approx(60))
    assert draw(full(600), 0, per_minute=2, most=100).taken == 2


def test_a_deadline_ends_a_read_that_no_timeout_would_end() -> None:
    one, other = socket.socketpair()
    with one, other, Deadline(0.05) as deadline:
        deadline.watch(one)
        assert one.recv(1) == b""
        assert deadline.passed


def test_a_socket_that_comes_too_late_is_shut_at_once() -> None:
    first, _first = socket.socketpair()
    late, _late = socket.socketpair()
    with first, _first, late, _late, Deadline(0.01) as deadline:
        deadline.watch(first)
        assert first.recv(1) == b""
        deadline.watch(late)
        deadline.watch(None)
        assert late.recv(1) == b""


def test_a_deadline_that_is_kept_shuts_nothing() -> None:
    one, other = socket.socketpair()
    with one, other:
        with Deadline(60) as deadline:
            deadline.watch(one)
        other.sendall(b"x")
        assert one.recv(1) == b"x"
        assert not deadline.passed


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("2025-12-31", "2026-06-30", (6, "months")),
        ("2025-12-31", "2026-01-31", (1, "months")),
        ("2025-12-31", "2026-01-14", (14, "days")),
        ("2026-01-14", "2025-12-31", (-14, "days")),
        ("2025-12-31", "2026-06", (6, "months")),
        ("2025-12-31", "2025-12", None),
        ("2025", "2026-12-31", (1, "years")),
        ("2025", "2025-12-31", None),
        ("2025-12-31", "2025-12-31", None),
        ("2025-12-31", None, None),
        ("soon", "2025", None),
        ({}, [], None),
    ],
)
def test_how_far_a_date_moved(before: object, after: object, told: object) -> None:
    assert shift(before, after) == told


@pytest.mark.parametrize("text", ["2026-02-30", "2026-13", "26-01-01", "2026-1", "2026-01-01\n", "٢٠٢٦", "", None, 2026, "0000"])
def test_what_is_no_date(text: object) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "later"),
    [("2024-02-29", "2025-02-28"), ("2025-12-31", "2026-12-31"), ("2025-12", "2026-12"), ("2025", "2026"), ("9999", None), ("x", None)],
)
def test_a_year_later_in_the_same_precision(text: str, later: str | None) -> None:
    assert a_year_later(text) == later


def test_hostile_text_on_one_line() -> None:
    assert one_line("a\r\nb\x00c\u202ed\u2028e \ud800\tf") == "a b cd e f"
    assert one_line("a\ufffeb\ufdd0c \U0001ffff\U0010fffed\ufffd") == "abc d\ufffd"
    assert block("a\r\n\n b\x07 ") == "a\n\nb"


@given(st.text(max_size=80), st.integers(4, 40))
def test_a_cut_text_is_no_longer_than_asked(text: str, limit: int) -> None:
    assert len(cut(text, limit)) <= limit
