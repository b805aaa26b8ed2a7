"""The world in which the documentation's commands are typed: what its pages take for granted, on this machine.

A trial with a listing page, three versions of it, a search, people who are told, and notices that wait, are held, and were sent.
What a page names that is elsewhere (the registry, a trial-finder site, a receiver of posts, folders of a server) is led here.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from db import searches, subscriptions
from jobs.surroundings import as_stamp
from registry_sync.demo import record
from registry_sync.demo.listing import trial_page
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import SMOKE_FREE_AFTER, SMOKE_FREE_BEFORE, first_listing
from registry_sync.notices.route import Subscription
from registry_sync.sources.ctgov_search import search_from
from tests.house import House, open_house
from tests.waiting import free_port

ROOT = Path(__file__).resolve().parents[2]
OTHER = "NCT04280705"
READER = "advocate@example.org"
DESK = "coordinator@example.org"
ASSOCIATION = "association@example.org"
MEMBERS = "members@example.org"

SHIM = f"""\
#!{sys.executable}
# What stays until it is stopped is stopped once it has said that it works.
import os, signal, subprocess, sys
call = [sys.executable, "-m", "registry_sync", *sys.argv[1:]]
lines = {{"serve": 1, "run": 1}}.get(next((word for word in sys.argv[1:] if word in ("serve", "run")), ""))
if lines is None:
    os.execv(sys.executable, call)
process = subprocess.Popen(call, stderr=subprocess.PIPE, text=True)
said = [process.stderr.readline() for _ in range(lines)]
process.send_signal(signal.SIGTERM)
sys.stderr.write("".join(said) + process.communicate()[1])
sys.exit(process.returncode)
"""
TO_COME = re.compile(r"--until \d{4}-\d\d-\d\d")
"""A day that has passed when the pages are older than it is one to come here."""
WATCHES = f"trial,pages\n{OTHER},\n"
READERS = f"address,trials\nmember@example.org,{TRIAL}\n"
PROFILE = 'name = "Example Finder"\nhosts = ["clinconnect.io"]\n'


@dataclass
class World:
    """One prepared house, from which each page gets a copy."""

    house: House
    template: Path
    shim: Path
    held: str = ""
    waiting: str = ""
    port: int = field(default_factory=free_port)

    def copy(self, folder: Path, *, empty: bool = False) -> None:
        """The prepared folder, or one in which nothing has been done."""
        if empty:
            folder.mkdir()
            return
        shutil.copytree(self.template, folder, ignore=shutil.ignore_patterns("*.lock"))

    def led_here(self, text: str, folder: Path) -> str:
        """A command with what lies elsewhere in this world."""
        pairs = {
            "https://clinconnect.io": self.house.listing.url,
            "https://example.org/hooks": f"{self.house.hook.url}/hooks",
            "/etc/registry-sync/registry-sync.toml": str(folder / "registry-sync.toml"),
            "/etc/registry-sync.toml": str(folder / "registry-sync.toml"),
            "/var/lib/registry-sync": str(folder),
            "/opt/registry-sync/bin/": "",
            "/mnt/elsewhere/": f"{folder}/elsewhere/",
            "/var/www/": f"{folder}/www-",
            "0b7f5e": self.held,
            "2a7af8056002488496138fbbfb30a833": self.waiting,
        }
        for there, here in pairs.items():
            text = text.replace(there, here)
        return TO_COME.sub(f"--until {datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=30)}", text)

    def run(self, text: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Type a block of commands into a shell; it ends at the first one that fails."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("REGISTRY_SYNC_", "COVERAGE_"))}
        environ |= {
            "PATH": os.pathsep.join([str(self.shim), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder),
            "HOOK_SECRET": "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=",
            "REGISTRY_SYNC_CTGOV_URL": self.house.registry.url,
            "REGISTRY_SYNC_HTTP_CONTACT": "operator@example.org",
            "REGISTRY_SYNC_HTTP_REQUESTS_PER_MINUTE": "600000",
            "REGISTRY_SYNC_HTTP_TIMEOUT": "60",
            "REGISTRY_SYNC_HTTP_ATTEMPTS": "1",
            "REGISTRY_SYNC_SMTP_HOST": self.house.mailbox.host,
            "REGISTRY_SYNC_SMTP_PORT": str(self.house.mailbox.port),
            "REGISTRY_SYNC_SMTP_UNSUBSCRIBE": "stop@example.org",
            "REGISTRY_SYNC_WEBHOOK_ALLOW_PRIVATE": "true",
            "REGISTRY_SYNC_WEB_LISTEN": f"127.0.0.1:{self.port}",
        }
        call = ["bash", "--noprofile", "--norc", "-euo", "pipefail", "-c", self.led_here(text, folder)]
        return subprocess.run(call, cwd=folder, env=environ, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


@contextmanager
def open_world(folder: Path, *, lived: bool = True) -> Iterator[World]:
    """The world, with its servers, which stop with the block; unless it has ``lived``, there is a trial at the registry and no more."""
    template, shim = folder / "template", folder / "shim"
    template.mkdir()
    shim.mkdir()
    (shim / "registry-sync").write_text(SHIM, encoding="utf-8")
    (shim / "registry-sync").chmod(0o755)
    with open_house(template) as house:
        world = World(house, template, shim)
        house.registry.put(record.the_study())
        if lived:
            _live(world)
        yield world


def _live(world: World) -> None:
    """Two weeks, as the examples have them."""
    house = world.house
    house.set("smtp", unsubscribe="stop@example.org")
    house.registry.put(record.a_study(OTHER, title="Another Trial"))
    house.listing.put(TRIAL, first_listing())
    house.watch(TRIAL, pages=(house.listing.url_of(TRIAL),))
    house.watch(OTHER)
    search = search_from(["cond=Sjogren", "locn=Denmark"])
    with house.history() as history:
        searches.add(history, search, as_stamp(house.at))
    house.sync(days=0)
    house.subscribe(READER, TRIAL)
    with house.history() as history:
        consent = subscriptions.Consent("w", "me", as_stamp(house.at))
        wanted = Subscription(id=0, address=ASSOCIATION, kind="email")
        subscriptions.add(history, wanted, (), consent=consent, now=as_stamp(house.at), search=search)
    house.subscribe(DESK, TRIAL, role="coordinator")
    house.subscribe(MEMBERS, TRIAL, hold=True)
    study = record.with_status(house.registry.study(TRIAL), "ACTIVE_NOT_RECRUITING", posted="2026-02-03")
    house.registry.put(record.with_completion(study, "2026-06-30"))
    house.sync()
    house.registry.put(record.with_criterion(house.registry.study(TRIAL), SMOKE_FREE_BEFORE, SMOKE_FREE_AFTER, posted="2026-02-09"))
    house.sync(days=6)
    house.subscribe(DESK, OTHER, role="coordinator", every="week")
    house.registry.put(record.with_status(house.registry.study(OTHER), "SUSPENDED", posted="2026-02-10"))
    house.at = datetime.datetime.now(datetime.UTC)
    house.sync(days=0)
    rows = house.outbox()
    world.held = next(row["id"] for row in rows if row["address"] == MEMBERS)
    world.waiting = next(row["id"] for row in rows if row["state"] == "pending")
    stop = next(mail for mail in house.mailbox.messages if READER in mail.recipients).message
    subject = re.search(r"subject=([^>&]+)", str(stop["List-Unsubscribe"]))
    assert subject
    (world.template / "mail.eml").write_text(f"From: {READER}\nTo: stop@example.org\nSubject: {unquote(subject[1])}\n\n", encoding="utf-8")
    (world.template / "saved.html").write_text(trial_page(TRIAL, first_listing()), encoding="utf-8")
    (world.template / "registry-sync.toml").write_text("", encoding="utf-8")
    for name in ("my-site.toml", "example-finder.toml"):
        (world.template / name).write_text(PROFILE, encoding="utf-8")
    (world.template / "watches.csv").write_text(WATCHES, encoding="utf-8")
    (world.template / "readers.csv").write_text(READERS, encoding="utf-8")
    (world.template / "elsewhere").mkdir()
    (world.template / "backups").mkdir()
    with (
        contextlib.closing(sqlite3.connect(world.template / "history.db")) as now,
        contextlib.closing(sqlite3.connect(world.template / "backups" / "history-20260203T031100Z.db")) as copy,
    ):
        now.backup(copy)


def _recruitment_closes(world: World) -> None:
    study = record.with_status(world.house.registry.study(TRIAL), "ACTIVE_NOT_RECRUITING", posted="2026-02-03")
    world.house.registry.put(record.with_completion(study, "2026-06-30"))


EVENTS: dict[str, Callable[[World], None]] = {"recruitment closes": _recruitment_closes}
"""What a page lets happen between two of its blocks (``<!-- then: ... -->``)."""
