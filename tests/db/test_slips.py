"""How often a date has moved, read from the versions held, up to the version that a notice tells of."""

from __future__ import annotations

import pytest

from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.house import House, open_house


@pytest.fixture
def house(tmp_path):
    with open_house(tmp_path) as opened:
        yield opened


def post(house: House, date: str, posted: str, **more: str) -> None:
    house.registry.put(record.with_completion(house.registry.study(TRIAL), date, posted=posted, **more))
    house.sync(then_deliver=False)


def start(house: House) -> None:
    house.registry.put(record.with_completion(record.the_study(), "2025-04", posted="2024-03-11"))
    house.watch(TRIAL)
    house.subscribe("a@example.org", role="coordinator")
    house.subscribe("b@example.org")
    house.sync(days=0)


def subjects(house: House) -> list[str]:
    return [str(mail.message["Subject"]) for mail in house.mailbox.messages if "a@example.org" in mail.recipients]


def test_a_mail_says_which_slip_it_is(house: House) -> None:
    start(house)
    for date, posted in (("2025-10", "2024-09-02"), ("2025-12-31", "2025-06-02"), ("2026-06", "2026-02-03")):
        post(house, date, posted)
    house.deliver()
    assert subjects(house) == [
        f"{TRIAL}: Study completion +6 months, posted 2024-09-02",
        f"{TRIAL}: Study completion +2 months (second slip, +8 in total), posted 2025-06-02",
        f"{TRIAL}: Study completion +6 months (third slip, +14 in total), posted 2026-02-03",
    ]
    readers = [mail.text() for mail in house.mailbox.messages if "b@example.org" in mail.recipients]
    assert "It has moved 3 times since March 2024." in readers[-1]
    assert "It has moved" not in readers[0]


def test_a_date_that_was_put_back_the_next_day_is_no_slip(house: House) -> None:
    start(house)
    for date, posted in (("2015-04", "2026-02-02"), ("2025-04", "2026-02-03"), ("2025-06", "2026-05-04")):
        post(house, date, posted)
    house.deliver()
    assert subjects(house)[1:] == [
        f"{TRIAL}: Study completion +120 months (put back), posted 2026-02-03",
        f"{TRIAL}: Study completion +2 months, posted 2026-05-04",
    ]
