"""All that is kept goes out: as JSON lines, as tables (CSV, Parquet), or as a ready SQLite file; of one moment, and in flat memory.

``Scope.public`` is for everybody: of what is watched, without an address, a notice or a token, and without the people whom the
registry has taken down. Every format is made of the same objects, so that nothing public is made anew for one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import msgspec

from db import exports, lookback, searches, subscriptions, watches
from db import history as kept_versions
from db.connection import History
from jobs import kept
from jobs.surroundings import Surroundings, today
from registry_sync import __version__
from registry_sync.errors import Damaged, Stopped
from registry_sync.notices.address import masked
from registry_sync.notices.compose import change_json
from registry_sync.trials.who_set import Beyond

FORMAT = 1
"""Of the JSON lines and of the SQLite file: another number says that something has another name or another meaning. Keys may be added."""

Object = dict[str, Any]
Kind = Literal["trials", "changes", "watches", "subscriptions"]


class Scope(msgspec.Struct, frozen=True):
    """What goes out. ``trials``: these only, and nothing of searches and subscribers; ``secrets``: those in addresses, too."""

    trials: tuple[str, ...] = ()
    public: bool = False
    secrets: bool = False


class Trial(msgspec.Struct, frozen=True):
    """The newest record of a trial as ``show --json`` has it, and what it says beyond that."""

    values: Object
    beyond: Beyond


class Export:
    """One export of what stands at this moment, inside ``db.exports.snapshot``.

    ``troubles``: what could not be read, in a line each; ``of_all``: no trials are named, so that it is of searches and subscribers, too.
    """

    def __init__(self, around: Surroundings, history: History, scope: Scope) -> None:
        self._around = around
        self._history = history
        self._scope = scope
        self._ids = exports.ids_of(history, scope.trials) if scope.trials else None
        self.of_all = not scope.trials
        self.troubles: list[str] = []

    def objects(self) -> Iterator[Object]:
        """Everything, as one object after the other: an ``export`` first, an ``end`` with their numbers last. Raises Stopped."""
        scope = self._scope
        yield {
            "kind": "export",
            "format": FORMAT,
            "made_at": self._around.stamp(),
            "made_by": f"registry-sync {__version__}",
            "public": scope.public,
            "trials": list(scope.trials) or None,
        }
        parts: dict[str, Callable[[], Iterator[Object]]] = {
            "trial": lambda: (trial.values for trial in self.trials(beyond=False)),
            "version": self.versions,
            "change": self.changes,
            "listing": self.listings,
        }
        if not scope.public:
            parts |= {"watch": self.watches}
            if self.of_all:
                parts |= {"search": self.searches, "subscription": self.subscriptions}
        counted = {}
        for kind, part in parts.items():
            counted[kind] = 0
            for each in part():
                counted[kind] += 1
                yield {"kind": kind, **each}
        yield {"kind": "end", "objects": counted}

    def trials(self, *, beyond: bool = True) -> Iterator[Trial]:
        """The newest record of each trial. ``beyond``: with what stands only in what the registry sent."""
        from registry_sync.sources.ctgov_beyond import beyond as read  # loads what reads markup

        for version_id in exports.newest(self._history, self._ids, public=self._scope.public):
            self._go_on()
            try:
                version = kept_versions.by_id(self._history, version_id)
                more = read(kept_versions.payload(self._history, version_id)) if beyond else Beyond()
            except Damaged as error:
                self.troubles.append(str(error))
                continue
            presence = kept.presence(self._history, version)
            if self._scope.public and not lookback.is_shown(self._history, version):
                yield Trial(kept.bare(version) | presence, msgspec.structs.replace(more, sharing_plan=()))
            else:
                yield Trial(kept.whole(version) | presence, more)

    def versions(self) -> Iterator[Object]:
        """The versions held, without their records."""
        for row in exports.versions(self._history, self._ids, public=self._scope.public):
            self._go_on()
            yield {**row, "backfilled": bool(row["backfilled"])}

    def changes(self) -> Iterator[Object]:
        """What changed, in the order of their ids."""
        show = kept.change if self._scope.public else change_json
        for found in exports.changes(self._history, self._ids, public=self._scope.public):
            self._go_on()
            yield {**show(found.change), "backfilled": found.backfilled}

    def listings(self) -> Iterator[Object]:
        """Each listing page beside the registry, field by field."""
        from jobs.audit import audited, row_json  # loads what judges listings

        day = today(self._around)
        for trial in exports.with_pages(self._history, self._ids):
            self._go_on()
            try:
                found = audited(self._history, trial)
            except Damaged as error:
                self.troubles.append(str(error))
                continue
            for one in found:
                for verdict in one.verdicts:
                    row = row_json(one, verdict, day)
                    yield kept.listing(row) if self._scope.public else row

    def watches(self) -> Iterator[Object]:
        """The trials that are watched: by hand (``typed``), or since a search found them."""
        found_by = searches.finders(self._history)
        pages: dict[str, list[str]] = {}
        for trial, url in watches.pages(self._history):
            pages.setdefault(trial, []).append(url)
        for row in watches.added(self._history):
            if self._ids is None or row["trial"] in self._ids:
                yield {**row, "pages": pages.get(row["trial"], []), "found_by": found_by.get(row["trial"], [])}

    def searches(self) -> Iterator[Object]:
        """The searches that are watched."""
        yield from searches.every(self._history)

    def subscriptions(self) -> Iterator[Object]:
        """Who is told of what, and the consent behind it; ``channel``: what kind of address it is."""
        for row in subscriptions.listing(self._history):
            self._go_on()
            address = row["address"] if self._scope.secrets else masked(row["address"])
            yield {"channel" if name == "kind" else name: value for name, value in {**row, "address": address}.items()}

    def _go_on(self) -> None:
        if self._around.stop.is_set():
            raise Stopped("asked to stop while exporting")


class Table(msgspec.Struct, frozen=True):
    """One table. ``whole_numbers``: its columns that hold no text."""

    columns: Sequence[str]
    rows: Iterator[Sequence[Any]]
    whole_numbers: frozenset[str] = frozenset()


def table(export: Export, what: Kind) -> Table:
    """One kind of object as a table: of trials the columns of the WHO Trial Registration Data Set."""
    if what == "trials":
        from registry_sync.trials import who_set

        rows = (who_set.row(trial.values, trial.beyond) for trial in export.trials())
        return Table(who_set.NAMES, rows, frozenset({"sample_size"}))
    if what == "changes":
        return Table(CHANGE, ([_cell(row[name]) for name in CHANGE] for row in export.changes()), frozenset({"id"}))
    if what == "watches":
        return Table(WATCH, _wanted(export))
    return Table(SUBSCRIPTION, (_subscriber(row) for row in export.subscriptions()))


CHANGE = (
    "id", "trial", "source", "field", "topic", "operation", "before", "after", "group", "significance", "reader_significance", "summary",
    "registry_date", "seen_at", "backfilled",
)  # fmt: skip
WATCH = ("trial", "pages", "query")
"""The columns that an import of watches knows."""
SUBSCRIPTION = (
    "address", "trials", "query", "role", "topics", "countries", "least", "every", "timezone", "language", "hold", "state", "created_at",
    "confirmed_at", "consent_by", "consent_wording", "stopped_at", "stopped_why",
)  # fmt: skip
"""The columns that an import of subscriptions knows, and how each stood."""


def _cell(value: Any) -> Any:
    """What is neither text nor whole number is JSON, but for yes and no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if value is None or isinstance(value, str | int) else msgspec.json.encode(value).decode()


def _wanted(export: Export) -> Iterator[Sequence[Any]]:
    """What was added by hand; what a search found comes with the search."""
    from registry_sync.sources.ctgov_search import Search

    for row in export.watches():
        if row["typed"] or row["pages"]:
            yield row["trial"], "\n".join(row["pages"]), None
    for row in export.searches() if export.of_all else ():
        yield None, None, str(Search(tuple(row["query"].items())))


def _subscriber(row: Object) -> Sequence[Any]:
    from registry_sync.sources.ctgov_search import Search

    search = str(Search(tuple(row["query"].items()))) if row["query"] else None
    trials = row["trials"] if isinstance(row["trials"], str) else " ".join(row["trials"])
    listed = {name: "\n".join(row[name]) for name in ("topics", "countries")}
    values = {**row, "query": search, "trials": None if search else trials, **listed}
    return [_cell(values[name]) for name in SUBSCRIPTION]
