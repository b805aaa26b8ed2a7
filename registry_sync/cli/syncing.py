"""``sync`` and ``run``: the jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from registry_sync.cli.common import Asked, as_json, asked, count, in_any_case, print_json, trial_ids
from registry_sync.cli.reaching import looking
from registry_sync.cli.sending import say_problems

if TYPE_CHECKING:
    from jobs.reports import SyncReport


@click.command(epilog="Example: registry-sync sync NCT06805448")
@click.argument("trials", metavar="[NCT]...", nargs=-1, callback=trial_ids)
@click.option("--full", is_flag=True, help="Ask for every record whole, whatever the short cuts.")
@click.option("--no-deliver", is_flag=True, help="Leave the notices in the outbox.")
@as_json
@asked
def sync(asked: Asked, trials: tuple[str, ...], full: bool, no_deliver: bool, json_: bool) -> int:
    """Pull everything watched (or these trials), record what changed, and tell the subscribers."""
    from jobs.sync import sync as pull

    looking(asked).close()  # before anything is laid beside a database that is none
    with in_any_case(json_, lambda: _nothing_pulled(asked)):
        report = pull(asked.surroundings(), trials=trials, full=full, then_deliver=not no_deliver)
    if json_:
        print_json(report.as_json())
    else:
        _print_sync(report)
    for old, new in report.merged:
        click.echo(f"{old}: ClinicalTrials.gov shows this record under {new} now; it is watched under that id from now on", err=True)
    for trial, since in report.left:
        gone = f"has left ClinicalTrials.gov (not there since {since})"
        click.echo(f"{trial}: {gone}; stop watching it if it is no longer of interest", err=True)
    for line in report.failures():
        click.echo(f"registry-sync: {line}", err=True)
    say_problems(report.delivery)
    return 1 if report.is_partial else 0


def _nothing_pulled(asked: Asked) -> dict[str, Any]:
    from jobs.reports import SyncReport

    now = asked.surroundings().stamp()
    return SyncReport(started=now, finished=now).as_json()


def _print_sync(report: SyncReport) -> None:
    if not report.sources:
        click.echo("nothing is watched yet: registry-sync watch add NCT...", err=True)
    for source in report.sources:
        name = "ClinicalTrials.gov" if source.source == "ctgov" else source.source
        is_gate = source.source == "ctgov" and report.released is not None
        parts = [f"nothing released since the last look ({report.released} UTC)"] if is_gate else []
        parts += [f"{source.checked:,} {'watched' if is_gate else 'looked at'}"]
        parts += [f"{source.baselines:,} recorded for the first time"] if source.baselines else []
        parts += [f"{source.changed:,} changed"] if source.changed or not (source.baselines or is_gate) else []
        parts += [f"{len(source.failed):,} failed"] if source.failed else []
        click.echo(f"{name}: {', '.join(parts)}")
    delivery = report.delivery
    later = f", {delivery.waiting:,} waiting" if delivery.waiting else ""
    click.echo(f"{count(report.changes, 'change')}, {count(report.notices, 'notice')} queued, {delivery.sent:,} sent{later}")


@click.command(epilog="Example: registry-sync --config /etc/registry-sync.toml run")
@asked
def run(asked: Asked) -> None:
    """Run the schedule in the foreground, until SIGTERM or SIGINT."""
    import os
    import signal

    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # until the schedule hears it: nothing is under way yet

    from jobs.schedule import run as run_schedule
    from jobs.surroundings import Surroundings
    from registry_sync.cli.logs import log_to_stderr

    log_to_stderr(asked.settings.log)
    run_schedule(Surroundings(asked.settings))


COMMANDS = (sync, run)
