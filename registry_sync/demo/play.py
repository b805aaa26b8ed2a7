"""The player: two weeks of NCT06805448 over real HTTP and real SMTP on this machine, through the real jobs.

It checks what it shows: a day on which something else is told than the story says ends the demo with an error.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from db import dated, subscriptions, watches
from db.connection import open_history
from jobs.surroundings import Surroundings, as_stamp
from jobs.sync import SyncReport, sync
from registry_sync.demo.hook import Hook, payload
from registry_sync.demo.listing import Listing
from registry_sync.demo.mailbox import Mail, Mailbox
from registry_sync.demo.record import TRIAL
from registry_sync.demo.registry import Registry
from registry_sync.demo.story import DAYS, Day
from registry_sync.errors import RegistrySyncError, UsageError
from registry_sync.notices.interface import Kind, Role
from registry_sync.notices.route import Subscription
from registry_sync.notices.wording import summary
from registry_sync.settings import Ctgov, Http, Settings, Smtp, Webhook

READER = "reader@example.org"
COORDINATOR = "coordinator@example.org"
_INDENT = " " * 8

Say = Callable[[str], object]


class DemoError(RegistrySyncError):
    """What came is not what the story says."""


def play(folder: Path | None, say: Say) -> Path:
    """Play the two weeks; the folder in which the mails and the database are left.

    ``folder``: an empty or new one; ``None``: a temporary one. Raises UsageError when it holds an earlier demo, DemoError when
    the tool does not do what the story says.
    """
    where = _folder(folder)
    with ExitStack() as stack:
        registry = stack.enter_context(Registry())
        listing = stack.enter_context(Listing())
        mailbox = stack.enter_context(Mailbox())
        hook = stack.enter_context(Hook())
        settings = _settings(where, registry, mailbox)
        say(f"Two weeks of {TRIAL}, played against a registry, a listing page, a mail server and a webhook on this machine.\n")
        _set_up(settings, listing, hook)
        stage = _Stage(settings, registry, listing, mailbox, hook, where, say)
        for day in DAYS:
            stage.play(day)
        stage.last_words()
    return where


def _folder(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="registry-sync-demo-"))
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder}: is not empty; name a new folder, so that nothing of yours is mixed with the demo's", about=str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _settings(where: Path, registry: Registry, mailbox: Mailbox) -> Settings:
    return Settings(
        database=str((where / "history.db").absolute()),
        ctgov=Ctgov(url=registry.url),
        http=Http(contact="demo@example.org", requests_per_minute=6000, timeout=10, attempts=2),
        smtp=Smtp(host=mailbox.host, port=mailbox.port, sender="Trial alerts <alerts@example.org>", unsubscribe="stop@example.org"),
        webhook=Webhook(allow_private=True),
    )


def _set_up(settings: Settings, listing: Listing, hook: Hook) -> None:
    """What an operator types once: watch the trial and its page, subscribe two people and a webhook."""
    now = as_stamp(DAYS[0].at)
    consent = subscriptions.Consent("demo: nobody real is told", "demo", now)
    addresses: tuple[tuple[str, Kind, Role], ...] = (
        (READER, "email", "reader"),
        (COORDINATOR, "email", "coordinator"),
        (f"{hook.url}/trials", "webhook", "coordinator"),
    )
    with open_history(Path(settings.database), create=True) as history:
        watches.add(history, [TRIAL], [listing.url_of(TRIAL)], now)
        for address, kind, role in addresses:
            wanted = Subscription(id=0, address=address, kind=kind, role=role)
            subscriptions.add(history, wanted, [TRIAL], consent=consent, now=now)


class _Stage:
    """One day after the other: what happens, what the jobs do, who is told."""

    def __init__(
        self, settings: Settings, registry: Registry, listing: Listing, mailbox: Mailbox, hook: Hook, where: Path, say: Say
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._listing = listing
        self._mailbox = mailbox
        self._hook = hook
        self._where = where
        self._say = say
        self._files: list[Path] = []

    def play(self, day: Day) -> None:
        """Let a day happen, run the jobs, show and check what came of it."""
        mails, posts = len(self._mailbox.messages), len(self._hook.posts)
        day.apply(self._registry, self._listing)
        report = sync(Surroundings(self._settings, now=lambda: day.at))
        self._say(f"{day.at:%e %b}  {day.says}")
        self._show_sources(report)
        told = self._show_changes(day)
        for mail in self._mailbox.messages[mails:]:
            self._keep(day, mail)
        for post in self._hook.posts[posts:]:
            number = len(payload(post)["changes"])
            self._say(f"{_INDENT}post to the webhook: {number} {'change' if number == 1 else 'changes'}")
        heard = len(self._mailbox.messages) - mails + len(self._hook.posts) - posts
        if not heard:
            self._say(f"{_INDENT}nobody is told")
        self._say("")
        self._check(day, report, told, heard)

    def _show_sources(self, report: SyncReport) -> None:
        for source in report.sources:
            name = "registry" if source.source == "ctgov" else "listing"
            if source.failed:
                self._say(f"{_INDENT}{name}: {source.failed[0]['error']}")
            else:
                state = "recorded" if source.baselines else "changed" if source.changed else "unchanged"
                self._say(f"{_INDENT}{name}: {state}")

    def _show_changes(self, day: Day) -> set[str]:
        with open_history(Path(self._settings.database)) as history:
            changes = list(dated.changes(history, trial=TRIAL, since=as_stamp(day.at)))
        for change in reversed(changes):
            self._say(f"{_INDENT}* {summary(change)}")
        return {change.after if change.topic == "listing" else change.field for change in changes}

    def _keep(self, day: Day, mail: Mail) -> None:
        who = mail.recipients[0].partition("@")[0]
        name = self._where / f"{day.at:%Y-%m-%d}-{who}"
        eml, html = name.with_suffix(".eml"), name.with_suffix(".html")
        eml.write_bytes(mail.raw)
        html.write_text(mail.text("html"), encoding="utf-8")
        self._files += [eml, html]
        self._say(f"{_INDENT}mail to the {who}: {mail.message['Subject']}")

    def _check(self, day: Day, report: SyncReport, told: set[str], heard: int) -> None:
        """Three are subscribed, two of them coordinators: who is to hear of a day hears once, the others nothing."""
        expected = 3 if day.told else 2 if day.listing else 0
        unreadable = [source.source for source in report.sources if source.failed]
        news = {*day.told, *filter(None, (day.listing,))}
        if told != news or heard != expected or bool(unreadable) == day.page_readable:
            went, should = f"{sorted(told)} told in {heard} notices", f"{sorted(news)} in {expected}"
            raise DemoError(f"day {day.number} did not go as the story says: {went}, expected {should}")

    def last_words(self) -> None:
        """Name everything that was left."""
        self._say("The mails are here, as they were sent and as a page:")
        for path in self._files:
            self._say(f"  {path}")
        self._say(f"The history: {self._where / 'history.db'}, for example")
        self._say(f"  registry-sync --database {self._where / 'history.db'} changes {TRIAL}")
