"""The answer's id decides whose record it is: aliases lead histories, watches and readers together."""

from __future__ import annotations

import pytest

from db import absences, aliases, watches
from db import history as versions
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.house import House

OTHER = "NCT00000102"
THIRD = "NCT00000103"


@pytest.fixture
def followed(house: House) -> House:
    """NCT06805448, seen once; one coordinator follows it, one follows everything."""
    house.registry.put(record.the_study())
    house.watch()
    house.subscribe("desk@example.org", role="coordinator")
    house.subscribe("all@example.org", role="coordinator", topics=("registry", "status"))
    house.sync(days=0)
    return house


def merge_into(house: House, new: str, *, status: str | None = None) -> None:
    """The registry shows the record under a new id, as it stood or with another status."""
    study = house.registry.study(TRIAL)
    study["protocolSection"]["identificationModule"]["nctId"] = new
    house.registry.put(record.with_status(study, status, posted="2026-02-03") if status else study)
    house.registry.alias(TRIAL, new)


def told_to(house: House, address: str) -> list[str]:
    return [str(mail.message["Subject"]) for mail in house.mailbox.messages if mail.message["To"] == address]


def test_the_history_goes_on_under_the_new_id(followed: House) -> None:
    merge_into(followed, OTHER)
    report = followed.sync()
    assert (report.merged, report.is_partial) == ([(TRIAL, OTHER)], False)
    with followed.history() as history:
        assert watches.trials(history) == [OTHER]
        assert aliases.family(history, TRIAL) == [OTHER, TRIAL]
        numbers = [version["number"] for version in versions.versions(history, OTHER)]
    assert numbers == [1, 2]  # the last under the old id, and the same under the new one
    assert [(change.trial, change.before, change.after) for change in followed.changes()] == [(TRIAL, "present", "merged")]


def test_what_changes_later_is_told_as_ever(followed: House) -> None:
    merge_into(followed, OTHER)
    followed.sync()
    study = followed.registry.study(OTHER)
    study["protocolSection"]["designModule"]["enrollmentInfo"]["count"] = 400
    followed.registry.put(study)
    report = followed.sync()
    assert (report.changes, report.notices) == (1, 1)
    assert followed.changes()[0].significance == "major"


def test_a_merger_that_was_cut_off_in_the_middle_is_no_other(followed: House) -> None:
    """The ids were joined, and the process died before the record under the new id was kept."""
    study = record.a_study(OTHER, posted="2019-05-21")
    followed.registry.put(study)
    followed.registry.alias(TRIAL, OTHER)
    with followed.history() as history, history.write():
        aliases.merge(history, TRIAL, OTHER, "2026-02-02T00:00:00Z")
    assert followed.sync().changes == 0
    assert len(followed.changes(housekeeping=True)) > 5


def test_what_changes_with_the_new_id_is_told_to_who_followed_the_old_one(followed: House) -> None:
    merge_into(followed, OTHER, status="SUSPENDED")
    followed.sync()
    steps = {change.field: (change.before, change.after) for change in followed.changes()}
    assert steps["overall_status"] == ("RECRUITING", "SUSPENDED")
    assert any(OTHER in subject and "SUSPENDED" in subject for subject in told_to(followed, "desk@example.org"))


def test_of_a_merger_the_status_is_told_and_nothing_else_that_differs(followed: House) -> None:
    study = record.a_study(OTHER, posted="2019-05-21")
    study["protocolSection"]["statusModule"]["overallStatus"] = "COMPLETED"
    followed.registry.put(study)
    followed.subscribe("reader@example.org")
    followed.registry.alias(TRIAL, OTHER)
    followed.sync()
    assert [(change.field, change.registry_date) for change in reversed(followed.changes())] == [
        ("registry", None),
        ("overall_status", None),
    ]
    assert len(followed.changes(housekeeping=True)) > 5
    (mail,) = [mail for mail in followed.mailbox.messages if mail.message["To"] == "reader@example.org"]
    assert "2019" not in mail.text()
    followed.registry.put(record.with_status(followed.registry.study(OTHER), "SUSPENDED", posted="2026-02-09"))
    followed.sync()
    assert followed.changes()[0].registry_date == "2026-02-09"


def test_a_merger_that_the_registry_undoes_is_undone(followed: House) -> None:
    own = followed.registry.study(TRIAL)
    merge_into(followed, OTHER)
    followed.sync()
    followed.registry._aliases.clear()
    followed.registry.put(own)
    followed.watch(TRIAL)
    report = followed.sync()
    assert (report.is_partial, report.merged) == (False, [])
    with followed.history() as history:
        assert aliases.current(history, TRIAL) == TRIAL
        assert watches.trials(history) == [OTHER, TRIAL]
        assert versions.latest(history, TRIAL, "ctgov") is not None
    followed.registry.put(record.with_status(followed.registry.study(TRIAL), "SUSPENDED", posted="2026-02-09"))
    assert followed.sync().changes == 1


def test_an_id_that_is_still_merged_is_merged_again_without_a_word(followed: House) -> None:
    merge_into(followed, OTHER)
    followed.sync()
    before = followed.changes()
    with followed.history() as history:
        history.connection.execute("INSERT INTO watch (trial, added_at) VALUES (?, '2026-02-03T00:00:00Z')", (TRIAL,))
    report = followed.sync()
    assert report.merged == [(TRIAL, OTHER)]
    assert followed.changes() == before
    with followed.history() as history:
        assert watches.trials(history) == [OTHER]


def test_later_news_reach_everybody_once(followed: House) -> None:
    followed.registry.put(record.a_study(OTHER))
    followed.watch(OTHER)
    followed.subscribe("desk@example.org", OTHER, role="coordinator")
    followed.sync()
    followed.registry.alias(TRIAL, OTHER)
    followed.sync()
    before = len(followed.mailbox.messages)
    followed.registry.put(record.with_status(followed.registry.study(OTHER), "SUSPENDED", posted="2026-02-09"))
    report = followed.sync()
    assert report.changes == 1
    assert sorted(str(mail.message["To"]) for mail in followed.mailbox.messages[before:]) == ["all@example.org", "desk@example.org"]


def test_two_histories_stay_both_and_no_false_change_stands_between_them(followed: House) -> None:
    followed.registry.put(record.a_study(OTHER))
    followed.watch(OTHER)
    followed.sync()
    followed.registry.alias(TRIAL, OTHER)
    followed.sync()
    assert [change.field for change in followed.changes()] == ["registry"]
    with followed.history() as history:
        assert {row["trial"] for row in history.rows("SELECT trial FROM version")} == {TRIAL, OTHER}
        assert watches.trials(history) == [OTHER]


def test_who_followed_the_old_id_alone_is_told_the_status_of_the_record_that_it_is_part_of(followed: House) -> None:
    """Both ids have a history, and the status of the other one has long been what it is."""
    followed.registry.put(record.with_status(record.a_study(OTHER), "SUSPENDED", posted="2026-01-09"))
    followed.watch(OTHER)
    followed.subscribe("reader@example.org")
    followed.subscribe("both@example.org")
    followed.subscribe("both@example.org", OTHER)
    followed.subscribe("other@example.org", OTHER)
    followed.sync()
    study = followed.registry.study(OTHER)
    study["protocolSection"]["designModule"]["enrollmentInfo"]["count"] = 4000
    followed.registry.put(study)
    followed.registry.alias(TRIAL, OTHER)
    report = followed.sync()
    assert [(change.trial, change.field, change.before, change.after) for change in reversed(followed.changes())] == [
        (OTHER, "enrollment", {"count": 40, "type": "ESTIMATED"}, {"count": 4000, "type": "ESTIMATED"}),
        (TRIAL, "registry", "present", "merged"),
        (TRIAL, "overall_status", "RECRUITING", "SUSPENDED"),
    ]
    assert (report.changes, report.merged) == (3, [(TRIAL, OTHER)])
    assert told_to(followed, "reader@example.org") == [f"A trial you follow was merged into an entry with another status ({TRIAL})"]
    (reading,) = [mail for mail in followed.mailbox.messages if mail.message["To"] == "reader@example.org"]
    assert f"{TRIAL} was merged into another entry, {OTHER}." in " ".join(reading.text().split())
    (mail,) = [mail for mail in followed.mailbox.messages if mail.message["To"] == "desk@example.org"]
    assert mail.message["Subject"] == f"{TRIAL}: merged into {OTHER}, which says SUSPENDED and not RECRUITING"
    assert "Now: merged" in mail.text()
    for address in ("both@example.org", "other@example.org"):
        assert [subject for subject in told_to(followed, address) if "another status" in subject] == []
    assert len(told_to(followed, "other@example.org")) == 1  # the other one's own change
    before = len(followed.mailbox.messages)
    assert followed.sync().changes == 0
    assert len(followed.mailbox.messages) == before


def test_a_merger_that_was_cut_off_before_the_ids_were_joined_tells_nothing_twice(followed: House, monkeypatch: pytest.MonkeyPatch) -> None:
    followed.registry.put(record.with_status(record.a_study(OTHER), "SUSPENDED", posted="2026-01-09"))
    followed.watch(OTHER)
    followed.sync()
    followed.registry.alias(TRIAL, OTHER)
    with monkeypatch.context() as patched:
        patched.setattr(aliases, "merge", lambda *_: 1 / 0)
        assert followed.sync().is_partial
    told = followed.changes()
    assert [change.field for change in told] == ["overall_status", "registry"]
    assert followed.sync().merged == [(TRIAL, OTHER)]
    assert followed.changes() == told
    assert len(told_to(followed, "desk@example.org")) == 1


def test_a_merger_is_told_once_and_a_further_one_too(followed: House) -> None:
    merge_into(followed, OTHER)
    for _ in range(3):
        followed.sync()
    followed.registry.put(record.a_study(THIRD))
    followed.registry.alias(OTHER, THIRD)
    for _ in range(3):
        followed.sync()
    assert [(change.trial, change.after) for change in reversed(followed.changes()) if change.field == "registry"] == [
        (TRIAL, "merged"),
        (OTHER, "merged"),
    ]
    with followed.history() as history:
        assert aliases.family(history, TRIAL) == [THIRD, OTHER, TRIAL]
        assert watches.trials(history) == [THIRD]


def test_a_trial_that_was_noted_as_merged_by_an_older_program_is_merged_without_a_second_word(followed: House) -> None:
    """Before this program merged histories it told of the merger and went on watching the old id."""
    merge_into(followed, OTHER)
    from jobs import tell
    from registry_sync.sources.interface import Moved

    with followed.history() as history:
        tell.no_record(followed.around, history, Moved(TRIAL, "ctgov", OTHER, b""), None)
    assert len(followed.changes()) == 1
    followed.sync()
    assert len(followed.changes()) == 1
    with followed.history() as history:
        assert watches.trials(history) == [OTHER]


def test_pages_and_typed_ids_follow(followed: House) -> None:
    url = followed.listing.url_of(TRIAL)
    followed.watch(TRIAL, pages=(url,))
    merge_into(followed, OTHER)
    followed.sync(pages=False)
    with followed.history() as history:
        assert watches.pages(history) == [(OTHER, url)]
    assert followed.sync(TRIAL).sources[0].failed == []


def test_an_alias_that_only_its_own_address_tells_is_found(followed: House) -> None:
    """Where a list neither finds the old id nor names it in the record, the address of the old id still leads to the new one."""
    study = followed.registry.study(TRIAL)
    study["protocolSection"]["identificationModule"]["nctId"] = OTHER
    followed.registry.put(study)
    followed.registry.alias(TRIAL, OTHER)
    shown = followed.registry._studies[OTHER]["protocolSection"]["identificationModule"]
    shown.pop("nctIdAliases")
    report = followed.sync()
    assert (report.merged, report.is_partial) == ([(TRIAL, OTHER)], False)


def test_an_absence_is_forgotten_when_the_record_turns_up_under_another_id(followed: House) -> None:
    study = followed.registry.study(TRIAL)
    followed.registry.remove(TRIAL)
    followed.sync()
    study["protocolSection"]["identificationModule"]["nctId"] = OTHER
    followed.registry.put(study)
    followed.registry.alias(TRIAL, OTHER)
    followed.sync()
    with followed.history() as history:
        assert absences.every(history)[TRIAL].state == "merged"
    assert [change.after for change in followed.changes()] == ["merged"]
