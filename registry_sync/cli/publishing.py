"""``publish``: the public pages as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry_sync.cli.common import Asked, as_json, asked, count, print_json

if TYPE_CHECKING:
    from types import ModuleType


@click.command(epilog="Example: registry-sync publish site --url https://example.org/trials")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--url", metavar="URL", help="Where the folder will be read, for the links in feeds and calendars (else [web] url).")
@as_json
@asked
def publish(asked: Asked, folder: Path, url: str | None, json_: bool) -> None:
    """Write the public pages, feeds, calendars and JSON to FOLDER, as files that any web server gives out.

    FOLDER is made anew each time, and stays as it was when that fails. No subscriber, notice or token is in it.
    """
    import signal

    import msgspec

    from registry_sync.cli import interrupt

    public = asked.settings.web.url if url is None else _checked(url)
    publishing = _publishing()
    asked.history().close()
    with interrupt.heard(signal.SIGTERM):
        made = publishing.publish(asked.surroundings(), folder, public)
    if json_:
        print_json(msgspec.to_builtins(made))
        return
    click.echo(f"published {count(made.trials, 'trial')} as {count(made.files, 'file')} in {made.folder}")
    if not public:
        click.echo("feeds and calendars lead to the site once --url, or [web] url, says where it is", err=True)


def _checked(url: str) -> str:
    """An address as [web] url may have it. Raises UsageError."""
    from registry_sync.errors import UsageError
    from registry_sync.settings import problem_with

    problem = problem_with("web", "url", url)
    if problem is not None:
        raise UsageError(f"--url: {problem}", about="--url")
    return url


def _publishing() -> ModuleType:
    """What publishes. Raises MissingExtra with the command that installs what it needs."""
    from registry_sync.errors import MissingExtra, install

    try:
        from registry_sync.web import app, publishing
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "anyio"):
            raise
        raise MissingExtra(f"publishing needs an optional part: {install('web')}", about="web") from None
    del app
    return publishing


COMMANDS = (publish,)
