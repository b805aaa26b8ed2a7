"""A sync after an upgrade: what this program reads otherwise than the one before is no news of the trial."""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import replace
from typing import Any

import pytest

from db import history as versions
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import SMOKE_FREE_AFTER, SMOKE_FREE_BEFORE, first_listing
from registry_sync.sources.ctgov_record import record_from
from registry_sync.trials.record import to_json
from tests.house import House


def begin(house: House, *, page: bool = False) -> None:
    """The record as on the first day, seen once; a reader is subscribed."""
    house.registry.put(record.the_study())
    house.listing.put(TRIAL, first_listing())
    house.watch(TRIAL, pages=(house.listing.url_of(TRIAL),) if page else ())
    house.subscribe("reader@example.org")
    house.sync(days=0)


def close_recruitment(house: House) -> None:
    house.registry.put(record.with_status(house.registry.study(TRIAL), "ACTIVE_NOT_RECRUITING", posted="2026-02-03"))


def as_an_older_program_kept_it(house: House) -> None:
    """Every record becomes plain JSON in its row, as it was kept before records were packed."""
    with house.history() as history, history.write() as connection:
        for row in history.rows("SELECT id FROM version"):
            kept = to_json(versions.by_id(history, row["id"]).record).decode()
            connection.execute("UPDATE version SET record = ?, record_codec = 'json' WHERE id = ?", (kept, row["id"]))


def read_by_an_older_program(house: House) -> None:
    """The kept record becomes that of a program which did not part the eligibility text yet, nor knew what the dates are."""
    as_an_older_program_kept_it(house)
    with house.history() as history, history.write() as connection:
        whole = json.dumps([{"group": None, "section": None, "depth": 0, "kind": "note", "text": "All criteria in one piece"}])
        connection.execute(
            "UPDATE version SET record = json_set(json_remove(record, '$.completion_date'), '$.criteria', json(?)), content_hash = 'old'",
            (whole,),
        )


def spoil_payload(house: House, how: str) -> None:
    as_an_older_program_kept_it(house)
    with house.history() as history, history.write() as connection:
        if how == "cut":
            connection.execute("UPDATE version SET payload = substr(payload, 1, 20)")
        elif how == "codec":
            connection.execute("UPDATE version SET codec = 'rot13'")
        else:
            connection.execute("UPDATE version SET payload = ?, codec = 'zlib'", (zlib.compress(how.encode()),))


def rewritten(study: dict[str, Any]) -> dict[str, Any]:
    """The same study, its keys in another order, its criteria with other bullets and more escapes."""
    turned = {name: dict(reversed(part.items())) if isinstance(part, dict) else part for name, part in reversed(study.items())}
    eligibility = dict(turned["protocolSection"]["eligibilityModule"])
    eligibility["eligibilityCriteria"] = re.sub(r"(?m)^\d+\. ", "* ", eligibility["eligibilityCriteria"]).replace(",", "\\,")
    turned["protocolSection"]["eligibilityModule"] = eligibility
    assert turned != study
    return turned


def test_after_an_upgrade_the_same_study_is_no_news(house: House) -> None:
    begin(house)
    read_by_an_older_program(house)
    before = house.counts()
    for days in (1, 2):
        house.registry.release()
        assert house.sync(days=days).changes == 0
    assert {**house.counts(), "run": before["run"]} == before
    assert not house.mailbox.messages


def test_after_an_upgrade_another_form_of_the_same_study_is_no_news(house: House) -> None:
    begin(house)
    read_by_an_older_program(house)
    before = house.counts()
    house.registry.put(rewritten(house.registry.study(TRIAL)))
    assert house.sync().changes == 0
    assert {**house.counts(), "run": before["run"]} == before


def test_after_an_upgrade_a_change_elsewhere_is_told_alone(house: House) -> None:
    begin(house)
    read_by_an_older_program(house)
    close_recruitment(house)
    report = house.sync()
    assert (report.changes, report.notices) == (1, 1)
    assert {change.field for change in house.changes()} == {"overall_status"}
    with house.history() as history:
        version = versions.latest(history, TRIAL, "ctgov")
        assert version is not None
        kept = versions.before(history, version)
        assert kept is not None
        assert [criterion.text for criterion in kept.record.criteria or ()] == ["All criteria in one piece"]
        assert len(version.record.criteria or ()) > 10


def test_after_an_upgrade_a_change_of_what_is_read_otherwise_is_told_once(house: House) -> None:
    begin(house)
    read_by_an_older_program(house)
    house.registry.put(record.with_criterion(house.registry.study(TRIAL), SMOKE_FREE_BEFORE, SMOKE_FREE_AFTER, posted="2026-02-03"))
    assert house.sync().changes == 1
    (change,) = house.changes()
    assert (change.field, change.operation, change.group) == ("criteria", "changed", "exclusion")
    assert SMOKE_FREE_BEFORE in change.before
    assert SMOKE_FREE_AFTER in change.after
    assert house.sync().changes == 0


@pytest.mark.parametrize("how", ["cut", "codec", "{}", "no JSON"])
def test_without_a_payload_that_can_be_read_the_kept_record_is_compared(house: House, how: str) -> None:
    begin(house)
    spoil_payload(house, how)
    assert house.sync().changes == 0
    close_recruitment(house)
    assert house.sync().changes == 1
    assert {change.field for change in house.changes()} == {"overall_status"}


def test_a_pages_kept_record_is_compared_as_it_is_kept(house: House) -> None:
    begin(house, page=True)
    house.listing.validators(etag=False, last_modified=False)
    url = house.listing.url_of(TRIAL)
    house.listing.put(TRIAL, replace(first_listing(), city="", country=""))
    house.sync()
    as_an_older_program_kept_it(house)
    with house.history() as history, history.write() as connection:
        connection.execute("UPDATE version SET record = json_set(record, '$.overall_status', 'COMPLETED') WHERE source = ?", (url,))
    house.sync()
    assert {change.field for change in house.changes(source=url)} == {"overall_status"}


def test_an_unchanged_study_is_not_even_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(house)
    house.registry.release()

    def unwanted(payload: bytes) -> None:
        raise AssertionError(payload)

    monkeypatch.setattr("registry_sync.sources.ctgov_record.record_from", unwanted)
    monkeypatch.setattr("registry_sync.sources.ctgov_record._read", unwanted)
    report = house.sync()
    assert (report.sources[0].checked, report.sources[0].failed) == (1, [])


def test_what_is_kept_of_a_change_is_the_whole_record(house: House) -> None:
    begin(house)
    close_recruitment(house)
    house.sync()
    with house.history() as history:
        version = versions.latest(history, TRIAL, "ctgov")
        assert version is not None
        assert version.record == record_from(versions.payload(history, version.id))
