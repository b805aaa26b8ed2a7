"""The raw Markdown of an eligibility text as rows, by nothing but its own marks and columns, and back again.

It is written apart from the engine's parser and far simpler: what it is not sure of is marked ``odd`` and never edited.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.edits.telling import ANY, caseless, reading

_LINE = re.compile(r"^(?P<indent>\s*)(?:(?P<marker>[*+-]|\d{1,3}[.)]|\(?[a-z][.)])(?P<gap>\s+))?(?P<text>\S.*?)\s*$")
_HEADING = re.compile(r"^(?:key |main |major )?(inclusion|exclusion)(?: criteria| criterion)?$", re.IGNORECASE)
_SIDE = re.compile(r"inclu[sd]|exclu[sd]|criteri", re.IGNORECASE)
_TYPED_MARK = re.compile(
    r"^(?:[•·▪●○■◦o–—+*-]|\W*\w{1,4}\\?[.)]{1,2}|[(（]\w{1,3}[)）]|\W?\d+(?:\.\d+)+)(?:\s|$)"
    r"|^[•·▪●–—-]|^\d+\\?\.\d*[A-Z]|^\w\\?\)|^\d+\\?[.)]|^\d+[-–、]"
)
_INNER_MARK = re.compile(r"(?:^|\s)(?:\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})\\?[.)]|[•·▪●*–-]|\\[-*+])(?=\s)", re.IGNORECASE)
_CIRCLED = re.compile("[\u2460-\u2473]")
_PART = re.compile(r"(?:cohort|part|arm|group|phase|stage)s?\W+\S+(?:\W+\S+){0,4}:$", re.IGNORECASE)
_NEST = 2


@dataclass
class Row:
    """One line as written, with the lines that go on with it; ``marker`` is empty for a paragraph."""

    indent: str = ""
    marker: str = ""
    gap: str = ""
    text: str = ""
    odd: bool = False

    @property
    def blank(self) -> bool:
        return not self.text

    @property
    def column(self) -> int:
        return len(self.indent.expandtabs(4))

    @property
    def is_item(self) -> bool:
        return bool(self.marker) and not self.blank

    @property
    def side(self) -> str | None:
        """The group that begins here, when the row is one of the plain headings."""
        bare = re.sub(r"[*_#:]", "", self.text).strip()
        found = _HEADING.match(bare) if not self.marker else None
        return found[1].lower() if found else None

    @property
    def style(self) -> str:
        """Bullet, number or letter, and how it is closed."""
        return re.sub(r"[a-z]", "a", re.sub(r"\d+", "1", self.marker))

    def line(self) -> str:
        return f"{self.indent}{self.marker}{self.gap}{self.text}"


@dataclass
class Outline:
    """The rows of one text."""

    rows: list[Row] = field(default_factory=list)

    def render(self) -> str:
        return "\n".join(row.line() for row in self.rows)

    # --- what stands where ---

    def block(self, place: int) -> int:
        """The end of what belongs to this row: itself and all that is nested in it, without the blank rows behind."""
        end = place + 1
        for below in range(place + 1, len(self.rows)):
            row = self.rows[below]
            if row.blank:
                continue
            if row.column < self.rows[place].column + _NEST:
                break
            end = below + 1
        return end

    def is_leaf(self, place: int) -> bool:
        return self.block(place) == place + 1

    def parents(self, place: int) -> list[int]:
        """The items that enclose this row, the innermost first."""
        found, column = [], self.rows[place].column
        for above in range(place - 1, -1, -1):
            row = self.rows[above]
            if not row.blank and row.column <= column - _NEST:
                column = row.column
                if row.is_item:
                    found.append(above)
            if not row.blank and not row.is_item and row.column == 0:
                break
        return found

    def depth(self, place: int) -> int:
        return len(self.parents(place))

    def siblings(self, place: int) -> list[int]:
        """The items of the list in which this one stands, itself included."""
        row = self.rows[place]
        return sorted([*self._run(row, range(place - 1, -1, -1)), place, *self._run(row, range(place + 1, len(self.rows)))])

    def _run(self, row: Row, places: Iterable[int]) -> list[int]:
        found = []
        for there in places:
            other = self.rows[there]
            if other.blank or other.column >= row.column + _NEST:
                continue
            if not other.is_item or other.column != row.column or other.style != row.style:
                break
            found.append(there)
        return found

    def lists(self) -> list[list[int]]:
        """Every list of two items or more."""
        seen: set[int] = set()
        found = []
        for place, row in enumerate(self.rows):
            if row.is_item and place not in seen:
                run = self.siblings(place)
                seen.update(run)
                if len(run) > 1:
                    found.append(run)
        return found

    def group(self, place: int) -> object:
        """The side on which a row stands; ANY where the headings are not of the plain kind."""
        if not self.has_plain_headings:
            return ANY
        named = next((side for above in range(place, -1, -1) if (side := self.rows[above].side)), None)
        only_exclusion = {row.side for row in self.rows} == {None, "exclusion"}
        return "inclusion" if named is None and only_exclusion else named

    @property
    def has_plain_headings(self) -> bool:
        """Is every line that may be taken for a heading one of the plain ones, each side once at most?"""
        headings = [row for row in self.rows if row.side]
        sides = [row.side for row in headings if not row.column]
        others = [row for row in self.rows if not row.side and re.search("clusion", row.text, re.IGNORECASE)]
        doubtful = any(not row.is_item or row.text.rstrip("* ").endswith(":") or len(row.text.split()) < 16 for row in others)
        return bool(sides) and len(set(sides)) == len(headings) and not doubtful

    def heading(self, side: object) -> int | None:
        return next((place for place, row in enumerate(self.rows) if row.side == side), None)

    def section(self, side: object) -> range:
        """The places below the heading of a side, up to the next heading."""
        start = self.heading(side)
        if start is None:
            return range(0)
        end = next((place for place in range(start + 1, len(self.rows)) if self.rows[place].side), len(self.rows))
        return range(start + 1, end)

    # --- what may be edited ---

    def texts(self) -> list[str]:
        return [row.text for row in self.rows if not row.blank]

    def editable(self) -> list[int]:
        """Rows whose words can be changed without doubt about what is one criterion: no heading, no twin, no list in a line."""
        count: dict[tuple[str, ...], int] = {}
        for text in self.texts():
            count[caseless(text)] = count.get(caseless(text), 0) + 1
        return [place for place, row in enumerate(self.rows) if self._is_plain(row) and count[caseless(row.text)] == 1]

    def _is_plain(self, row: Row) -> bool:
        if row.blank or row.odd or row.side or _SIDE.search(row.text) or len(_INNER_MARK.findall(row.text)) > 1:
            return False
        if _CIRCLED.search(row.text) or (not row.is_item and _PART.match(row.text)):
            return False
        lines = row.text.split("\n")
        if any(_TYPED_MARK.match(line.strip().lstrip("\\")) for line in lines) or any(not line.strip()[:1].isalpha() for line in lines[1:]):
            return False
        least = 1 if row.is_item else 4
        return least <= len(reading(row.text)) <= 150

    # --- changing it ---

    def remove(self, start: int, end: int) -> None:
        """Take rows out, with the blank one behind them when one stands before, too."""
        if end < len(self.rows) and self.rows[end].blank and (start == 0 or self.rows[start - 1].blank):
            end += 1
        del self.rows[start:end]

    def renumber(self, places: Sequence[int], start: int = 1) -> None:
        """Count a numbered or lettered list anew."""
        for number, place in enumerate(places, start=start):
            row = self.rows[place]
            if row.marker[0].isdigit():
                row.marker = f"{number}{row.marker[-1]}"
            elif row.style not in ("*", "-", "+") and number <= 26:
                row.marker = re.sub(r"[a-z]", chr(ord("a") + number - 1), row.marker)

    def number_lists(self) -> None:
        for run in self.lists():
            self.renumber(run)


def names_a_side(row: Row) -> bool:
    """May this row be a heading, however it is indented or marked? What stands below it is not moved above it."""
    return re.search(r"(?:in|ex)clusion(?: criteri\w+)?\W*$", row.text, re.IGNORECASE) is not None


def outline(text: str) -> Outline:
    """A line without a mark right under another goes on with it; a letter is a mark only in a row that begins with ``a``."""
    rows: list[Row] = []
    for line in text.splitlines():
        found = _LINE.match(line)
        if found is None:
            rows.append(Row())
            continue
        row = Row(found["indent"], found["marker"] or "", found["gap"] or "", found["text"], odd=found["text"] == "<!-- -->")
        above = rows[-1] if rows and not rows[-1].blank else None
        if row.marker or above is None or above.side or row.side:
            rows.append(row)
        else:
            above.text += f"\n{line.rstrip()}"
    _mark_doubtful_letters(rows)
    return Outline(rows)


def _mark_doubtful_letters(rows: list[Row]) -> None:
    made = Outline(rows)
    for place, row in enumerate(rows):
        if not row.is_item or row.style not in ("a.", "a)", "(a)", "(a."):
            continue
        run = made.siblings(place)
        letters = "".join(re.sub(r"[^a-z]", "", rows[there].marker) for there in run)
        if len(run) < 2 or not "abcdefghijklmnopqrstuvwxyz".startswith(letters):
            row.odd = True
