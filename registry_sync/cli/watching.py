"""``init`` and ``watch``: what is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry_sync.cli.common import Asked, Command, as_json, asked, count, print_json, print_table, trial_ids

if TYPE_CHECKING:
    from db.connection import History, Row
    from registry_sync.sources.ctgov_search import Search


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
            path.chmod(0o600)  # passwords will stand in it
            file.write(TEXT)
        click.echo(f"wrote {path}: fill in [http] contact and [smtp]")
    except FileExistsError:
        click.echo(f"{path} is there already: left as it is")
    database = Path(asked.settings.database)
    existed = database.exists()
    with asked.history(create=True) as history:
        begins = history.begins
    if existed and not begins:
        click.echo(f"{database} is there already: left as it is")
    click.echo("next: registry-sync watch add NCT06805448, then registry-sync sync")


@click.group(epilog="Example: registry-sync watch add NCT06805448 --page https://clinconnect.io/trials/NCT06805448")
def watch() -> None:
    """Choose which trials, which searches, and which pages about trials are looked at."""


def query_option(what: str) -> Callable[[Command], Command]:
    """Give a command the option ``--query``: the one search that all of them say together, or ``None``."""

    def parsed(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> Search | None:
        from registry_sync.sources.ctgov_search import search_from

        return search_from(value) if value else None

    return click.option("--query", "search", metavar="AREA=TEXT", multiple=True, callback=parsed, help=what)


def current_ids(history: History, trials: Sequence[str], *, err: bool = False) -> tuple[str, ...]:
    """The ids under which the registry shows these trials now; each that was merged is said."""
    from db import aliases

    for trial in trials:
        now = aliases.current(history, trial)
        if now != trial:
            click.echo(f"{trial} is {now} now: the registry merged the two", err=err)
    return tuple(aliases.current_ids(history, trials))


def _one_or_the_other(trials: tuple[str, ...], search: Search | None, pages: tuple[str, ...]) -> None:
    """Refuse a call that names neither trials nor a search, or both."""
    from registry_sync.errors import UsageError

    if not trials and search is None:
        raise click.MissingParameter(param_hint="'NCT...' or '--query AREA=TEXT'", param_type="argument")
    if trials and search is not None:
        raise UsageError("trial ids and --query are two things: give each in a call of its own", about=trials[0])
    if pages and len(trials) != 1:
        raise UsageError("--page goes with one trial: name the others in a call of their own", about=pages[0])


@watch.command(epilog="Example: registry-sync watch add --query cond=Sjogren --query locn=Denmark")
@click.argument("trials", metavar="[NCT]...", nargs=-1, callback=trial_ids)
@click.option("--page", "pages", metavar="URL", multiple=True, help="A trial-finder page of this trial (one trial only; may be repeated).")
@query_option("Every trial that a search finds, new ones included; all --query of one call are one search.")
@click.option("--dry-run", is_flag=True, help="Ask the registry how many trials the search finds, and add nothing.")
@asked
def add(asked: Asked, trials: tuple[str, ...], pages: tuple[str, ...], search: Search | None, dry_run: bool) -> None:
    """Watch trials, or all that a search finds. No server is asked: the next `sync` names an id that the registry does not know.

    The areas of a search are cond, term, locn, intr, titles, outc, spons, lead, id, patient, status (one or more, with
    commas) and advanced.
    """
    from jobs.entries import page_url
    from registry_sync.errors import UsageError

    _one_or_the_other(trials, search, pages)
    if dry_run and search is None:
        raise UsageError("--dry-run goes with --query: an id is one trial", about=trials[0])
    if search is None:
        _add_trials(asked, trials, [page_url(page) for page in pages])
    elif dry_run:
        _say_cost(asked, search)
    else:
        _add_search(asked, search)


def _add_trials(asked: Asked, trials: Sequence[str], urls: Sequence[str]) -> None:
    """Watch the ids as they are typed: the registry may have parted two that it had merged."""
    from db import aliases, watches
    from jobs.surroundings import as_stamp, utc_now

    with asked.history(create=True) as history:
        merged_into = {trial: aliases.current(history, trial) for trial in trials}
        new = set(watches.add(history, trials, urls, as_stamp(utc_now())))
    for trial, other in merged_into.items():
        click.echo(f"{trial}: {'watched from now on' if trial in new else 'was watched already'}")
        if other != trial:
            click.echo(f"{trial} was part of {other}; the next sync asks for it again")
    for url in urls:
        click.echo(f"{trials[0]}: page {url}")
    if new:
        click.echo("next: registry-sync sync (the first one records how things stand; nobody is notified of it)")


def _add_search(asked: Asked, search: Search) -> None:
    from db import searches
    from jobs.surroundings import as_stamp, utc_now

    with asked.history(create=True) as history:
        is_new = searches.add(history, search, as_stamp(utc_now()))
    click.echo(f"{search}: {'all that this search finds is watched from now on' if is_new else 'was watched already'}")
    if is_new:
        click.echo(
            "next: registry-sync sync (it says how many trials there are, and records how they stand; nobody is notified of these)\n"
            f"or first: registry-sync watch add {search.options} --dry-run (asks how many there are)"
        )


def _say_cost(asked: Asked, search: Search) -> None:
    """What the first sync of a search will cost: the registry is asked how many trials there are, and nothing is added."""
    from registry_sync.sources import ctgov_search
    from registry_sync.sources.http import Client

    settings = asked.settings
    http = settings.http
    with Client(contact=http.contact, timeout=http.timeout, attempts=http.attempts, requests_per_minute=http.requests_per_minute) as client:
        total = ctgov_search.count(client, settings.ctgov.url, search)
    requests = ctgov_search.requests_to_record(total)
    waiting = max(0, requests - http.requests_per_minute) / http.requests_per_minute  # a minute's worth may be spent at once
    minutes = f"about {count(ceil(waiting), 'minute')} of waiting" if waiting else "no waiting"
    click.echo(f"{search}: finds {total:,} {'trial' if total == 1 else 'trials'}; nothing was added")
    click.echo(
        f"the first sync will make about {count(requests, 'request')} for them: {minutes} at {http.requests_per_minute} requests a minute"
    )


@watch.command("list", epilog="Example: registry-sync watch list --json")
@as_json
@asked
def list_(asked: Asked, json_: bool) -> None:
    """List what is watched, trials with the status last seen and searches with what they found."""
    from db import searches

    with asked.history() as history:
        rows: list[Row] = searches.listing(history)
    if json_:
        print_json(rows)
        return
    if not rows:
        click.echo("nothing is watched yet: registry-sync watch add NCT...", err=True)
        return
    trials = [row for row in rows if row["trial"] is not None]
    if trials:
        _print_trials(trials)
    _print_searches([row for row in rows if row["trial"] is None])


def _print_trials(rows: Sequence[Row]) -> None:
    from registry_sync.notices.clean import one_line

    print_table(
        ["trial", "status", "versions", "posted", "title"],
        [[row["trial"], _status(row), row["versions"], row["registry_date"], one_line(row["brief_title"] or "")] for row in rows],
        cut=True,
    )
    for row in rows:
        for page in row["listings"]:
            stands = page["reason"] or page["standing"] or "not looked at yet"
            click.echo(f"{row['trial']}  page  {page['url']}  {one_line(stands)}")


def _status(row: Row) -> str:
    """The status last seen, unless the registry does not show the trial any more."""
    from registry_sync.notices.clean import one_line

    if row["absence"] is None:
        return one_line(row["overall_status"] or "not seen yet")
    word = {"absent": "gone", "missing": "not found", "merged": "merged"}[row["absence"]]
    return f"{word} since {row['absent_since'][:10]}"


def _print_searches(rows: Sequence[Row]) -> None:
    """Below the trials, which may be thousands."""
    from registry_sync.sources.ctgov_search import Search

    for row in rows:
        search = Search(tuple(row["query"].items()))
        found = f"found {row['found']:,} on {row['looked_at'][:10]}" if row["looked_at"] else "not run yet"
        click.echo(f"search  {search}  {found}")


@watch.command(epilog="Example: registry-sync watch remove NCT06805448 --page https://clinconnect.io/trials/NCT06805448")
@click.argument("trials", metavar="[NCT]...", nargs=-1, callback=trial_ids)
@click.option("--page", "pages", metavar="URL", multiple=True, help="Only this page; the trial stays watched.")
@query_option("This search, typed with the same areas, and the trials that are watched for it alone.")
@asked
def remove(asked: Asked, trials: tuple[str, ...], pages: tuple[str, ...], search: Search | None) -> int:
    """Stop watching trials, pages of one trial, or a search. Their history is kept.

    A trial that is removed by its id is not brought back by a search that finds it.
    """
    _one_or_the_other(trials, search, pages)
    with asked.history() as history:
        if search is not None:
            return _remove_search(history, search)
        trials = _watched_ids(history, trials)
        return _remove_pages(history, trials[0], pages) if pages else _remove_trials(history, trials)


def _watched_ids(history: History, trials: Sequence[str]) -> tuple[str, ...]:
    """The ids under which these trials are watched: their own, or else the ones that the registry shows them under now."""
    from db import watches

    own = watches.watched(history, trials)
    return tuple(dict.fromkeys(each for trial in trials for each in ([trial] if trial in own else current_ids(history, [trial]))))


def _remove_trials(history: History, trials: Sequence[str]) -> int:
    from db import searches, watches

    found = searches.that_found(history, trials)
    missing = set(watches.remove(history, trials))
    for trial in trials:
        kept = "; no search brings it back" if trial in found else ""
        click.echo(f"{trial}: {'was not watched' if trial in missing else f'not watched any more; its history is kept{kept}'}")
    return 1 if missing else 0


def _remove_pages(history: History, trial: str, pages: Sequence[str]) -> int:
    from db import watches
    from jobs.entries import page_url

    missing = {page for page in pages if not any(watches.remove_page(history, trial, url) for url in (page.strip(), page_url(page)))}
    for page in pages:
        click.echo(f"{page}: {'was not watched' if page in missing else 'not watched any more; its history is kept'}")
    return 1 if missing else 0


def _remove_search(history: History, search: Search) -> int:
    from db import searches

    removed = searches.remove(history, search)
    if removed is None:
        click.echo(f"{search}: was not watched (see `registry-sync watch list`)")
        return 1
    alone = f"{removed.trials:,} {'trial that was' if removed.trials == 1 else 'trials that were'} watched for it alone"
    also = f", nor {alone}; their history is kept" if removed.trials else "; no trial was watched for it alone"
    click.echo(f"{search}: not watched any more{also}")
    if removed.followers:
        follow = "subscription follows" if removed.followers == 1 else "subscriptions follow"
        click.echo(f"registry-sync: {removed.followers} {follow} this search and will hear of nothing new that it would find", err=True)
    return 0


COMMANDS = (init, watch)
