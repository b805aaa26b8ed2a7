"""``backfill``: the history before the installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from registry_sync.cli.common import Asked, as_json, asked, count, in_any_case, print_json, trial_ids

if TYPE_CHECKING:
    from jobs.backfill import TrialReport


@click.command(epilog="Example: registry-sync backfill NCT06805448 && registry-sync changes NCT06805448 --backfilled")
@click.argument("trials", metavar="NCT...", nargs=-1, required=True, callback=trial_ids)
@as_json
@asked
def backfill(asked: Asked, trials: tuple[str, ...], json_: bool) -> int:
    """Load the registry's own versions of these trials from before the first one recorded here.

    They get the registry's dates, and their changes are listed by `changes --backfilled` alone; nobody is notified. What was fetched
    stays when the command is interrupted: run it again, and it goes on. A trial that was never synced is synced first.
    """
    from jobs.backfill import backfill as load

    with in_any_case(json_, list):
        report = load(asked.surroundings(), trials)
    if json_:
        print_json(report.as_json())
    else:
        for trial in report.trials:
            _print_trial(trial)
    for line in report.failures():
        click.echo(f"registry-sync: {line}", err=True)
    return 1 if report.is_partial else 0


def _print_trial(trial: TrialReport) -> None:
    parts = [f"{count(trial.loaded, 'version')} loaded", f"{trial.held} held", f"{count(trial.changes, 'backfilled change')}"]
    parts += [f"{len(trial.failed)} failed"] if trial.failed else []
    parts += [f"{count(trial.waiting, 'version')} fetched, to be put in by the next call"] if trial.waiting else []
    click.echo(f"{trial.trial}: {', '.join(parts)}")


COMMANDS = (backfill,)
