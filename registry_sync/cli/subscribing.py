"""``subscribe``, ``subscriptions`` and ``unsubscribe``: who hears of it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from registry_sync.cli.common import Asked, as_json, asked, print_json, print_table, trial_ids
from registry_sync.cli.watching import current_ids, query_option

if TYPE_CHECKING:
    from db.confirmations import Queued
    from db.connection import History, Row
    from db.subscriptions import Consent
    from registry_sync.notices.route import Subscription
    from registry_sync.sources.ctgov_search import Search


@click.command(epilog="Example: registry-sync subscribe advocate@example.org NCT06805448 --confirmed")
@click.argument("address", metavar="ADDRESS")
@click.argument("trials", metavar="[NCT]...", nargs=-1, callback=trial_ids)
@click.option("--all", "all_", is_flag=True, help="Every trial that is watched, now and later.")
@query_option("Every trial that this watched search finds, now and later; all --query of one call are one search.")
@click.option(
    "--as", "role", type=click.Choice(["reader", "coordinator"]), default="reader", show_default=True, help="Whose words are used."
)
@click.option("--on", "topics", metavar="TOPICS", help="Only these topics, with commas: status,criteria,timeline,places,...")
@click.option("--country", "countries", metavar="NAME", multiple=True, help="Site news of this country only (may be repeated).")
@click.option("--least", type=click.Choice(["minor", "major"]), default="minor", show_default=True, help="The least that is told.")
@click.option("--every", type=click.Choice(["now", "day", "week"]), default="now", show_default=True, help="At once, or a digest.")
@click.option("--timezone", metavar="TZ", help="Where the day of a digest ends (else the schedule's).")
@click.option("--language", type=click.Choice(["en", "da"]), default="en", show_default=True, help="Of mails and posts.")
@click.option("--secret-env", metavar="NAME", help="The environment variable with a webhook's signing secret.")
@click.option("--confirmed", is_flag=True, help="You record that the holder of this mail address consented.")
@click.option("--hold", is_flag=True, help="You read each notice before it is sent: see `outbox release`.")
@click.option("--instead", is_flag=True, help="End what ADDRESS heard of just these trials, or this search, until now.")
@as_json
@asked
def subscribe(
    asked: Asked,
    address: str,
    trials: tuple[str, ...],
    all_: bool,
    search: Search | None,
    role: str,
    topics: str | None,
    countries: tuple[str, ...],
    least: str,
    every: str,
    timezone: str | None,
    language: str,
    secret_env: str | None,
    confirmed: bool,
    hold: bool,
    instead: bool,
    json_: bool,
) -> None:
    """Tell ADDRESS (a mail address, a webhook's http(s) URL, or an Apprise URL) when these trials change.

    A mail address is pending, and gets no news, until its holder confirms by a mailed link, or --confirmed says that consent was given.
    """
    from jobs import confirming, entries, wishes
    from registry_sync.errors import UsageError
    from registry_sync.notices.address import classify, masked
    from registry_sync.notices.route import Subscription

    if sum((bool(trials), all_, search is not None)) != 1:
        raise UsageError("say which trials: NCT ids, or --all for every trial that is watched, or --query for a search (one of the three)")
    kind, address = classify(address)
    if secret_env is not None:
        entries.secret_name(secret_env, kind, "--secret-env")
    wanted = Subscription(
        id=0,
        address=address,
        kind=kind,
        role=role,  # type: ignore[arg-type]  # click has checked the choice
        topics=entries.heard_by(role, entries.topics(topics, "--on"), "--on"),
        countries=frozenset(country.strip() for country in countries if country.strip()),
        least=least,
        every=every,  # type: ignore[arg-type]  # click has checked the choice
        timezone=entries.timezone(timezone or asked.settings.schedule.timezone, "--timezone"),
        language=language,
        secret_env=secret_env,
        hold=hold,
    )
    if kind == "chat":
        entries.chat_address(address)
        click.echo(f"the service behind {masked(address)} will learn what is sent to it, and so which trial is followed", err=True)
    if kind == "webhook" and not asked.settings.webhook.allow_private:
        _hint_private(address)
    if secret_env is not None and not os.environ.get(secret_env, "").strip():
        click.echo(f"{secret_env} is not set here: posts wait until it is, where `run` or `deliver` send them", err=True)
    around = asked.surroundings()
    queued = None
    with asked.history(create=True) as history:
        consent = _consent(history, kind, address, confirmed=confirmed, now=around.stamp())
        trials = current_ids(history, trials, err=True)
        if consent is None:
            row, queued = confirming.ask(around, history, wanted, trials, search=search, instead=instead)
        else:
            row = wishes.follow(around, history, wanted, trials, consent=consent, search=search, instead=instead)
        row = _shown(history, [row])[0]
        unseen = _not_watched(history, trials, search)
        covering = _covering(history, wanted, row)
    if json_:
        print_json(row)
    else:
        what = f"what the search {search} finds" if search else ", ".join(trials) or "every trial that is watched"
        click.echo(f"{row['address']}: {'will be told of' if row['state'] == 'active' else 'pending for'} {what}")
    if row["state"] != "active":
        click.echo(_what_next(queued), err=True)
    if covering:
        hint = f"{row['address']}: subscription {covering} already tells all of this"
        if instead:
            end = (
                "to end it: unsubscribe the address, and subscribe anew what shall stay"
                if row["state"] == "active"
                else "it ends when its holder confirms this one"
            )
            click.echo(f"{hint}; {end}", err=True)
        else:
            click.echo(f"{hint}; --instead ends one to the same trials", err=True)
    for what, options in unseen:
        click.echo(f"registry-sync: {what} is not watched, so nothing will be seen to tell: registry-sync watch add {options}", err=True)


def _not_watched(history: History, trials: tuple[str, ...], search: Search | None) -> list[tuple[str, str]]:
    """What of this is not watched, and what it takes to watch it."""
    from db import searches, watches

    if search is not None:
        return [] if searches.is_watched(history, search) else [(f"the search {search}", search.options)]
    watched = set(watches.trials(history))
    return [(trial, trial) for trial in trials if trial not in watched]


def _hint_private(address: str) -> None:
    """Say at once what each delivery would say of an address that can be judged without asking a name server."""
    import ipaddress
    from urllib.parse import urlsplit

    from registry_sync.hosts import is_public
    from registry_sync.notices.address import masked

    host = urlsplit(address).hostname or ""
    try:
        inside = not is_public(str(ipaddress.ip_address(host)))
    except ValueError:
        inside = host == "localhost" or host.endswith(".localhost")
    if inside:
        said = "is a private or loopback address: nothing is posted there while [webhook] allow_private is false"
        click.echo(f"registry-sync: {masked(address)} {said}", err=True)


def _covering(history: History, wanted: Subscription, row: Row) -> int | None:
    """Another active subscription by which this address hears all of that already, no later: a change of mind that changes nothing."""
    from db import subscriptions
    from registry_sync.notices.route import covers

    return next((each.id for each in subscriptions.beside(history, row["id"]) if covers(each, wanted)), None)


def _consent(history: History, kind: str, address: str, *, confirmed: bool, now: str) -> Consent | None:
    """The consent that is there; ``None``: the holder of the address is to be asked."""
    from db import stops, subscriptions
    from jobs.entries import MACHINE, VOUCHED, operator
    from registry_sync.errors import UsageError

    if kind != "email":
        return subscriptions.Consent(MACHINE, operator(), now)
    if not confirmed:
        return None
    stopped = stops.stopped(history, address)
    if stopped and stopped[1] == "holder":
        raise UsageError(f"{address} was stopped by its holder on {stopped[0][:10]}; only its holder can start it again", about=address)
    return subscriptions.Consent(VOUCHED, f"operator {operator()}", now)


def _what_next(queued: Queued | None) -> str:
    """What happens until the holder of an address has confirmed."""
    if queued is None:
        return (
            "no link is mailed, since the settings name no public address of the web pages ([web] url); if you have the holder's consent, "
            "run this again with --confirmed"
        )
    return {
        "queued": "a mail asks its holder to confirm; `registry-sync run` sends it within a minute, `registry-sync deliver` at once",
        "waiting": "the mail that asks its holder to confirm still waits to be sent: registry-sync deliver",
        "too soon": "its holder was asked to confirm less than 10 minutes ago, and is not asked again so soon",
        "enough": "mails that ask to confirm were wanted 5 times for this address in 24 hours, and that is enough: try again tomorrow",
    }[queued]


def _shown(history: History, rows: list[Row]) -> list[Row]:
    """Subscriptions as JSON output shows them: addresses without secrets, and how the mail stands that asks for a confirmation."""
    from db import confirmations
    from registry_sync.notices.address import masked

    asked = confirmations.newest(history)
    return [{**row, "address": masked(row["address"]), "confirmation": asked.get(row["id"])} for row in rows]


@click.command(epilog="Example: registry-sync subscriptions --json")
@as_json
@asked
def subscriptions(asked: Asked, json_: bool) -> None:
    """List who is told of what."""
    from db import subscriptions as kept

    with asked.history() as history:
        rows = _shown(history, kept.listing(history))
    if json_:
        print_json(rows)
        return
    if not rows:
        click.echo("nobody is subscribed yet: registry-sync subscribe ADDRESS NCT...", err=True)
        return
    print_table(
        ["id", "state", "as", "every", "least", "address", "topics", "trials"],
        [
            [
                row["id"],
                _state(row),
                row["role"],
                row["every"],
                row["least"],
                row["address"],
                ",".join(row["topics"]) or "default",
                _followed(row),
            ]
            for row in rows
        ],
    )


def _state(row: Row) -> str:
    """Why it is stopped, and that its notices wait for a yes, belong to how it stands."""
    why = {"holder": "by its holder", "operator": "by you", "bounces": "by refusals", "replaced": "replaced"}
    if row["state"] == "stopped":
        return f"stopped {why.get(row['stopped_why'], '')}".strip()
    return f"{row['state']}, held" if row["hold"] else str(row["state"])


def _followed(row: Row) -> str:
    from registry_sync.sources.ctgov_search import Search

    if row["query"] is None:
        return "all" if row["trials"] == "all" else " ".join(row["trials"])
    search = f"search {Search(tuple(row['query'].items()))}"
    return search if row["query_is_watched"] else f"{search} (not watched: registry-sync watch add --query ...)"


@click.command(epilog="Example: registry-sync unsubscribe advocate@example.org NCT06805448")
@click.argument("address", metavar="[ADDRESS]", required=False)
@click.argument("trials", metavar="[NCT]...", nargs=-1, callback=trial_ids)
@query_option("Only what it hears by this search, typed with the same areas.")
@click.option("--from-mail", is_flag=True, help="Read one unsubscribe mail from standard input.")
@asked
def unsubscribe(asked: Asked, address: str | None, trials: tuple[str, ...], search: Search | None, from_mail: bool) -> int:
    """Stop telling ADDRESS, of all trials, of these, or of a search; what still waits for it is not sent."""
    from jobs import by_hand, wishes
    from registry_sync.errors import UsageError
    from registry_sync.notices.address import classify, masked

    if from_mail:
        if address:
            raise UsageError("--from-mail takes the address from the mail: give no other")
        return _from_mail(asked)
    if not address:
        raise UsageError("say whom: registry-sync unsubscribe ADDRESS [NCT]...")
    if trials and search is not None:
        raise UsageError("trial ids and --query are two things: give each in a call of its own", about=trials[0])
    _, address = classify(address)
    with asked.history() as history:
        if search is not None:
            stopped = wishes.stop_search(asked.surroundings(), history, address, search, why="operator")
        else:
            stopped = by_hand.unsubscribe(asked.surroundings(), history, address, current_ids(history, trials))
    click.echo(f"{masked(address)}: {'stopped' if stopped else 'was not subscribed to that'}")
    return 0 if stopped else 1


def _from_mail(asked: Asked) -> int:
    """Find the signed token that List-Unsubscribe put into the subject; who wrote the mail does not matter, the signature does."""
    import email
    import email.policy

    from jobs import wishes

    message = email.message_from_bytes(sys.stdin.buffer.read(2**20), policy=email.policy.default)
    try:
        text = str(message.get("Subject", ""))
    except (ValueError, LookupError, IndexError):  # what the parser of the library cannot read
        text = ""
    with asked.history() as history:
        for subscription in _named_in(history, text):
            address = wishes.stop_one(asked.surroundings(), history, subscription)
            click.echo(f"{address or 'a subscription that is not kept any more'}: stopped at the wish of its holder")
            return 0
    click.echo("registry-sync: the subject of this mail names no subscription; nothing was stopped", err=True)
    return 1


def _named_in(history: History, text: str) -> Iterator[int]:
    """The subscriptions whose tokens, signed or of an earlier version, stand in a text."""
    from db import keys
    from db import subscriptions as kept
    from registry_sync.notices.tokens import IN_A_MAIL, read_stop_token

    key = keys.links(history)
    signed = (read_stop_token(key, token) for token in IN_A_MAIL.findall(text))
    older = (kept.of_older_token(history, token) for token in re.findall(r"[A-Za-z0-9_-]{32}", text))
    yield from (found for found in (*signed, *older) if found is not None)


COMMANDS = (subscribe, subscriptions, unsubscribe)
