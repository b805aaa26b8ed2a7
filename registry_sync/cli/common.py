"""What all commands share: the settings as asked for, JSON or text, and a progress bar on a terminal."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from registry_sync.plural import count as count

if TYPE_CHECKING:
    from db.connection import History
    from jobs.surroundings import Surroundings
    from registry_sync.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])

UNTIL_A_BAR = 1.0
"""Seconds that work may take before a bar says how far it is."""
_NARROWEST_COLUMN = 10
_AT_ONCE = 500
"""Values of a list that are written at once."""


class Asked:
    """What stands before the command: ``--config`` and ``--database``. Raises UsageError for a name that is empty, as of a variable."""

    def __init__(self, config: str | None, database: str | None) -> None:
        for option, name in (("--config", config), ("--database", database)):
            if name is not None and not name.strip():
                from registry_sync.errors import UsageError

                raise UsageError(f"{option}: an empty name is no file: name one", about=option)
        self.config = config
        self.database = database
        _settle_colours()

    @cached_property
    def settings(self) -> Settings:
        """The settings in force; ``--database`` wins, relative to the working directory."""
        import msgspec

        from registry_sync.settings import from_process, without_link

        settings = from_process(self.config)
        if self.database is not None:
            settings = msgspec.structs.replace(settings, database=str(without_link(Path(self.database).expanduser().absolute())))
        return settings

    def history(self, *, create: bool = False) -> History:
        """The history, open; ``create`` begins one where the file is missing or empty, and says so."""
        from db.connection import open_history

        path = Path(self.settings.database)
        existed = path.exists()
        history = open_history(path, create=create)
        if create and not existed:
            click.echo(f"created the database {path}", err=True)
        elif history.begins:
            click.echo(f"{path} was empty: a new history begins in it", err=True)
        return history

    @contextlib.contextmanager
    def rehearsal(self) -> Iterator[History]:
        """The history, of which the caller keeps nothing; one that is gone afterwards where none has begun yet, which is said."""
        import tempfile

        from db.connection import check_may_begin, open_history
        from registry_sync.errors import NoHistory

        path = Path(self.settings.database)
        try:
            history = self.history()
        except NoHistory:
            check_may_begin(path)
            would = f"{path} is empty: a new history would begin in it" if path.exists() else f"would create the database {path}"
            with tempfile.TemporaryDirectory() as folder, open_history(Path(folder) / path.name, create=True) as begun:
                click.echo(would, err=True)
                yield begun
        else:
            with history:
                yield history

    def surroundings(self) -> Surroundings:
        """What a job works in, with a progress bar on a terminal."""
        from jobs.surroundings import Silent, Surroundings
        from registry_sync.cli import interrupt

        def say(sentence: str) -> None:
            click.echo(sentence, err=True)

        return Surroundings(self.settings, stop=interrupt.wish, progress=Bar() if sys.stderr.isatty() else Silent(), say=say)


def _settle_colours() -> None:
    """No colours for who does not want them (https://no-color.org) or whose terminal shows none; else click's way, on a terminal only."""
    context = click.get_current_context(silent=True)
    if context is not None and (os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"):
        context.color = False  # the commands inherit it


asked = click.make_pass_decorator(Asked)


def as_json(command: Command) -> Command:
    """Give a command the option ``--json``."""
    return click.option("--json", "json_", is_flag=True, help="One JSON document on stdout.")(command)


def print_json(value: Any) -> None:
    """Exactly one JSON document on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_json_list(values: Iterable[Any]) -> None:
    """The same for a list of any length, of which few values stand in memory at a time."""
    begun, left = False, iter(values)
    while some := [json.dumps(value, ensure_ascii=False, indent=2).replace("\n", "\n  ") for value in islice(left, _AT_ONCE)]:
        click.echo((",\n  " if begun else "[\n  ") + ",\n  ".join(some), nl=False)
        begun = True
    click.echo("\n]" if begun else "[]")


@contextlib.contextmanager
def in_any_case(json_: bool, nothing_done: Callable[[], Any]) -> Iterator[None]:
    """With ``--json``, stdout is one document too where another process holds the lock: that of a run that did nothing."""
    from registry_sync.errors import AlreadyRunning

    try:
        yield
    except AlreadyRunning:
        if json_:
            print_json(nothing_done())
        raise


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Any]], *, cut: bool = False) -> None:
    """Aligned columns, the last one as long as it is; ``cut``: on a terminal no longer than there is room."""
    from registry_sync.cli.layout import columns, fit, width

    lines = [["-" if cell is None or cell == "" else str(cell) for cell in row] for row in rows]
    widths = [max([width(heading), *(width(line[column]) for line in lines)]) for column, heading in enumerate(headings)]
    terminal = columns() if cut else None
    if terminal is not None:
        room = max(terminal - sum(widths[:-1]) - len("  ") * (len(widths) - 1), _NARROWEST_COLUMN)
        lines = [[*line[:-1], fit(line[-1], room)] for line in lines]
    for number, line in enumerate([list(headings), *lines]):
        cells = [cell + " " * (size - width(cell)) for cell, size in zip(line, widths, strict=True)]
        text = "  ".join(cells).rstrip()
        click.echo(click.style(text, bold=True) if number == 0 else text)


def trial_ids(_: click.Context, __: click.Parameter, value: Any) -> Any:
    """Check ids before anything is asked or written: one that is malformed refuses them all."""
    from registry_sync.trials.record import trial_id

    if isinstance(value, tuple):
        return tuple(dict.fromkeys(trial_id(text) for text in value))
    return None if value is None else trial_id(value)


class Bar:
    """A progress bar on stderr, for work that takes longer than a second; only made for a terminal."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bar: Any = None
        self._timer: threading.Timer | None = None
        self._task: Any = None
        self._done = 0

    def begin(self, what: str, total: int) -> None:
        """Show a bar, unless the work ends before its time."""
        self._done = 0
        self._timer = threading.Timer(UNTIL_A_BAR, self._show, (what, total))
        self._timer.daemon = True
        self._timer.start()

    def _show(self, what: str, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        with self._lock:
            if self._timer is None:
                return
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(what, total=total, completed=self._done)

    def step(self, what: str = "") -> None:
        """One step further."""
        del what
        with self._lock:
            self._done += 1
            if self._bar is not None:
                self._bar.advance(self._task)

    def end(self) -> None:
        """Take the bar away."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._bar is not None:
                self._bar.stop()
                self._bar = None
