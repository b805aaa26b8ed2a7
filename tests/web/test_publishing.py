"""The public pages as files: all that a reader may follow is there, and nothing that is not for everybody."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import feedparser
import pytest
from bs4 import BeautifulSoup
from icalendar import Calendar

from db import watches
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import SMOKE_FREE_AFTER, SMOKE_FREE_BEFORE, first_listing
from registry_sync.errors import UsageError
from registry_sync.notices.i18n import languages
from registry_sync.web import publishing
from tests.cli.conftest import Terminal
from tests.house import House, open_house

OTHER = "NCT00000001"
SECRET = "secret-path"
WHERE = "https://example.org/below/trials"


def settle(house: House) -> None:
    """Two trials, a listing page, three versions, and people who are told."""
    house.registry.put(record.the_study())
    house.registry.put(record.a_study(OTHER, title="Eyes That Are Dry", conditions=("Dry Eye", "SJÖGREN’S DISEASE / SICCA?")))
    house.listing.put(TRIAL, first_listing())
    house.watch(TRIAL, pages=(house.listing.url_of(TRIAL),))
    house.watch(OTHER)
    house.subscribe("reader@example.org", TRIAL)
    house.subscribe(f"{house.hook.url}/in/{SECRET}", TRIAL, kind="webhook")
    house.sync(days=0)
    study = record.with_status(house.registry.study(TRIAL), "ACTIVE_NOT_RECRUITING", posted="2026-02-03")
    house.registry.put(record.with_completion(study, "2026-06-30"))
    house.sync()
    house.registry.put(record.with_criterion(house.registry.study(TRIAL), SMOKE_FREE_BEFORE, SMOKE_FREE_AFTER, posted="2026-02-04"))
    house.sync()


@pytest.fixture
def full(terminal: Terminal) -> House:
    settle(terminal.house)
    return terminal.house


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The pages, published for ``WHERE``."""
    with open_house(tmp_path_factory.mktemp("published")) as house:
        settle(house)
        made = publishing.publish(house.around, house.folder / "site", f"{WHERE}/")
        assert (made.trials, made.languages) == (2, list(languages()))
        yield house.folder / "site"


def files(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*") if path.is_file())


def led_to(page: Path, root: Path) -> Iterator[tuple[str, Path]]:
    """The files to which a page leads."""
    soup = BeautifulSoup(page.read_bytes(), "lxml")
    for tag, name in (("a", "href"), ("link", "href"), ("script", "src"), ("img", "src"), ("form", "action")):
        for element in soup.find_all(tag):
            link = str(element.get(name, ""))
            if link.startswith(f"{WHERE}/"):
                yield link, root / link.removeprefix(f"{WHERE}/")
            elif not urlsplit(link).scheme and not link.startswith("#"):
                yield link, (page.parent / unquote(urlsplit(link).path)).resolve()


def test_the_folder_of_the_copies_is_no_place_for_a_site(house: House) -> None:
    with pytest.raises(UsageError, match="is where the copies of the database are"):
        publishing.publish(house.around, house.folder / "backups", "")
    assert not (house.folder / "backups").exists()


def test_every_link_leads_to_a_file_in_each_language_wherever_the_folder_stands(folder: Path) -> None:
    pages = [path for path in files(folder) if path.suffix == ".html"]
    seen: set[bool] = set()
    for page in pages:
        for link, there in led_to(page, folder):
            assert not link.startswith("/"), (page, link)
            seen.add(link.startswith(WHERE))
            assert there.is_file(), (page, link)
            assert there.is_relative_to(folder), (page, link)
    assert seen == {True, False}  # what search engines read is whole, what people follow is relative

    there = {str(path.relative_to(folder)) for path in files(folder)}
    for prefix in ("", "da/"):
        for name in ("index.html", "status/index.html", "feed.atom", "calendar.ics"):
            assert prefix + name in there
        for name in (
            *("index.html", "feed.atom", "calendar.ics", "versions/index.html", "diff/from-2_to-3.html", "diff/index.html"),
            *("listings/index.html", "versions/2/index.html"),
        ):
            assert f"{prefix}trials/{TRIAL}/{name}" in there
    assert len([name for name in there if name.startswith("condition/")]) > 1


def test_a_page_is_in_its_language_and_leads_to_the_same_page_in_the_others(folder: Path) -> None:
    for path, language, other in ((f"trials/{TRIAL}/index.html", "en", "da"), (f"da/trials/{TRIAL}/index.html", "da", "en")):
        soup = BeautifulSoup((folder / path).read_bytes(), "lxml")
        assert soup.html is not None
        assert soup.html["lang"] == language
        (link,) = soup.select("nav a[hreflang]")
        there = (folder / path).parent / str(link["href"])
        assert f'lang="{other}"' in there.read_text(encoding="utf-8")
        assert there.resolve() != (folder / path)


def test_what_needs_a_server_is_left_out(folder: Path) -> None:
    for page in files(folder):
        text = page.read_text(encoding="utf-8")
        if page.suffix == ".html":
            assert "<form" not in text
            assert "<script" not in text
            assert "default-src 'none'; style-src 'self'" in text
            assert "hour ago" not in text
            soup = BeautifulSoup(text, "lxml")
            for heading in soup.find_all(["h2", "h3"]):
                assert heading.find_next_sibling() or heading.find_parent("section") or heading.find_parent("li"), (page, heading)
        assert not re.search(r"/(stop|confirm|manage|subscribe|operator|deadlines)/", text), page
    assert "Any two side by side" not in (folder / "trials" / TRIAL / "versions" / "index.html").read_text(encoding="utf-8")


def test_nothing_of_who_is_told_is_in_any_file(folder: Path) -> None:
    for path in files(folder):
        octets = path.read_bytes()
        for private in (b"reader@example.org", SECRET.encode(), b"operator@example.org", str(folder).encode()):
            assert private not in octets, path


def test_feeds_and_calendars_lead_to_where_the_folder_will_be_read(folder: Path) -> None:
    found = [path for path in files(folder) if path.suffix == ".atom"]
    assert len(found) >= 6
    for path in found:
        feed = feedparser.parse(path.read_bytes())
        assert not feed.bozo, path
        links = [link["href"] for each in (feed.feed, *feed.entries) for link in each.links]
        assert f"{WHERE}/{path.relative_to(folder)}" in links
        for link in links:
            assert link.startswith(f"{WHERE}/")
            assert (folder / link.removeprefix(f"{WHERE}/")).is_file()
    assert len(feedparser.parse((folder / "feed.atom").read_bytes()).entries) == 3
    events = Calendar.from_ical((folder / "trials" / TRIAL / "calendar.ics").read_bytes()).events
    assert events
    for event in events:
        assert (folder / str(event["url"]).removeprefix(f"{WHERE}/") / "index.html").is_file()


def test_without_an_address_feeds_lead_to_files_beside_them(terminal: Terminal, full: House) -> None:
    said = terminal("publish", "site")
    assert "--url" in said.err
    assert said.out == f"published 2 trials as {len(list(files(full.folder / 'site')))} files in {full.folder / 'site'}\n"
    path = full.folder / "site" / "da" / "trials" / TRIAL / "feed.atom"
    (link,) = {each["href"] for each in feedparser.parse(path.read_bytes()).feed.links if each["rel"] == "self"}
    assert link == "feed.atom"


def test_programs_read_the_same_json(terminal: Terminal, full: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "_MOST_OF_ONE_ANSWER", {"/api/trials": 1, "/api/changes": 1})
    monkeypatch.setattr(publishing, "DAYS_OF_CHANGES", 3660)
    terminal("publish", "site")
    api = full.folder / "site" / "api"
    trials = json.loads((api / "trials.json").read_bytes())
    assert [trial["trial"] for trial in trials["trials"]] == [TRIAL, OTHER]
    assert trials["next"] is None
    shown = terminal("show", TRIAL, "--json").json
    assert json.loads((api / "trials" / f"{TRIAL}.json").read_bytes())["overall_status"] == shown["overall_status"]
    changes = json.loads((api / "changes.json").read_bytes())["changes"]
    assert [change["id"] for change in changes] == sorted(change["id"] for change in terminal("changes", "--json").json)


def test_a_trial_that_is_watched_no_more_goes(terminal: Terminal, full: House) -> None:
    terminal("publish", "site")
    terminal("watch", "remove", OTHER)
    assert terminal("publish", "site").out.startswith("published 1 trial ")
    assert not [path for path in files(full.folder / "site") if OTHER in path.read_text(encoding="utf-8") or OTHER in str(path)]
    assert not list(full.folder.glob(".site*"))


def test_a_trial_that_left_the_registry_is_shown_as_open_nowhere(terminal: Terminal, full: House) -> None:
    full.registry.remove(OTHER)
    full.sync()
    full.sync()
    terminal("publish", "site")
    site = full.folder / "site"
    entries = {str(entry.a["href"]): entry for entry in BeautifulSoup((site / "index.html").read_bytes(), "lxml").select(".trials > li")}
    gone = entries[f"trials/{OTHER}/"] if f"trials/{OTHER}/" in entries else entries[f"trials/{OTHER}/index.html"]
    assert "The registry has not shown this trial since" in gone.get_text()
    assert not gone.select(".status")
    rows = {row["trial"]: row for row in json.loads((site / "api/trials.json").read_bytes())["trials"]}
    assert {trial: row["absence"] for trial, row in rows.items()} == {TRIAL: None, OTHER: "absent"}


def test_a_trial_that_was_not_fetched_yet_has_a_page_that_says_so(terminal: Terminal, full: House) -> None:
    with full.history() as history:
        watches.add(history, ["NCT00000009"], [], "2026-02-02T00:00:00Z")
    terminal("publish", "site")
    assert (full.folder / "site" / "trials" / "NCT00000009" / "index.html").is_file()


def test_a_folder_with_anything_else_in_it_is_not_touched(terminal: Terminal, full: House) -> None:
    (full.folder / "mine").mkdir()
    (full.folder / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    said = terminal("publish", "mine")
    assert said.code == 2
    assert "would be lost" in said.complaint
    assert [path.name for path in files(full.folder / "mine")] == ["thesis.txt"]
    terminal("publish", "site")
    (full.folder / "site" / ".git").mkdir()
    assert terminal("publish", "site").code == 2


@pytest.mark.parametrize("place", ["a file/site", "a file/below/site", f"{'long' * 62}"])
def test_a_folder_that_cannot_be_made_is_named_as_it_was_asked_for(terminal: Terminal, full: House, place: str) -> None:
    (full.folder / "a file").write_text("no folder", encoding="utf-8")
    said = terminal("publish", place)
    assert said.code == 2
    assert said.complaint.startswith(f"{full.folder / place}: cannot be made (")
    assert str((full.folder / place).parent) in said.complaint.partition("): ")[2]
    assert (full.folder / "a file").read_text(encoding="utf-8") == "no folder"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
@pytest.mark.parametrize("rights", [0o000, 0o500])
def test_a_folder_of_somebody_else_is_not_written_to(terminal: Terminal, full: House, rights: int) -> None:
    theirs = full.folder / "theirs"
    theirs.mkdir()
    theirs.chmod(rights)
    try:
        said = terminal("publish", "theirs/site")
    finally:
        theirs.chmod(0o700)
    assert said.code == 2
    assert said.complaint.startswith(f"{theirs / 'site'}: cannot be made (Permission denied): {theirs} must be ")


def test_a_page_that_cannot_be_made_leaves_what_was_published(terminal: Terminal, full: House, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal("publish", "site")
    before = {path: path.read_bytes() for path in files(full.folder / "site")}
    full.registry.put(record.with_status(full.registry.study(TRIAL), "COMPLETED", posted="2026-02-09"))
    full.sync()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the pages are broken")

    monkeypatch.setattr("registry_sync.web.past._rows", fail)
    said = terminal("publish", "site")
    assert said.code == 1
    assert "stays as it was" in said.err
    assert {path: path.read_bytes() for path in files(full.folder / "site")} == before
    assert not list(full.folder.glob(".site*"))


@pytest.mark.parametrize("step", ["before anything", "between the two renames"])
def test_what_a_killed_process_left_is_mended(terminal: Terminal, full: House, step: str) -> None:
    terminal("publish", "site")
    site = full.folder / "site"
    (full.folder / ".site.publishing").mkdir()
    (full.folder / ".site.publishing" / "half.html").write_text("half", encoding="utf-8")
    if step != "before anything":
        site.rename(full.folder / ".site.before")
    assert terminal("publish", "site").code == 0
    assert (site / "index.html").is_file()
    assert not (site / "half.html").exists()
    assert not list(full.folder.glob(".site*"))


def test_what_cannot_be_used_is_one_line(terminal: Terminal, full: House) -> None:
    assert "http or https" in terminal("publish", "site", "--url", "ftp://example.org").complaint
    said = terminal("--database", "nowhere.db", "publish", "site")
    assert said.code == 2
    assert not (full.folder / "site").exists()


def test_all_is_of_one_moment_whatever_a_sync_writes_meanwhile(full: House, monkeypatch: pytest.MonkeyPatch) -> None:
    take = publishing._Site._take
    synced = []

    async def and_a_sync(site: publishing._Site, address: publishing.Address) -> None:
        await take(site, address)
        if not synced:
            study = record.with_status(full.registry.study(TRIAL), "SUSPENDED", posted="2026-02-05", why_stopped="A pause of its own")
            full.registry.put(study)
            synced.append(full.sync(days=0.01))

    monkeypatch.setattr(publishing._Site, "_take", and_a_sync)
    publishing.publish(full.around, full.folder / "site", "")
    assert synced[0].changes
    assert not [path for path in files(full.folder / "site") if b"A pause of its own" in path.read_bytes()]
    monkeypatch.undo()
    publishing.publish(full.around, full.folder / "site", "")
    assert "A pause of its own" in (full.folder / "site" / "trials" / TRIAL / "index.html").read_text()


def test_an_address_where_there_is_nothing_has_a_page_whose_links_hold_anywhere(folder: Path, full: House) -> None:
    page = BeautifulSoup((folder / "404.html").read_bytes(), "lxml")
    assert "There is nothing here" in page.h1.get_text()
    links = [str(element["href"]) for element in page.select("a[href], link[href]")]
    assert f"{WHERE}/index.html" in links
    assert f"{WHERE}/style.css" in links
    assert [link for link in links if not link.startswith((WHERE, "#"))] == []
    publishing.publish(full.around, full.folder / "site", "")  # where it will stand is not known
    assert not (full.folder / "site" / "404.html").exists()
