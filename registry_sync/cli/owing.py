"""``deadlines``: what is owed, by when and by which rule, and what is done about it. ``event``: what a record cannot hold. ``logbook``."""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from registry_sync.cli.common import Asked, as_json, asked, count, print_json, print_table, trial_ids
from registry_sync.cli.layout import echo
from registry_sync.cli.wanted import must_be_known
from registry_sync.errors import UsageError

if TYPE_CHECKING:
    from db.connection import History
    from jobs.duties import Line
    from jobs.surroundings import Surroundings
    from registry_sync.trials.deadlines import Event

_KINDS = ("first-visit", "recruitment-ended", "halted", "restarted", "ended", "amendment-approved")
_COLOURS = {"overdue": "red", "contradiction": "red", "due soon": "yellow", "past": "yellow"}
_PAST = {"cannot tell": "past, it may be owed", "applies": "past, it may be overdue"}
_DAY = "%Y-%m-%d"


class _ShowsByDefault(click.Group):
    """A group that shows what is owed where no other of its commands is named: of a trial, or of all."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Nothing asked for is everything shown."""
        return super().parse_args(ctx, args or ["show"])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """A trial, or an option, is for the command that shows."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["show", *args])


def _day(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        return datetime.datetime.strptime(value.strip(), _DAY).replace(tzinfo=datetime.UTC).date().isoformat()
    except ValueError:
        raise UsageError(f"{value!r} is no day: write it as 2026-02-03", about=value) from None


@click.group(
    cls=_ShowsByDefault, context_settings={"ignore_unknown_options": True}, epilog="Example: registry-sync deadlines NCT06805448 --all"
)
def deadlines() -> None:
    """Show what a coordinator owes the registries, by when, by which rule, and what shows it.

    `deadlines [NCT]` is short for `deadlines show [NCT]`. It is read from the record and from the events that you enter (see `event`), and
    is no legal advice. A rule applies, or the record cannot tell; a law that the record shows not to bind the trial has no line. Days are
    those of the schedule's time zone.
    """


@deadlines.command(epilog="Example: registry-sync deadlines show NCT06805448 --json")
@click.argument("trial", metavar="[NCT]", required=False, callback=trial_ids)
@click.option("--all", "all_", is_flag=True, help="Also what is met, stated or put off.")
@click.option("--owner", metavar="NAME", help="Only what this person looks after.")
@click.option("--ics", is_flag=True, help="As a calendar (iCalendar) on stdout.")
@click.option("--link", is_flag=True, help="The secret address of the calendar on the web pages (needs web.url).")
@as_json
@asked
def show(asked: Asked, trial: str | None, all_: bool, owner: str | None, ics: bool, link: bool, json_: bool) -> None:
    """Show what is owed, the most urgent first."""
    from jobs import duties

    several = [name for name, given in (("--ics", ics), ("--link", link), ("--json", json_)) if given]
    if len(several) > 1:
        raise UsageError(f"{several[0]} and {several[1]} each say what is written: name one of them", about=several[1])
    around = asked.surroundings()
    with asked.history() as history:
        if trial is not None:
            must_be_known(history, trial)
        found = duties.lines(around, history, trial)
        if link:
            _print_link(asked, history)
            return
    found = [line for line in found if owner is None or _is_of(line, owner)]
    shown = [line for line in found if all_ or (line.is_open and not line.is_snoozed)]
    if ics:
        from jobs.agenda import agenda

        with asked.history() as history:
            click.echo(agenda(around, history, shown), nl=False)
    elif json_:
        print_json([_as_json(line) for line in shown])
    else:
        _print(shown, len(found) - len(shown), trial, owner)


def _is_of(line: Line, owner: str) -> bool:
    return line.duty is not None and (line.duty.owner or "").casefold() == owner.strip().casefold()


def _print_link(asked: Asked, history: History) -> None:
    from db import keys
    from registry_sync.notices.tokens import agenda_token

    if not asked.settings.web.url:
        raise UsageError("web.url is not set, so there is no page for a calendar; --ics writes it to a file", about="web.url")
    click.echo(f"{asked.settings.web.url.rstrip('/')}/deadlines/{agenda_token(keys.links(history))}.ics")


def _as_json(line: Line) -> dict[str, Any]:
    from registry_sync.notices import duties as words
    from registry_sync.notices.i18n import translator
    from registry_sync.trials.record import plain

    t, row, duty = translator("en"), line.owed, line.duty
    return {
        "trial": line.trial,
        "title": line.title,
        "id": row.key,
        "rule": row.rule,
        "source": row.source,
        "owed": words.what(row.rule, t),
        "state": line.state,
        "by": row.by,
        "earliest": row.earliest or row.by,
        "days_left": row.days_left(line.today),
        "planned": row.planned,
        "applies": row.bound,
        "shown_by": words.shown_by(row.reason, row.reason_shown, t),
        "shown": dict(row.shown),
        "since": row.since,
        "on": duty.done_on if duty and line.is_done else row.on,
        "event": plain(row.event) if row.event else None,
        "owner": duty.owner if duty else None,
        "acknowledged_at": duty.acknowledged_at if duty else None,
        "snoozed_until": duty.snoozed_until if duty and line.is_snoozed else None,
        "done_at": duty.done_at if duty and line.is_done else None,
    }


def _print(shown: list[Line], hidden: int, trial: str | None, owner: str | None) -> None:
    of_it = f"{f' {trial}' if trial else ''}{f' --owner {shlex.quote(owner)}' if owner is not None else ''}"
    if not shown and owner is not None:
        click.echo(f"nothing that is {'open' if hidden else 'owed'} is looked after by {owner!r}", err=True)
    elif not shown:
        click.echo(f"nothing is {'open' if hidden else 'owed'} that the records and events show", err=True)
    before = None
    for line in shown:
        if line.trial != before:
            click.echo() if before else None
            echo(f"{line.trial}  {line.title or ''}".rstrip(), bold=True)
        before = line.trial
        _print_line(line)
    if hidden:
        click.echo(f"{count(hidden, 'line')} met, stated, or put off: registry-sync deadlines{of_it} --all", err=True)


def _print_line(line: Line) -> None:
    from registry_sync.notices import duties as words
    from registry_sync.notices.clean import one_line
    from registry_sync.notices.i18n import translator

    t, row, duty = translator("en"), line.owed, line.duty
    state = "done" if line.is_done else _PAST.get(row.bound, "past") if line.state == "past" and row.law == "us" else line.state
    days = row.days_left(line.today) if line.state not in ("met", "stated") else None
    day = words.by({"by": row.by, "earliest": row.earliest, "planned": row.planned}, t) if line.state != "met" else ""
    when = f", {day}" if day else f", on {duty.done_on if duty and line.is_done else row.on}" if line.state == "met" and row.on else ""
    when += f" ({count(abs(days), 'day')} {'left' if days >= 0 else 'ago'})" if days is not None else ""
    echo(f"  {click.style(state, fg=_COLOURS.get(line.state))}: {words.what(row.rule, t)}{when}", "    ")
    echo(f"      {row.source}; {row.bound}: {words.shown_by(row.reason, row.reason_shown, t)}".rstrip(": "), "        ")
    for name, value in row.shown:
        echo(f"      {name}: {one_line(value)}", "        ")
    if row.event is not None:
        echo(f"      event: {row.event.kind} {row.event.date}{f' in {row.event.country}' if row.event.country else ''}", "        ")
        for line_ in words.deemed(row.rule, row.since, row.event.date, t):
            echo(f"      {line_}", "        ")
    seen = f"acknowledged {duty.acknowledged_at[:10]}" if duty and duty.acknowledged_at else ""
    kept = [
        seen,
        f"owner {duty.owner}" if duty and duty.owner else "",
        f"put off to {duty.snoozed_until}" if duty and line.is_snoozed else "",
    ]
    echo(f"      {'; '.join(['id ' + repr(row.key), *filter(None, kept)])}", "        ")


# --- what is done about it ---------------------------------------------------------------------------------------------

_THE_ID = click.argument("key", metavar="ID")
_TRIAL = click.argument("trial", metavar="NCT", callback=trial_ids)


@contextlib.contextmanager
def _the_line(asked: Asked, trial: str, key: str) -> Iterator[tuple[Surroundings, History, Line]]:
    """The thing that is owed which was named, in the history that is open while something is done about it."""
    from jobs import duties

    around = asked.surroundings()
    with asked.history() as history:
        must_be_known(history, trial)
        yield around, history, duties.find(around, history, trial, key)


@deadlines.command(epilog="Example: registry-sync deadlines acknowledge NCT06805448 results --note 'with the statistician'")
@_TRIAL
@_THE_ID
@click.option("--note", metavar="TEXT", help="What is being done about it, for the logbook.")
@asked
def acknowledge(asked: Asked, trial: str, key: str, note: str | None) -> None:
    """Say that it is known how something stands. It stays listed, marked so, until that changes."""
    from jobs import duties
    from registry_sync.notices.clean import one_line

    with _the_line(asked, trial, key) as (around, history, line):
        duties.acknowledge(around, line, history, one_line(note or "")[:500] or None)
    click.echo(f"{trial}: that {line.owed.key} is {line.state} is acknowledged")


@deadlines.command(epilog="Example: registry-sync deadlines done NCT06805448 eu-halt --on 2026-02-10")
@_TRIAL
@_THE_ID
@click.option("--on", metavar="DATE", callback=_day, help="The day on which it was done (today).")
@asked
def done(asked: Asked, trial: str, key: str, on: str | None) -> None:
    """Say that something is done that no record shows, such as a notification in CTIS."""
    from jobs import duties
    from jobs.surroundings import today

    with _the_line(asked, trial, key) as (around, history, line):
        day = on or today(around).isoformat()
        duties.done(around, line, history, day)
    click.echo(f"{trial}: {line.owed.key} is done, on {day}")


@deadlines.command(epilog="Example: registry-sync deadlines undone NCT06805448 eu-halt")
@_TRIAL
@_THE_ID
@asked
def undone(asked: Asked, trial: str, key: str) -> None:
    """Take back that something is done."""
    from jobs import duties

    with _the_line(asked, trial, key) as (around, history, line):
        duties.undone(around, line, history)
    click.echo(f"{trial}: {line.owed.key} is not done")


@deadlines.command(epilog="Example: registry-sync deadlines snooze NCT06805448 results --until 2027-03-01")
@_TRIAL
@_THE_ID
@click.option("--until", metavar="DATE", callback=_day, help="The day from which it is told again; without it, from now on.")
@asked
def snooze(asked: Asked, trial: str, key: str, until: str | None) -> None:
    """Put something off: it is neither listed nor told before that day."""
    from jobs import duties
    from jobs.surroundings import today

    if until is not None and until <= today(asked.surroundings()).isoformat():
        raise UsageError(f"{until} is not yet to come: name a later day", about=until)
    with _the_line(asked, trial, key) as (around, history, line):
        duties.snooze(around, line, history, until)
    click.echo(f"{trial}: {line.owed.key} is {f'put off to {until}' if until else 'listed and told again'}")


@deadlines.command(epilog="Example: registry-sync deadlines owner NCT06805448 results 'Contact A'")
@_TRIAL
@_THE_ID
@click.argument("name", metavar="[NAME]", required=False)
@asked
def owner(asked: Asked, trial: str, key: str, name: str | None) -> None:
    """Say who looks after something; without a name, nobody does."""
    from jobs import duties
    from registry_sync.notices.clean import one_line

    with _the_line(asked, trial, key) as (around, history, line):
        who = one_line(name or "")[:200] or None
        duties.give(around, line, history, who)
    click.echo(f"{trial}: {line.owed.key} is looked after by {who or 'nobody'}")


@deadlines.command(epilog="Example: registry-sync deadlines law NCT06805448 us no")
@_TRIAL
@click.argument("law", type=click.Choice(["us", "eu"]))
@click.argument("said", metavar="yes|no|by-record", type=click.Choice(["yes", "no", "by-record"]))
@asked
def law(asked: Asked, trial: str, law: str, said: str) -> None:
    """Say whether a law binds a trial, where its record cannot tell: us (42 CFR part 11) or eu (Regulation (EU) 536/2014).

    by-record: what the record shows counts again.
    """
    from jobs import duties

    around = asked.surroundings()
    with asked.history() as history:
        must_be_known(history, trial)
        duties.answer(around, history, trial, law, {"yes": True, "no": False, "by-record": None}[said])
    click.echo(f"{trial}: {law} {'counts by the record' if said == 'by-record' else 'applies' if said == 'yes' else 'does not apply'}")


# --- events ------------------------------------------------------------------------------------------------------------


@click.group(epilog="Example: registry-sync event add NCT06805448 recruitment-ended 2026-02-03")
def event() -> None:
    """Enter what a record cannot hold, and clocks of deadlines start at."""


@event.command(epilog="Example: registry-sync event add NCT06805448 halted 2026-02-03 --country Denmark")
@_TRIAL
@click.argument("kind", type=click.Choice(_KINDS))
@click.argument("date", callback=_day)
@click.option("--country", metavar="NAME", help="The Member State that it is about; without it, all of them.")
@click.option("--note", metavar="TEXT", help="What else should be kept of it.")
@asked
def add(asked: Asked, trial: str, kind: Any, date: str, country: str | None, note: str | None) -> None:
    """Enter an event on the day on which it happened."""
    from jobs import duties
    from registry_sync.notices.clean import one_line
    from registry_sync.trials.binding import member_state
    from registry_sync.trials.deadlines import Event

    around = asked.surroundings()
    with asked.history() as history:
        must_be_known(history, trial)
        happened = Event(kind, date, one_line(country or "")[:80] or None)
        new = duties.enter(around, history, trial, happened, one_line(note or "")[:500] or None)
        entered = Event(kind, date, member_state(country) if country else None)
        started = [line for line in duties.lines(around, history, trial) if line.owed.event == entered]
    click.echo(f"{trial}: {kind} on {date}{'' if new else ' was entered before'}")
    for line in started:
        _print_line(line)
    if not started:
        click.echo(_nothing_starts(trial, entered), err=True)


def _nothing_starts(trial: str, event: Event) -> str:
    """Why no clock runs from an event, as far as that can be told, and what can be done about it."""
    if event.kind == "amendment-approved" and event.country is not None:
        return "no deadline starts at it: an amendment is told in the record of the whole trial; enter it without --country"
    return (
        "no deadline starts at it: no law that the record shows to bind the trial asks anything after it, or a later event counts in its"
        f" place; if you know better: registry-sync deadlines law {trial} us yes (or eu yes)"
    )


@event.command("list", epilog="Example: registry-sync event list NCT06805448 --json")
@click.argument("trial", metavar="[NCT]", required=False, callback=trial_ids)
@as_json
@asked
def list_(asked: Asked, trial: str | None, json_: bool) -> None:
    """Show what was entered."""
    from db import duties as kept
    from registry_sync.trials.record import plain

    with asked.history() as history:
        if trial is not None:
            must_be_known(history, trial)
        found = kept.events(history, trial)
    if json_:
        print_json([{"id": one.id, "trial": one.trial, **plain(one.event), "note": one.note, "added_at": one.added_at} for one in found])
    elif not found:
        click.echo("no event was entered", err=True)
    else:
        print_table(
            ["id", "trial", "event", "date", "country", "note"],
            [[one.id, one.trial, one.event.kind, one.event.date, one.event.country, one.note] for one in found],
        )


@event.command(epilog="Example: registry-sync event remove 3")
@click.argument("number", metavar="ID", type=click.IntRange(1))
@asked
def remove(asked: Asked, number: int) -> None:
    """Take back an event that was entered by mistake; the logbook keeps that it was."""
    from jobs import duties

    with asked.history() as history:
        found = duties.take_back(asked.surroundings(), history, number)
    click.echo(f"{found.trial}: {found.event.kind} on {found.event.date} is taken back")


# --- the logbook -------------------------------------------------------------------------------------------------------


@click.command(epilog="Example: registry-sync logbook NCT06805448 --since 2026-01-01 --csv > logbook.csv")
@_TRIAL
@click.option("--since", metavar="DATE", callback=_day, help="From this day on.")
@click.option("--csv", "csv_", is_flag=True, help="As CSV, for an inspection's file.")
@as_json
@asked
def logbook(asked: Asked, trial: str, since: str | None, csv_: bool, json_: bool) -> None:
    """Show what was seen of a trial, told about it and done about what it owes, by the time of each (UTC); no subscriber is in it."""
    with asked.history() as history:
        must_be_known(history, trial)
        rows = _logged(history, trial, since or "")
    if json_:
        print_json(rows)
    elif csv_:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, ["at", "what", "about", "detail"])
        writer.writeheader()
        writer.writerows(rows)
        click.echo(text.getvalue(), nl=False)
    else:
        print_table(["at", "what", "about", "detail"], [[row["at"], row["what"], row["about"], row["detail"]] for row in rows], cut=True)


def _logged(history: History, trial: str, since: str) -> list[dict[str, Any]]:
    """The rows, with each change in words."""
    from db import duties as kept
    from db import history as versions
    from registry_sync.notices.clean import one_line
    from registry_sync.notices.wording import summary

    rows = kept.logged(history, trial, since)
    changes = {change.id: change for change in versions.changes_by_id(history, [row["detail"] for row in rows if row["what"] == "change"])}
    for row in rows:
        if row["what"] == "change":
            row["detail"] = one_line(summary(changes[row["detail"]]))
    return rows


COMMANDS = (deadlines, event, logbook)
