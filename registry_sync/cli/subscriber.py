"""``subscriber``: all that is held on one address, out or gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry_sync.cli.common import Asked, asked, count, print_json

if TYPE_CHECKING:
    from db.copies_kept import Copy


@click.group(epilog="Example: registry-sync subscriber export advocate@example.org")
def subscriber() -> None:
    """What is held on one address: shown to its holder, or erased."""


@subscriber.command(epilog="Example: registry-sync subscriber export advocate@example.org > held.json")
@click.argument("address", metavar="ADDRESS")
@asked
def export(asked: Asked, address: str) -> None:
    """Write everything that is held on ADDRESS to stdout, as one JSON document."""
    from db import erasure
    from registry_sync.notices.address import classify

    _, address = classify(address)
    with asked.history() as history:
        print_json(erasure.held(history, address))


@subscriber.command(epilog="Example: registry-sync subscriber erase advocate@example.org")
@click.argument("address", metavar="ADDRESS")
@asked
def erase(asked: Asked, address: str) -> int:
    """Erase everything that is held on ADDRESS, whatever waits for it included.

    A keyed hash stays, so that an address that was stopped stays stopped. Backups age out.
    """
    from db import copies_kept, erasure
    from registry_sync.errors import DatabaseError
    from registry_sync.notices.address import classify, masked

    _, address = classify(address)
    with asked.history() as history:
        gone = erasure.erase(history, address, asked.surroundings().stamp())
        rewritten = True
        try:
            erasure.overwrite(history)
        except DatabaseError as error:
            rewritten = False
            click.echo(f"registry-sync: {error}; its deleted rows may still be read from the file: run this again", err=True)
        _remove_left_over(asked)
        made, others = copies_kept.made(history.path), copies_kept.others(history.path)
    if any(gone.values()):
        click.echo(f"{masked(address)}: {count(gone['subscriptions'], 'subscription')} and {count(gone['notices'], 'notice')} erased")
    else:
        click.echo(f"{masked(address)}: nothing is held on this address")
    if any(gone.values()):
        ahead = copies_kept.ahead(made, asked.surroundings().now())
        for line in _copied([copy for copy in made if copy not in ahead], ahead, others, asked.settings.retention.backups):
            click.echo(line, err=True)
    return 0 if rewritten else 1


def _copied(made: Sequence[Copy], ahead: Sequence[Copy], others: Sequence[Path], days: int) -> Iterator[str]:
    """Where else the address may be, and until when."""
    if made:
        aged = f"until they are {count(days, 'day')} old (the newest until there is a newer one)"
        until = aged if days else "for ever (retention.backups is 0)"
        folders = " and ".join(sorted({str(copy.path.parent) for copy in made}))
        yield f"{count(len(made), 'backup')} made before may hold it {until}: {folders}"
    if ahead:
        names = ", ".join(str(copy.path) for copy in ahead)
        yield f"{count(len(ahead), 'backup')} dated in the future may hold it until you remove it: {names}"
    if others:
        names = ", ".join(path.name for path in others)
        yield f"{count(len(others), 'other database')} there may hold it until you remove it: {others[0].parent}: {names}"


def _remove_left_over(asked: Asked) -> None:
    """What a killed backup, restore or export left holds the address, too."""
    from db import copying
    from jobs.lock import only_one
    from registry_sync.errors import AlreadyRunning

    database = asked.surroundings().database
    try:
        with only_one(database, "backup"):
            copying.remove_left_over(database)
    except AlreadyRunning as error:
        click.echo(f"registry-sync: {error}; what it makes may hold the address", err=True)


COMMANDS = (subscriber,)
