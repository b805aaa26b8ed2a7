"""``changes``, ``show`` and ``history``: what is known, now and as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from registry_sync.cli import differing
from registry_sync.cli.common import Asked, as_json, asked, count, print_json, print_json_list, print_table, trial_ids
from registry_sync.cli.wanted import by_clock, day, moment, must_be_known, must_be_source, not_seen, of_source

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable

    from db.connection import History
    from db.dated import DatedChange
    from db.history import Version
    from db.lookback import Clock, State
    from registry_sync.trials.presence import Absence


@click.command(epilog="Example: registry-sync changes NCT06805448 --since 2026-02-01")
@click.argument("trial", metavar="[NCT]", required=False, callback=trial_ids)
@click.option("--since", metavar="DATE", help="Only what was seen on this day or later (UTC; a time such as 2026-02-01T06:00 too).")
@by_clock("seen", "Whether --since and the order go by when a change was seen, or by the registry's dates.")
@click.option("--source", metavar="NAME", help="`ctgov`, or a page's URL: that page's own differences.")
@click.option("--backfilled", is_flag=True, help="Also what was loaded from before the installation.")
@click.option("--all", "all_", is_flag=True, help="Also housekeeping.")
@as_json
@asked
def changes(
    asked: Asked, trial: str | None, since: str | None, clock: Clock, source: str | None, backfilled: bool, all_: bool, json_: bool
) -> None:
    """Show what changed, newest first."""
    from db import dated
    from registry_sync.notices.compose import change_json

    start = moment(since, "--since") if since is not None else None
    with asked.history() as history:
        if trial:
            must_be_known(history, trial)
        if source is not None:
            must_be_source(history, source, trial)
        found = dated.changes(history, trial=trial, since=start, source=source, backfilled=backfilled, housekeeping=all_, clock=clock)
        if json_:
            print_json_list(map(change_json, found))
        else:
            _print_changes(found, since)


def _print_changes(changes: Iterable[DatedChange], since: str | None) -> None:
    from registry_sync.cli.layout import echo
    from registry_sync.notices.wording import summary

    lines = [
        (f"by {each.day}" if each.at_latest else each.day, f"{each.trial}  {each.significance:<12}  {summary(each)}") for each in changes
    ]
    if not lines:
        click.echo("nothing has changed" + (f" since {since}" if since else ""), err=True)
    room = max((len(day_) for day_, _ in lines), default=0)
    for day_, line in lines:
        echo(f"{day_:<{room}}  {line}")


@click.command(epilog="Example: registry-sync show NCT06805448 --at 2026-02-03")
@click.argument("trial", metavar="NCT", callback=trial_ids)
@click.option("--at", metavar="DATE", help="As it stood at the end of this day (UTC).")
@by_clock("registry", "Whether it stood so by the registry's dates, or was known so by this program.")
@of_source
@as_json
@asked
def show(asked: Asked, trial: str, at: str | None, clock: Clock, source: str, json_: bool) -> None:
    """Show a trial's timeline and its record, as last seen or as it stood on a day."""
    from db import lookback

    if at is not None:
        at = day(at, "--at")
        _say_if_to_come(asked, at)
    with asked.history() as history:
        must_be_known(history, trial)
        version = lookback.standing(history, trial, source, at, clock) if at else lookback.latest(history, trial, source)
        if version is None:
            raise not_seen(history, trial, source, at, clock)
        if json_:
            from jobs.kept import presence, unknown

            print_json({**_record_json(version), **unknown(history, version), **presence(history, version, at)})
            return
        states = lookback.states(history, version, clock)
        absence = _absence(history, version, at)
        until = _until(asked, history, version, at, absence)
        entry = lookback.entry_of(history, version)
        others = [each for each in lookback.held_under(history, trial, source) if each != version.trial]
    _print_title(version, entry, others, absence)
    _print_timeline(states, until)
    _print_record(version, states[-1].unknown_by if states else "")


def _say_if_to_come(asked: Asked, at: str) -> None:
    """A day that begins east of Greenwich is no mistake; what stands then nobody knows."""
    today = asked.surroundings().now().date().isoformat()
    if at > today:
        click.echo(f"{at} is still to come: this is as of today, {today}", err=True)


def _absence(history: History, version: Version, at: str | None) -> Absence | None:
    """That the registry does not show the trial any more, or did not on the day asked for."""
    from db import lookback
    from registry_sync.sources.interface import CTGOV

    found = lookback.absence(history, version.trial) if version.source == CTGOV else None
    return None if found is None or (at is not None and at < found.since[:10]) else found


def _until(asked: Asked, history: History, version: Version, at: str | None, absence: Absence | None) -> datetime.date:
    """The day that a timeline ends on: the one asked for, or today, if that is earlier.

    Of a trial that is no longer watched, or has left the registry, it is the day of the last news of it.
    """
    import datetime

    from db import lookback

    ends = [asked.surroundings().now().date().isoformat()]
    if at is not None:
        ends.append(at)
    elif not lookback.is_watched(history, version.trial):
        ends.append(version.seen_at[:10])
    if absence is not None and absence.state == "absent":
        ends.append(absence.since[:10])
    return datetime.date.fromisoformat(min(ends))


def _record_json(version: Version) -> dict[str, Any]:
    from registry_sync.trials.record import plain

    values = plain(version.record)
    del values["trial"]
    return {"trial": version.trial, "source": version.source, "registry_date": version.registry_date, "seen_at": version.seen_at, **values}


def _print_title(version: Version, entry: str, others: list[str], absence: Absence | None) -> None:
    from registry_sync.cli.layout import echo
    from registry_sync.notices.clean import one_line

    echo(f"{version.trial}  {one_line(version.record.brief_title or '')}".rstrip(), bold=True)
    dated = f"posted {version.registry_date}, " if version.registry_date else ""
    echo(f"{one_line(version.source)}, version {version.number}, {dated}seen {version.seen_at}")
    if entry != version.trial:
        echo(f"it is from the time when this was {entry}")
    if absence is not None:
        echo(f"ClinicalTrials.gov has not shown this trial since {absence.since[:10]}")
    for other in others:
        echo(f"the registry merged it with {other}, which has versions of its own: see `registry-sync history {other}`")


def _print_timeline(states: list[State], until: datetime.date) -> None:
    from registry_sync.cli.timeline import timeline

    lines = timeline(states, until)
    for line in ["", *lines, ""] if lines else [""]:
        click.echo(line)


def _print_record(version: Version, unknown_by: str) -> None:
    from registry_sync.cli.layout import echo
    from registry_sync.notices.i18n import translator
    from registry_sync.notices.values import describe
    from registry_sync.trials.record import FIELDS, plain

    def shown(name: str, value: Any) -> str:
        return describe(name, value, translator("en"))

    for field in FIELDS:
        value = plain(getattr(version.record, field.name))
        if value is None or field.name == "brief_title":
            continue
        if field.name == "criteria":
            _print_criteria(value)
        elif field.name == "overall_status" and unknown_by:
            echo(f"{field.label}: {shown(field.name, value)}, by {unknown_by} at the latest")
        elif field.is_list:
            echo(f"{field.label} ({len(value)}):")
            for item in value:
                echo(f"  {shown(field.name, item)}")
        else:
            echo(f"{field.label}: {shown(field.name, value)}")


def _print_criteria(criteria: list[dict[str, Any]]) -> None:
    from registry_sync.cli.layout import echo
    from registry_sync.notices.clean import one_line

    heading = object()
    for criterion in criteria:
        if (criterion["group"], criterion["section"]) != heading:
            heading = (criterion["group"], criterion["section"])
            name = {"inclusion": "Inclusion criteria", "exclusion": "Exclusion criteria", None: "Eligibility criteria"}[criterion["group"]]
            section = one_line(criterion["section"] or "")
            echo(f"{name} ({section}):" if section else f"{name}:")
        bullet = "- " if criterion["kind"] == "item" else ""
        indent = "  " * (criterion["depth"] + 1)
        echo(f"{indent}{bullet}{one_line(criterion['text'])}", indent + " " * len(bullet))


@click.command(epilog="Example: registry-sync history NCT06805448")
@click.argument("trial", metavar="NCT", callback=trial_ids)
@as_json
@asked
def history(asked: Asked, trial: str, json_: bool) -> None:
    """List the versions held, with the registry's date and when each was seen."""
    from db import history as versions

    with asked.history() as opened:
        must_be_known(opened, trial)
        rows = versions.versions(opened, trial)
    if json_:
        print_json(rows)
        return
    if not rows:
        click.echo(f"{trial}: no version yet; run `registry-sync sync {trial}`", err=True)
        return
    _print_lines(rows)


def _print_lines(rows: list[dict[str, Any]]) -> None:
    """A table for each line: the registry's, and those of pages and of ids that were merged."""
    from itertools import groupby

    from registry_sync.cli.layout import echo
    from registry_sync.notices import phrases
    from registry_sync.notices.clean import one_line
    from registry_sync.notices.i18n import translator

    t = translator("en")
    for number, ((trial, source), group) in enumerate(groupby(rows, key=lambda row: (row["trial"], row["source"]))):
        line = list(group)
        numbered = any(row["registry_version"] is not None for row in line)
        if number:
            click.echo()
        note = "; the registry's own numbers are under reg." if numbered else ""
        echo(f"{trial} at {one_line(source)}: {count(len(line), 'version')}{note}")
        print_table(
            ["no.", *(["reg."] if numbered else []), "posted", "seen", "changes", "how", "status"],
            [
                [
                    row["number"],
                    *([row["registry_version"]] if numbered else []),
                    row["registry_date"],
                    row["seen_at"][:10],
                    row["changes"],
                    "backfilled" if row["backfilled"] else "live",
                    one_line(phrases.token(row["overall_status"], t)) if row["overall_status"] else None,
                ]
                for row in line
            ],
        )


COMMANDS = (changes, show, history, differing.diff)
