"""Watches and subscriptions come in from a table: by the rules of ``watch add`` and ``subscribe``, all of the file or nothing of it.

What is there already is left as it is, so that the same file twice changes nothing; who was stopped stays stopped.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from typing import Literal, TypeVar, get_args

import msgspec

from db import aliases, confirmations, searches, stops, subscriptions, watches
from db.connection import History, Row
from db.register import Register
from db.subscriptions import Consent
from jobs import confirming, entries, sheet, wishes
from jobs.sheet import Fault, Sheet
from jobs.surroundings import Surroundings
from registry_sync.errors import CannotStart, Stopped, UsageError
from registry_sync.notices.address import HIDDEN, classify, masked
from registry_sync.notices.interface import Kind as AddressKind
from registry_sync.notices.route import Subscription
from registry_sync.sources.ctgov_search import Search, search_from
from registry_sync.trials.countries import country_key
from registry_sync.trials.record import trial_id
from registry_sync.trials.text import caseless

Kind = Literal["watches", "subscriptions"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_Value = TypeVar("_Value")

WATCH: dict[str, tuple[str, ...]] = {
    "trial": ("trials", "nct", "nct id", "nct number", "trial id", "id"),
    "pages": ("page", "url", "urls", "page url", "listing", "listings"),
    "query": ("search",),
}
SUBSCRIPTION: dict[str, tuple[str, ...]] = {
    "address": ("email", "email address", "mail", "mail address", "webhook"),
    "trials": ("trial", "nct", "nct id", "nct number", "trial id"),
    "query": ("search",),
    "role": ("as",),
    "topics": ("on", "topic"),
    "countries": ("country",),
    "least": ("significance",),
    "every": ("rhythm", "frequency"),
    "timezone": ("time zone", "tz"),
    "language": ("lang",),
    "hold": ("held",),
    "secret_env": (),
    "state": (),
    "created_at": (),
    "confirmed_at": (),
    "consent_by": (),
    "consent_wording": (),
    "stopped_at": (),
    "stopped_why": (),
}
"""The last ones are those of an export: but for ``state`` they say how a subscription stood elsewhere, and are not taken over."""

_WORDS: dict[str, dict[str, str]] = {
    "role": {"patient": "reader", "": "reader"},
    "least": {"": "minor"},
    "every": {"": "now", "at once": "now", "immediately": "now", "daily": "day", "weekly": "week"},
    "language": {"": "en", "english": "en", "danish": "da"},
    "state": {"": "active"},
    "hold": {"": "no", "true": "yes", "false": "no", "1": "yes", "0": "no", "y": "yes", "n": "no", "x": "yes"},
}
"""What else a cell may say."""
_CHOICES: dict[str, tuple[str, ...]] = {
    "role": entries.ROLES,
    "least": entries.LEASTS,
    "every": entries.RHYTHMS,
    "language": entries.LANGUAGES,
    "state": ("active", "pending", "stopped"),
    "hold": ("yes", "no"),
}


class Watch(msgspec.Struct, frozen=True):
    """A row of watches that can be used: trials with the pages of the one, or a search."""

    line: int
    trials: tuple[str, ...]
    pages: tuple[str, ...] = ()
    search: Search | None = None


class Wish(msgspec.Struct, frozen=True):
    """A row of subscriptions that can be used; neither trials nor a search: all that is watched.

    ``stopped``: it was stopped where the file comes from.
    """

    line: int
    wanted: Subscription
    trials: tuple[str, ...] = ()
    search: Search | None = None
    stopped: bool = False


class Report(msgspec.Struct):
    """What came of a file, row by row.

    ``added``, ``already``: rows; ``confirmed``: those that had waited for a confirmation, and the operator now vouched for; ``mails``:
    how many ask for one; ``stopped``: who was stopped and stays so; ``not_asked``: who is pending and gets no mail now, and why;
    ``not_watched``: what is followed and not watched; ``bad``: rows that cannot be used.
    """

    rows: int = 0
    added: int = 0
    already: int = 0
    confirmed: int = 0
    mails: int = 0
    stopped: list[Row] = msgspec.field(default_factory=list)
    not_asked: list[Row] = msgspec.field(default_factory=list)
    not_watched: list[str] = msgspec.field(default_factory=list)
    bad: list[Fault] = msgspec.field(default_factory=list)


class _DryRun(Exception):  # noqa: N818 - no error
    """Undoes what was written to see what would come of it."""


def read_watches(content: bytes, name: str) -> tuple[list[Watch], list[Fault]]:
    """The rows of a table of watches, and what is wrong with the others. Raises UsageError for what is no such table."""
    found = sheet.read(content, name, WATCH, needed=("trial", "query"))
    return _each(found, _watch)


def read_subscriptions(content: bytes, name: str, *, timezone: str) -> tuple[list[Wish], list[Fault]]:
    """The rows of a table of subscriptions, and what is wrong with the others; ``timezone``: where a row names none."""
    found = sheet.read(content, name, SUBSCRIPTION, needed=("address",))
    return _each(found, lambda reader: _wish(reader, timezone))


def add_watches(around: Surroundings, history: History, rows: Sequence[Watch], *, dry_run: bool = False) -> Report:
    """Watch what the rows say, in one transaction."""
    report = Report(rows=len(rows))
    now = around.stamp()

    def add() -> None:
        held = set(watches.pages(history))
        for row in rows:
            _go_on(around)
            if row.search is not None:
                is_new = searches.add(history, row.search, now)
            else:
                pages = {(row.trials[0], page) for page in row.pages}
                is_new = bool(watches.add(history, row.trials, row.pages, now)) or not pages <= held
                held |= pages
            _count(report, is_new)

    _in_one(history, add, dry_run=dry_run)
    return report


def add_subscriptions(
    around: Surroundings, history: History, rows: Sequence[Wish], *, consent: str | None = None, dry_run: bool = False
) -> Report:  # fmt: skip
    """Keep the subscriptions that the rows say, in one transaction, and queue the mails that ask their holders to confirm.

    ``consent``: to what they consented, for which the operator vouches: they are active at once.
    """
    report = Report(rows=len(rows))
    followed: dict[str, None] = {}

    def add() -> None:
        desk = _Desk(around, history, consent, report)
        for row in rows:
            _go_on(around)
            trials = tuple(aliases.current_ids(history, row.trials))
            if desk.subscribe(msgspec.structs.replace(row, trials=trials)):
                followed.update(dict.fromkeys(trials))
                if row.search is not None and not searches.is_watched(history, row.search):
                    followed[str(row.search)] = None
        watched = set(watches.trials(history))
        report.not_watched += [each for each in followed if each not in watched]
        wishes.settle_all(around, history, desk.touched)

    _in_one(history, add, dry_run=dry_run)
    return report


class _Desk:
    """Where the rows of one file are kept, in one transaction, so that each costs the same however many are about its address.

    ``touched``: the addresses for which something was kept; what waits for them is to be brought into line at the end, once.
    """

    def __init__(self, around: Surroundings, history: History, vouched: str | None, report: Report) -> None:
        self.touched: dict[str, None] = {}
        self._around = around
        self._history = history
        self._vouched = vouched
        self._report = report
        self._register = Register(history)
        self._asked = set(confirmations.newest(history))
        self._had_enough: set[str] = set()

    def subscribe(self, row: Wish) -> bool:
        """Keep what one row says; is it followed now?"""
        wanted, report = row.wanted, self._report
        said: Row = {"line": row.line, "address": masked(wanted.address)}
        known = subscriptions.kept_as(self._history, wanted, row.trials, row.search, self._register)
        stop = stops.stopped(self._history, wanted.address)
        if row.stopped:
            report.stopped.append({**said, "why": "in the file", "since": None})
            return False
        if known is not None and known["state"] == "stopped":
            report.stopped.append({**said, "why": known["stopped_why"], "since": known["stopped_at"]})
            return False
        if known is not None and known["state"] == "active":
            report.already += 1
            return True
        if stop is not None:
            report.stopped.append({**said, "why": stop[1], "since": stop[0]})
            return False
        consent = _consent(self._around, wanted, self._vouched)
        if consent is not None:
            self._follow(row, consent)
            report.confirmed += known is not None
            report.added += known is None
            return True
        _count(report, known is None)
        if known is None or known["id"] not in self._asked:
            why = self._ask(row)
            if why is not None:
                report.not_asked.append({**said, "why": why})
        return True

    def _follow(self, row: Wish, consent: Consent) -> None:
        now = self._around.stamp()
        subscriptions.add(
            self._history, row.wanted, row.trials, consent=consent, now=now, search=row.search, register=self._register
        )  # fmt: skip
        self.touched[row.wanted.address] = None

    def _ask(self, row: Wish) -> str | None:
        """Keep it, and queue the mail that asks its holder; why none is, if none is."""
        address = row.wanted.address
        kept = confirming.keep(self._around, self._history, row.wanted, row.trials, search=row.search, register=self._register)
        self.touched[address] = None
        queued = "enough" if address in self._had_enough else confirming.queue(self._around, self._history, kept)
        if queued == "queued":
            self._asked.add(kept["id"])
            self._report.mails += 1
        elif queued == "enough":
            self._had_enough.add(address)
        return None if queued in ("queued", "waiting") else queued or "no web.url"


def _consent(around: Surroundings, wanted: Subscription, vouched: str | None) -> Consent | None:
    if wanted.kind != "email":
        return Consent(entries.MACHINE, entries.operator(), around.stamp())
    if vouched is None:
        return None
    return Consent(f"{entries.VOUCHED}; to this: {vouched}", f"operator {entries.operator()}", around.stamp())


def _count(report: Report, is_new: bool) -> None:
    report.added += is_new
    report.already += not is_new


def _go_on(around: Surroundings) -> None:
    if around.stop.is_set():
        raise Stopped("asked to stop while importing: nothing was imported")


def _in_one(history: History, add: Callable[[], None], *, dry_run: bool) -> None:
    try:
        with history.together():
            add()
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass


# --- rows --------------------------------------------------------------------------------------------------------------


class _Reader:
    """Reads the cells of one row, and notes what is wrong with them."""

    def __init__(self, found: Sheet, row: sheet.Row) -> None:
        self._sheet = found
        self.row = row
        self.faults: list[Fault] = []

    def cell(self, name: str, read: Callable[[str], _Value], otherwise: _Value) -> _Value:
        """What a cell says; ``otherwise`` where it says nothing, or nothing that can be used."""
        text = self.row[name]
        if not text:
            return otherwise
        try:
            return read(text)
        except CannotStart as error:
            self.wrong(name, str(error))
            return otherwise

    def choice(self, name: str) -> str:
        """One of the words of this column."""
        text = " ".join(self.row[name].casefold().split())
        word = _WORDS[name].get(text, text)
        if word not in _CHOICES[name]:
            self.wrong(name, f"is none of {', '.join(_CHOICES[name])}")
            return _CHOICES[name][0]
        return word

    def wrong(self, name: str, problem: str) -> None:
        """Note what is wrong with a cell."""
        text = self.row[name]
        self.faults.append(self._sheet.fault(self.row, name, problem, masked(text) if "://" in text and name == "address" else None))


def _each(found: Sheet, read: Callable[[_Reader], _Value]) -> tuple[list[_Value], list[Fault]]:
    good: list[_Value] = []
    faults = list(found.faults)
    for row in found.rows:
        reader = _Reader(found, row)
        value = read(reader)
        faults += reader.faults
        if not reader.faults:
            good.append(value)
    return good, sorted(faults, key=lambda fault: fault.line)


_NONE: tuple[str, ...] = ()
_NOBODY: tuple[AddressKind, str] = ("email", "")


def _watch(reader: _Reader) -> Watch:
    trials = reader.cell("trial", _trials, _NONE)
    pages = reader.cell("pages", lambda text: tuple(dict.fromkeys(entries.page_url(each) for each in text.split())), _NONE)
    search = reader.cell("query", _search, None)
    if bool(reader.row["trial"]) == bool(reader.row["query"]):
        reader.wrong("query" if reader.row["query"] else "trial", "say which: a trial, or a search, each in a row of its own")
    elif pages and len(trials) != 1 and not reader.faults:
        reader.wrong("pages", "pages go with one trial: put the others into rows of their own")
    return Watch(reader.row.line, trials, pages, search)


def _wish(reader: _Reader, timezone: str) -> Wish:
    row = reader.row
    kind, address = reader.cell("address", _address, _NOBODY)
    if not row["address"]:
        reader.wrong("address", "says nothing: give a mail address, an http(s) URL, or an Apprise URL")
    is_all = row["trials"].casefold() == "all"
    trials = _NONE if is_all else reader.cell("trials", _trials, _NONE)
    search = reader.cell("query", _search, None)
    if bool(row["trials"]) == bool(row["query"]):
        reader.wrong("trials", "say which: NCT ids, or all for every trial that is watched, or a search under query (one of the three)")
    wanted = Subscription(
        id=0,
        address=address,
        kind=kind,
        role=reader.choice("role"),  # type: ignore[arg-type]  # one of the words
        topics=reader.cell("topics", lambda text: entries.topics(",".join(re.split(r"[,;|\s]+", text)), "topics"), frozenset()),
        countries=reader.cell("countries", _countries, frozenset()),
        least=reader.choice("least"),
        every=reader.choice("every"),  # type: ignore[arg-type]  # one of the words
        timezone=reader.cell("timezone", lambda text: entries.timezone(text, "timezone"), timezone),
        language=reader.choice("language"),
        secret_env=reader.cell("secret_env", lambda text: entries.secret_name(text, kind, "secret_env"), None),
        hold=reader.choice("hold") == "yes",
    )
    return Wish(row.line, wanted, trials, search, reader.choice("state") == "stopped")


def _address(text: str) -> tuple[AddressKind, str]:
    if HIDDEN in text:
        raise UsageError("its secret part is masked: export with --with-secrets", about="address")
    kind, address = classify(text)
    return kind, entries.chat_address(address) if kind == "chat" else address


def _trials(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(trial_id(sheet.shown(each)) for each in re.split(r"[\s,;|]+", text) if each))


def _search(text: str) -> Search:
    """A search as it is shown (``cond=Sjogren 'term=stem cells'``), or as people write it (``cond=dry mouth; locn=Denmark``)."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    if not words or not all(re.match(r"[A-Za-z]+=", word) for word in words):
        words = [part for part in re.split(r"[;\n]+", text) if part.strip()]
    try:
        return search_from(words)
    except UsageError as error:
        raise UsageError(str(error).removeprefix("--query "), about=error.about) from error


def _countries(text: str) -> frozenset[str]:
    """Names with semicolons or line ends between, or with commas unless the comma is part of a known name."""
    names: list[str] = []
    for part in re.split(r"[;|\n]+", text):
        is_a_name = country_key(part) != caseless(part)
        names += [part] if is_a_name else part.split(",")
    return frozenset(name.strip() for name in names if name.strip())
