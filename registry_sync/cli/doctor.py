"""``doctor``: is everything that the tool needs in order? One line each."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from registry_sync.cli.common import Asked, as_json, asked, count, print_json
from registry_sync.cli.serving import INSTALL
from registry_sync.errors import RegistrySyncError

if TYPE_CHECKING:
    from db.connection import History

Verdict = tuple[bool, str]

SHORTEST_TOKEN = 16
"""Characters of [web] operator_token."""
_MOST_PROXIES = 65_536
"""Public addresses in one network of trusted proxies; the largest providers' have fewer."""
_PATIENCE = 3.0
_LONGEST_ANSWER = 4096
_NAMED = 5
"""Things of one kind that a line names; further ones are counted."""


@click.command(epilog="Example: registry-sync doctor")
@as_json
@asked
def doctor(asked: Asked, json_: bool) -> int:
    """Check settings, database, registry and mail server, with one line each. Nothing is changed or sent."""
    rows: list[dict[str, Any]] = []
    for name, check in _checks(asked):
        try:
            good, detail = check()
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
    """The checks in their order; what needs something that failed is left out, since it could only fail with the same words."""
    yield "settings", lambda: _settings(asked)
    if not _works(lambda: asked.settings):
        return
    yield "database", lambda: _with_history(asked, _database)
    yield "registry", lambda: _registry(asked)
    yield "mail server", lambda: _mail(asked)
    if not _works(lambda: asked.history().close()):
        return
    yield "kept records", lambda: _with_history(asked, _kept)
    yield "unusable records", lambda: _with_history(asked, _unusable)
    yield "sources", lambda: _with_history(asked, _incidents)
    yield "pages", lambda: _pages(asked)
    yield "last sync", lambda: _with_history(asked, _last_sync)
    yield "backups", lambda: _with_history(asked, _backups)
    yield "outbox", lambda: _with_history(asked, lambda history: _outbox(asked, history))
    yield "web pages", lambda: _web(asked)
    yield "operator's page", lambda: _operator(asked)


def _works(what: Callable[[], object]) -> bool:
    try:
        what()
    except RegistrySyncError:
        return False
    return True


def _settings(asked: Asked) -> Verdict:
    from registry_sync.settings import unknown_in_environment

    settings = asked.settings
    unknown = unknown_in_environment(os.environ)
    origin = str(settings.path) if settings.path else "no file: the defaults"
    if unknown:
        return False, f"{origin}; the environment has {', '.join(unknown)}, which is no setting"
    if not settings.http.contact:
        return True, f"{origin}; [http] contact is empty: sites cannot reach you"
    return True, origin


def _with_history(asked: Asked, check: Callable[[History], Verdict]) -> Verdict:
    with asked.history() as history:
        return check(history)


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
    return False, f"{count(len(rows), 'record')} came and cannot be read, so the last good version stays: {_first_of(named)}"


def _first_of(lines: Sequence[str]) -> str:
    more = len(lines) - _NAMED
    return "; ".join([*lines[:_NAMED], *([f"and {more} more"] if more > 0 else [])])


def _registry(asked: Asked) -> Verdict:
    from registry_sync.sources.ctgov import release
    from registry_sync.sources.http import Client

    settings = asked.settings
    http = settings.http
    with Client(contact=http.contact, timeout=min(http.timeout, 10), attempts=1, requests_per_minute=http.requests_per_minute) as client:
        version, stamp = release(client, settings.ctgov.url)
    return True, f"{settings.ctgov.url}: API {version}, data of {stamp or 'an unknown time'} UTC"


def _mail(asked: Asked) -> Verdict:
    from jobs.deliver import mail_channel

    smtp = asked.settings.smtp
    mail_channel(asked.surroundings(), lambda: None).check()
    return True, f"{smtp.host}:{smtp.port}, security {smtp.security}, {'login accepted' if smtp.username else 'no login'}"


def _incidents(history: History) -> Verdict:
    from db import incidents

    rows: list[dict[str, Any]] = incidents.open_ones(history)
    said = [f"{row['source']} in trouble since {row['opened_at']} ({count(row['times'], 'time')}): {row['error']}" for row in rows]
    return not rows, "; ".join([*(said or ["none is in trouble"]), *_left(history)])


def _left(history: History) -> list[str]:
    """Which watched trials the registry does not show, as was told: no trouble, and no sync names them any more."""
    from db import absences, watches

    gone = {trial: absence.since for trial, absence in absences.every(history).items() if absence.state == "absent"}
    watched = sorted(watches.watched(history, gone))
    if not watched:
        return []
    named = _first_of([f"{trial} (since {gone[trial][:10]})" for trial in watched])
    return [f"{count(len(watched), 'trial')} left ClinicalTrials.gov: {named}"]


def _pages(asked: Asked) -> Verdict:
    from db import pages
    from registry_sync.sources.profiles import load_profiles

    with asked.history() as history:
        watched = pages.every(history)
    load_profiles(asked.surroundings().profiles)
    failing = [f"{page.url} since {page.standing.failing_since}: {page.standing.reason}" for page in watched if page.standing.failures]
    forbidden = [page.url for page in watched if page.standing.forbidden]
    said = f"{count(len(watched), 'page')} watched"
    if forbidden:
        said += f"; robots.txt forbids {_first_of(forbidden)}"
    if failing:
        return False, f"{said}; not read: {_first_of(failing)}"
    return True, said


def _last_sync(history: History) -> Verdict:
    from db import runs
    from db.bulletins import LATE_DAYS
    from jobs.surroundings import from_stamp, utc_now

    row = runs.last(history, "sync")
    if row is None:
        return True, "none yet"
    said = f"{row['started_at']}: {row['outcome'] or 'did not come to its end'}"
    days = (utc_now() - from_stamp(row["started_at"])).days
    if days >= LATE_DAYS:
        return False, f"{said}; that is {count(days, 'day')} ago: does `registry-sync run`, or cron, still run?"
    return row["outcome"] in ("done", "partial"), said


def _backups(history: History) -> Verdict:
    from db import copying

    good, said = _copied(history)
    left = copying.left_over(history.path)
    return (
        good,
        f"{said}; left by what was killed, and removed by the next backup: {_first_of([str(path) for path in left])}" if left else said,
    )


def _copied(history: History) -> Verdict:
    from db import runs
    from jobs.backup import LATE_DAYS
    from jobs.surroundings import from_stamp, utc_now

    last, good = runs.last(history, "backup"), runs.last(history, "backup", finished=True)
    if last is None:
        return True, "none yet; `registry-sync backup` makes one, and `run` every night"
    if good is None:
        return False, f"none came to its end; the last one began {last['started_at']}"
    file = json.loads(good["detail"]).get("file", "")
    said = f"{good['started_at']}: {file or 'done'}"
    days = (utc_now() - from_stamp(good["started_at"])).days
    if days >= LATE_DAYS:
        return False, f"{said}; that is {count(days, 'day')} ago: does `registry-sync run`, or cron, still make them?"
    if last["id"] != good["id"] and last["finished_at"]:
        return False, f"{said}; the one that began {last['started_at']} {last['outcome']}"
    return True, said


def _outbox(asked: Asked, history: History) -> Verdict:
    from db import outbox
    from jobs import health
    from jobs.surroundings import as_stamp, utc_now

    counts = outbox.counts(history, as_stamp(utc_now()))
    said = f"{counts['waiting']} waiting, {counts['due']} due now, {counts['failed']} parked"
    said += f", {counts['held']} held for your yes" if counts["held"] else ""
    stuck = health.stuck_since(asked.surroundings(), history)
    said += f"; stuck: the oldest should have arrived at {stuck}" if stuck else ""
    to_operator, why = health.waiting(history)
    if to_operator:
        said += f"; {count(to_operator, 'mail')} to the operator waiting{f', last try: {why}' if why else ''}"
    return not (counts["failed"] or stuck or (to_operator and why)), said


def _web(asked: Asked) -> Verdict:
    from db import overview

    web = asked.settings.web
    if not (web.url or web.operator_token or web.operator_header):
        with asked.history() as history:
            states = overview.subscription_states(history, kind="email")
        mails = states.get("active", 0) + states.get("pending", 0)
        return True, "[web] url is empty: mails have no link that leads here" + (", and their readers cannot confirm" if mails else "")
    missing = _missing_parts()
    if missing:
        return False, f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed: {INSTALL}"
    served, said = _served(web.listen)
    return served, f"{web.url or '[web] url is empty: mails have no link that leads here'}; {said}"


def _missing_parts() -> list[str]:
    import importlib.util

    return [name for name in ("starlette", "uvicorn", "icalendar") if importlib.util.find_spec(name) is None]


def _served(listen: str) -> Verdict:
    """Do our own pages answer at [web] listen, or nobody?"""
    import http.client
    import json

    host, _, port = listen.rpartition(":")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host.strip("[]"), host.strip("[]"))  # noqa: S104 - where to ask who listens everywhere
    connection = http.client.HTTPConnection(host, int(port), timeout=_PATIENCE)
    try:
        connection.request("GET", "/healthz")
        state = json.loads(connection.getresponse().read(_LONGEST_ANSWER))
        wrong = ", ".join(map(str, state["wrong"]))
        return True, f"{listen} serves them{f' and is unwell: {wrong}' if wrong else ''}"
    except ConnectionRefusedError:
        return _free(listen)
    except (http.client.HTTPException, ValueError, LookupError, TypeError):
        return False, f"{listen}: something else answers there: set [web] listen to a free port"
    except OSError as error:
        return False, f"{listen}: cannot be asked: {error.strerror or error}"
    finally:
        connection.close()


def _free(listen: str) -> Verdict:
    import socket

    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    try:
        with socket.create_server((host, int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return True, f"nobody serves at {listen} just now: registry-sync serve"
    except OSError as error:
        return False, f"{listen}: cannot listen there: {error.strerror or error}"


def _operator(asked: Asked) -> Verdict:
    from registry_sync.hosts import network_of

    web = asked.settings.web
    if web.operator_header and not web.trusted_proxies:
        return False, f"[web] operator_header names {web.operator_header}, which nobody is believed: set [web] trusted_proxies"
    if web.operator_token and len(web.operator_token) < SHORTEST_TOKEN:
        return False, f"[web] operator_token is shorter than {SHORTEST_TOKEN} characters: it can be guessed"
    wide = [text for text in web.trusted_proxies if network_of(text).is_global and network_of(text).num_addresses > _MOST_PROXIES]
    if wide:
        return False, f"[web] trusted_proxies has {', '.join(wide)}: that many strangers may say who they are"
    ways = [
        *(["token"] if web.operator_token else []),
        *([f"{web.operator_header} from {', '.join(web.trusted_proxies)}"] if web.operator_header else []),
    ]
    said = f"/operator opens by {' or by '.join(ways)}" if ways else "closed: neither [web] operator_token nor operator_header is set"
    if web.url and not web.trusted_proxies:
        said += "; [web] trusted_proxies is empty: behind a reverse proxy all visitors count as one"
    return True, said


COMMANDS = (doctor,)
