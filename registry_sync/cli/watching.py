"""``init`` and ``watch``: what is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry_sync.cli.common import Asked, as_json, asked, print_json, print_table, trial_ids

if TYPE_CHECKING:
    from db.connection import Row


@click.command(epilog="Example: registry-sync init")
@asked
def init(asked: Asked) -> None:
    """Write a commented registry-sync.toml and create the database. Nothing is ever overwritten."""
    from registry_sync.cli.settings_file import TEXT
    from registry_sync.settings import FILE_NAME

    path = Path(asked.config).expanduser() if asked.config else Path(FILE_NAME)
    try:
        # made by this call or not at all: neither a file nor what a link leads to is written over
        with path.open("x", encoding="utf-8") as file:
            file.write(TEXT)
        click.echo(f"wrote {path}: fill in [http] contact and [smtp]")
    except FileExistsError:
        click.echo(f"{path} is there already: left as it is")
    database = Path(asked.settings.database)
    existed = database.exists()
    asked.history(create=True).close()
    if existed:
        click.echo(f"{database} is there already: left as it is")
    click.echo("next: registry-sync watch add NCT06805448, then registry-sync sync")


@click.group(epilog="Example: registry-sync watch add NCT06805448 --page https://clinconnect.io/trials/NCT06805448")
def watch() -> None:
    """Choose which trials, and which pages about them, are looked at."""


@watch.command(epilog="Example: registry-sync watch add NCT06805448 --page https://clinconnect.io/trials/NCT06805448")
@click.argument("trials", metavar="NCT...", nargs=-1, required=True, callback=trial_ids)
@click.option("--page", "pages", metavar="URL", multiple=True, help="A trial-finder page of this trial (one trial only; may be repeated).")
@asked
def add(asked: Asked, trials: tuple[str, ...], pages: tuple[str, ...]) -> None:
    """Watch trials. No server is asked: the next `sync` names an id that the registry does not know."""
    from db import watches
    from jobs.surroundings import as_stamp, utc_now
    from registry_sync.errors import UsageError

    if pages and len(trials) > 1:
        raise UsageError("--page goes with one trial: add the others in a call of their own", about=pages[0])
    urls = [_page_url(page) for page in pages]
    with asked.history(create=True) as history:
        new = watches.add(history, trials, urls, as_stamp(utc_now()))
    for trial in trials:
        click.echo(f"{trial}: {'watched from now on' if trial in new else 'was watched already'}")
    for url in urls:
        click.echo(f"{trials[0]}: page {url}")
    if new:
        click.echo("next: registry-sync sync (the first one records how things stand; nobody is notified of it)")


def _page_url(text: str) -> str:
    from urllib.parse import urlsplit

    from registry_sync.errors import UsageError

    url = text.strip()
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and not any(c.isspace() or not c.isprintable() for c in url)
        _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(f"{text.strip()!r} is not the address of a page: give an http or https URL", about=text)
    if parts.username is not None:
        raise UsageError(f"https://***@{parts.hostname}: a page's address is shown and kept: give it without user name and password")
    return url


@watch.command("list", epilog="Example: registry-sync watch list --json")
@as_json
@asked
def list_(asked: Asked, json_: bool) -> None:
    """List what is watched, with the status last seen."""
    from db import watches

    with asked.history() as history:
        rows: list[Row] = watches.listing(history)
    if json_:
        print_json(rows)
        return
    if not rows:
        click.echo("nothing is watched yet: registry-sync watch add NCT...", err=True)
        return
    print_table(
        ["trial", "status", "versions", "posted", "title"],
        [
            [row["trial"], row["overall_status"] or "not seen yet", row["versions"], row["registry_date"], row["brief_title"]]
            for row in rows
        ],
    )
    for row in rows:
        for url in row["pages"]:
            click.echo(f"{row['trial']}  page  {url}")


@watch.command(epilog="Example: registry-sync watch remove NCT06805448 --page https://clinconnect.io/trials/NCT06805448")
@click.argument("trials", metavar="NCT...", nargs=-1, required=True, callback=trial_ids)
@click.option("--page", "pages", metavar="URL", multiple=True, help="Only this page; the trial stays watched.")
@asked
def remove(asked: Asked, trials: tuple[str, ...], pages: tuple[str, ...]) -> int:
    """Stop watching trials, or pages of one trial. Their history is kept."""
    from db import watches
    from registry_sync.errors import UsageError

    if pages and len(trials) > 1:
        raise UsageError("--page goes with one trial", about=pages[0])
    missing = []
    with asked.history() as history:
        if pages:
            missing = [page for page in pages if not watches.remove_page(history, trials[0], page.strip())]
        else:
            missing = watches.remove(history, trials)
    for name in pages or trials:
        click.echo(f"{name}: {'was not watched' if name in missing else 'not watched any more; its history is kept'}")
    return 1 if missing else 0


COMMANDS = (init, watch)
