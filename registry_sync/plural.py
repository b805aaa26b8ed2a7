"""How many of something, in the lines that operators read; what subscribers read is translated, and counts by gettext."""

from __future__ import annotations


def count(number: float, noun: str) -> str:
    """ "1 change", "2,000 changes", "0.5 seconds"."""
    shown = f"{number:,}" if isinstance(number, int) else f"{number:,g}"
    return f"{shown} {noun}{'' if number == 1 else 's'}"
