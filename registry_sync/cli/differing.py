"""``diff``: what changed between two versions, compared anew by the program as it is now."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from registry_sync.cli.common import Asked, as_json, asked, count, print_json, trial_ids
from registry_sync.cli.wanted import by_clock, day, must_be_known, not_seen, of_source
from registry_sync.errors import UsageError

if TYPE_CHECKING:
    from db.connection import History
    from db.history import Version
    from db.lookback import Clock
    from registry_sync.trials.changes import Change

_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_SHORT = 100
"""Characters of a side up to which one line tells the whole change."""


@click.command(epilog="Example: registry-sync diff NCT06805448 2026-02-02 2026-02-09")
@click.argument("trial", metavar="NCT", callback=trial_ids)
@click.argument("start", metavar="[FROM", required=False)
@click.argument("end", metavar="[TO]]", required=False)
@by_clock("registry", "Whether a date means what stood by the registry's dates, or what this program knew.")
@of_source
@click.option("--all", "all_", is_flag=True, help="Also housekeeping.")
@as_json
@asked
def diff(asked: Asked, trial: str, start: str | None, end: str | None, clock: Clock, source: str, all_: bool, json_: bool) -> None:
    """Show what changed from FROM to TO: dates (what stood at the end of that day, UTC) or version numbers, as `history` lists them.
    Without TO, up to now; without both, between the last two versions."""
    from db import lookback
    from jobs.comparing import differences

    with asked.history() as history:
        must_be_known(history, trial)
        before, after = _asked_for(history, trial, source, start, end, clock)
        found = differences(history, before, after)
        entries = lookback.entry_of(history, before), lookback.entry_of(history, after)
    changes = [change for change in found if all_ or change.significance != "housekeeping"]
    if json_:
        print_json([_as_json(change, after) for change in changes])
        return
    if before.id != after.id:
        click.echo(_titled(before, after, *entries))
    for change in changes:
        _print_change(change)
    _say_what_is_not_shown(before, after, shown=len(changes), left_out=len(found) - len(changes))


# --- which two ---------------------------------------------------------------------------------------------------------


def _asked_for(history: History, trial: str, source: str, start: str | None, end: str | None, clock: Clock) -> tuple[Version, Version]:
    """The two versions; the same one twice when only one is held and none is named. Raises UsageError."""
    from db import lookback

    if start is None:
        earlier, last = lookback.neighbours(history, trial, source)
        if last is None:
            raise not_seen(history, trial, source, None, clock)
        return earlier or last, last
    before = _version(history, trial, source, start, "FROM", clock)
    after = _version(history, trial, source, end, "TO", clock) if end is not None else lookback.latest(history, trial, source)
    assert after is not None  # noqa: S101 - there is one, since there is the one before
    dates = [text.strip() for text in (start, end) if text is not None and not _NUMBER.fullmatch(text.strip())]
    if dates != sorted(dates) or (before.trial == after.trial and before.number > after.number):
        raise UsageError(f"{start} is later than {end or f'version {after.number}, the last one'}: name the earlier one first", about=trial)
    return before, after


def _version(history: History, trial: str, source: str, text: str, name: str, clock: Clock) -> Version:
    from db import lookback

    written = text.strip()
    if not _NUMBER.fullmatch(written):
        if not re.match(r"\d+-\d", written, re.ASCII):
            raise UsageError(f"{name} {text!r} is neither a date such as 2026-02-03 nor a version number", about=text)
        date = day(written, name)
        found = lookback.standing(history, trial, source, date, clock)
        if found is None:
            raise not_seen(history, trial, source, date, clock)
        return found
    found = lookback.numbered(history, trial, source, int(written))
    if found is None:
        _, last = lookback.neighbours(history, trial, source)
        if last is None:
            raise not_seen(history, trial, source, None, clock)
        raise UsageError(f"{trial}: {source} has no version {int(written)}: they are numbered from 1 to {last.number}", about=trial)
    return found


# --- how it is shown ---------------------------------------------------------------------------------------------------


def _as_json(change: Change, after: Version) -> dict[str, Any]:
    import msgspec

    from registry_sync.notices.compose import change_json
    from registry_sync.trials.changes import KeptChange

    kept = KeptChange(
        **msgspec.structs.asdict(change),
        id=0,
        trial=after.trial,
        source=after.source,
        registry_date=after.registry_date,
        seen_at=after.seen_at,
    )
    return {**change_json(kept), "id": None}


def _titled(before: Version, after: Version, first: str, second: str) -> str:
    def described(version: Version, entry: str) -> str:
        named = entry if first != second else ""
        dated = f", posted {version.registry_date}" if version.registry_date else ""
        return f"{named} version {version.number}{dated}, seen {version.seen_at}".strip()

    from registry_sync.notices.clean import one_line

    title = click.style(f"{after.trial} at {one_line(after.source)}", bold=True)
    two = "\ntwo entries that the registry merged: what differs is no change of either" if first != second else ""
    return f"{title}\nfrom {described(before, first)}\nto   {described(after, second)}{two}\n"


def _print_change(change: Change) -> None:
    """One line, or the two sides with their changed words marked where a line would cut them."""
    from registry_sync.cli.layout import echo
    from registry_sync.notices.i18n import translator
    from registry_sync.notices.items import item
    from registry_sync.notices.wording import summary

    told = item(change, "coordinator", translator("en"))
    sides = [(label, side) for label, side in (("before", told.before), ("now", told.after)) if side is not None]
    if not told.runs and all(len(side) <= _SHORT and "\n" not in side for _, side in sides):
        echo(f"{change.significance:<12}  {summary(change)}")
        return
    echo(f"{change.significance:<12}  {told.heading}")
    runs = {"before": told.before_runs, "now": told.after_runs}
    for label, side in sides:
        first, *further = (_marked(runs[label]) or side).splitlines()
        echo(f"    {f'{label}:':<8}{first}", " " * 12)
        for line in further:
            echo(f"{'':12}{line}".rstrip(), " " * 12)
    if told.is_cut:
        echo("    (the text is shown in part; all of it is in --json)")


def _marked(runs: Any) -> str:
    """Marked words as in mails: ``[-what went-]`` and ``{+what came+}``."""
    shown = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
    return "".join(shown[mark].format(words) for words, mark in runs)


def _say_what_is_not_shown(before: Version, after: Version, *, shown: int, left_out: int) -> None:
    if before.id == after.id:
        click.echo(f"nothing differs: both are version {after.number} of {after.trial}", err=True)
    elif left_out:
        click.echo(f"{'' if shown else 'nothing differs but '}{count(left_out, 'change')} of housekeeping; --all shows them", err=True)
    elif not shown:
        click.echo(f"nothing differs between version {before.number} and version {after.number}", err=True)
