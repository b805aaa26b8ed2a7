"""Markdown, HTML and plain text give the same lines, and no line loses a word."""

from __future__ import annotations

import html
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.sources.markup import html_lines, markdown_lines, plain_lines, plain_text
from registry_sync.trials.criteria import Line
from tests.waiting import costs_its_share

WORDS = re.compile(r"\w+")


def said(lines: tuple[Line, ...]) -> list[tuple[int, str]]:
    return [(line.depth, line.text) for line in lines]


def marked(lines: tuple[Line, ...]) -> list[tuple[str | None, str]]:
    return [(line.marker, line.text) for line in lines]


# one list in three forms


MARKDOWN = """Inclusion Criteria:

* Adults with a dry eye
* One of the following:

  1. Tear film of \\<10 s
  2. Staining of \\>3 &amp; pain

     * on two visits
* Consent

Exclusion Criteria:

1. Contact lenses
2. Surgery in the past
   12 months
"""
HTML = """<p>Inclusion Criteria:</p><ul><li>Adults with a dry eye</li><li><p>One of the following:</p><ol>
<li>Tear film of &lt;10 s</li><li><p>Staining of &gt;3 &amp; pain</p><ul><li>on two visits</li></ul></li></ol></li>
<li>Consent</li></ul><p>Exclusion Criteria:</p><ol><li>Contact lenses</li><li>Surgery in the past
12 months</li></ol>"""
PLAIN = """Inclusion Criteria:
• Adults with a dry eye
• One of the following:
   1. Tear film of <10 s
   2. Staining of >3 & pain
      – on two visits
• Consent
Exclusion Criteria:
1) Contact lenses
2) Surgery in the past
   12 months
"""
THE_LIST = [
    (0, "Inclusion Criteria:"),
    (0, "Adults with a dry eye"),
    (0, "One of the following:"),
    (1, "Tear film of <10 s"),
    (1, "Staining of >3 & pain"),
    (2, "on two visits"),
    (0, "Consent"),
    (0, "Exclusion Criteria:"),
    (0, "Contact lenses"),
    (0, "Surgery in the past 12 months"),
]


def test_the_registrys_markdown_shows_its_nesting() -> None:
    assert said(markdown_lines(MARKDOWN)) == THE_LIST


def test_the_version_historys_html_says_the_same() -> None:
    assert said(html_lines(HTML)) == THE_LIST


def test_a_pages_plain_text_says_the_same() -> None:
    assert said(plain_lines(PLAIN)) == THE_LIST


def test_items_keep_their_markers_and_paragraphs_have_none() -> None:
    assert [line.marker for line in markdown_lines(MARKDOWN)] == [None, "*", "*", "1.", "2.", "*", "*", None, "1.", "2."]
    assert [line.marker for line in html_lines(HTML)] == [None, "*", "*", "1.", "2.", "*", "*", None, "1.", "2."]


# markers


@pytest.mark.parametrize(
    ("written", "marker"),
    [
        ("* Pregnant", "*"),
        ("- Pregnant", "-"),
        ("• Pregnant", "•"),
        ("•Pregnant", "•"),
        ("⦁ Pregnant", "⦁"),
        ("①Pregnant", "①"),
        ("☑ Pregnant", "☑"),
        ("– Pregnant", "–"),
        ("-Pregnant", "-"),
        ("\\- Pregnant", "-"),
        ("\\--- Pregnant", "---"),
        ("1. Pregnant", "1."),
        ("1.Pregnant", "1."),
        ("1\\. Pregnant", "1."),
        ("1) Pregnant", "1)"),
        ("1\\) Pregnant", "1)"),
        ("1)Pregnant", "1)"),
        ("(1) Pregnant", "(1)"),
        ("1- Pregnant", "1-"),
        ("1.1. Pregnant", "1.1."),
        ("1a) Pregnant", "1a)"),
        ("1.a. Pregnant", "1.a."),
        ("a. Pregnant", "a."),
        ("a) Pregnant", "a)"),
        ("(a) Pregnant", "(a)"),
        ("i. Pregnant", "i."),
        ("iv) Pregnant", "iv)"),
        ("• 1. Pregnant", "1."),
        ("* 1\\. Pregnant", "1."),
        ("* • Pregnant", "•"),
        ("- • 1. Pregnant", "1."),
    ],
)
def test_a_marker_is_no_part_of_the_text(written: str, marker: str) -> None:
    assert marked(markdown_lines(written)) == [(marker, "Pregnant")]
    assert marked(html_lines(f"<p>{written.replace(chr(92), '')}</p>")) == [(marker, "Pregnant")]


@pytest.mark.parametrize(
    "sentence",
    [
        "18 years or older",
        "2.5 mg daily",
        "1.5 x ULN",
        "7.1 AST below the limit",
        "5-HT3 antagonists",
        "2- to 3-fold rise",
        "18-75 years",
        "E. coli infection",
        "A. fumigatus in sputum",
        "A.fumigatus in sputum",
        "U.S. citizen",
        "i.v. drug use",
        "12a.m. to noon",
        "e.g. a cough",
        "(24) was cited",
        "(see below)",
        "-omab antibodies",
        "≥ 3 months of symptoms",
        "> 2 relapses",
        "2025. was a year",
    ],
)
def test_a_number_or_letter_that_belongs_to_the_sentence_stays(sentence: str) -> None:
    for lines in (markdown_lines(sentence), plain_lines(sentence), html_lines(f"<p>{html.escape(sentence)}</p>")):
        assert marked(lines) == [(None, sentence)]


def test_a_capital_letter_is_a_marker_beside_its_neighbours() -> None:
    assert marked(plain_lines("A. Stage II\nB. No surgery\nC. Consent")) == [("A.", "Stage II"), ("B.", "No surgery"), ("C.", "Consent")]


def test_a_marker_alone_on_its_line_belongs_to_the_next() -> None:
    assert marked(plain_lines("1.\nAdults\n2.\nConsent")) == [("1.", "Adults"), ("2.", "Consent")]


# lines


def test_an_item_that_runs_over_lines_is_one_line() -> None:
    assert said(markdown_lines("* no surgery\n  in the past\nyear\n* consent")) == [(0, "no surgery in the past year"), (0, "consent")]


def test_a_paragraph_after_an_empty_line_is_a_line_of_its_own() -> None:
    assert said(markdown_lines("* Asthma\n\n  Seen by a doctor.\n\nAll of these.")) == [
        (0, "Asthma"),
        (1, "Seen by a doctor."),
        (0, "All of these."),
    ]
    assert said(html_lines("<ul><li><p>Asthma</p><p>Seen by a doctor.</p></li></ul><p>All of these.</p>")) == [
        (0, "Asthma"),
        (1, "Seen by a doctor."),
        (0, "All of these."),
    ]


def test_a_heading_under_the_last_item_ends_it() -> None:
    lines = markdown_lines("* Consent\nExclusion Criteria:\n* Pregnant")
    assert said(lines) == [(0, "Consent"), (0, "Exclusion Criteria:"), (0, "Pregnant")]


def test_numbers_aligned_to_the_right_are_siblings() -> None:
    assert [line.depth for line in plain_lines(" 9. nine\n10. ten\n 11. eleven")] == [0, 0, 0]


@pytest.mark.parametrize("indent", ["  ", "   ", "\t"])
def test_two_or_three_blanks_or_a_tab_are_a_level(indent: str) -> None:
    assert [line.depth for line in markdown_lines(f"* a\n{indent}* b\n{indent * 2}* c\n* d")] == [0, 1, 2, 0]


def test_a_dash_after_an_asterisk_is_a_sibling() -> None:
    assert said(markdown_lines("* one\n- two\n* three")) == [(0, "one"), (0, "two"), (0, "three")]


def test_the_separator_between_two_lists_is_no_text() -> None:
    assert said(markdown_lines("* one\n\n  <!-- -->\n\n  1. two")) == [(0, "one"), (1, "two")]


def test_a_line_break_in_html_begins_a_line() -> None:
    lines = html_lines("<p>Inclusion:<br>1. adults<br/>2. consent</p>")
    assert marked(lines) == [(None, "Inclusion:"), ("1.", "adults"), ("2.", "consent")]


def test_an_item_wrapped_by_line_breaks_is_one_line() -> None:
    assert [line.text for line in html_lines("1. blood pressure above 90<br> and below 150 mm Hg<br><br>2. Weight above<br>55 kg")] == [
        "blood pressure above 90 and below 150 mm Hg",
        "Weight above 55 kg",
    ]


def test_headings_are_told_where_the_markup_tells_them() -> None:
    assert [line.heading for line in html_lines("<h3>Inclusion</h3><ul><li>adults</li></ul>")] == [True, False]


# escapes and entities


@pytest.mark.parametrize("written", ["\\>5", "\\\\>5", "&gt;5", "&amp;gt;5", "\\&gt;5", "&#62;5", "&#x3E;5"])
def test_an_escaped_sign_is_the_sign(written: str) -> None:
    assert plain_text(f"age {written}") == "age >5"
    assert [line.text for line in markdown_lines(f"* age {written}")] == ["age >5"]


@pytest.mark.parametrize("written", ["R&D", "AT&T", "Q&A; more", "&notit; here", "and\\or", "a < b and c > d", "C:\\x"])
def test_what_only_looks_like_an_escape_stays(written: str) -> None:
    assert plain_text(written) == written


def test_prose_keeps_its_paragraphs_and_nothing_else_of_its_layout() -> None:
    assert plain_text(" One\n two.  \r\n\r\n \n Three\tfour. ") == "One two.\n\nThree four."


# whatever comes


LISTS: st.SearchStrategy[Any] = st.recursive(
    st.lists(st.text("abcdefgh ", min_size=1).filter(str.strip).map(lambda text: (f"x{text}", [])), min_size=1, max_size=4),
    lambda inner: st.lists(st.tuples(st.text("abc d", max_size=12).map(lambda text: f"x{text}"), inner), min_size=1, max_size=4),
    max_leaves=12,
)  # fmt: skip


def as_lines(items: list[tuple[str, list]], depth: int = 0) -> list[tuple[int, str]]:  # type: ignore[type-arg]
    return [line for text, inner in items for line in ((depth, " ".join(text.split())), *as_lines(inner, depth + 1))]


def as_html(items: list[tuple[str, list]]) -> str:  # type: ignore[type-arg]
    return "<ul>" + "".join(f"<li>{text}{as_html(inner) if inner else ''}</li>" for text, inner in items) + "</ul>"


def as_text(items: list[tuple[str, list]], bullet: str, depth: int = 0) -> str:  # type: ignore[type-arg]
    return "".join(f"{'  ' * depth}{bullet} {text.strip()}\n{as_text(inner, bullet, depth + 1)}" for text, inner in items)


@given(LISTS)
def test_any_list_is_the_same_in_every_form(items: list[tuple[str, list]]) -> None:  # type: ignore[type-arg]
    expected = as_lines(items)
    assert said(html_lines(as_html(items))) == expected
    assert said(markdown_lines(as_text(items, "*"))) == expected
    assert said(plain_lines(as_text(items, "•"))) == expected


@given(st.text(alphabet=st.sampled_from("ab Zi1.5)(*-•\\<>\n\t–%")))
def test_no_word_is_lost_or_invented(text: str) -> None:
    for lines in (markdown_lines(text), plain_lines(text)):
        kept = [word for line in lines for word in WORDS.findall(f"{line.marker or ''} {line.text}")]
        source = WORDS.findall(text.replace("\\", " ") if "\\" in text else text)
        assert _only_markers_dropped(source, "".join(kept)), (source, kept)


def _only_markers_dropped(source: list[str], kept: str) -> bool:
    """Are these the source's words in order, without those of stacked or empty markers ("1. a) x" keeps one), which are short?"""
    reached = {0}
    for word in source:
        taken = {at + len(word) for at in reached if kept.startswith(word, at)}
        reached = taken | (reached if len(word) <= 4 else set())
    return len(kept) in reached


@given(st.text())
def test_no_text_raises(text: str) -> None:
    for read in (markdown_lines, html_lines, plain_lines):
        assert all(line.text == " ".join(line.text.split()) and line.text and line.depth >= 0 for line in read(text))
    assert "\n\n\n" not in plain_text(text)


@pytest.mark.parametrize(
    ("piece", "times"),
    [
        ("* word word\n", 100_000),
        ("* ", 500_000),
        ("\\", 1_000_000),
        ("&amp;", 200_000),
        ("word\n", 100_000),
        ("\n \n", 300_000),
        ("1", 1_000_000),
        ("(", 1_000_000),
        ("#", 1_000_000),
    ],
    ids=["items", "bullets", "backslashes", "entities", "continuations", "blanks", "digits", "brackets", "hashes"],
)
def test_a_large_text_takes_no_more_than_its_share_of_time(piece: str, times: int) -> None:
    assert costs_its_share(lambda size: read_in_each_way(piece * size), times // 4, times)


def test_a_deep_text_takes_no_more_than_its_share_of_time() -> None:
    def read(octets: int) -> None:
        read_in_each_way("\n".join("  " * level + "* deep" for level in range(math.isqrt(octets))))

    assert costs_its_share(read, 1_000_000, 4_000_000)


def read_in_each_way(text: str) -> None:
    markdown_lines(text)
    plain_lines(text)
    plain_text(text)


@pytest.mark.parametrize("tag", ["<div>", "<ul><li>", "<b>", "<table><tr><td>"])
def test_deep_nesting_loses_nothing(tag: str) -> None:
    lines = html_lines(f"<p>before</p>{tag * 2_000}inside")
    assert [line.text for line in lines] == ["before", "inside"]


def test_a_wrapped_text_of_many_breaks_is_read_in_time() -> None:
    def read(times: int) -> None:
        assert len(html_lines("* word" + "<br>word" * times)) == 1

    assert costs_its_share(read, 7_500, 30_000)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("**Inclusion Criteria:**", "Inclusion Criteria:"),
        ("* **Breastfeeding** a child", "Breastfeeding a child"),
        ("**Breastfeeding** a child", "Breastfeeding a child"),
        ("*x* a child and __y__ and _z_", "x a child and y and z"),
        ("***both*** and **a *b* c**", "both and a b c"),
        (r"a drug\* and another\* drug", "a drug* and another* drug"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("snake_case_name and 5*10*2", "snake_case_name and 5*10*2"),
    ],
)
def test_emphasis_is_no_part_of_the_text(written: str, read: str) -> None:
    assert [line.text for line in markdown_lines(written)] == [read]
    assert plain_text(written.removeprefix("* ")) == read
