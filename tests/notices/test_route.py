"""Who hears what: one notice for an address and trial, whatever the subscriptions behind it."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.notices.route import Planned, Subscription, route, significance, wants
from registry_sync.trials.changes import Change

NOW = datetime.datetime(2026, 2, 3, 6, 17, tzinfo=datetime.UTC)
TOMORROW = NOW + datetime.timedelta(days=1)
TRIAL = "NCT06805448"


def change(topic: str = "status", major: bool = True, reader: Any = None, **more: Any) -> Change:
    matters: Any = "major" if major else "minor"
    values = {"before": "A", "after": "B", "operation": "changed", "field": "overall_status", **more}
    return Change(topic=topic, significance=matters, reader_significance=reader or matters, **values)


def site(country: str, status: str | None = "RECRUITING") -> dict[str, Any]:
    return {"facility": "H", "city": "C", "state": None, "zip": None, "country": country, "status": status, "contacts": []}


def someone(number: int = 1, address: str = "a@example.org", **more: Any) -> Subscription:
    return Subscription(id=number, address=address, kind="email", **more)


def planned(changes: list[Change], *subscriptions: Subscription) -> list[Planned]:
    return list(route(TRIAL, "7", changes, subscriptions, now=NOW, period_end=lambda every, timezone, moment: TOMORROW))


def test_one_address_hears_once_whatever_its_subscriptions() -> None:
    changes = [change(), change("criteria")]
    (notice,) = planned(changes, someone(1, topics=frozenset({"status"})), someone(2, topics=frozenset({"status", "criteria"})))
    assert notice.positions == (0, 1)
    assert notice.due == NOW


def test_the_coordinators_voice_wins() -> None:
    (notice,) = planned([change()], someone(1), someone(2, role="coordinator"))
    assert notice.subscription_id == 2


def test_two_addresses_hear_apart() -> None:
    notices = planned([change()], someone(1), someone(2, "b@example.org"))
    assert len({notice.key for notice in notices}) == 2


def test_nothing_wanted_is_no_notice() -> None:
    assert planned([change("criteria")], someone(topics=frozenset({"status"}))) == []
    assert planned([change(major=False)], someone(least="major")) == []
    assert planned([change(reader="untold")], someone()) == []
    assert planned([], someone()) == []


def test_what_is_told_at_once_is_not_told_again_in_the_digest() -> None:
    changes = [change(), change("criteria")]
    at_once, digest = planned(changes, someone(1, every="now", topics=frozenset({"status"})), someone(2, every="day"))
    assert (at_once.positions, at_once.due) == ((0,), NOW)
    assert (digest.positions, digest.due) == ((1,), TOMORROW)
    assert "2026-02-04" in digest.key


def test_the_digests_of_two_trials_share_their_key() -> None:
    (one,) = planned([change()], someone(every="week"))
    (two,) = route("NCT00000001", "9", [change()], [someone(every="week")], now=NOW, period_end=lambda e, t, m: TOMORROW)
    assert one.key == two.key


@pytest.mark.parametrize(
    ("role", "topics", "topic", "matters", "expected"),
    [
        ("reader", frozenset(), "status", "major", True),
        ("reader", frozenset(), "listing", "major", False),
        ("reader", frozenset(), "deadlines", "major", False),
        ("coordinator", frozenset(), "listing", "major", True),
        ("coordinator", frozenset(), "housekeeping", "housekeeping", False),
        ("coordinator", frozenset({"housekeeping"}), "housekeeping", "housekeeping", True),
        ("coordinator", frozenset(), "places", "housekeeping", False),
        ("reader", frozenset({"listing"}), "listing", "major", True),
    ],
)
def test_topics(role: Any, topics: frozenset[str], topic: str, matters: Any, expected: bool) -> None:
    one = Change(field="x", topic=topic, operation="changed", before=1, after=2, significance=matters, reader_significance=matters)
    assert wants(someone(role=role, topics=topics), one) is expected


def test_site_news_of_other_countries_is_left_out() -> None:
    abroad = change("places", major=False, field="locations", operation="added", before=None, after=site("Sweden"))
    at_home = change("places", major=False, field="locations", operation="added", before=None, after=site("Denmark"))
    (notice,) = planned([abroad, at_home, change()], someone(countries=frozenset({"denmark"})))
    assert notice.positions == (1, 2)


def test_a_site_that_opens_in_ones_own_country_is_major_to_a_reader() -> None:
    opens = change("places", major=False, field="locations", before=site("Denmark", None), after=site("Denmark"))
    reader = someone(countries=frozenset({"Denmark"}), least="major")
    assert significance(reader, opens) == "major"
    assert wants(reader, opens)
    assert not wants(someone(least="major"), opens)
    already = change("places", major=False, field="locations", before=site("Denmark"), after={**site("Denmark"), "zip": "2200"})
    assert significance(reader, already) == "minor"


matters = st.sampled_from(["major", "minor", "housekeeping", "untold"])
topics = st.sampled_from(["status", "criteria", "places", "listing", "housekeeping"])


@given(
    st.lists(st.builds(change, topic=topics, major=st.booleans(), reader=matters), max_size=6),
    st.lists(
        st.builds(
            someone,
            st.integers(1, 99),
            st.sampled_from(["a@example.org", "b@example.org"]),
            role=st.sampled_from(["reader", "coordinator"]),
            topics=st.frozensets(topics, max_size=3),
            least=st.sampled_from(["minor", "major"]),
            every=st.sampled_from(["now", "day", "week"]),
        ),
        max_size=6,
    ),
)
def test_no_address_is_told_a_change_twice_and_none_that_is_wanted_is_missed(
    changes: list[Change], subscriptions: list[Subscription]
) -> None:
    notices = planned(changes, *sorted(subscriptions, key=lambda subscription: subscription.address))
    for address in {subscription.address for subscription in subscriptions}:
        told = [position for notice in notices if notice.address == address for position in notice.positions]
        wanted = {
            position
            for subscription in subscriptions
            if subscription.address == address
            for position, one in enumerate(changes)
            if wants(subscription, one)
        }
        assert sorted(told) == sorted(wanted)
