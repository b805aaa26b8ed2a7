"""``export`` and ``import``: all that is kept, out; watches and subscriptions, in."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from registry_sync.cli.common import Asked, as_json, asked, count, print_json, trial_ids
from registry_sync.errors import Stopped, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.connection import History
    from jobs.exporting import Export, Kind
    from jobs.importing import Report
    from jobs.sheet import Fault

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
@click.option("--output", metavar="FILE", help="Where to (else, or with -, stdout; SQLite and Parquet need a file).")
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
    from db.connection import open_for_reading
    from jobs.exporting import Export, Scope

    output = None if output == "-" else output
    _check(format_, what, trials, public=public, output=output, force=force, bom=bom, with_secrets=with_secrets)
    if format_ == "parquet":
        from jobs.formats import can_write_parquet

        can_write_parquet()
    with open_for_reading(Path(asked.settings.database)) as history:
        _check_known(history, trials, public=public)
        around = asked.surroundings()
        with exports.snapshot(history):
            made = Export(around, history, Scope(trials, public, with_secrets))
            try:
                _write(asked, made, format_, what or "trials", output, force=force, bom=bom, public=public)
            except Stopped:
                return 1  # Ctrl-C has a code of its own
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
    if output is not None and not output.strip():
        raise UsageError("--output: an empty name is no file: name one", about="--output")
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
    from jobs import formats

    if output is None:
        try:
            _to(sys.stdout.buffer, made, format_, what, bom=bom)
            sys.stdout.buffer.flush()
        except BrokenPipeError:  # whoever read it has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    target = Path(output).expanduser()
    if asked.settings.path and os.path.realpath(target) == os.path.realpath(asked.settings.path):
        raise UsageError(f"{output}: is the settings file; name another file", about=output)
    with formats.new_file(target, force=force, public=public, database=Path(asked.settings.database)) as path:
        if format_ == "sqlite":
            formats.sqlite(made, path)
        elif format_ == "parquet":
            formats.parquet(made, what, path)
        else:
            with path.open("wb") as file:
                _to(file, made, format_, what, bom=bom)
    click.echo(f"wrote {target}", err=True)


def _to(out: IO[bytes], made: Export, format_: str, what: Kind, *, bom: bool) -> None:
    from jobs import formats

    if format_ == "csv":
        formats.csv_table(made, what, out, bom=bom)
    else:
        formats.jsonl(made, out)


_MOST_SHOWN = 20
_LEFT = {
    "holder": "stopped by its holder",
    "operator": "stopped by you",
    "bounces": "stopped by refusals",
    "replaced": "replaced by another one",
    "in the file": "stopped in the file",
    "too soon": "its holder was asked to confirm less than 10 minutes ago",
    "enough": "mails that ask to confirm were wanted 5 times for this address in 24 hours",
}


@click.command("import", epilog="Example: registry-sync import --kind subscriptions readers.csv --dry-run")
@click.option("--kind", type=click.Choice(["watches", "subscriptions"]), required=True, help="What the rows are.")
@click.argument("file", metavar="FILE")
@click.option("--dry-run", is_flag=True, help="Say what would come of it, and change nothing.")
@click.option("--skip-bad", is_flag=True, help="Leave out the rows that cannot be used, and import the others.")
@click.option("--confirmed", is_flag=True, help="You record that the holders of these mail addresses consented (with --consent).")
@click.option("--consent", metavar="TEXT", help="To what they consented, when, and how you know.")
@as_json
@asked
def import_(
    asked: Asked, kind: str, file: str, dry_run: bool, skip_bad: bool, confirmed: bool, consent: str | None, json_: bool
) -> int:  # fmt: skip
    """Watch, or subscribe, what the rows of FILE say: a CSV table whose first line names its columns; `-` is standard input.

    Readers are asked by mail to confirm, one mail each. All of the file is imported, or nothing of it.
    """
    from jobs import importing

    _check_import(kind, confirmed=confirmed, consent=consent)
    name, content = _content(file)
    settings = asked.settings
    if kind == "watches":
        watches, bad = importing.read_watches(content, name)
    else:
        wishes, bad = importing.read_subscriptions(content, name, timezone=settings.schedule.timezone)
    _say_bad(name, bad)
    if bad and not skip_bad:
        click.echo("registry-sync: nothing was imported: mend these cells, or leave out their rows with --skip-bad", err=True)
        return 2
    around = asked.surroundings()
    try:
        with asked.rehearsal() if dry_run else asked.history(create=True) as history:
            if kind == "watches":
                report = importing.add_watches(around, history, watches, dry_run=dry_run)
            else:
                report = importing.add_subscriptions(around, history, wishes, consent=consent, dry_run=dry_run)
    except Stopped:
        return 1  # Ctrl-C has a code of its own
    report.bad = bad
    report.rows += len({fault.line for fault in bad})
    if json_:
        import msgspec

        print_json({"kind": kind, "file": name, "dry_run": dry_run, **msgspec.to_builtins(report)})
    else:
        _say_done(report, kind, dry_run=dry_run)
    _say_left(report, kind, has_web=bool(settings.web.url))
    return 1 if bad else 0


def _check_import(kind: str, *, confirmed: bool, consent: str | None) -> None:
    if (confirmed or consent is not None) and kind != "subscriptions":
        raise UsageError("--confirmed and --consent go with --kind subscriptions")
    if confirmed != bool((consent or "").strip()):
        raise UsageError('--confirmed goes with --consent TEXT: say to what the holders consented, such as "form of 2026-02-01, on file"')


def _content(file: str) -> tuple[str, bytes]:
    from jobs.sheet import LARGEST

    if not file.strip():
        raise UsageError("an empty name is no file: name one, or - for standard input")
    if file == "-":
        return "standard input", sys.stdin.buffer.read(LARGEST + 1)
    try:
        with Path(file).expanduser().open("rb") as stream:
            return file, stream.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}", about=file) from error


def _say_bad(name: str, bad: Sequence[Fault]) -> None:
    from registry_sync.notices.clean import one_line

    for fault in bad[:_MOST_SHOWN]:
        column = f", {fault.column}" if fault.column else ""
        value = f" {fault.value!r}" if fault.value else ""
        click.echo(one_line(f"registry-sync: {name}: line {fault.line}{column}{value}: {fault.problem}"), err=True)
    if len(bad) > _MOST_SHOWN:
        click.echo(f"registry-sync: {name}: and {count(len(bad) - _MOST_SHOWN, 'more cell')} (all: --skip-bad --dry-run --json)", err=True)


def _say_done(report: Report, kind: str, *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    said = [f"{report.added:,} of {count(report.rows, 'row')} {would}added", f"{report.already:,} there already"]
    said += [f"{report.confirmed:,} that waited for a confirmation {would}active"] if report.confirmed else []
    said += [f"{len(report.stopped):,} stopped and left so"] if report.stopped else []
    said += [f"{len({fault.line for fault in report.bad}):,} left out"] if report.bad else []
    click.echo("; ".join(said))
    if report.added and kind == "watches" and not dry_run:
        click.echo("next: registry-sync sync (the first one records how things stand; nobody is notified of it)")


def _say_left(report: Report, kind: str, *, has_web: bool) -> None:
    """Who hears nothing, and why; and what is to be done."""
    for row in [*report.stopped, *(row for row in report.not_asked if row["why"] in _LEFT)][:_MOST_SHOWN]:
        since = f" on {row['since'][:10]}" if row.get("since") else ""
        click.echo(f"line {row['line']}: {row['address']}: {_LEFT.get(row['why'], row['why'])}{since}", err=True)
    if report.mails:
        asks = "1 mail asks" if report.mails == 1 else f"{count(report.mails, 'mail')} ask"
        click.echo(f"{asks} to confirm: `registry-sync run` sends them, or `registry-sync deliver`, at [smtp] per_minute", err=True)
    if kind == "subscriptions" and not has_web and report.not_asked:
        why = "no link can be mailed, since the settings name no public address of the web pages ([web] url)"
        click.echo(f"{len(report.not_asked):,} pending, and nobody is asked: {why}; once they do, import the file again", err=True)
    if report.not_watched:
        some = ", ".join(report.not_watched[:3])
        more = f" and {len(report.not_watched) - 3:,} more" if len(report.not_watched) > 3 else ""
        click.echo(f"registry-sync: not watched, so nothing will be seen to tell: {some}{more}; see `registry-sync watch add`", err=True)


COMMANDS = (export, import_)
