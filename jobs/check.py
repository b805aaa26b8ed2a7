"""Is all that is kept sound? The file, each version, and each change, derived anew and laid beside the one that is kept.

What an older program derived otherwise is no damage: it is counted, and told apart by whether what is kept stands in the records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from db import cards, check_cells, check_rows, texts
from db import check as kept
from db.check import RESTORE, Fault, Line, Read, name_of
from db.connection import History, Row, open_for_reading
from db.history import headline_of
from jobs.surroundings import Surroundings
from registry_sync import PROGRAM
from registry_sync.errors import BadContent, Stopped
from registry_sync.sources.ctgov_record import differing, record_from
from registry_sync.sources.interface import CTGOV
from registry_sync.trials import presence
from registry_sync.trials.changes import Change
from registry_sync.trials.people import GONE, PLACES
from registry_sync.trials.record import Record, from_json, plain
from registry_sync.trials.significance import judged
from registry_sync.trials.text import words

MOST_NAMED = 1000
"""Faults that are named; further ones are counted."""


class Checked:
    """What was looked at and what is wrong with it."""

    def __init__(self, numbers: dict[str, int]) -> None:
        self.numbers = numbers
        self.older_records = 0
        self.older_changes = 0
        self.faults: list[Fault] = []
        self.more = 0

    def add(self, faults: Iterable[Fault]) -> None:
        """Note faults; a file that is damaged all over has no end of them."""
        for fault in faults:
            if len(self.faults) < MOST_NAMED:
                self.faults.append(fault)
            else:
                self.more += 1

    def as_json(self) -> dict[str, Any]:
        """The shape of ``check --json``."""
        return {
            "ok": not self.faults,
            **{name: self.numbers.get(name, 0) for name in ("versions", "changes", "notices", "redacted")},
            "read_otherwise_now": self.older_records,
            "compared_otherwise_now": self.older_changes,
            "faults": [msgspec.structs.asdict(fault) for fault in self.faults],
            "further_faults": self.more,
        }


def check(around: Surroundings, *, deep: bool = False) -> Checked:
    """Look at everything that is kept; nothing is written but the steps that the schema of an older program lacks.

    ``deep``: each record is read anew from what was sent, too.
    Raises DatabaseError when the file cannot be opened, Stopped.
    """
    with open_for_reading(around.database) as history:
        return look_through(around, history, deep=deep)


def look_through(around: Surroundings, history: History, *, deep: bool = False) -> Checked:
    """The same of a history that is open."""
    done = Checked({})
    done.add(kept.of_the_file(history))
    if any(fault.where == str(history.path) for fault in done.faults):
        return done  # a damaged file brings forth whatever its pages hold now
    done.numbers = kept.numbers(history)
    done.add(check_cells.of_the_texts(history))
    before = history.connection.text_factory
    if done.faults:
        history.connection.text_factory = texts.tolerant  # what else is wrong is looked for all the same
    try:
        done.add(check_cells.of_the_cells(history))
        done.add(check_rows.of_the_rows(history))
        _look(done, kept.of_what_came_unreadable(history), "what came unreadable")
        _look_at_versions(around, history, done, deep=deep)
    finally:
        history.connection.text_factory = before
    return done


def _look_at_versions(around: Surroundings, history: History, done: Checked, *, deep: bool) -> None:
    around.progress.begin("Checking versions", done.numbers["versions"])
    try:
        for line in kept.lines(history):
            _look(done, _line(around, history, line, done, deep=deep), f"{line.trial} at {line.source}")
    finally:
        around.progress.end()


def _look(done: Checked, faults: Iterable[Fault], where: str) -> None:
    """Note these faults; what breaks off in rows of which something is wrong already is one more."""
    try:
        done.add(faults)
    except Stopped:
        raise
    except Exception as error:
        if not done.faults:
            raise
        done.add([Fault(f"it cannot be looked at any further ({type(error).__name__})", where, RESTORE)])


def _line(around: Surroundings, history: History, line: Line, done: Checked, *, deep: bool) -> Iterator[Fault]:
    unpacker, before = kept.Unpacker(history), None
    for place, row in enumerate(line.versions, start=1):
        if around.stop.is_set():
            raise Stopped("asked to stop; what was looked at so far is not told")
        around.progress.step(line.trial)
        if row["number"] != place:
            yield Fault(f"the version before it is missing (number {place})", name_of(row), RESTORE)
            return
        read = unpacker.read(row)
        if isinstance(read, Fault):
            yield read
            before = None
            continue
        record = _record(read, whole=place == 1 or deep)
        if isinstance(record, Fault):
            yield record
            before = None
            continue
        if deep and line.source == CTGOV and _reads_otherwise(read, record):
            done.older_records += 1
        yield from _beside(history, row, record, newest=place == len(line.versions))
        if row["changes"] != row["kept"]:
            yield _miscounted(row)
        elif (changes := kept.changes_of(history, row["id"])) is not None and (before is not None or place == 1):
            yield from _changes(before, (read, record), changes, done)
        before = (read, record)


def _miscounted(row: Row) -> Fault:
    lacking = row["kept"] - row["changes"]
    what = f"{lacking} of {row['kept']} missing" if lacking > 0 else f"{-lacking} more than came with it"
    return Fault(what, f"the changes of {name_of(row)}", RESTORE)


def _beside(history: History, row: Row, record: Record, *, newest: bool) -> Iterator[Fault]:
    """What was derived from a record and stands beside it: an older program may have derived less."""
    try:
        headline = msgspec.json.decode(row["headline"], type=dict[str, Any])
    except msgspec.MsgspecError:
        return  # is said of the row
    now = msgspec.json.decode(headline_of(record), type=dict[str, Any])
    if any(now[name] != value for name, value in headline.items() if name in now) or (not headline and row["program"] == PROGRAM):
        yield Fault("its headline is not that of its record", name_of(row), RESTORE)
    if row["source"] == CTGOV and _dated_otherwise(row, record):
        yield Fault("its date is not that of its record", name_of(row), RESTORE)
    if newest and row["source"] == CTGOV and not row["backfilled"]:
        fits = cards.fits(history, row["id"], record)
        if fits is None or (not fits and row["program"] == PROGRAM):
            yield Fault("the card that it is found by is missing" if fits is None else "its card is another one's", name_of(row), RESTORE)


def _dated_otherwise(row: Row, record: Record) -> bool:
    """A version that was backfilled has the date of the registry's list where its record has none."""
    posted = record.last_update_post_date
    return posted.date != row["registry_date"] if posted else row["registry_date"] is not None and not row["backfilled"]


def _record(read: Read, *, whole: bool) -> Record | Fault:
    """The record of a version; ``whole``: see also whether what was sent can be read, which comparing it with another would show."""
    try:
        record = from_json(read.record)
        if whole and read.row["source"] == CTGOV:
            record_from(read.payload, read.row["markup"])
    except msgspec.MsgspecError as error:
        return Fault(f"its record cannot be read ({error})", name_of(read.row), RESTORE)
    except BadContent as error:
        return Fault(f"what was sent for it cannot be read ({error})", name_of(read.row), RESTORE)
    return record


def _reads_otherwise(read: Read, record: Record) -> bool:
    now = record_from(read.payload, read.row["markup"])
    return msgspec.structs.replace(now, trial=record.trial) != record


_Both = tuple[Read, Record]
_Core = tuple[str, str, str, str, str | None]


def _changes(before: _Both | None, after: _Both, rows: Sequence[dict[str, Any]], done: Checked) -> Iterator[Fault]:
    """What is wrong with the changes that led from one version to the next."""
    row = after[0].row
    where = f"the changes of {name_of(row)}"
    redacted = bool(row["redacted_at"]) or bool(before and before[0].row["redacted_at"])
    ours = [each for each in rows if not (redacted and _was_redacted(each["field"], each["before"], each["after"]))]
    try:
        every = _derived(before, after)
    except BadContent as error:
        yield Fault(f"what was sent for it cannot be read ({error})", name_of(row), RESTORE)
        return
    derived = [each for each in every if not (redacted and _was_redacted(each.field, each.before, each.after))]
    # where two records were joined, what differed between them is kept under the id that was given up
    strangers = [each for each in ours if each["trial"] != row["trial"]]
    now = Counter(map(_core, derived))
    if strangers and Counter(_core_of_row(each) for each in ours if each not in strangers) == now:
        ours = [each for each in ours if each not in strangers]
    held = Counter(map(_core_of_row, ours))
    by_this_program = row["program"] == PROGRAM
    if held == now:
        weights = {_core(each): (each.topic, each.significance, each.reader_significance) for each in derived}
        for each in ours if by_this_program and not redacted else ():
            if (each["topic"], each["significance"], each["reader_significance"]) != weights[_core_of_row(each)]:
                yield Fault(f"change {each['id']} ({each['field']}) has another topic or weight than it was given", where, RESTORE)
        return
    surplus = [each for each in ours if _core_of_row(each) in held - now and each not in strangers]
    if not surplus and not now - held:
        return
    if before is None:
        if surplus:
            yield Fault("changes are kept that lead to the first version of all", where, RESTORE)
        return
    if not rows:
        yield Fault("none is kept, and there are some", where, RESTORE)
        return
    if _has_a_gap(rows):
        yield Fault("one of them is missing", where, RESTORE)
        return
    for each in surplus:
        if not _stands_in(each["before"], before[1], each["field"]) or not _stands_in(each["after"], after[1], each["field"]):
            yield Fault(f"what change {each['id']} ({each['field']}) says stands in neither record", where, RESTORE)
            return
    if by_this_program and not redacted and not strangers:
        lacking = len(list((now - held).elements()))
        others = "1 is another one" if len(surplus) == 1 else f"{len(surplus)} are other ones"
        yield Fault(f"{others} than those between the two records, of which {lacking} {_is(lacking)} not kept", where, RESTORE)
        return
    done.older_changes += 1


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _derived(before: _Both | None, after: _Both) -> tuple[Change, ...]:
    """As a sync derives them: the registry's from what was sent, both read by this program; a page's from its records."""
    if before is None:
        return ()
    first, second = before[0], after[0]
    if second.row["source"] != CTGOV:
        return judged(before[1], after[1])
    pair = differing(first.payload, second.payload, (first.row["markup"], second.row["markup"]))
    if not pair:
        return ()
    changes, old, new = judged(*pair), pair[0].trial, pair[1].trial
    return changes if old == new else presence.since_joined(changes, old, new)


def _was_redacted(field: str, before: Any, after: Any) -> bool:
    """May people have been taken out of this? Without their names, others are paired with others."""
    return field in PLACES or GONE in str(before) or GONE in str(after)


def _core(change: Change) -> _Core:
    return change.field, change.operation, _written(change.before), _written(change.after), change.group


def _core_of_row(row: dict[str, Any]) -> _Core:
    return row["field"], row["operation"], _written(row["before"]), _written(row["after"]), row["group"]


def _written(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


def _has_a_gap(rows: Sequence[dict[str, Any]]) -> bool:
    """Those of one version were numbered in one go, but for those that a backfill, or a record that was joined, brought."""
    trials = {row["trial"] for row in rows}
    return len(trials) == 1 and rows[-1]["id"] - rows[0]["id"] + 1 != len(rows)


def _stands_in(value: Any, record: Record, field: str) -> bool:
    """Is every word of a value in this field of a record?"""
    if value is None or not hasattr(record, field):
        return True
    there = set(_words(plain(getattr(record, field))))
    return all(word in there for word in _words(value))


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from words(value)
    elif isinstance(value, list | dict):
        for inner in value if isinstance(value, list) else value.values():
            yield from _words(inner)
    elif value is not None:
        yield str(value)
