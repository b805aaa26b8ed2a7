"""The loopback registry's version history, and its HTML."""

from __future__ import annotations

import json
from typing import Any

import pytest

from registry_sync.demo import record
from registry_sync.demo.as_html import as_html, html_of
from registry_sync.demo.record import TRIAL
from registry_sync.demo.registry import Registry
from registry_sync.demo.wire import Request

ROOT = f"/api/int/studies/{TRIAL}"


@pytest.fixture
def registry() -> Registry:
    made = Registry()
    made.put(record.touched(record.the_study(), "2025-01-01"))
    made.put(record.with_completion(made.study(TRIAL), "2028-01-01", posted="2025-02-01"))
    return made


def got(registry: Registry, path: str, *query: tuple[str, str]) -> Any:
    reply = registry.answer(Request("GET", path, query))
    return json.loads(reply.body) if reply.status == 200 else reply.status


def test_each_version_put_is_listed_and_served(registry: Registry) -> None:
    changes = got(registry, f"{ROOT}/history")["changes"]
    assert [(change["version"], change["date"]) for change in changes] == [(0, "2025-01-01"), (1, "2025-02-01")]
    assert got(registry, ROOT, ("history", "true"))["history"]["changes"] == changes
    versions = [got(registry, f"{ROOT}/history/{number}") for number in (0, 1)]
    assert [version["studyVersion"] for version in versions] == [0, 1]
    assert versions[0]["study"]["protocolSection"] == as_html(record.touched(record.the_study(), "2025-01-01")["protocolSection"])
    assert versions[1]["study"]["protocolSection"] == as_html(registry.study(TRIAL)["protocolSection"])
    assert versions[0]["study"]["derivedSection"] == registry.study(TRIAL)["derivedSection"]


def test_what_the_registry_changes_in_silence_is_no_version(registry: Registry) -> None:
    before = got(registry, f"{ROOT}/history/1")
    registry.put(record.with_status(registry.study(TRIAL), "UNKNOWN"))
    assert len(got(registry, f"{ROOT}/history")["changes"]) == 2
    assert got(registry, f"{ROOT}/history/1")["study"]["protocolSection"] == before["study"]["protocolSection"]
    registry.put(record.with_status(registry.study(TRIAL), "COMPLETED", posted="2025-03-01"))
    statuses = [change["status"] for change in got(registry, f"{ROOT}/history")["changes"]]
    assert statuses == [before["study"]["protocolSection"]["statusModule"]["overallStatus"]] * 2 + ["COMPLETED"]


@pytest.mark.parametrize("path", [f"{ROOT}/history/2", f"{ROOT}/history/-1", f"{ROOT}/history/x", f"{ROOT}/else", ROOT])
def test_what_is_not_there_is_404(registry: Registry, path: str) -> None:
    assert got(registry, path) == 404


def test_the_history_can_be_hidden_and_goes_with_its_record(registry: Registry) -> None:
    registry.show_history(False)
    assert got(registry, f"{ROOT}/history") == 404
    registry.show_history(True)
    registry.remove(TRIAL)
    assert got(registry, f"{ROOT}/history") == 404
    registry.put(record.the_study())
    assert len(got(registry, f"{ROOT}/history")["changes"]) == 1


def test_an_alias_leads_to_the_history_of_the_current_id(registry: Registry) -> None:
    registry.alias("NCT00000001", TRIAL)
    reply = registry.answer(Request("GET", "/api/int/studies/NCT00000001/history/0"))
    assert (reply.status, dict(reply.headers)["Location"].rstrip("?")) == (301, f"{ROOT}/history/0")


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("One paragraph, 1/2 of it\nin two lines", "One paragraph, 1&#x2F;2 of it\nin two lines"),
        ("First\n\nSecond \\> third", "<p>First</p><p>Second &gt; third</p>"),
        ("Head:\n\n* one\n* two", "<p>Head:</p><ul><li>one</li><li>two</li></ul>"),
        (
            "1. one\n   * inner\n   * other\n2. two\n\nEnd",
            "<ol><li>one<ul><li>inner</li><li>other</li></ul></li><li>two</li></ol><p>End</p>",
        ),
        ("* one\n1. two", "<ul><li>one</li></ul><ol><li>two</li></ol>"),
        ("", ""),
    ],
)
def test_markdown_becomes_html(markdown: str, html: str) -> None:
    assert html_of(markdown) == html
