"""``serve``: the web pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry_sync.cli.common import Asked, asked

if TYPE_CHECKING:
    from types import ModuleType


@click.command(epilog="Example: registry-sync --config /etc/registry-sync.toml serve")
@asked
def serve(asked: Asked) -> None:
    """Serve the web pages at [web] listen, until SIGTERM or SIGINT."""
    import os
    import signal

    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # until the server hears it: nothing is under way yet

    from jobs.lock import desk_of
    from jobs.surroundings import Surroundings
    from registry_sync.cli.logs import log_to_stderr

    settings = asked.settings
    server = _server()
    with asked.history() as history:
        history.check_writable()
    log_to_stderr(settings.log)
    with desk_of(Path(settings.database), "serve"), server.listen(settings.web.listen) as listener:
        host, port = listener.getsockname()[:2]
        click.echo(f"serving at http://{f'[{host}]' if ':' in host else host}:{port}", err=True)
        if not settings.web.url:
            click.echo("mails lead here only when [web] url says under which public address these pages are reached", err=True)
        server.serve(Surroundings(settings), listener)


def _server() -> ModuleType:
    """What serves. Raises MissingExtra with the command that installs it."""
    from registry_sync.errors import MissingExtra, install

    try:
        from registry_sync.web import server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("uvicorn", "starlette", "anyio", "h11"):
            raise
        raise MissingExtra(f"the web pages need an optional part: {install('web')}", about="web") from None
    return server


COMMANDS = (serve,)
