"""An entry that was never held goes on where a watched one was merged into it: nobody is told that one trial went from one to the other."""

from __future__ import annotations

import html
import re

import pytest

from registry_sync.demo import record
from tests.web.conftest import Site

OLD, NEW = "NCT00000105", "NCT00000106"


@pytest.fixture
def merged(site: Site) -> Site:
    """The registry shows a completed trial under another id, as one that is recruiting and ends a year later."""
    house = site.house
    house.registry.put(record.a_study(OLD, title="The first title", status="COMPLETED", posted="2026-01-10", completion="2027-03-10"))
    house.watch(OLD)
    house.sync()
    house.registry.put(record.a_study(NEW, title="The second title", status="RECRUITING", posted="2026-01-20", completion="2028-03-10"))
    house.registry.alias(OLD, NEW)
    house.sync(days=30)
    return site


def said(site: Site, path: str) -> str:
    answer = site.get(path)
    assert answer.status_code == 200
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", answer.text)).split())


def test_the_page_says_by_when_the_other_entry_stood_so_and_counts_no_date_across(merged: Site) -> None:
    text = said(merged, f"/trials/{NEW}")
    assert "Recruiting (looking for participants), by 20 January 2026 at the latest" in text
    assert "since 20 January 2026" not in text
    assert f"From here on another entry, {NEW}: {OLD} was merged with it. What differs is no change of either." in text
    assert "from here on another entry" in text
    assert "later" not in text


@pytest.mark.parametrize("day", ["2026-01-25", "2026-02-01"])
def test_a_day_does_not_say_since_when_either(merged: Site, day: str) -> None:
    text = said(merged, f"/trials/{NEW}/at/{day}")
    assert "by 20 January 2026 at the latest" in text
    assert "since 20 January 2026" not in text


def test_a_version_of_the_first_entry_says_so(merged: Site) -> None:
    assert f"It is from the time when this was {OLD}." in said(merged, f"/trials/{NEW}/versions/1")
    assert "from the time when" not in said(merged, f"/trials/{NEW}/versions/2")
    assert f"of the entry {OLD}, which was merged into this one" in said(merged, f"/trials/{NEW}/versions")


def test_two_versions_of_two_entries_are_no_before_and_after(merged: Site) -> None:
    text = said(merged, f"/trials/{NEW}/diff")
    assert f"These two versions are of two entries that the registry merged, {OLD} and {NEW}." in text
    assert f"{OLD}: Completed" in text
    assert f"{NEW}: Recruiting" in text
    assert "later" not in text
    told = {each["field"]: each for each in merged.get(f"/api/trials/{NEW}/diff").json()}
    for field in ("overall_status", "completion_date"):
        assert told[field]["detail"] == {"entries": [OLD, NEW]}
        assert "not the same in the two entries that were merged" in told[field]["summary"]


def test_the_terminal_counts_nothing_from_one_entry_to_the_other(merged: Site, terminal) -> None:
    shown = terminal("show", NEW).out
    assert f"from here on another entry, {NEW}: no step is counted across" in shown
    assert "by 2026-01-20 at the latest" in shown
    assert "+12 months" not in shown
    assert f"it is from the time when this was {OLD}" in terminal("show", NEW, "--at", "2026-01-15").out
    told = terminal("diff", NEW).out
    assert "two entries that the registry merged: what differs is no change of either" in told
    assert f"{OLD} version 1" in told
    assert "later" not in told


def test_what_moves_later_is_counted_from_the_entry_that_goes_on(merged: Site) -> None:
    house = merged.house
    house.registry.put(record.a_study(NEW, title="The second title", status="RECRUITING", posted="2026-03-20", completion="2028-09-10"))
    house.sync(days=30)
    text = said(merged, f"/trials/{NEW}")
    assert "6 months" in text
    assert "18 months" not in text
    assert "12 months" not in text
