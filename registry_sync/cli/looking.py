"""``changes``, ``show`` and ``history``: what is known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from registry_sync.cli.common import Asked, as_json, asked, print_json, print_table, trial_ids

if TYPE_CHECKING:
    from db.history import Version


@click.command(epilog="Example: registry-sync changes NCT06805448 --since 2026-02-01")
@click.argument("trial", metavar="[NCT]", required=False, callback=trial_ids)
@click.option("--since", metavar="DATE", help="Only what was seen on this day or later (UTC; a time such as 2026-02-01T06:00 too).")
@click.option("--source", metavar="NAME", help="`ctgov`, or a page's URL: that page's own differences.")
@click.option("--backfilled", is_flag=True, help="Also what was loaded from before the installation.")
@click.option("--all", "all_", is_flag=True, help="Also housekeeping.")
@as_json
@asked
def changes(asked: Asked, trial: str | None, since: str | None, source: str | None, backfilled: bool, all_: bool, json_: bool) -> None:
    """Show what changed, newest first."""
    from db import history as versions
    from registry_sync.notices.compose import change_json

    moment = _moment(since) if since else None
    with asked.history() as history:
        if trial:
            _must_be_known(versions.is_known(history, trial), trial)
        found = versions.changes(history, trial=trial, since=moment, source=source, backfilled=backfilled, housekeeping=all_)
    rows = [change_json(change) for change in found]
    if json_:
        print_json(rows)
    elif not rows:
        click.echo("nothing has changed" + (f" since {since}" if since else ""), err=True)
    else:
        for row in rows:
            date = row["registry_date"] or row["seen_at"][:10]
            click.echo(f"{date}  {row['trial']}  {row['significance']:<12}  {row['summary']}")


def _moment(text: str) -> str:
    """A day or a time (RFC 3339; without an offset UTC) as it is kept; raises UsageError."""
    import datetime

    from registry_sync.errors import UsageError

    written = text.strip()
    try:
        if not re.match(r"\d{4}-\d{2}-\d{2}(?:[T ]|$)", written):
            raise ValueError(written)
        moment = datetime.datetime.fromisoformat(written)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--since {text!r} is no date: give one such as 2026-02-01", about=text) from error


def _day(text: str) -> str:
    """A day; raises UsageError."""
    import datetime

    from registry_sync.errors import UsageError

    written = text.strip()
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", written):
            raise ValueError(written)
        return datetime.date.fromisoformat(written).isoformat()
    except ValueError as error:
        raise UsageError(f"--at {text!r} is no date: give one such as 2026-02-03", about=text) from error


def _must_be_known(known: bool, trial: str) -> None:
    from registry_sync.errors import UsageError

    if not known:
        raise UsageError(f"{trial}: nothing is known of this trial; watch it first: registry-sync watch add {trial}", about=trial)


@click.command(epilog="Example: registry-sync show NCT06805448 --at 2026-02-03")
@click.argument("trial", metavar="NCT", callback=trial_ids)
@click.option("--at", metavar="DATE", help="As it stood at the end of this registry date (UTC).")
@click.option("--source", metavar="NAME", default="ctgov", show_default=True, help="`ctgov`, or a page's URL.")
@as_json
@asked
def show(asked: Asked, trial: str, at: str | None, source: str, json_: bool) -> None:
    """Show a record as last seen, or as it stood on a day."""
    from db import history as versions
    from registry_sync.errors import UsageError

    if at:
        at = _day(at)
    with asked.history() as history:
        _must_be_known(versions.is_known(history, trial), trial)
        version = versions.at(history, trial, source, at) if at else versions.latest(history, trial, source)
    if version is None:
        when = f" on or before {at}" if at else " yet"
        raise UsageError(f"{trial}: {source} was not seen{when}; run `registry-sync sync {trial}`", about=trial)
    if json_:
        print_json(_record_json(version))
    else:
        _print_record(version)


def _record_json(version: Version) -> dict[str, Any]:
    from registry_sync.trials.record import plain

    values = plain(version.record)
    return {
        "trial": values.pop("trial"),
        "source": version.source,
        "registry_date": version.registry_date,
        "seen_at": version.seen_at,
        **values,
    }


def _print_record(version: Version) -> None:
    from registry_sync.notices.clean import one_line
    from registry_sync.notices.i18n import translator
    from registry_sync.notices.values import describe
    from registry_sync.trials.record import FIELDS, plain

    def shown(name: str, value: Any) -> str:
        return describe(name, value, translator("en"))

    click.echo(click.style(f"{version.trial}  {one_line(version.record.brief_title or '')}".rstrip(), bold=True))
    dated = f"posted {version.registry_date}, " if version.registry_date else ""
    click.echo(f"{version.source}, version {version.number}, {dated}seen {version.seen_at}")
    for field in FIELDS:
        value = plain(getattr(version.record, field.name))
        if value is None or field.name == "brief_title":
            continue
        if field.name == "criteria":
            _print_criteria(value)
        elif field.is_list:
            click.echo(f"{field.label} ({len(value)}):")
            for item in value:
                click.echo(f"  {shown(field.name, item)}")
        else:
            click.echo(f"{field.label}: {shown(field.name, value)}")


def _print_criteria(criteria: list[dict[str, Any]]) -> None:
    from registry_sync.notices.clean import one_line

    heading = object()
    for criterion in criteria:
        if (criterion["group"], criterion["section"]) != heading:
            heading = (criterion["group"], criterion["section"])
            name = {"inclusion": "Inclusion criteria", "exclusion": "Exclusion criteria", None: "Eligibility criteria"}[criterion["group"]]
            section = one_line(criterion["section"] or "")
            click.echo(f"{name} ({section}):" if section else f"{name}:")
        bullet = "- " if criterion["kind"] == "item" else ""
        click.echo("  " * (criterion["depth"] + 1) + bullet + one_line(criterion["text"]))


@click.command(epilog="Example: registry-sync history NCT06805448")
@click.argument("trial", metavar="NCT", callback=trial_ids)
@as_json
@asked
def history(asked: Asked, trial: str, json_: bool) -> None:
    """List the versions held, with the registry's date and when each was seen."""
    from db import history as versions

    with asked.history() as opened:
        _must_be_known(versions.is_known(opened, trial), trial)
        rows = versions.versions(opened, trial)
    if json_:
        print_json(rows)
        return
    if not rows:
        click.echo(f"{trial}: no version yet; run `registry-sync sync {trial}`", err=True)
        return
    print_table(
        ["version", "posted", "seen", "status", "changes", "source"],
        [[row["number"], row["registry_date"], row["seen_at"], row["overall_status"], row["changes"], row["source"]] for row in rows],
    )


COMMANDS = (changes, show, history)
