"""The eligibility criteria of a record in the layouts that sites write them in."""

from __future__ import annotations

import html
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from registry_sync.trials.criteria import Line
from registry_sync.trials.record import Criterion

NAMES = {"inclusion": "Inclusion Criteria", "exclusion": "Exclusion Criteria"}
LINKS = ("Home", "About us", "Find a trial", "Contact", "Privacy policy")


class Said(msgspec.Struct, frozen=True):
    """The criteria of one group as lines of text, each with its kind and whether it is a heading of some of them."""

    name: str
    rows: tuple[Criterion, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Every line, the names of sections among them."""
        return tuple(text for text, _ in _with_sections(self.rows))

    @property
    def headed(self) -> tuple[tuple[str, bool], ...]:
        """Every line, and whether it stands in no list."""
        return tuple(_with_sections(self.rows))


Groups = Sequence[Said]
Layout = Callable[[Groups], str]


def groups_of(criteria: Iterable[Criterion]) -> Groups | None:
    """Both groups; ``None`` where the record does not name both, or has something beside them."""
    rows = tuple(criteria)
    held = {row.group for row in rows if row.kind == "item"}
    if held != {"inclusion", "exclusion"} or any(row.group is None for row in rows):
        return None
    return tuple(Said(NAMES[group], tuple(row for row in rows if row.group == group)) for group in ("inclusion", "exclusion"))


def _with_sections(rows: Sequence[Criterion]) -> Iterator[tuple[str, bool]]:
    section: str | None = None
    for row in rows:
        if row.section != section and row.section is not None and row.text != row.section:
            yield f"{row.section}:", True
        section = row.section
        yield row.text, row.kind == "note"


# pieces


def _text(text: str) -> str:
    return html.escape(text)


def bulleted(said: Said) -> str:
    """One list; sub-headings are items of it."""
    return f"<ul>{''.join(f'<li>{_text(text)}</li>' for text in said.texts)}</ul>"


def parted(said: Said) -> str:
    """Lists, with what introduces them as paragraphs between."""
    runs = itertools.groupby(said.headed, key=lambda row: row[1])
    return "".join(
        "".join(f"<p><b>{_text(text)}</b></p>" if is_apart else f"<li>{_text(text)}</li>" for text, _ in run)
        if is_apart
        else f"<ul>{''.join(f'<li>{_text(text)}</li>' for text, _ in run)}</ul>"
        for is_apart, run in runs
    )


def numbered(said: Said) -> str:
    """Paragraphs with a number each."""
    return "".join(f"<p>{number}. {_text(text)}</p>" for number, text in enumerate(said.texts, start=1))


def breaks(said: Said) -> str:
    """Lines with a bullet and a ``br`` each."""
    return "<br>".join(f"• {_text(text)}" for text in said.texts)


def row(*cells: str, tag: str = "td") -> str:
    """A row of a table."""
    return f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in cells)}</tr>"


def table(*rows: str) -> str:
    """A table."""
    return f"<table>{''.join(rows)}</table>"


# tables of a number and a criterion


def _numbered_rows(said: Said) -> str:
    return "".join(row(str(number), _text(text)) for number, text in enumerate(said.texts, start=1))


def numbered_table(said: Said) -> str:
    """A row for each item, its number beside it, below names of both columns."""
    return table(row("#", "Criterion", tag="th"), _numbered_rows(said))


def numbered_tables(groups: Groups) -> str:
    """Headings, and such a table for each group."""
    return headed(groups, numbered_table)


def numbered_tables_with_names(groups: Groups) -> str:
    """A table for each group, whose name stands above the criteria and beside a sign for the numbers."""
    return "".join(table(row("#", said.name, tag="th"), _numbered_rows(said)) for said in groups)


def one_numbered_table(groups: Groups) -> str:
    """One table, with the names of the groups across it."""
    parts = (f"<tr><td colspan='2'>{said.name}</td></tr>{_numbered_rows(said)}" for said in groups)
    return table(row("No.", "Description", tag="th"), *parts)


def one_paragraph_each(groups: Groups) -> str:
    """Each group as one paragraph, its items numbered within."""
    texts = (" ".join(f"{number}. {_text(text)}" for number, text in enumerate(said.texts, start=1)) for said in groups)
    return "".join(f"<p>{said.name}: {text}</p>" for said, text in zip(groups, texts, strict=True))


# tables of two columns


def _head(groups: Groups, tag: str = "th") -> str:
    return row(*(said.name for said in groups), tag=tag)


def columns_of(piece: Callable[[Said], str]) -> Layout:
    """A row of both names, and one of both lists."""

    def layout(groups: Groups) -> str:
        return table(_head(groups), row(*(piece(said) for said in groups)))

    layout.__name__ = f"columns_{piece.__name__}"
    return layout


def a_pair_in_each_row(groups: Groups) -> str:
    """A row for each item, the shorter column empty at its end."""
    pairs = itertools.zip_longest(*(said.texts for said in groups), fillvalue="")
    return table(_head(groups), *(row(*map(_text, pair)) for pair in pairs))


def a_pair_in_each_row_without_th(groups: Groups) -> str:
    """The same with a plain first row, in which the names are bold."""
    pairs = itertools.zip_longest(*(said.texts for said in groups), fillvalue="")
    return table(row(*(f"<b>{said.name}</b>" for said in groups)), *(row(*map(_text, pair)) for pair in pairs))


def a_row_of_lists_below_the_first_line(groups: Groups) -> str:
    """A first row of one item each, and then one of the rest, as a list."""
    first = row(*(_text(said.texts[0]) for said in groups))
    rest = row(*(f"<ul>{''.join(f'<li>{_text(text)}</li>' for text in said.texts[1:])}</ul>" for said in groups))
    return table(_head(groups), first, rest)


def names_in_the_cells(groups: Groups) -> str:
    """One row, each cell with its own heading and list."""
    return table(row(*(f"<h4>{said.name}</h4>{bulleted(said)}" for said in groups)))


def bold_names_in_the_cells(groups: Groups) -> str:
    """One row, each cell with its name in bold and its list."""
    return table(row(*(f"<b>{said.name}:</b>{parted(said)}" for said in groups)))


def columns_with_a_closing_note(groups: Groups) -> str:
    """Lists in two columns, each with a line of the site below it."""
    note = "<p>Please contact the study team with questions.</p>"
    return table(_head(groups), row(*(f"{bulleted(said)}{note}" for said in groups)))


def columns_with_a_note_below(groups: Groups) -> str:
    """Lists in two columns, and a row of one cell below them."""
    note = "<tr><td colspan='2'>Please contact the study team with questions.</td></tr>"
    return table(_head(groups), row(*(bulleted(said) for said in groups)), note)


def columns_below_a_caption(groups: Groups) -> str:
    """The same below a row that names the whole."""
    title = "<tr><th colspan='2'>Eligibility Criteria</th></tr>"
    pairs = itertools.zip_longest(*(said.texts for said in groups), fillvalue="")
    return table(title, _head(groups, "td"), *(row(*map(_text, pair)) for pair in pairs))


# headings and lists


def headed(groups: Groups, piece: Callable[[Said], str] = bulleted, end: str = "", name: str = "{name}") -> str:
    """A heading and a list for each group."""
    return "".join(f"<h3>{name.format(name=said.name, count=len(said.texts))}</h3>{piece(said)}" for said in groups) + end


def plainly(groups: Groups) -> str:
    """Headings and lists, sub-headings among the items."""
    return headed(groups)


def plainly_parted(groups: Groups) -> str:
    """Headings and lists, what introduces items apart."""
    return headed(groups, parted)


def counted_headings(groups: Groups) -> str:
    """How many there are, in brackets behind the name."""
    return headed(groups, parted, name="{name} ({count})")


def counted_badges(groups: Groups) -> str:
    """How many there are, as a run of its own."""
    return headed(groups, parted, name="{name} <span>{count}</span>")


def counted_paragraphs(groups: Groups) -> str:
    """Names in bold paragraphs with the count behind them, and numbered lines."""
    return "".join(f"<p><b>{said.name} ({len(said.texts)}):</b></p>{numbered(said)}" for said in groups)


def behind_it(end: str, name: str) -> Layout:
    """Headings and lists, and directly behind the last list what is the site's."""

    def layout(groups: Groups) -> str:
        return headed(groups, bulleted, end)

    def breaks_too(groups: Groups) -> str:
        return "".join(f"<p><b>{said.name}</b></p>{numbered(said)}" for said in groups) + end

    layout.__name__, breaks_too.__name__ = f"lists_then_{name}", f"lines_then_{name}"
    return layout if not name.endswith("_lines") else breaks_too


def _links(tag: str, inner: str = "") -> str:
    return "".join(f"<{tag}><a href='/{number}'>{link}</a></{tag}>" for number, link in enumerate(LINKS))


ENDS = {
    "menu": f"<ul>{_links('li')}</ul>",
    "menu_lines": f"<ul>{_links('li')}</ul>",
    "links": _links("p"),
    "links_in_a_line": f"<div>{' | '.join(f'<a href=/>{link}</a>' for link in LINKS)}</div>",
    "see_also": "<p>See also: <a href='/x'>Trials of eye drops in Oslo</a>, <a href='/y'>How trials work</a></p>",
    "see_also_lines": "<p>See also: Trials of eye drops in Oslo</p>",
    "see_also_list": "<p>See also</p><ul><li><a href='/x'>Eye drops in Oslo</a></li><li><a href='/y'>How trials work</a></li></ul>",
    "see_also_item": "<ul><li>See also: <a href='/x'>Trials of eye drops in Oslo</a></li></ul>",
    "other_trials": "<h3>Other trials</h3><ul><li><a href='/t/NCT09999991'>Eye drops in children (NCT09999991)</a></li></ul>",
    "similar_studies": "<h4>Similar studies</h4><ul><li><a href='/t/1'>Eye drops in children</a></li><li>Eye gel</li></ul>",
    "similar_studies_lines": "<p>Similar studies</p><p><a href='/t/1'>Eye drops in children</a></p><p><a href='/t/2'>Eye gel</a></p>",
}  # fmt: skip
CUTS = ("Read more", "Show all criteria", "View full eligibility on ClinicalTrials.gov", "Show all 45 criteria", "See full criteria")


def _cut(form: str, words: str, groups: Groups) -> str:
    parts = []
    for said in groups:
        shown = said.texts[: max(1, len(said.texts) // 2)]
        parts.append(f"<h3>{said.name}</h3>" + form.format(items="".join(f"<li>{_text(text)}</li>" for text in shown), words=words))
    return "".join(parts)


FORMS = {
    "item": "<ul>{items}<li><a href='/all'>{words}</a></li></ul>",
    "link": "<ul>{items}</ul><a href='/all'>{words}</a>",
    "paragraph": "<ul>{items}</ul><p>{words}</p>",
    "button": "<ul>{items}</ul><button>{words}</button>",
    "arrow": "<ul>{items}</ul><p>{words} →</p>",
}
"""Where a site says that there is more."""


def cut(form: str, words: str) -> Layout:
    """The first half of each list, and words that lead to the rest."""

    def layout(groups: Groups) -> str:
        return _cut(FORMS[form], words, groups)

    layout.__name__ = f"cut_{form}_{words.split()[0].lower()}_{len(words)}"
    return layout


LAYOUTS: tuple[Layout, ...] = (
    plainly,
    plainly_parted,
    *(columns_of(piece) for piece in (bulleted, parted, numbered, breaks)),
    a_pair_in_each_row,
    a_pair_in_each_row_without_th,
    a_row_of_lists_below_the_first_line,
    names_in_the_cells,
    bold_names_in_the_cells,
    columns_with_a_closing_note,
    columns_with_a_note_below,
    columns_below_a_caption,
    counted_headings,
    counted_badges,
    counted_paragraphs,
    numbered_tables,
    numbered_tables_with_names,
    one_numbered_table,
    *(behind_it(end, name) for name, end in ENDS.items()),
)
CUT_LAYOUTS: tuple[Layout, ...] = tuple(cut(form, words) for form in FORMS for words in CUTS)


# the registry's own lines, with the marks that stood before them


def own_marks(lines: Iterable[Line], before: str) -> str:
    """The lines as the registry wrote them, its numbers and letters too, with another mark of the page before each item.

    ``before`` may hold ``{n}``, the place of the item in its list.
    """
    parts, number = [], 0
    for line in lines:
        if line.marker is None:
            number = 0
            parts.append(f"<p>{_text(line.text)}</p>")
            continue
        number += 1
        own = "" if line.marker in ("*", "-", "+") else f"{line.marker} "
        parts.append(f"<p>{before.format(n=number)}{_text(own + line.text)}</p>")
    return "".join(parts)


def own_marks_in_lists(lines: Iterable[Line]) -> str:
    """The same as ordered lists."""
    parts = []
    for is_item, run in itertools.groupby(lines, key=lambda line: line.marker is not None):
        texts = [("" if line.marker in (None, "*", "-", "+") else f"{line.marker} ") + line.text for line in run]
        if is_item:
            parts.append(f"<ol>{''.join(f'<li>{_text(text)}</li>' for text in texts)}</ol>")
        else:
            parts += [f"<p>{_text(text)}</p>" for text in texts]
    return "".join(parts)
