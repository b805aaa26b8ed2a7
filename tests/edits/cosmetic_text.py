"""Ways to write the same eligibility text otherwise: none of them is a change to a reader."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable

from tests.edits.kinds import COSMETIC, Draft, cosmetic, shuffled
from tests.edits.outline import Outline, Row, names_a_side
from tests.edits.telling import reading


def _rows(name: str, edit: Callable[[Outline, random.Random], None]) -> None:
    """An edit of the rows; it has found a place when the text comes out otherwise."""

    def cosmetic_edit(draft: Draft, rng: random.Random) -> bool:
        if not draft.text:
            return False
        before = draft.text
        edit(draft.outline, rng)
        draft.set_text(draft.outline.render())
        return draft.text != before

    COSMETIC[name] = cosmetic_edit


def _text(name: str, edit: Callable[[str], str]) -> None:
    """An edit of the text as a whole."""

    def cosmetic_edit(draft: Draft, _: random.Random) -> bool:
        before = draft.text
        after = edit(before)
        if after != before:
            draft.set_text(after)
        return after != before

    COSMETIC[name] = cosmetic_edit


# --- the text as a whole ----------------------------------------------------------------------------------------------------

_text("unicode_decomposed", lambda text: unicodedata.normalize("NFD", text))
_text("carriage_returns", lambda text: text.replace("\n", "\r\n"))
_text("blanks_at_line_ends", lambda text: re.sub(r"(?<=[\w.,;:)])$", "   ", text, flags=re.MULTILINE))
_text("text_within_blanks", lambda text: f"\n\n{text}\n \n" if text else text)
_text("blanks_doubled", lambda text: re.sub(r"(?<=[a-z,;]) (?=[a-z])", "  ", text))
_text("non_breaking_spaces", lambda text: re.sub(r"(?<=[\w,;]) (?=[\w(])", "\u00a0", text))
_text("narrow_spaces_before_units", lambda text: re.sub(r"(?<=\d) (?=[a-zA-Z]{1,6}\b)", "\u202f", text))
_text("dashes_lengthened", lambda text: re.sub(r"(?<=\w)-(?=\w)", "\u2013", text))
_text("non_breaking_hyphens", lambda text: re.sub(r"(?<=[a-z])-(?=[a-z])", "\u2011", text))
_text("quotes_curled", lambda text: re.sub(r"(?<=\w)'(?=\w)", "\u2019", re.sub(r'"([^"\n]+)"', "“\\1”", text)))
_text("escapes_dropped", lambda text: re.sub(r"\\(?=[<>]=? ?\d)", "", text))
_text("escapes_doubled", lambda text: re.sub(r"\\(?=[<>])", r"\\\\", text))
_text("escapes_to_entities", lambda text: re.sub(r"\\[<>]", lambda found: {"<": "&lt;", ">": "&gt;"}[found[0][1]], text))
_text("escapes_to_double_entities", lambda text: re.sub(r"\\[<>]", lambda found: {"<": "&amp;lt;", ">": "&amp;gt;"}[found[0][1]], text))
_text("escapes_to_numeric_entities", lambda text: re.sub(r"\\[<>]", lambda found: f"&#{ord(found[0][1])};", text))
_text("more_escapes", lambda text: re.sub(r"(?<=\w)([()\[\]/%&+])(?=\w)|(?<=\w)([%)\]])", lambda found: f"\\{found[0]}", text))
_text("ampersands_to_entities", lambda text: re.sub(r"(?<= )\\?&(?= )", "&amp;", text))
_text("signs_set_apart", lambda text: re.sub(r"([<>≥≤]=?)(?=\d)", r"\1 ", text))
_text("signs_closed_up", lambda text: re.sub(r"(?<=[\w ])(\\?[<>≥≤]=?) (?=\d)", r"\1", text))
_text("soft_hyphens", lambda text: re.sub(r"(?<=[a-z]{4})(?=[a-z]{4})", "\u00ad", text))
_text("zero_width_spaces", lambda text: re.sub(r"(?<=[a-z])(?= [a-z])", "\u200b", text))
_text("accents_composed", lambda text: unicodedata.normalize("NFC", text))


# --- bullets, numbers, indentation -------------------------------------------------------------------------------------------


def _bulleted(bullet: str) -> Callable[[Outline, random.Random], None]:
    def edit(lines: Outline, _: random.Random) -> None:
        for row in lines.rows:
            if row.is_item and row.style in ("*", "-", "+"):
                row.marker = bullet

    return edit


def _numbered(close: str) -> Callable[[Outline, random.Random], None]:
    """Lists of bullets become numbered ones, with their nested lines further in."""

    def edit(lines: Outline, _: random.Random) -> None:
        for row in lines.rows:
            row.indent = " " * (row.column * 2)
        for run in [run for run in _runs(lines) if lines.rows[run[0]].style in ("*", "-", "+")]:
            for number, place in enumerate(run, start=1):
                lines.rows[place].marker = f"{number}{close}"

    return edit


def _runs(lines: Outline) -> list[list[int]]:
    """Every list, those of one item too."""
    singles = [[place] for place, row in enumerate(lines.rows) if row.is_item and len(lines.siblings(place)) == 1]
    return lines.lists() + singles


def _numbers_to(marker: str) -> Callable[[Outline, random.Random], None]:
    def edit(lines: Outline, _: random.Random) -> None:
        for row in lines.rows:
            if row.is_item and row.style[0] == "1":
                row.marker = marker or f"{row.marker[:-1]}{')' if row.marker[-1] == '.' else '.'}"

    return edit


def _counted_from(start: int) -> Callable[[Outline, random.Random], None]:
    def edit(lines: Outline, _: random.Random) -> None:
        for run in lines.lists():
            if lines.rows[run[0]].style[0] == "1":
                lines.renumber(run, start)

    return edit


def _counted_through(lines: Outline, _: random.Random) -> None:
    """One count over all lists of the first level: exclusion goes on where inclusion ended."""
    number = 0
    for row in lines.rows:
        if row.is_item and row.style[0] == "1" and row.column == 0:
            number += 1
            row.marker = f"{number}{row.marker[-1]}"


def _indented(by: int) -> Callable[[Outline, random.Random], None]:
    def edit(lines: Outline, _: random.Random) -> None:
        for row in lines.rows:
            if row.column:
                _shift(row, row.column * by)

    return edit


def _whole_indented(lines: Outline, _: random.Random) -> None:
    for row in lines.rows:
        if not row.blank and not row.side:
            _shift(row, row.column + 2)


def _shift(row: Row, column: int) -> None:
    """The row and the lines that go on with it."""
    row.text = row.text.replace("\n" + " " * row.column, "\n" + " " * column) if row.column else row.text
    row.indent = " " * column


def _tabs(lines: Outline, _: random.Random) -> None:
    depths = {place: lines.depth(place) for place, row in enumerate(lines.rows) if not row.blank and row.column}
    for place, depth in depths.items():
        if depth:
            lines.rows[place].indent = "\t" * depth


def _tab_after_marker(lines: Outline, _: random.Random) -> None:
    for row in lines.rows:
        if row.is_item:
            row.gap = "\t"


def _nesting_flattened(lines: Outline, rng: random.Random) -> None:
    """The lines below one item stand beside it: another nesting of the same sentences is no change."""
    parents = [place for place, row in enumerate(lines.rows) if row.is_item and _has_items_only(lines, place)]
    if parents:
        place = rng.choice(parents)
        for row in lines.rows[place + 1 : lines.block(place)]:
            row.indent = lines.rows[place].indent


def _has_items_only(lines: Outline, place: int) -> bool:
    below = [row for row in lines.rows[place + 1 : lines.block(place)] if not row.blank]
    return bool(below) and all(row.is_item and not row.odd for row in below)


_rows("bullets_to_dashes", _bulleted("-"))
_rows("bullets_to_stars", _bulleted("*"))
_rows("bullets_to_plus", _bulleted("+"))
_rows("bullets_to_numbers", _numbered("."))
_rows("bullets_to_numbers_with_brackets", _numbered(")"))
_rows("numbers_to_bullets", _numbers_to("*"))
_rows("numbers_all_one", _numbers_to("1."))
_rows("numbers_with_the_other_mark", _numbers_to(""))
_rows("numbers_from_four", _counted_from(4))
_rows("numbers_from_eighteen", _counted_from(18))
_rows("numbers_counted_through", _counted_through)
_rows("indentation_doubled", _indented(2))
_rows("indentation_of_the_whole", _whole_indented)
_rows("indentation_by_tabs", _tabs)
_rows("tab_after_the_bullet", _tab_after_marker)
_rows("nesting_flattened", _nesting_flattened)


# --- order, empty lines, line breaks -----------------------------------------------------------------------------------------


@cosmetic
def items_reordered(draft: Draft, rng: random.Random) -> bool:
    """The items of one list in another order, each with what is nested in it."""
    lines = draft.outline
    lists = [run for run in lines.lists() if not any(lines.rows[place].odd for place in run)]
    lists = [run for run in lists if not any(names_a_side(row) for row in lines.rows[run[0] : run[-1]])]
    if not lists:
        return False
    run = rng.choice(lists)
    blocks = [(place, lines.block(place)) for place in run]
    order = shuffled(blocks, rng)
    rows, end = lines.rows[: run[0]], run[0]
    for (start, stop), (other, other_stop) in zip(blocks, order, strict=True):
        rows += lines.rows[end:start] + lines.rows[other:other_stop]
        end = stop
    rows += lines.rows[end:]
    lines.rows = rows
    if rng.random() < 0.5 or rows[run[0]].style[0] not in "1*-+":
        lines.renumber(lines.siblings(run[0]))
    before = draft.text
    draft.set_text(lines.render())
    return draft.text != before


def _spread(lines: Outline, _: random.Random) -> None:
    """An empty line before each item."""
    rows: list[Row] = []
    for row in lines.rows:
        if row.is_item and not row.odd and rows and not rows[-1].blank:
            rows.append(Row())
        rows.append(row)
    lines.rows = rows


def _is_sure(row: Row) -> bool:
    return row.is_item and not row.odd


def _closed_up(lines: Outline, _: random.Random) -> None:
    """No empty line between two items."""
    rows = lines.rows
    kept = []
    for place, row in enumerate(rows):
        above = next((other for other in reversed(rows[:place]) if not other.blank), None)
        below = next((other for other in rows[place:] if not other.blank), None)
        if not (row.blank and above and below and _is_sure(above) and _is_sure(below)):
            kept.append(row)
    lines.rows = kept


def _blank_lines_doubled(lines: Outline, _: random.Random) -> None:
    lines.rows = [again for row in lines.rows for again in ([Row(), row] if row.blank else [row])]


def _wrapped(indent: int | None) -> Callable[[Outline, random.Random], None]:
    """Long items broken by hand after some 60 letters; ``indent`` ``None``: under their first word."""

    def edit(lines: Outline, _: random.Random) -> None:
        for row in lines.rows:
            if row.is_item and "\n" not in row.text:
                hang = row.column + (len(row.marker + row.gap) if indent is None else indent)
                row.text = _broken(row.text, " " * hang)

    return edit


def _broken(text: str, hang: str) -> str:
    """Breaks only before a word that cannot be taken for a mark or a heading."""
    out, width = "", 0
    for word, following in zip(pieces := text.split(" "), [*pieces[1:], ""], strict=True):
        safe = re.fullmatch(r"[a-z]{4,}[,;]?", word) and following and not re.match("(?:in|ex)clusion", word)
        if width > 60 and safe:
            out, width = f"{out}\n{hang}{word}", 0
        else:
            out = f"{out} {word}" if out else word
        width += len(word) + 1
    return out


_rows("blank_lines_between_items", _spread)
_rows("no_blank_lines_between_items", _closed_up)
_rows("blank_lines_doubled", _blank_lines_doubled)
_rows("lines_wrapped_and_indented", _wrapped(None))
_rows("lines_wrapped_not_indented", _wrapped(0))


# --- headings, ends of items -------------------------------------------------------------------------------------------------


def _headings(name: str, write: Callable[[str], str]) -> None:
    def edit(lines: Outline, _: random.Random) -> None:
        for row in lines.rows:
            if row.side and not (row.text.startswith(("*", "#", "_")) or "\n" in row.text):
                row.text = write(row.text)

    _rows(name, edit)


def _other_name(text: str) -> str:
    return re.sub(
        r"(?i)^(?:key |main |major )?(inclusion|exclusion)(?: criteri\w+)?", lambda found: f"Key {found[1].capitalize()} Criteria", text
    )


_headings("headings_in_capitals", str.upper)
_headings("headings_in_small_letters", str.lower)
_headings("headings_without_colon", lambda text: text.rstrip(" :"))
_headings("headings_with_colon", lambda text: f"{text.rstrip(' :')} :")
_headings("headings_called_key", _other_name)
_headings("headings_of_one_word", lambda text: re.sub(r"(?i) criteri\w+", "", text))
_headings("headings_bold", lambda text: f"**{text}**")
_headings("headings_of_markdown", lambda text: f"## {text}")


def _ended(end: str) -> Callable[[Outline, random.Random], None]:
    def edit(lines: Outline, rng: random.Random) -> None:
        for place in lines.editable():
            row = lines.rows[place]
            if row.is_item and row.text[-1].isalnum() and rng.random() < 0.7 and len(reading(row.text)) > 1:
                row.text += end

    return edit


def _without_stop(lines: Outline, _: random.Random) -> None:
    for place in lines.editable():
        row = lines.rows[place]
        if row.is_item and re.search(r"[a-z]{3}[.;]$", row.text):
            row.text = row.text[:-1]


_rows("full_stops_added", _ended("."))
_rows("semicolons_added", _ended(";"))
_rows("stops_dropped", _without_stop)
