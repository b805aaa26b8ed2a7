"""The registry's Markdown -> the HTML of its version history, as far as texts of the demo need it: paragraphs, lists, escapes."""

from __future__ import annotations

import html
import re
from typing import Any

MARKUP = frozenset({"eligibilityCriteria", "briefSummary", "detailedDescription", "studyPopulation", "description"})
"""The keys whose texts are Markdown in API v2."""

_ROW = re.compile(r"(?P<indent>\s*)(?:(?P<marker>[*+-]|\d{1,3}[.)])\s+)?(?P<text>\S.*)")
_ESCAPE = re.compile(r"\\+([!-/:-@\[-`{-~])")
_ENTITIES = {"'": "&#x27;", "/": "&#x2F;", '"': "&quot;"}


def escaped(text: str) -> str:
    """A text as the history writes it: with an entity for whatever HTML or a script could stumble at."""
    return re.sub("['/\"]", lambda sign: _ENTITIES[sign[0]], html.escape(text, quote=False))


def html_of(markdown: str) -> str:
    """A text of Markdown as HTML; one paragraph alone has no tags."""
    writer = _Writer()
    after_blank = True
    for line in markdown.splitlines():
        row = _ROW.fullmatch(line.rstrip())
        if row is None:
            after_blank = True
            continue
        writer.row(len(row["indent"]), row["marker"], _ESCAPE.sub(r"\1", html.unescape(row["text"])), after_blank=after_blank)
        after_blank = False
    return writer.text()


def as_html(value: Any, key: str = "") -> Any:
    """A study, or a part of it, with all its texts as the history writes them."""
    if isinstance(value, dict):
        return {name: as_html(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [as_html(inner, key) for inner in value]
    if isinstance(value, str):
        return html_of(value) if key in MARKUP else escaped(value)
    return value


class _Writer:
    def __init__(self) -> None:
        self._out: list[str] = []
        self._lists: list[tuple[int, str]] = []
        self._paragraphs = 0

    def row(self, column: int, marker: str | None, text: str, *, after_blank: bool) -> None:
        if marker is not None:
            self._item(column, "ol" if marker[0].isdigit() else "ul", text)
        elif after_blank or not self._out:
            self._close(lambda there: column <= there)
            self._paragraphs += 1
            self._out.append(f"<p>{escaped(text)}</p>")
        else:  # the line before goes on
            last = self._out[-1]
            self._out[-1] = f"{last.removesuffix('</p>')}\n{escaped(text)}{'</p>' if last.endswith('</p>') else ''}"

    def text(self) -> str:
        self._close(lambda _: True)
        whole = "".join(self._out)
        alone = self._paragraphs == 1 and len(self._out) == 1
        return whole.removeprefix("<p>").removesuffix("</p>") if alone else whole

    def _item(self, column: int, tag: str, text: str) -> None:
        self._close(lambda there: column < there)
        if self._lists and column <= self._lists[-1][0] + 1 and self._lists[-1][1] != tag:
            self._close(lambda there: column <= there + 1)
        if self._lists and column <= self._lists[-1][0] + 1:
            self._out.append("</li>")
        else:
            self._lists.append((column, tag))
            self._out.append(f"<{tag}>")
        self._out.append(f"<li>{escaped(text)}")

    def _close(self, is_left: Any) -> None:
        while self._lists and is_left(self._lists[-1][0]):
            self._out.append(f"</li></{self._lists.pop()[1]}>")
