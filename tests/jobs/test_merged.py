"""A trial is merged into an entry with another status: nobody is told that the trial changed."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from db import public
from registry_sync.demo import record
from registry_sync.demo.hook import payload
from registry_sync.demo.mailbox import Mail
from registry_sync.notices.wording import summary
from tests.house import House

OLD, NEW = "NCT01000003", "NCT01000005"
BOTH_KNOWN = pytest.mark.parametrize("watched", [(OLD,), (OLD, NEW)])
"""The other entry had been watched before, or nobody here knew it."""


def put(house: House, trial: str, status: str, **more: Any) -> None:
    study = record.with_status(record.a_study(trial), status, posted="2026-01-09")
    study["protocolSection"]["statusModule"].update(more)
    house.registry.put(study)


def merge(house: House, watched: tuple[str, ...], *, second: str = "ENROLLING_BY_INVITATION", **more: Any) -> None:
    """A follower of a trial is there, and the trial is merged into another one."""
    put(house, OLD, "WITHDRAWN")
    put(house, NEW, second)
    house.watch(*watched)
    house.sync()
    house.subscribe("reader@example.org", OLD, **more)
    house.registry.alias(OLD, NEW)
    house.sync()


def mails(house: House) -> list[Mail]:
    return [mail for mail in house.mailbox.messages if mail.message["To"] == "reader@example.org"]


def plain(mail: Mail) -> str:
    return " ".join(mail.text().split())


@BOTH_KNOWN
@pytest.mark.parametrize("more", [{}, {"least": "major"}, {"topics": frozenset({"status"})}, {"every": "day"}])
def test_a_follower_of_a_withdrawn_trial_is_not_told_that_it_takes_people(
    house: House, watched: tuple[str, ...], more: dict[str, Any]
) -> None:
    merge(house, watched, **more)
    house.sync(days=2)
    (mail,) = mails(house)
    assert mail.message["Subject"] == f"A trial you follow was merged into an entry with another status ({OLD})"
    text = plain(mail)
    assert text.index(f"{OLD} was merged into another entry, {NEW}.") < text.index(f"{OLD} said last: Withdrawn")
    assert f"{NEW} says: Enrolling by invitation" in text
    assert "It does not tell that anything has changed in the trial itself." in text
    for words in ("What changed", "Before:", "Now:", "not open to the public"):
        assert words not in text


@BOTH_KNOWN
def test_in_danish_too(house: House, watched: tuple[str, ...]) -> None:
    merge(house, watched, language="da")
    (mail,) = mails(house)
    assert mail.message["Subject"] == f"Et forsøg, du følger, er lagt sammen med en registrering, der har en anden status ({OLD})"
    assert f"{OLD} oplyste til sidst: Trukket tilbage" in plain(mail)
    assert "Hvad der er ændret" not in plain(mail)


@BOTH_KNOWN
def test_a_coordinator_hears_of_a_difference_between_two_records(house: House, watched: tuple[str, ...]) -> None:
    merge(house, watched, role="coordinator")
    mail = mails(house)[-1]
    assert mail.message["Subject"] == f"{OLD}: merged into {NEW}, which says ENROLLING_BY_INVITATION and not WITHDRAWN"
    assert "not a change of either" in plain(mail)
    assert "WITHDRAWN →" not in plain(mail)


@BOTH_KNOWN
def test_the_line_that_posts_feeds_and_pages_show_names_both_entries(house: House, watched: tuple[str, ...]) -> None:
    merge(house, watched)
    (status,) = [change for change in house.changes() if change.field == "overall_status"]
    assert summary(status) == (
        f"Recruitment status: not the same in the two entries that were merged ({OLD}: Withdrawn; {NEW}: Enrolling by invitation)"
    )
    assert "ikke den samme i de to registreringer" in summary(status, "da")


@BOTH_KNOWN
def test_another_reason_in_the_other_entry_is_no_change_of_the_reason(house: House, watched: tuple[str, ...]) -> None:
    put(house, OLD, "TERMINATED", whyStopped="Too few took part.")
    put(house, NEW, "TERMINATED", whyStopped="The sponsor ended it.")
    house.watch(*watched)
    house.sync()
    house.subscribe("reader@example.org", OLD)
    house.registry.alias(OLD, NEW)
    house.sync()
    (mail,) = mails(house)
    assert mail.message["Subject"] == f"A trial you follow was merged into an entry that does not say the same ({OLD})"
    assert f"{OLD}: Too few took part. {NEW}: The sponsor ended it." in plain(mail)


@BOTH_KNOWN
def test_what_changes_later_is_a_change_again(house: House, watched: tuple[str, ...]) -> None:
    merge(house, watched, every="week", second="RECRUITING")
    house.registry.put(record.with_status(house.registry.study(NEW), "SUSPENDED", posted="2026-02-05"))
    house.sync()
    house.at += datetime.timedelta(days=8)
    house.deliver()
    text = plain(mails(house)[-1])
    assert f"{NEW}: Recruiting" in text
    assert f"{NEW} says: Recruiting" in text or "1 other change is listed below." in text
    assert "Before: Recruiting (looking for participants) Now: Suspended (paused)" in text
    assert "Before: Withdrawn" not in text


def test_a_trial_is_named_by_its_own_title_and_not_by_that_of_the_other_entry(house: House) -> None:
    for trial, title in ((OLD, "The trial that is followed"), (NEW, "The other entry")):
        house.registry.put(record.a_study(trial, title=title, status="COMPLETED" if trial == OLD else "RECRUITING"))
    house.watch(OLD, NEW)
    house.sync()
    house.subscribe("reader@example.org", OLD)
    house.subscribe(house.hook.url, OLD, kind="webhook")
    house.registry.alias(OLD, NEW)
    house.sync()
    (mail,) = mails(house)
    assert f"The trial that is followed ({OLD})" in plain(mail)
    assert "The other entry" not in plain(mail)
    (post,) = house.hook.posts
    assert payload(post)["title"] == "The trial that is followed"
    with house.history() as history:
        told = public.changes(history, public.Scope(ids=(OLD, NEW)), most=10)
    assert {each.title for each in told} == {"The trial that is followed"}


def test_a_date_that_moves_later_is_not_counted_from_the_entry_that_was_merged(house: House) -> None:
    house.registry.put(record.a_study(OLD, completion="2027-03-10"))
    house.watch(OLD)
    house.sync()
    house.subscribe("reader@example.org", OLD, role="coordinator")
    house.registry.put(record.a_study(NEW, completion="2028-03-10", posted="2026-01-20"))
    house.registry.alias(OLD, NEW)
    house.sync()
    house.registry.put(record.a_study(NEW, completion="2028-09-10", posted="2026-02-20"))
    house.sync(days=30)
    text = plain(mails(house)[-1])
    assert "6 months" in text
    assert "18 months" not in text
    assert "second" not in text
