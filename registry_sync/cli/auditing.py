"""``audit``: each listing page beside the registry, field by field, and the letter to its owner. ``page``: how a saved page is read."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from registry_sync.cli.common import Asked, as_json, asked, count, print_json, trial_ids
from registry_sync.cli.layout import echo
from registry_sync.cli.wanted import must_be_known
from registry_sync.errors import SettingsError, UsageError

if TYPE_CHECKING:
    from db.connection import History
    from jobs.audit import Audited
    from registry_sync.trials.audit import Difference, Verdict
    from registry_sync.trials.listing import Listing

_COLOURS = {"agrees": "green", "outdated": "yellow", "contradicts": "red", "unstated": None, "incomparable": None}
_MOST_ITEMS = 6
_LARGEST = 8 * 2**20
_LONGEST = 200


@click.command(epilog="Example: registry-sync audit NCT06805448 --letter")
@click.argument("trial", metavar="[NCT]", required=False, callback=trial_ids)
@click.option("--letter", is_flag=True, help="Draft the correction request for the owner of each page that is not right.")
@click.option("--sent", is_flag=True, help="Note that the letters are sent: `deadlines` follows each page until it is right.")
@as_json
@asked
def audit(asked: Asked, trial: str | None, letter: bool, sent: bool, json_: bool) -> None:
    """Lay each listing page beside the registry, field by field, by what was last seen of both. Nothing is asked.

    A field agrees; or it is outdated (the page says what the registry said before: since when, for how many days), or it contradicts (the
    registry never said so); or it is unstated; or it is incomparable (cut off, paraphrased, its headings lost).
    """
    from jobs.audit import audited, row_json

    with asked.history() as history:
        if trial is not None:
            must_be_known(history, trial)
        found = audited(history, trial)
        if sent:
            _note_sent(asked, history, trial)
    if not found and not json_:
        whose = f"of {trial} " if trial else ""
        example = trial or "NCT06805448"
        click.echo(f"No page {whose}is watched. Add one: registry-sync watch add {example} --page URL", err=True)
    if json_:
        today = _today(asked)
        print_json([row_json(one, row, today) for one in found for row in one.verdicts])
    elif letter:
        _letters(asked, found)
    else:
        _tables(asked, found)


def _note_sent(asked: Asked, history: History, trial: str | None) -> None:
    from jobs import duties

    if trial is None:
        raise UsageError("name the trial whose letters are sent, such as: registry-sync audit NCT06805448 --sent", about="--sent")
    pages = duties.sent(asked.surroundings(), history, trial)
    for page in pages:
        click.echo(f"noted: a correction was asked of {page} today; registry-sync deadlines {trial} follows it", err=True)
    if not pages:
        click.echo("no page is wrong, so no letter is noted", err=True)


def _today(asked: Asked) -> datetime.date:
    from jobs.surroundings import today

    return today(asked.surroundings())


# --- the tables --------------------------------------------------------------------------------------------------------


def _tables(asked: Asked, found: list[Audited]) -> None:
    from registry_sync.notices.clean import one_line

    today = _today(asked)
    for number, one in enumerate(found):
        if number:
            click.echo()
        echo(f"{one.page.trial} at {one_line(one.page.url)}", bold=True)
        if one.title:
            echo(f"  {one_line(one.title)}")
        for line in _standing(one):
            echo(f"  {line}", "    ")
        for row in one.verdicts:
            _print_row(row, today)


def _standing(one: Audited) -> list[str]:
    """When the page was read, of which day its site says that its copy is, and what keeps it from being read."""
    page = one.page
    if page.looked_at is None:
        return [f"not looked at yet: run `registry-sync sync {page.trial}`"]
    lines = []
    stands = page.standing
    if stands.forbidden:
        lines.append(f"passed over: {stands.reason}")
    elif stands.failures:
        since = f" since {stands.failing_since[:10]}" if stands.failing_since else ""
        lines.append(f"not read{since} ({count(stands.failures, 'run')}): {stands.reason}")
    if page.read_at is None:
        return [*lines, "never read"]
    copy = f"; its site says that its copy is of {page.listing.refreshed}" if page.listing and page.listing.refreshed else ""
    lines.append(f"last read {page.read_at}{copy}")
    if page.listing and page.listing.follows:
        lines.append(f"follows another registration: {', '.join(page.listing.follows)}")
    if page.listing and page.listing.beside:
        lines.append(f"shows another registration beside this one: {', '.join(page.listing.beside)}")
    if not one.verdicts:
        lines.append("the registry's record is not held yet, so there is nothing to lay it beside")
    return lines


def _print_row(row: Verdict, today: datetime.date) -> None:
    from registry_sync.notices import phrases
    from registry_sync.notices.i18n import translator
    from registry_sync.trials.audit import days_behind

    t = translator("en")
    label = phrases.label(row.field, "", t)
    verdict = click.style(f"{row.verdict:<12}", fg=_COLOURS[row.verdict])
    days = days_behind(row, today)
    since = f" since {row.since}" if row.since else ""
    since += f", {count(days, 'day')}" if days is not None and row.since else ""
    why = f" ({row.reason})" if row.reason else ""
    echo(f"  {verdict} {label}{since}{why}")
    for line in _sides(row):
        echo(f"               {line}", "                 ")


def _sides(row: Verdict) -> list[str]:
    from registry_sync.notices.i18n import translator
    from registry_sync.notices.values import describe

    t = translator("en")
    if row.items:
        lines = [_item(item) for item in row.items[:_MOST_ITEMS]]
        return [*lines, f"and {len(row.items) - _MOST_ITEMS} more"] if len(row.items) > _MOST_ITEMS else lines
    if row.verdict in ("outdated", "contradicts") or (row.verdict == "incomparable" and row.listing is not None):
        from registry_sync.trials.record import BY_NAME

        if BY_NAME[row.field].is_list:
            return []
        return [f"page: {describe(row.field, row.listing, t)}", f"registry: {describe(row.field, row.registry, t)}"]
    return []


def _item(item: Difference) -> str:
    from registry_sync.notices.clean import cut, one_line

    listing, registry = (cut(one_line(_words(side)), _LONGEST) for side in (item.listing, item.registry))
    since = f" (since {item.since})" if item.since else ""
    if item.what == "missing":
        return f"not on the page: {registry}{since}"
    if item.what == "extra":
        return f"on the page only: {listing}{since}"
    if item.what == "moved":
        return f"in the group {item.group} on the page: {listing}{since}"
    return f"page: {listing} | registry: {registry}{since}"


def _words(value: Any) -> str:
    return ", ".join(str(part) for part in value.values() if part) if isinstance(value, dict) else str(value)


# --- the letter --------------------------------------------------------------------------------------------------------


def _letters(asked: Asked, found: list[Audited]) -> None:
    from registry_sync.notices.letter import letter
    from registry_sync.sources.ctgov import study_url

    settings = asked.settings
    today = _today(asked)
    written = 0
    for one in found:
        why = _cannot_be_told(one)
        if why is not None:
            click.echo(f"no letter on {one.page.url}: {why}", err=True)
            continue
        text = letter(
            one.page.trial,
            one.title,
            one.page.url,
            one.verdicts,
            registry_url=study_url(settings.ctgov.url, one.page.trial),
            today=today,
            read_on=datetime.date.fromisoformat(one.page.read_at[:10]) if one.page.read_at else None,
        )
        if text:
            click.echo(f"{'' if not written else chr(10)}{text.rstrip()}")
            written += 1
    if not written and found:
        click.echo("No page says anything that is to be corrected.", err=True)


def _cannot_be_told(one: Audited) -> str | None:
    """Why nobody can say what this page says now: it could not be read when it was last asked for."""
    stands = one.page.standing
    if stands.failures or stands.forbidden:
        return stands.reason
    return None


# --- how a page is read ------------------------------------------------------------------------------------------------


@click.command(epilog="Example: registry-sync page saved.html --trial NCT06805448 --url https://clinconnect.io/trials/NCT06805448")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--trial", metavar="NCT", required=True, callback=trial_ids, help="The trial that the page is about.")
@click.option("--url", metavar="URL", default="https://unknown.invalid/", help="Where the page is from: it decides the site's profile.")
@click.option("--profile", metavar="FILE", type=click.Path(path_type=Path), help="Read it by this profile, whatever the URL.")
@as_json
@asked
def page(asked: Asked, file: Path, trial: str, url: str, profile: Path | None, json_: bool) -> int:
    """Try how a saved page is read, by a profile of yours or by those that the program has. Nothing is asked and nothing kept."""
    from registry_sync.sources.finder import read_page
    from registry_sync.sources.interface import Unreadable
    from registry_sync.sources.profiles import load_profile, load_profiles

    body = _read(file)
    by = load_profile(profile) if profile is not None else load_profiles(asked.surroundings().profiles).of(url)
    seen = read_page(_subject(asked, trial), url, body, None, profile=by)
    if isinstance(seen, Unreadable):
        raise UsageError(f"{file}: unreadable: {seen.reason}", about=str(file))
    assert seen.listing is not None  # noqa: S101 - a page that was read has one
    if json_:
        import msgspec

        print_json(msgspec.to_builtins(seen.listing))
    else:
        _print_listing(seen.listing)
    return 0


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            body = stream.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}", about=str(file)) from error
    if len(body) > _LARGEST:
        raise UsageError(f"{file}: is larger than a page may be ({_LARGEST // 2**20} MiB)", about=str(file))
    return body


def _subject(asked: Asked, trial: str) -> Any:
    """What the page can prove itself by: the record that is held of the trial, where there is a history that holds it."""
    from jobs.pages import subject
    from registry_sync.errors import DatabaseError
    from registry_sync.trials.listing import Subject

    try:
        with asked.history() as history:
            return subject(history, trial)
    except (DatabaseError, SettingsError):
        return Subject(trial)


def _print_listing(listing: Listing) -> None:
    from registry_sync.notices import phrases
    from registry_sync.notices.i18n import translator
    from registry_sync.notices.values import describe
    from registry_sync.trials.record import FIELDS, plain

    t = translator("en")
    echo(f"site: {listing.site or 'without a profile'}")
    for field in FIELDS:
        value = plain(getattr(listing.record, field.name))
        label = phrases.label(field.name, "", t)
        if field.name == "criteria" and value:
            inclusion, exclusion, unknown = (_items_of(group, value) for group in ("inclusion", "exclusion", None))
            echo(f"{label}: {inclusion} inclusion, {exclusion} exclusion" + (f", {unknown} of no group" if unknown else ""))
            for one in value:
                echo(f"  {'  ' * one['depth']}{one['group'] or '-'}: {one['text']}", "      ")
        elif value is not None:
            shown = [describe(field.name, each, t) for each in value] if field.is_list else [describe(field.name, value, t)]
            echo(f"{label}: {'; '.join(shown)}")
        elif field.name in listing.how:
            said = f" (“{listing.said[field.name]}”)" if field.name in listing.said else ""
            echo(f"{label}: {listing.how[field.name].replace('_', ' ')}{said}")
        elif field.name == "overall_status" and listing.statuses:
            echo(f"{label}: “{listing.said.get(field.name, '')}”, which covers {', '.join(listing.statuses)}")
    if listing.refreshed:
        echo(f"its copy is of: {listing.refreshed}")
    if listing.ids:
        echo(f"other ids: {', '.join(listing.ids)}")
    if listing.follows:
        echo(f"follows another registration: {', '.join(listing.follows)}")
    if listing.beside:
        echo(f"shows another registration beside this one: {', '.join(listing.beside)}")


def _items_of(group: str | None, criteria: list[dict[str, Any]]) -> int:
    return sum(one["group"] == group and one["kind"] == "item" for one in criteria)


COMMANDS = (audit, page)
