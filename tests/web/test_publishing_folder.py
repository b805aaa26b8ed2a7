"""The folder of what is published: nothing in it that somebody else put there is ever lost."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.web import folders, publishing
from tests.cli.conftest import Terminal
from tests.waiting import PATIENCE

OWN = (
    "thesis.docx",
    "trials/mine.txt",
    f"trials/{TRIAL}/index.html~",
    "about.html",
    "da/notes/x.txt",
    "mine/x.txt",
    ".git/HEAD",
    "sub/CNAME",
)
ROOTS_OWN = {"CNAME": "trials.example.org\n", ".nojekyll": "", ".well-known/security.txt": "Contact: mailto:a@example.org\n"}


@pytest.fixture
def site(terminal: Terminal) -> Path:
    """One trial, published."""
    terminal.house.registry.put(record.the_study())
    terminal.house.watch(TRIAL)
    terminal.house.sync(days=0)
    assert terminal("publish", "site").code == 0
    return terminal.house.folder / "site"


def put(folder: Path, name: str, text: str = "years of work") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def everything(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", OWN)
def test_a_file_of_somebodys_own_among_the_pages_is_named_and_kept(terminal: Terminal, site: Path, name: str) -> None:
    put(site, name)
    before = everything(site)
    said = terminal("publish", "site")
    assert said.code == 2
    assert f"holds {name}, which was not published by this program, and would be lost" in said.complaint
    assert everything(site) == before
    assert not list(site.parent.glob(".site*"))


def test_an_empty_folder_and_a_link_are_somebodys_own_too(terminal: Terminal, site: Path) -> None:
    (site / "mine").mkdir()
    assert "holds mine/, which" in terminal("publish", "site").complaint
    (site / "mine").rmdir()
    (site / "mine").symlink_to(site.parent, target_is_directory=True)
    assert "holds mine, which" in terminal("publish", "site").complaint
    assert (site / "mine").is_symlink()


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_is_refused_and_what_it_leads_to_is_named(terminal: Terminal, site: Path, exists: bool) -> None:
    link, other = site.with_name("link"), site.with_name("other")
    link.symlink_to(site if exists else other)
    said = terminal("publish", "link")
    assert said.code == 2
    assert said.complaint == f"{link}: is a link, which would be lost; name what it leads to, {site if exists else other}"
    assert link.is_symlink()


def fails(path: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this folder be one that the system does not give to read."""
    scandir = os.scandir

    def scan(asked: Any = ".") -> Any:
        if os.fspath(asked) == str(path):
            raise OSError(number, os.strerror(number), str(path))
        return scandir(asked)

    monkeypatch.setattr(os, "scandir", scan)


def test_a_folder_in_which_something_goes_while_it_is_looked_at_is_still_somebodys_own(
    terminal: Terminal, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(site, "a/gone.txt")
    put(site, "z/thesis.txt")
    fails(site / "a", errno.ENOENT, monkeypatch)
    assert "holds z/thesis.txt, which" in terminal("publish", "site").complaint


def test_a_folder_that_cannot_be_looked_into_is_named_and_kept(terminal: Terminal, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = put(site, "theirs/thesis.txt")
    fails(theirs.parent, errno.EACCES, monkeypatch)
    said = terminal("publish", "site")
    assert said.code == 2
    assert said.complaint == f"{theirs.parent}: cannot be read (Permission denied): what is in it could be lost"
    assert theirs.exists()


def test_a_page_that_somebody_edited_is_made_anew(terminal: Terminal, site: Path) -> None:
    before = (site / "index.html").read_bytes()
    put(site, "index.html", "edited")
    assert terminal("publish", "site").code == 0
    assert (site / "index.html").read_bytes() == before


@pytest.mark.parametrize("manifest", ['{"my":"own"}', "no JSON", "", "[]", '{"by":"me","files":1,"names":["thesis.txt"]}'])
def test_another_programs_manifest_makes_no_folder_ours(terminal: Terminal, site: Path, manifest: str) -> None:
    mine = site.parent / "mine"
    put(mine, "published.json", manifest)
    assert "holds published.json, which" in terminal("publish", "mine").complaint
    put(mine, "thesis.txt")
    assert "holds thesis.txt, which" in terminal("publish", "mine").complaint
    assert set(everything(mine)) == {"published.json", "thesis.txt"}


def test_the_manifest_of_another_site_makes_no_folder_ours(terminal: Terminal, site: Path) -> None:
    mine = site.parent / "mine"
    put(mine, "published.json", (site / "published.json").read_text(encoding="utf-8"))
    put(mine, "thesis.txt")
    assert terminal("publish", "mine").code == 2
    assert (mine / "thesis.txt").exists()


def test_what_is_put_there_while_the_pages_are_made_is_kept(terminal: Terminal, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = publishing._Site.link

    def and_somebody_writes(made: publishing._Site) -> None:
        link(made)
        put(site, "thesis.txt")

    monkeypatch.setattr(publishing._Site, "link", and_somebody_writes)
    assert "holds thesis.txt" in terminal("publish", "site").complaint
    assert (site / "thesis.txt").exists()
    assert not list(site.parent.glob(".site*"))


def test_what_a_host_wants_at_the_root_stays(terminal: Terminal, site: Path) -> None:
    for name, text in ROOTS_OWN.items():
        put(site, name, text)
    (site / ".well-known" / "here").symlink_to("security.txt")
    for _ in range(2):
        assert terminal("publish", "site", "--url", "https://example.org").code == 0
        assert {name: (site / name).read_text(encoding="utf-8") for name in ROOTS_OWN} == ROOTS_OWN
        assert (site / ".well-known" / "here").readlink() == Path("security.txt")
    assert not set(json.loads((site / "published.json").read_bytes())["names"]) & set(ROOTS_OWN)


def test_a_folder_that_holds_no_more_than_that_can_be_published_to(terminal: Terminal, site: Path) -> None:
    put(site.parent / "new", "CNAME", "trials.example.org\n")
    assert terminal("publish", "new").code == 0
    assert (site.parent / "new" / "CNAME").read_text(encoding="utf-8") == "trials.example.org\n"


def of_before(site: Path) -> None:
    """Let the manifest be that of a version that named no files."""
    told = json.loads((site / "published.json").read_bytes())
    del told["names"]
    put(site, "published.json", json.dumps({**told, "files": told["files"] - 1}))


def test_a_folder_of_a_version_that_named_no_files_is_replaced_when_it_is_as_it_was_made(terminal: Terminal, site: Path) -> None:
    assert terminal("publish", "site", "--url", "https://example.org/trials").code == 0
    of_before(site)
    assert terminal("publish", "site").code == 0
    of_before(site)
    for name in ("thesis.docx", "about.html", f"trials/{TRIAL}/notes.txt", "api/mine.txt"):
        mine = put(site, name)
        assert f"holds {name}, which" in terminal("publish", "site").complaint
        mine.unlink()
    put(site, "condition/mine/index.html")  # such a one may have been made: but then there would be one less
    assert terminal("publish", "site").code == 2
    assert (site / "condition" / "mine" / "index.html").exists()


def test_the_folder_keeps_its_mode(terminal: Terminal, site: Path) -> None:
    site.chmod(0o2750)
    assert terminal("publish", "site").code == 0
    assert stat.S_IMODE(site.stat().st_mode) == 0o2750


def test_the_root_of_all_is_refused_in_one_line(terminal: Terminal, site: Path) -> None:
    for named in ("/", "/tmp/.."):  # noqa: S108 - nothing is written there
        said = terminal("publish", named)
        assert said.code == 2
        assert said.complaint == "/: cannot be replaced; name a folder that is new or empty"


def test_a_folder_may_be_named_from_within(terminal: Terminal, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = str(site.parent / "history.db")
    monkeypatch.chdir(site / "trials")
    assert terminal("--database", database, "publish", "..").code == 0
    assert (site / "index.html").exists()


@pytest.mark.parametrize("named", ["https://user:secret@example.org/", "https://user@example.org", "ftp://user:secret@example.org"])
def test_an_address_with_a_password_is_refused_and_not_repeated(terminal: Terminal, site: Path, named: str) -> None:
    said = terminal("publish", "site", "--url", named)
    assert said.code == 2
    assert "with no user and no password in it" in said.complaint
    assert "secret" not in said.err
    said = terminal.shell("publish", "site", REGISTRY_SYNC_WEB_URL=named)
    assert said.code == 2
    assert "with no user and no password in it" in said.err
    assert "secret" not in said.err


@pytest.mark.parametrize(
    "named",
    ["https://[::1/", "https://h]/", "https://h/\n", "https://h/\x01", "https://h:99999/", "https://h:x/", "http://:80/"],
)
def test_an_address_that_leads_nowhere_is_refused_in_one_line_wherever_it_is_given(terminal: Terminal, named: str) -> None:
    line = f"expected an http or https URL with no user and no password in it, or empty, not {named!r}"
    said = terminal("publish", "site", "--url", named)
    assert said.code == 2
    assert said.complaint.startswith(f"--url: {line}")
    for command in (["publish", "site"], ["doctor"]):
        said = terminal.shell(*command, REGISTRY_SYNC_WEB_URL=named)
        assert said.code == 2
        assert f"REGISTRY_SYNC_WEB_URL: {line}" in said.out + said.err
        assert len((said.out + said.err).splitlines()) == 1
    assert not (terminal.house.folder / "site").exists()


@pytest.mark.parametrize("named", ["", "http://localhost:8080", "https://[::1]:8443/trials/", "https://example.org/a@b"])
def test_an_address_that_leads_somewhere_is_taken(terminal: Terminal, site: Path, named: str) -> None:
    assert terminal("publish", "site", "--url", named).code == 0


def test_what_is_counted_is_what_is_there(terminal: Terminal, site: Path) -> None:
    said = terminal("publish", "site", "--json").json
    there = everything(site)
    told = json.loads(there["published.json"])
    assert said["files"] == told["files"] == len(there)
    assert said["bytes"] == sum(map(len, there.values()))
    assert {*told["names"], "published.json"} == set(there)


_WITH_A_REST = """\
import sys
from registry_sync import entry
from registry_sync.web import publishing

keep = publishing._Site._keep

def keep_and_rest(*page):
    keep(*page)
    print("kept", flush=True)
    sys.stdin.readline()

publishing._Site._keep = keep_and_rest
entry.main()
"""
"""The program, which after each page waits for a line."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_is_asked_to_stop_leaves_all_as_it_was(terminal: Terminal, site: Path, number: signal.Signals) -> None:
    before = everything(site)
    beside = site.with_name(".site.publishing")
    with subprocess.Popen(
        [sys.executable, "-c", _WITH_A_REST, "publish", "site"],
        cwd=site.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"kept\n"
        assert everything(beside)
        process.send_signal(number)
        out, err = process.communicate(b"\n" * 1000, timeout=PATIENCE)
    assert (process.returncode, out.replace(b"kept\n", b"")) == (130, b"")
    assert out.count(b"kept") < 5
    assert re.fullmatch(rb"registry-sync: interrupted; [^\n]*", err.strip())
    assert everything(site) == before
    assert not beside.exists()


def test_a_folder_that_cannot_be_put_in_its_place_leaves_the_old_one(
    terminal: Terminal, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(site)
    rename = Path.rename

    def fail(path: Path, to: Path) -> Path:
        if path.name == ".site.publishing":
            raise OSError(5, os.strerror(5), str(path))
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(Exception, match=r"Input/output error"):
        publishing.publish(terminal.house.around, site, "")
    assert everything(site) == before
    assert folders.MANIFEST in before
