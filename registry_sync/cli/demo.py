"""``demo``: the whole tool against a small registry on this machine."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(epilog="Example: registry-sync demo --folder demo-mails")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the mails and the database are left (else a temporary folder).",
)
def demo(folder: Path | None) -> None:
    """Play two weeks of NCT06805448 against a registry, a listing page and a mail server on this machine; no network is needed."""
    from registry_sync.demo.play import play

    play(folder, click.echo)


COMMANDS = (demo,)
