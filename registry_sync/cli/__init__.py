"""The command line: parse what people ask, run the job, show what came.

Every import that costs time happens inside the command that needs it, so that ``--help`` is quick.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import importlib
import logging
import os
import sys
import threading
from pathlib import Path
from typing import Any

import click

from registry_sync import __version__
from registry_sync.cli import interrupt
from registry_sync.cli.common import Asked
from registry_sync.errors import INTERRUPTED, Damaged, RegistrySyncError, Stopped

_ROOMS = {
    "watching": ("init", "watch"),
    "syncing": ("sync", "run"),
    "sending": ("deliver", "outbox"),
    "looking": ("changes", "show", "history", "diff"),
    "auditing": ("audit", "page"),
    "owing": ("deadlines", "event", "logbook"),
    "backfilling": ("backfill",),
    "subscribing": ("subscribe", "subscriptions", "unsubscribe"),
    "subscriber": ("subscriber",),
    "serving": ("serve",),
    "keeping": ("backup", "restore", "check"),
    "doctor": ("doctor",),
    "exchange": ("export", "import"),
    "demo": ("demo",),
    "publishing": ("publish",),
}
"""Which module has which commands: only that of the command asked for is loaded."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What stands in the way of what is printed: whoever writes a file of its own says which."""


class _Commands(click.Group):
    """A group whose commands are loaded when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of ``--help``."""
        del ctx
        return sorted(name for names in _ROOMS.values() for name in names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One command."""
        del ctx
        room = next((room for room, names in _ROOMS.items() if cmd_name in names), None)
        if room is None:
            return None
        commands: tuple[click.Command, ...] = importlib.import_module(f"registry_sync.cli.{room}").COMMANDS
        return next(command for command in commands if command.name == cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; where it fails in a way that nobody foresaw, and a row of the database is damaged, that is why."""
        try:
            return super().invoke(ctx)
        except (RegistrySyncError, click.ClickException, click.exceptions.Exit, click.Abort, OSError):
            raise
        except Exception as error:
            damage = None if os.environ.get("REGISTRY_SYNC_DEBUG") else _damage(ctx.obj)
            if damage is None:
                raise
            raise Damaged(damage) from error


def _damage(asked: Asked) -> str | None:
    """The first thing in the database that is damaged, as people are told of it."""
    from db import damage

    with contextlib.suppress(RegistrySyncError):
        return damage.found(Path(asked.settings.database))
    return None


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: registry-sync init, then registry-sync watch add NCT06805448, then registry-sync sync. All of it at work, with no "
    "network: registry-sync demo.",
)
@click.option("--config", metavar="FILE", help="The settings file (else $REGISTRY_SYNC_CONFIG, else registry-sync.toml here).")
@click.option("--database", metavar="FILE", help="The history file (else the one that the settings name).")
@click.version_option(__version__, prog_name="registry-sync")
@click.pass_context
def cli(context: click.Context, config: str | None, database: str | None) -> None:
    """Watch trial records at ClinicalTrials.gov and on trial-finder pages, and tell people what changed."""
    context.obj = Asked(config, database)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 done in part, 2 cannot be used, 130 on Ctrl-C. Never a traceback."""
    log_to_stderr()
    try:
        interrupt.listen()
        code = run(arguments)
    except KeyboardInterrupt:  # between two commands' worth of code
        code = INTERRUPTED
    interrupt.no_more()
    if code == INTERRUPTED:
        # an interrupt that fell into an import makes the interpreter end by the signal, whatever code it is given
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(code)
    _end(code)


def _end(code: int) -> None:
    """End the process without taking the interpreter apart, which takes longer than many a command.

    Whoever asked to be called at the end is called, and what was printed is out. Where a thread is still at work, Python waits for it.
    """
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        sys.exit(code)
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(code)
    os._exit(code)


def run(arguments: list[str] | None = None) -> int:
    """What ``main`` does, giving the exit code."""
    try:
        result: Any = cli.main(args=arguments, prog_name="registry-sync", standalone_mode=False)
        sys.stdout.flush()
        if interrupt.wish.is_set():
            return _interrupted()
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _interrupted()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        return 2
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "registry-sync"
        say(f"{error.format_message().rstrip('.')} (see `{command} --help`)")
        return 2
    except click.ClickException as error:
        say(error.format_message())
        return 2
    except RegistrySyncError as error:
        if isinstance(error, Stopped) and interrupt.wish.is_set():
            return _interrupted()
        say(str(error))
        return error.exit_code
    except BrokenPipeError:
        # the reader of our output went away (`| head`): nothing is wrong, and nothing more can be said there
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = error.filename or ("stdout" if error.errno in _NO_ROOM else "the system")
        do = "; make room where it leads, or lead it elsewhere" if where == "stdout" else ""
        say(f"{where}: {error.strerror or error}{do}")
        return 2
    except Exception as error:
        if os.environ.get("REGISTRY_SYNC_DEBUG"):
            raise
        say(f"a fault in this program: {type(error).__name__}: {error}; please report it, with what REGISTRY_SYNC_DEBUG=1 shows")
        return 1


def _interrupted() -> int:
    say("interrupted; what was stored so far is whole, and the next run carries on")
    return INTERRUPTED


def log_to_stderr() -> None:
    """What the jobs log as a warning is one line like any other; a fault that they survived shows its traceback only to who asks."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("registry-sync: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # it grumbles of what we name ourselves


class _OneLine(logging.Formatter):
    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name is logging's
        return super().formatException(ei) if os.environ.get("REGISTRY_SYNC_DEBUG") else f"{ei[0].__name__}: {ei[1]}"


def say(sentence: str) -> None:
    """One line on stderr."""
    click.echo(f"registry-sync: {' '.join(sentence.split())}", err=True)
