"""``export`` and ``import``: all that is kept, out; watches and subscriptions, in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from registry_sync.cli.common import Asked, asked, trial_ids
from registry_sync.errors import Stopped, UsageError

if TYPE_CHECKING:
    from db.connection import History
    from jobs.exporting import Export, Kind

_TABLES = ("csv", "parquet")
_FILES = ("sqlite", "parquet")


@click.command(epilog="Example: registry-sync export --public --format sqlite --output trials.db")
@click.argument("trials", metavar="[NCT]...", nargs=-1, callback=trial_ids)
@click.option(
    "--format", "format_", type=click.Choice(["jsonl", "csv", "sqlite", "parquet"]), default="jsonl", show_default=True,
    help="One JSON object a line, a table, a ready SQLite file, or a table as a Parquet file.",
)  # fmt: skip
@click.option("--what", type=click.Choice(["trials", "changes", "watches", "subscriptions"]), help="Which table.  [default: trials]")
@click.option("--public", is_flag=True, help="Only what everybody may read: no address, and nobody whom the registry has taken down.")
@click.option("--output", metavar="FILE", help="Where to (else stdout; SQLite and Parquet need a file).")
@click.option("--force", is_flag=True, help="Write over FILE if it is there.")
@click.option("--bom", is_flag=True, help="Begin a CSV table with a byte order mark, by which Excel knows UTF-8.")
@click.option("--with-secrets", is_flag=True, help="Webhook and chat addresses whole, with what is secret in them.")
@asked
def export(
    asked: Asked,
    trials: tuple[str, ...],
    format_: str,
    what: Kind | None,
    public: bool,
    output: str | None,
    force: bool,
    bom: bool,
    with_secrets: bool,
) -> int:
    """Write all that is kept, or all on these trials: records, changes, listings, and (not --public) watches and subscriptions.

    A table of trials has the columns of the WHO Trial Registration Data Set.
    """
    from db import exports
    from jobs.exporting import Export, Scope

    _check(format_, what, trials, public=public, output=output, force=force, bom=bom, with_secrets=with_secrets)
    if format_ == "parquet":
        from jobs.handing import can_write_parquet

        can_write_parquet()
    with asked.history() as history:
        _check_known(history, trials, public=public)
        around = asked.surroundings()
        with exports.snapshot(history):
            made = Export(around, history, Scope(trials, public, with_secrets))
            try:
                _write(asked, made, format_, what or "trials", output, force=force, bom=bom, public=public)
            except Stopped:
                return 1
    for trouble in made.troubles:
        click.echo(f"registry-sync: left out: {trouble}", err=True)
    return 1 if made.troubles else 0


def _check(
    format_: str,
    what: str | None,
    trials: tuple[str, ...],
    *,
    public: bool,
    output: str | None,
    force: bool,
    bom: bool,
    with_secrets: bool,
) -> None:
    """Refuse what does not go together. Raises UsageError."""
    if format_ in _FILES and output is None:
        raise UsageError(f"--format {format_} needs --output FILE")
    if what is not None and format_ not in _TABLES:
        raise UsageError(f"--what names a table, and goes with --format csv or parquet; --format {format_} holds all of them", about=what)
    if bom and format_ != "csv":
        raise UsageError("--bom goes with --format csv")
    if force and output is None:
        raise UsageError("--force goes with --output FILE")
    if public and (what in ("watches", "subscriptions") or with_secrets):
        raise UsageError(f"{'--with-secrets' if with_secrets else f'--what {what}'} is not for everybody: leave out --public")
    if trials and what == "subscriptions":
        raise UsageError("--what subscriptions goes without trials: it is of all of them", about=trials[0])


def _check_known(history: History, trials: tuple[str, ...], *, public: bool) -> None:
    from registry_sync.cli.wanted import must_be_known

    for trial in trials:
        must_be_known(history, trial)
        if public:
            from db import lookback

            if not lookback.is_watched(history, trial):
                raise UsageError(f"{trial}: is not watched, and --public shows what is: registry-sync watch add {trial}", about=trial)


def _write(
    asked: Asked, made: Export, format_: str, what: Kind, output: str | None, *, force: bool, bom: bool, public: bool
) -> None:  # fmt: skip
    from jobs import handing

    if output is None:
        _to(sys.stdout.buffer, made, format_, what, bom=bom)
        sys.stdout.buffer.flush()
        return
    target = Path(output).expanduser()
    with handing.new_file(target, force=force, public=public, database=Path(asked.settings.database)) as path:
        if format_ == "sqlite":
            handing.sqlite(made, path)
        elif format_ == "parquet":
            handing.parquet(made, what, path)
        else:
            with path.open("wb") as file:
                _to(file, made, format_, what, bom=bom)
    click.echo(f"wrote {target}", err=True)


def _to(out: IO[bytes], made: Export, format_: str, what: Kind, *, bom: bool) -> None:
    from jobs import handing

    if format_ == "csv":
        handing.csv_table(made, what, out, bom=bom)
    else:
        handing.jsonl(made, out)


COMMANDS = (export,)
