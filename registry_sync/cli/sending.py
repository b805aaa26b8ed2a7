"""``deliver`` and ``outbox``: what is sent, what waits, and what waits for a person's yes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from registry_sync.cli.common import Asked, as_json, asked, count, in_any_case, print_json, print_json_list, print_table
from registry_sync.cli.reaching import looking

_MOST_NAMED = 3

if TYPE_CHECKING:
    from db.connection import History
    from db.outbox import Only
    from jobs.reports import DeliverReport


def say_problems(report: DeliverReport) -> None:
    """Name what was not delivered, a line each."""
    for problem, times in Counter(report.problems).items():
        click.echo(f"registry-sync: not delivered: {problem}{f' ({times} times)' if times > 1 else ''}", err=True)


@click.command(epilog="Example: registry-sync deliver --json")
@as_json
@asked
def deliver(asked: Asked, json_: bool) -> int:
    """Send what is due from the outbox."""
    from jobs.deliver import deliver as send

    looking(asked).close()  # before anything is laid beside a database that is none
    with in_any_case(json_, lambda: _nothing_sent(asked)):
        report = send(asked.surroundings())
    if json_:
        print_json(report.as_json())
    else:
        asks = "1 that asks or brings" if report.asking == 1 else f"{report.asking} that ask or bring"
        waiting = f"{report.waiting - report.asking} waiting" + (f", and {asks} a link" if report.asking else "")
        click.echo(f"{report.sent} sent, {report.retrying} to be tried again, {report.failed} parked, {waiting}")
    say_problems(report)
    return 1 if report.is_partial else 0


def _nothing_sent(asked: Asked) -> dict[str, int]:
    from db import outbox as notices
    from jobs.reports import DeliverReport

    with asked.history() as history:
        return DeliverReport(waiting=notices.counts(history, asked.surroundings().stamp())["waiting"]).as_json()


@click.group(invoke_without_command=True, epilog="Example: registry-sync outbox --failed")
@click.option("--failed", is_flag=True, help="Only what was refused or could not be sent yet.")
@click.option("--held", is_flag=True, help="Only what waits for your yes (see `subscribe --hold`).")
@as_json
@click.pass_context
def outbox(context: click.Context, failed: bool, held: bool, json_: bool) -> None:
    """Show what waits, what failed and why, and what was sent."""
    if context.invoked_subcommand is None:
        if failed and held:
            raise click.UsageError("--failed and --held are two lists: ask for one")
        _print_outbox(_asked(context), "failed" if failed else "held" if held else None, json_)


def _asked(context: click.Context) -> Asked:
    return context.find_object(Asked) or Asked(None, None)


def _print_outbox(asked: Asked, only: Only | None, json_: bool) -> None:
    from db import outbox as notices
    from registry_sync.notices.address import masked

    with asked.history() as history:
        found = ({**row, "address": masked(row["address"])} for row in notices.each(history, only))
        if json_:
            print_json_list(found)
            return
        rows = list(found)
    if not rows:
        click.echo("nothing is held" if only == "held" else "nothing has failed" if only == "failed" else "the outbox is empty", err=True)
        return
    print_table(
        ["id", "state", "tries", "next try", "address", "trials", "error"],
        [
            [
                row["id"],
                row["state"],
                row["attempts"],
                row["next_try_at"] if row["state"] == "pending" else None,
                row["address"],
                _some(row["trials"]),
                row["last_error"],
            ]
            for row in rows
        ],
    )


@outbox.command(epilog="Example: registry-sync outbox show 0b7f5e")
@click.argument("notice_id", metavar="ID")
@click.pass_context
def show(context: click.Context, notice_id: str) -> int:
    """Show a notice as its reader gets it: its subject and its plain text."""
    from db import outbox as notices
    from jobs import by_hand

    asked = _asked(context)
    with asked.history() as history:
        waiting = notices.known(history, _whole(history, notice_id))
        if waiting is None:
            return _no_such(notice_id, "no notice")
        written = by_hand.written(asked.surroundings(), history, waiting)
    if written.why_not:
        click.echo(written.why_not, err=True)
        return 1
    click.echo(f"Subject: {written.subject}\n\n{written.text}", nl=False)
    return 0


@outbox.command(epilog='Example: registry-sync outbox note 0b7f5e "We have asked the study team what this means."')
@click.argument("notice_id", metavar="ID")
@click.argument("words", metavar="TEXT")
@click.pass_context
def note(context: click.Context, notice_id: str, words: str) -> int:
    """Put your words above the news of a held notice; an empty TEXT takes them away."""
    from db import outbox as notices
    from jobs.by_hand import as_note

    with _asked(context).history() as history:
        found = notices.annotate(history, _whole(history, notice_id), as_note(words))
    if not found:
        return _no_such(notice_id, "no held notice")
    click.echo("noted: it stands above the news" if as_note(words) else "the note is taken away")
    return 0


@outbox.command(epilog='Example: registry-sync outbox release 0b7f5e --note "The team has confirmed this."')
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--note", "words", metavar="TEXT", help="Your words above the news.")
@click.pass_context
def release(context: click.Context, ids: tuple[str, ...], words: str | None) -> int:
    """Let held notices go, without ids all of them; the next `deliver` sends them."""
    from db import outbox as notices
    from jobs.by_hand import as_note

    return _decide(
        _asked(context),
        ids,
        lambda history, whole: notices.release(history, whole, as_note(words)),
        "no held notice",
        "released: the next delivery sends them",
    )


@outbox.command(epilog="Example: registry-sync outbox drop 0b7f5e")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.pass_context
def drop(context: click.Context, ids: tuple[str, ...]) -> int:
    """Take back held notices: they are never sent."""
    from db import outbox as notices

    return _decide(_asked(context), ids, notices.drop, "no held notice", "dropped")


def _some(trials: Sequence[str]) -> str:
    """A digest may tell of thousands."""
    more = len(trials) - _MOST_NAMED
    return " ".join(trials[:_MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _whole(history: History, beginning: str) -> str:
    """The id of the one notice whose id begins so: the first characters are enough, as long as they are one's alone."""
    from db import outbox as notices

    found = notices.beginning_with(history, beginning.strip().lower())
    return found[0] if len(found) == 1 else beginning


def _no_such(notice_id: str, what: str) -> int:
    click.echo(f"registry-sync: {notice_id}: {what} has this id (see `registry-sync outbox`)", err=True)
    return 2


def _decide(asked: Asked, ids: Sequence[str], act: Callable[[History, Sequence[str]], list[str]], what: str, did: str) -> int:
    """Do it to these notices; 2 when none of them is such a one, 1 when some are not."""
    from db import outbox as notices

    now = asked.surroundings().stamp()
    with asked.history() as history:
        before = notices.counts(history, now)["held"]
        unknown = act(history, [_whole(history, each) for each in ids])
        done = before - notices.counts(history, now)["held"]
    for notice_id in unknown:
        _no_such(notice_id, what)
    if ids and len(unknown) == len(ids):
        return 2
    click.echo(f"{count(done, 'notice')} {did}" if done else "nothing is held")
    return 1 if unknown else 0


@outbox.command(epilog="Example: registry-sync outbox retry")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.pass_context
def retry(context: click.Context, ids: tuple[str, ...]) -> int:
    """Make notices due at once, waiting or parked; without ids everything unsent."""
    from db import outbox as notices
    from jobs import by_hand

    asked = _asked(context)
    around = asked.surroundings()
    with asked.history() as history:
        unknown = by_hand.retry(around, history, [_whole(history, each) for each in ids])
        due = notices.counts(history, around.stamp())["due"]
    for notice_id in unknown:
        _no_such(notice_id, "no unsent notice")
    if ids and len(unknown) == len(ids):
        return 2
    click.echo(f"{count(due, 'notice')} due: run `registry-sync deliver`" if due else "nothing is unsent")
    return 1 if unknown else 0


COMMANDS = (deliver, outbox)
