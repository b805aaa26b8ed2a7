"""``doctor``: is everything that the tool needs in order? One line each."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from registry_sync.cli.common import Asked, as_json, asked, count, print_json
from registry_sync.cli.reaching import Verdict, looking, mail_server, operators_page, registry, web_pages
from registry_sync.errors import OlderSchema, RegistrySyncError

if TYPE_CHECKING:
    from db.connection import History

_CLOCKS_DIFFER = datetime.timedelta(hours=1)
"""What is further in the future than that was written by a clock that was wrong."""
_NAMED = 5
"""Things of one kind that a line names; further ones are counted."""


@click.command(epilog="Example: registry-sync doctor")
@as_json
@asked
def doctor(asked: Asked, json_: bool) -> int:
    """Check settings, database, registry and mail server, with one line each. Nothing is changed or sent.

    A line that is not ok ends with what to do.
    """
    rows: list[dict[str, Any]] = []
    for name, check in _checks(asked):
        try:
            good, detail = check()
        except OlderSchema:
            continue  # the line on the schema says so
        except RegistrySyncError as error:
            good, detail = False, str(error)
        rows.append({"check": name, "ok": good, "detail": detail})
        if not json_:
            click.echo(f"{click.style('ok  ', fg='green') if good else click.style('FAIL', fg='red')}  {name}: {detail}")
    if json_:
        print_json(rows)
    unusable = {"settings", "database"} & {row["check"] for row in rows if not row["ok"]}
    return 2 if unusable else 0 if all(row["ok"] for row in rows) else 1


def _checks(asked: Asked) -> Iterator[tuple[str, Callable[[], Verdict]]]:
    """The checks in their order; what needs something that failed is left out, since it could only fail with the same words.

    So is what needs a step that an older schema lacks.
    """
    yield "settings", lambda: _settings(asked)
    if not _works(lambda: asked.settings):
        return
    yield "database", lambda: _with_history(asked, _database)
    if _is_older(asked):
        yield "schema", lambda: _with_history(asked, _steps)
    database = Path(asked.settings.database)
    if database.is_file() and database.stat().st_size:
        yield "free room", lambda: _room(asked)
    yield "registry", lambda: registry(asked)
    yield "mail server", lambda: mail_server(asked)
    if not _works(lambda: looking(asked).close()):
        return
    yield "kept records", lambda: _with_history(asked, _kept)
    yield "unusable records", lambda: _with_history(asked, _unusable)
    yield "sources", lambda: _with_history(asked, _incidents)
    yield "pages", lambda: _with_history(asked, lambda history: _pages(asked, history))
    yield "last sync", lambda: _with_history(asked, _last_sync)
    yield "backups", lambda: _with_history(asked, _backups)
    yield "outbox", lambda: _with_history(asked, lambda history: _outbox(asked, history))
    yield "web pages", lambda: web_pages(asked)
    yield "operator's page", lambda: operators_page(asked)


def _works(what: Callable[[], object]) -> bool:
    try:
        what()
    except RegistrySyncError:
        return False
    return True


def _is_older(asked: Asked) -> bool:
    try:
        with looking(asked) as history:
            return bool(history.lacking)
    except RegistrySyncError:
        return False


def _settings(asked: Asked) -> Verdict:
    from registry_sync.settings import unknown_in_environment

    settings = asked.settings
    unknown = unknown_in_environment(os.environ)
    origin = str(settings.path) if settings.path else "no file: the defaults"
    if unknown:
        return False, f"{origin}; the environment has {', '.join(unknown)}, which is no setting: correct or unset it"
    if not settings.http.contact:
        return True, f"{origin}; [http] contact is empty: sites cannot reach you"
    return True, origin


def _with_history(asked: Asked, check: Callable[[History], Verdict]) -> Verdict:
    with looking(asked) as history:
        try:
            return check(history)
        except LookupError as error:
            if history.lacking:
                raise OlderSchema(f"{history.path}: lacks the column {error}") from error
            raise


def _database(history: History) -> Verdict:
    from db import upkeep

    history.check_writable()
    problem = upkeep.problem(history)
    if problem:
        return False, f"{history.path}: {problem}"
    numbers = upkeep.numbers(history)
    held = ", ".join(
        (f"{count(numbers['trials'], 'trial')} watched", count(numbers["versions"], "version"), count(numbers["changes"], "change"))
    )
    return True, f"{history.path}: {held}"


def _steps(history: History) -> Verdict:
    """What the next command does to the schema of an older program."""
    first, last = history.lacking[0], history.lacking[-1]
    which = first if first == last else f"{first} to {last}"
    takes = f"the next command takes {count(len(history.lacking), 'step')} ({which}), after a copy to"
    copy = f"{history.path.name}.before-{first}.backup"
    return True, f"of an older registry-sync: end its `run` and `serve`, then {takes} {copy}; what needs them is not looked at here"


def _room(asked: Asked) -> Verdict:
    """Is there room for one more copy of the database, where it lies and where its copies go?"""
    database = Path(asked.settings.database)
    needed = sum(path.stat().st_size for path in (database, Path(f"{database}-wal")) if path.exists())
    said = []
    for folder in _file_systems(database.parent, database.parent / "backups"):
        free = shutil.disk_usage(folder).free
        said.append(f"{_size(free)} free at {folder}")
        if free < needed:
            fewer = "make room there, or set [retention] backups to fewer days"
            return False, f"{said[-1]}, and a copy of the database takes {_size(needed)}; {fewer}"
    return True, f"{', '.join(said)}; a copy of the database takes {_size(needed)}"


def _file_systems(*folders: Path) -> list[Path]:
    """One folder for each file system that these are on; those that are not there yet will be where the first one is."""
    found: dict[int, Path] = {}
    for folder in folders:
        if folder.is_dir():
            found.setdefault(folder.stat().st_dev, folder)
    return list(found.values())


def _size(octets: float) -> str:
    """ "512 bytes", "1.5 MB", "20 GB"."""
    if octets < 1000:
        return count(int(octets), "byte")
    for unit in ("kB", "MB", "GB"):
        octets /= 1000
        if octets < 999.5 or unit == "GB":
            break
    return f"{octets:.1f} {unit}" if octets < 9.95 else f"{octets:,.0f} {unit}"


def _kept(history: History) -> Verdict:
    from db import upkeep

    kept = upkeep.check_kept(history)
    looked_at = f"{kept.versions} of {count(upkeep.numbers(history)['versions'], 'version')} unpacked"
    if not kept.damaged:
        return True, f"{looked_at}: all came back as they were put in"
    return False, f"{looked_at}, damaged: {_first_of(kept.damaged)}; restore a backup in which they are whole"


def _unusable(history: History) -> Verdict:
    from db import unparsed

    rows = unparsed.every(history)
    if not rows:
        return True, "none"
    named = [f"{row['trial']} at {row['source']} since {row['seen_at']}: {row['error']}" for row in rows]
    came = f"{count(len(rows), 'record')} came and cannot be read, so the last good version stays: {_first_of(named)}"
    return False, f"{came}; each sync tries again: see whether there is a newer registry-sync"


def _first_of(lines: Sequence[str]) -> str:
    more = len(lines) - _NAMED
    return "; ".join([*lines[:_NAMED], *([f"and {more} more"] if more > 0 else [])])


def _incidents(history: History) -> Verdict:
    from db import incidents

    rows: list[dict[str, Any]] = incidents.open_ones(history)
    said = [f"{row['source']} in trouble since {row['opened_at']} ({count(row['times'], 'time')}): {row['error']}" for row in rows]
    again = "deliver" if all(row["source"] == incidents.DELIVERY for row in rows) else "sync"
    do = [f"`registry-sync {again}` tries again now"] if rows else []
    return not rows, "; ".join([*(said or ["none is in trouble"]), *_left(history), *do])


def _left(history: History) -> list[str]:
    """Which watched trials the registry does not show, as was told: no trouble, and no sync names them any more."""
    from db import absences, watches

    gone = {trial: absence.since for trial, absence in absences.every(history).items() if absence.state == "absent"}
    watched = sorted(watches.watched(history, gone))
    if not watched:
        return []
    named = _first_of([f"{trial} (since {gone[trial][:10]})" for trial in watched])
    return [f"{count(len(watched), 'trial')} left ClinicalTrials.gov: {named}"]


def _pages(asked: Asked, history: History) -> Verdict:
    from db import pages
    from registry_sync.sources.profiles import load_profiles

    watched = pages.every(history)
    load_profiles(asked.surroundings().profiles)
    failing = [f"{page.url} since {page.standing.failing_since}: {page.standing.reason}" for page in watched if page.standing.failures]
    forbidden = [page.url for page in watched if page.standing.forbidden]
    said = f"{count(len(watched), 'page')} watched"
    if forbidden:
        said += f"; robots.txt forbids {_first_of(forbidden)}"
    if failing:
        do = "each sync tries again: open them in a browser, and `watch remove NCT... --page URL` those that are no more"
        return False, f"{said}; not read: {_first_of(failing)}; {do}"
    return True, said


def _last_sync(history: History) -> Verdict:
    from db import runs
    from db.bulletins import LATE_DAYS
    from jobs.lock import at_work

    row = runs.last(history, "sync")
    if row is None:
        return True, "none yet"
    holder = at_work(history.path, "sync") if row["outcome"] is None else None
    said = f"{row['started_at']}: {row['outcome'] or (f'under way ({holder})' if holder else 'did not come to its end')}"
    odd = _odd_time(row["started_at"], LATE_DAYS, "sync", "run")
    if odd:
        return False, f"{said}; {odd}"
    if holder or row["outcome"] in ("done", "partial"):
        return True, said
    return False, f"{said}; `registry-sync sync` does what is left, and says what is wrong"


def _odd_time(stamp: str, late_days: int, command: str, is_done: str) -> str | None:
    """What is odd about when a job was last done, and what to do: too long ago, or not yet."""
    from jobs.surroundings import from_stamp, utc_now

    ago = utc_now() - from_stamp(stamp)
    if ago < -_CLOCKS_DIFFER:
        return f"that is in the future: a clock is or was wrong; set this machine's right, then `registry-sync {command}`"
    if ago.days >= late_days:
        return f"that is {count(ago.days, 'day')} ago: does `registry-sync run`, or cron, still {is_done}?"
    return None


def _backups(history: History) -> Verdict:
    from db import copies_kept, copying
    from jobs.surroundings import utc_now

    hindrance = copying.in_the_way(history.path)
    good, said = (False, f"{hindrance}, then `registry-sync backup`") if hindrance else _copied(history)
    left = copying.left_over(history.path)
    if left:
        said += f"; left by what was killed, and removed by the next backup: {_first_of([str(path) for path in left])}"
    ahead = copies_kept.ahead(copies_kept.made(history.path), utc_now() + _CLOCKS_DIFFER)
    if ahead:
        named = _first_of([str(copy.path) for copy in ahead])
        do = "a clock was wrong; give them the right date in their names, or remove them, since they do not age"
        return False, f"{said}; dated in the future: {named}; {do}"
    return good, said


def _copied(history: History) -> Verdict:
    from db import runs
    from jobs.backup import LATE_DAYS
    from jobs.lock import at_work

    last, good = runs.last(history, "backup"), runs.last(history, "backup", finished=True)
    if last is None:
        return True, "none yet; `registry-sync backup` makes one, and `run` every night"
    again = "`registry-sync backup` makes one, or says what is wrong"
    holder = at_work(history.path, "backup") if last["outcome"] is None else None
    if good is None:
        return bool(holder), f"the first one is under way ({holder})" if holder else f"none came to its end ({last['started_at']}); {again}"
    detail = json.loads(good["detail"])
    file = detail.get("file", "")
    said = f"{good['started_at']}: {file or 'done'}"
    odd = _odd_time(good["started_at"], LATE_DAYS, "backup", "make them")
    if odd:
        return False, f"{said}; {odd}"
    if last["id"] != good["id"] and last["finished_at"]:
        return False, f"{said}; the one that began {last['started_at']} {last['outcome']}; {again}"
    if file and (hindrance := _no_copy(Path(file), detail.get("bytes"))):
        return False, f"{said}; {hindrance}; {again}"
    return True, said


def _no_copy(copy: Path, octets: int | None) -> str | None:
    """Why a copy is none any more; ``None``: it is. One that may not be looked at is taken to be there."""
    from db import copying

    with contextlib.suppress(OSError):
        if not copy.is_file() or (os.access(copy, os.R_OK) and not copying.is_ours(copy)):
            return "it is gone, or no copy any more"
        if copying.is_cut(copy, octets):
            return f"it was cut to {_size(copy.stat().st_size)}"
    return None


def _outbox(asked: Asked, history: History) -> Verdict:
    from db import confirmations, outbox
    from jobs import health
    from jobs.surroundings import as_stamp, utc_now

    counts = outbox.counts(history, as_stamp(utc_now()))
    said = f"{counts['waiting']} waiting, {counts['due']} due now, {counts['failed']} parked"
    said += f", {counts['held']} held for your yes" if counts["held"] else ""
    tried, last_error = outbox.tried_in_vain(history)
    said += f"; {tried} tried in vain: {last_error}" if tried else ""
    links, since = confirmations.asked(history)
    said += f"; {count(links, 'mail')} that a form asks for waiting since {since}" if links else ""
    stuck = health.stuck_since(asked.surroundings(), history)
    said += f"; stuck: the oldest should have arrived at {stuck}" if stuck else ""
    to_operator, why = health.waiting(history)
    if to_operator:
        said += f"; {count(to_operator, 'mail')} to the operator waiting{f', last try: {why}' if why else ''}"
    parked = "`registry-sync outbox --failed` shows why, `registry-sync outbox retry` sends them again"
    unsent = "`registry-sync deliver` sends now, or says what is wrong; does `registry-sync run`, or cron, still?"
    do = [*([parked] if counts["failed"] else []), *([unsent] if stuck else [])]
    if to_operator and why and not stuck:
        do.append("mend [smtp], then `registry-sync deliver`")
    return not do, "; ".join([said, *do])


COMMANDS = (doctor,)
