"""Text that fits a terminal: its width as it is seen, and lines broken between words on a terminal only."""

from __future__ import annotations

import shutil
import sys
from unicodedata import combining, east_asian_width

import click

from registry_sync.notices.clean import ELLIPSIS

_NARROWEST = 40


def width(text: str) -> int:
    """How many columns a text takes; letters of East Asian width take two, combining marks none."""
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def fit(text: str, columns: int) -> str:
    """The text in at most so many columns (one or more), with an ellipsis where something is cut off."""
    if width(text) <= columns:
        return text
    kept = ""
    for char in text:
        if width(kept + char) > columns - 1:
            break
        kept += char
    return kept.rstrip() + ELLIPSIS


def broken(text: str, columns: int, further: str = "") -> list[str]:
    """The text in lines of at most so many columns, broken between words; ``further`` stands before every line but the first.

    White space inside a line stays as it is; a word that is longer than a line is broken too.
    """
    lines = []
    rest, indent = text, ""
    while width(indent + rest) > columns:
        end = _most_that_fits(rest, columns - width(indent))
        blank = rest.rfind(" ", len(rest) - len(rest.lstrip()) + 1, end + 1)
        end = blank if blank > 0 else end
        lines.append((indent + rest[:end]).rstrip())
        rest, indent = rest[end:].lstrip(), further
    return [*lines, (indent + rest).rstrip()] if rest or not lines else lines


def _most_that_fits(text: str, columns: int) -> int:
    taken = 0
    for index, char in enumerate(text):
        taken += width(char)
        if taken > columns and index:
            return index
    return len(text)


def columns() -> int | None:
    """How wide the terminal is that stdout goes to; ``None`` when it goes to a file or another program."""
    return max(_NARROWEST, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None


def echo(text: str, further: str = "    ", *, bold: bool = False) -> None:
    """Print one line; on a terminal broken between words, with ``further`` before each line but the first."""
    size = columns()
    for line in [text] if size is None else broken(text, size, further):
        click.echo(click.style(line, bold=True) if bold else line)
