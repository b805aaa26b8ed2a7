"""``backup``, ``restore`` and ``check``: a verified copy of the database, back from one, and whether all that is kept is sound."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry_sync.cli.common import Asked, as_json, asked, count, print_json

if TYPE_CHECKING:
    from db.carrying import Carried
    from db.entered import Entered
    from jobs.check import Checked
    from jobs.restore import Restored

_MOST_NAMED = 5


@click.command(epilog="Example: registry-sync backup --to /mnt/elsewhere/")
@click.option("--to", metavar="FILE|FOLDER", help="Where the copy goes (else the folder `backups` beside the database).")
@as_json
@asked
def backup(asked: Asked, to: str | None, json_: bool) -> int:
    """Copy the database while it is in use, verify the copy, and take away what is past its time.

    Old copies in the folder `backups` go after `[retention] backups` days, the newest one never; the other keys of [retention] are
    carried out too.
    """
    from jobs.backup import backup as copy

    made = copy(asked.surroundings(), _path(to) if to is not None else None)
    if json_:
        print_json(made.as_json())
    else:
        click.echo(made.said())
    for fault in made.kept.faults:
        click.echo(f"registry-sync: {fault}", err=True)
    return 1 if made.kept.faults else 0


def _path(text: str) -> Path:
    """A path as it was typed; one that ends in a slash is a folder, whether it is there or not."""
    from registry_sync.errors import UsageError

    if not text.strip():
        raise UsageError("an empty name is no file and no folder: name one")
    path = Path(text).expanduser().absolute()
    if text.endswith("/") and not path.is_dir():
        raise UsageError(f"{text}: there is no such folder; make it first", about=text)
    return path


@click.command(epilog="Example: registry-sync restore backups/history-20260203T031100Z.db")
@click.argument("file", metavar="FILE")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@click.option("--as-is", is_flag=True, help="Carry nothing over of what was sent, stopped, erased and entered since.")
@click.option("--damaged", is_flag=True, help="Take FILE though `check` finds damage in what it keeps.")
@as_json
@asked
def restore(asked: Asked, file: str, yes: bool, as_is: bool, damaged: bool, json_: bool) -> int:
    """Put a backup in the place of the database, which is copied into the folder `backups` first.

    What was sent, stopped and erased since the backup stays so, and what people entered since is carried over. Nothing else may be at work
    on the database: end `run` and `serve` first.
    """
    import sys

    from jobs.restore import restore as bring_back

    around = asked.surroundings()
    if not yes and sys.stdin.isatty():
        click.confirm(f"Put {file} in the place of {around.database}?", abort=True, err=True)
    done = bring_back(around, _path(file), as_is=as_is, damaged=damaged)
    if json_:
        print_json(done.as_json())
    for line in _told(done):
        click.echo(line, err=json_)
    return 0


def _told(done: Restored) -> Iterator[str]:
    since = done.made_at or "an unknown time"
    yield f"restored {done.database} from {done.file}, as it was at {since}"
    if done.aside:
        yield f"what it replaces is kept as {done.aside}"
    if done.damaged:
        more = f", and {len(done.damaged) - 1} more" if done.damaged[1:] else ""
        instead = "there the backup's own stands, or the row is left out" if done.carried else "nothing was to be carried over from it"
        as_is = "; --as-is carries nothing over at all" if done.carried else ""
        yield f"not all of the database that it replaces can be read ({done.damaged[0]}{more}): {instead}; all of it is kept{as_is}"
    if done.carried:
        yield from _carried(done.carried, since)
    elif done.unread:
        unknown = f"what was sent, stopped or erased since {since} is not known here"
        yield f"the database that it replaces could not be read ({done.unread}): {unknown}"
        if done.held:
            yield (
                f"{count(done.held, 'mail')} that may have been sent since then {_are(done.held)} held: see `registry-sync outbox --held`, "
                "then let them go with `outbox release` or take them back with `outbox drop`"
            )
        yield "the next sync finds again what changed since then, and tells it again; try `registry-sync sync --no-deliver` first"
    else:
        yield f"nothing was carried over: what was sent, stopped or erased since {since} is not known here"


def _carried(carried: Carried, since: str) -> Iterator[str]:
    parts = (
        (carried.sent, "notice sent, refused or cancelled", "notices sent, refused or cancelled"),
        (carried.stopped, "subscription stopped", "subscriptions stopped"),
        (carried.erased, "address erased", "addresses erased"),
        (carried.stops, "keyed hash of a stop", "keyed hashes of stops"),
        (carried.entered.watches, *(f"{word} ({_names(carried.entered.named.watches)})" for word in ("watch", "watches"))),
        (carried.entered.desk, "entry of coordinators", "entries of coordinators"),
        (carried.entered.subscriptions, "subscription made, confirmed or changed", "subscriptions made, confirmed or changed"),
    )
    said = [f"{number:,} {one if number == 1 else many}" for number, one, many in parts if number]
    yield f"carried over from the time since then: {', '.join(said) or 'nothing had to be'}"
    if carried.later:
        yield f"{count(carried.later, 'notice')} sent since {since} told of changes that it does not know, or that wait in it"
    if carried.later or carried.told:
        yield (
            f"of what waits in it and what the next sync finds again, {count(carried.told, 'change')} {_are(carried.told)} not told again: "
            "see what is told with `registry-sync sync --no-deliver` and `registry-sync outbox`"
        )
    yield from _watched(carried.entered, since)
    if carried.lost:
        yield f"{count(carried.lost, 'subscription')} made since {since} {_are(carried.lost)} only in the copy of what it replaces"


def _watched(entered: Entered, since: str) -> Iterator[str]:
    if entered.again:
        what = "trial, page or search" if entered.again == 1 else "trials, pages and searches"
        named = _names(entered.named.again)
        yield f"{entered.again:,} {what} removed since {since}: watched again, {named}; `registry-sync watch list` shows them"
    if entered.left:
        one = entered.left == 1
        yield (
            f"{entered.left:,} removed before {since} {'was' if one else 'were'} watched again only since an older copy came back, and "
            f"{'is' if one else 'are'} not now: {_names(entered.named.left)}; `registry-sync watch add` adds what is wanted"
        )


def _names(names: Sequence[str]) -> str:
    """The first of them as people know them, and how many there are beside these."""
    from db.vitals import without_secrets
    from registry_sync.sources.ctgov_search import Search

    shown = [
        str(Search(tuple(json.loads(name).items()))) if name.startswith("{") else without_secrets(name) for name in names[:_MOST_NAMED]
    ]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


@click.command(epilog="Example: registry-sync check --deep")
@click.option("--deep", is_flag=True, help="Read each record anew from what was sent, too, and count those that read otherwise now.")
@as_json
@asked
def check(asked: Asked, deep: bool, json_: bool) -> int:
    """Look at everything that is kept, and say of each fault what it is, where, and what to do.

    The file and its references, that each version comes back and can be read, and that the changes derived anew are those that are kept.
    Nothing is changed, but that the database of an older registry-sync is brought up to date first, with a copy of it laid beside.
    """
    from jobs.check import check as look

    done = look(asked.surroundings(), deep=deep)
    if json_:
        print_json(done.as_json())
    else:
        _print_checked(done, deep=deep)
    return 1 if done.faults else 0


def _print_checked(done: Checked, *, deep: bool) -> None:
    for fault in done.faults:
        click.echo(f"{click.style('FAULT', fg='red')}  {fault.where}: {fault.what}; {fault.do}")
    if done.more:
        click.echo(f"and {count(done.more, 'further fault')}")
    numbers = done.numbers
    held = ", ".join(count(numbers.get(f"{name}s", 0), name) for name in ("version", "change", "notice"))
    click.echo(f"{held} looked at: {count(len(done.faults) + done.more, 'fault') if done.faults else 'all sound'}")
    if numbers.get("redacted"):
        click.echo(f"contacts that the registry took down were taken out of {count(numbers['redacted'], 'version')}")
    if done.older_changes:
        click.echo(f"the changes of {count(done.older_changes, 'version')} were derived by an older program, which compared otherwise")
    if deep and done.older_records:
        were = "was" if done.older_records == 1 else "were"
        click.echo(f"{count(done.older_records, 'record')} {were} read by an older program, which read otherwise")


COMMANDS = (backup, restore, check)
