"""The same invented page in the markups that a site may use."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

TRIAL = "NCT01234567"
URL = "https://finder.example.org/trials/NCT01234567"

Facts = Sequence[tuple[str, Sequence[str]]]
"""Labels with the lines below them; an empty label is text that stands for itself."""

INCLUSION = ("Adults of 18 years or older", "Dry eyes for at least 6 months", "Signed consent")
EXCLUSION = ("Contact lenses", "Eye surgery within 12 months")
CRITERIA = (
    "• Inclusion Criteria:",
    *(f"• {number}. {text}" for number, text in enumerate(INCLUSION, start=1)),
    "• Exclusion Criteria:",
    *(f"• {number}. {text}" for number, text in enumerate(EXCLUSION, start=1)),
)
PAGE: Facts = (
    (
        "",
        ("Search / Trial NCT01234567", "Eye Drops Against Dryness in Grown People", "Launched by EXAMPLE HOSPITAL, NORWAY · Jan 27, 2025"),
    ),
    ("Trial Information", ("Current as of July 01, 2025", "Recruiting")),
    ("Keywords", ("Eye Drops, Dryness Tears",)),
    ("Site Summary", ("The trial looks at a new kind of drops.",)),
    ("Gender", ("ALL",)),
    ("Eligibility criteria", CRITERIA),
    ("About Example Hospital, Norway", ("A hospital that does trials.",)),
    ("Locations", ("Oslo, , Norway", "Bergen, Vestland, Norway")),
    ("Patients applied", ("0 patients applied",)),
    ("Timeline", ()),
    ("First submit", ()),
    ("Trial launched", ()),
    ("Trial updated", ()),
    ("Estimated completion", ("Not reported",)),
)


def headings_and_lists(page: Facts) -> str:
    """Headings with paragraphs; several lines below one are a list."""
    return "".join(_heading(label) + (_list(lines) if label and len(lines) > 1 else _paragraphs(lines)) for label, lines in page)


def definition_list(page: Facts) -> str:
    """One ``dl``, a ``dd`` for each line."""
    return _paragraphs(page[0][1]) + "<dl>" + "".join(
        f"<dt>{_text(label)}</dt>" + "".join(f"<dd>{_text(line)}</dd>" for line in lines) for label, lines in page[1:]
    ) + "</dl>"  # fmt: skip


def table(page: Facts) -> str:
    """Two columns, the label at the left; the lines of a cell are ``div``s."""
    rows = (
        f"<tr><th>{_text(label)}</th><td>{''.join(f'<div>{_text(line)}</div>' for line in lines)}</td></tr>" for label, lines in page[1:]
    )
    return _paragraphs(page[0][1]) + f"<table>{''.join(rows)}</table>"


def nested_divs(page: Facts) -> str:
    """Nothing but boxes in boxes."""
    return "".join(
        f"<div><div><div>{_text(label)}</div></div><div>{''.join(f'<div><div>{_text(line)}</div></div>' for line in lines)}</div></div>"
        for label, lines in page
    )


def spans_and_breaks(page: Facts) -> str:
    """Runs of text with ``br`` between."""
    return "<br>\n".join(f"<span>{_text(line)}</span>" for line in visible_lines(page))


def glued_spans(page: Facts) -> str:
    """A label and its only line as two runs of one box, without a blank between them."""
    return "".join(
        f"<div><span>{_text(label)}</span><span>{_text(lines[0])}</span></div>"
        if label and len(lines) == 1
        else nested_divs([(label, lines)])
        for label, lines in page
    )


def preformatted(page: Facts) -> str:
    """Line breaks in the source are all the structure that the criteria have (``white-space: pre-line``)."""
    return "".join(
        f"<h3>{label}</h3><div>{_text(chr(10).join(lines))}</div>" if lines == CRITERIA else headings_and_lists([(label, lines)])
        for label, lines in page
    )


def paragraphs(page: Facts) -> str:
    """A ``p`` for each line."""
    return _paragraphs(visible_lines(page))


def breaks(page: Facts) -> str:
    """Bare text with ``br`` between."""
    return in_breaks(visible_lines(page))


def one_column(page: Facts) -> str:
    """A table with one line in each row."""
    return in_one_column(visible_lines(page))


def all_in_pre(page: Facts) -> str:
    """The lines of one ``pre``."""
    return in_pre(visible_lines(page))


def one_list(page: Facts) -> str:
    """One ``ul`` that has every line as an item."""
    return _list(visible_lines(page))


def styled_lines(page: Facts) -> str:
    """Line ends that the element itself says are shown."""
    return f"<div style='color: red; white-space: pre-line'>{_text(chr(10).join(visible_lines(page)))}</div>"


def visible_lines(page: Facts) -> list[str]:
    """What a reader sees, line by line."""
    return [line for label, lines in page for line in ((label, *lines) if label else lines)]


def in_breaks(lines: Sequence[str]) -> str:
    """Lines with ``br`` between."""
    return "<br>\n".join(_text(line) for line in lines)


def in_one_column(lines: Sequence[str]) -> str:
    """A row of one cell for each line."""
    return f"<table>{''.join(f'<tr><td>{_text(line)}</td></tr>' for line in lines)}</table>"


def in_pre(lines: Sequence[str]) -> str:
    """Lines as written, with their indentation."""
    return f"<pre>{_text(chr(10).join(lines))}</pre>"


def in_one_list(lines: Sequence[str]) -> str:
    """An item for each line."""
    return _list(lines)


MARKUPS: tuple[Callable[[Facts], str], ...] = (
    headings_and_lists,
    definition_list,
    table,
    nested_divs,
    spans_and_breaks,
    glued_spans,
    preformatted,
    paragraphs,
    breaks,
    one_column,
    all_in_pre,
    one_list,
    styled_lines,
)


def whole(content: str) -> bytes:
    """A page around ``content``, with what no reader sees and what is on every page of a site."""
    return (
        "<!DOCTYPE html><html><head><meta charset='utf-8'><title>Finder</title><style>.x{color:red}</style></head>"
        "<body><nav><a>Locations</a> <a>Status</a></nav><script>var status = 'Completed';</script>"
        f"<main>{content}</main><template><p>Withdrawn</p></template><footer>Gender Female</footer></body></html>"
    ).encode()


def _heading(label: str) -> str:
    return f"<h2>{_text(label)}</h2>" if label else ""


def _paragraphs(lines: Sequence[str]) -> str:
    return "".join(f"<p>{_text(line)}</p>" for line in lines)


def _list(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{_text(line)}</li>' for line in lines)}</ul>"


def _text(text: str) -> str:
    return html.escape(text)
