"""The same eligibility text as the registry's version history gives it: paragraphs and lists of HTML."""

from __future__ import annotations

import html
import random
import re

from tests.edits.kinds import Draft, cosmetic
from tests.edits.outline import Outline


@cosmetic
def written_as_html(draft: Draft, _: random.Random) -> bool:
    draft.html = html_of(draft.outline)
    return draft.html is not None


def html_of(lines: Outline) -> str | None:
    """Only where every line is a heading, a paragraph of the first level or a plain item."""
    rows = [row for row in lines.rows if not row.blank]
    plain = all((row.is_item and row.style in ("*", "-", "1.")) or (not row.marker and not row.column) for row in rows)
    if not rows or not plain or any(row.odd or re.search(r"[*_`#]|\n", row.text) for row in rows):
        return None
    return _written(lines, 0, len(lines.rows))


def _written(lines: Outline, start: int, end: int) -> str:
    out, place = "", start
    while place < end:
        row = lines.rows[place]
        if row.blank:
            place += 1
        elif not row.is_item:
            out += f"<p>{_plain(row.text)}</p>\n"
            place += 1
        else:
            run = [there for there in lines.siblings(place) if place <= there < end]
            tag = "ol" if row.style == "1." else "ul"
            items = [f"<li>{_plain(lines.rows[at].text)}{_written(lines, at + 1, lines.block(at))}</li>" for at in run]
            out += f"<{tag}>\n" + "\n".join(items) + f"\n</{tag}>\n"
            place = lines.block(run[-1])
    return out


def _plain(text: str) -> str:
    """A text without Markdown's escapes, with HTML's."""
    bare = re.sub(r"\\+(?=[^\w\s])", "", text)
    return html.escape(html.unescape(html.unescape(bare)), quote=False)
