"""What is no page of content is told from what is, in words for a person."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from registry_sync.sources import guard
from registry_sync.sources.blocks import page_blocks
from tests.sources import walls
from tests.waiting import costs_its_share

TABLE = tomllib.loads(Path(guard.__file__).with_name("walls.toml").read_text("utf-8"))
REASONS = {name: kind["reason"] for name, kind in TABLE["kinds"].items()} | {
    "consent": TABLE["consent"]["reason"],
    "elsewhere": guard.ELSEWHERE,
    "no text": guard.NO_TEXT,
}


def refusal(markup: str, **where: str) -> str | None:
    return guard.refusal(markup, page_blocks(markup)[0], **where)


@pytest.mark.parametrize(("kind", "markup"), walls.WALLS, ids=[f"{kind}-{index}" for index, (kind, _) in enumerate(walls.WALLS)])
def test_a_wall_is_refused_by_its_kind(kind: str, markup: str) -> None:
    assert (refusal(markup) or "").startswith(REASONS[kind])


@pytest.mark.parametrize(("kind", "markup"), walls.WALLS, ids=[f"{kind}-{index}" for index, (kind, _) in enumerate(walls.WALLS)])
def test_a_wall_in_capitals_or_with_other_quotes_is_the_same_wall(kind: str, markup: str) -> None:
    assert (refusal(markup.replace("n't", "n’t").replace("...", "…")) or "").startswith(REASONS[kind])
    if kind not in ("elsewhere", "loading"):
        loud = "".join(part if part.startswith("<") else part.upper() for part in split_at_tags(markup))
        assert (refusal(loud) or "").startswith(REASONS[kind])


def split_at_tags(markup: str) -> list[str]:
    parts = markup.replace("<", "\0<").replace(">", ">\0").split("\0")
    return [part.replace("&amp;", "and") if not part.startswith("<") else part for part in parts]


@pytest.mark.parametrize("markup", walls.GOOD, ids=range(len(walls.GOOD)))
def test_a_page_of_content_passes_whatever_stands_beside_it(markup: str) -> None:
    assert refusal(markup) is None


def test_a_reason_says_what_the_page_says() -> None:
    markup = walls.page("<h1>We'll be back soon!</h1><p>Our site is being upgraded.</p>")
    assert refusal(markup) == 'the site shows a maintenance page: "we\'ll be back soon"'


@pytest.mark.parametrize(
    "where", ["<h1>{}</h1><p>Something went wrong.</p>", "<p>Something went wrong: {}.</p>", "<h1>404</h1><title>404 | {}</title>"]
)
def test_a_page_cannot_put_words_of_its_own_into_a_reason(where: str) -> None:
    reason = refusal(walls.page(where.format("call 555 0100 at evil.example")))
    assert reason is not None
    assert "evil" not in reason


# Only a part

WHOLE = [markup for markup in walls.GOOD if "<body>" in markup and markup.rstrip().endswith("</html>")]


@given(st.sampled_from(WHOLE), st.data())
def test_a_page_cut_anywhere_before_its_end_is_refused(markup: str, data: st.DataObject) -> None:
    end = markup.rindex("</body>") + len("</body>")
    cut = markup[: data.draw(st.integers(0, end - 1))]
    assert refusal(cut) is not None


@pytest.mark.parametrize(
    "markup",
    [
        "<div><h1>Drops</h1><p>Recruiting</p>",
        "<main><h1>Drops</h1></main><ul><li>Dry eyes</li>",
        "<p>Recruiting</p><!-- the rest",
        "<p>Recruiting</p><script>if (a",
        "<p>Recruiting</p><p title='a > b",
        "<p>Recruiting</p><",
        "<p>Recruiting</p></",
        "<html lang=en><head><title>Drops</title></head><body><h1>Drops</h1><p>Recruiting</p>",
        "<body><p>Recruiting</p><p>Sponsor: Example</p>",
        "<body><script>w('</body></html>')</script><div>Recruiting</div><div>Sponsor: Example",
    ],
)
def test_what_is_open_at_the_end_shows_that_the_rest_is_lost(markup: str) -> None:
    assert refusal(markup) == guard.ONLY_A_PART


@pytest.mark.parametrize(("sent", "read_as"), [("latin-1", "utf-8"), ("cp1252", "utf-8"), ("utf-8", "ascii")])
def test_a_page_in_another_encoding_than_it_says_is_refused(sent: str, read_as: str) -> None:
    markup = walls.page(walls.PLAIN + "<p>Sjögren's disease</p><p>Gesunde Männer über 18 Jahre können nicht teilnehmen</p>")
    assert refusal(markup) is None
    assert refusal(markup.encode(sent).decode(read_as, "replace")) == guard.GARBLED


def test_a_character_that_a_site_has_lost_for_good_is_no_reason() -> None:
    assert refusal(walls.page(walls.PROSE + "<p>Sj\ufffdgren's disease, doctor\ufffds advice</p>")) is None


# Led elsewhere

DEEP = "https://finder.example.org/trials/NCT01234567"


@pytest.mark.parametrize(
    ("asked", "came_from"),
    [
        (DEEP, "https://finder.example.org/"),
        (DEEP, "https://finder.example.org"),
        (DEEP, "https://www.finder.example.org/en/"),
        (DEEP, "https://finder.example.org/en-US/home"),
        (DEEP, "https://finder.example.org/index.html"),
        (DEEP, "https://finder.example.org/search?condition=dry+eyes"),
        (DEEP, "https://finder.example.org/trials"),
        (DEEP, "https://finder.example.org/trials/search"),
        (DEEP, "https://finder.example.org/404"),
        (DEEP, "https://finder.example.org/login?next=%2Ftrials"),
        ("https://finder.example.org/study/asthma-link", "https://finder.example.org/?gone=1"),
    ],
)
def test_a_redirect_to_a_page_above_is_no_page_of_the_trial(asked: str, came_from: str) -> None:
    assert refusal(walls.GOOD[0], asked=asked, came_from=came_from) == guard.HOME


@pytest.mark.parametrize(
    ("asked", "came_from"),
    [
        (DEEP, DEEP + "/"),
        (DEEP, "https://finder.example.org/trials/NCT01234567/drops-against-dryness"),
        (DEEP + "/details", DEEP),
        (DEEP, "https://finder.example.org/search?id=nct01234567"),
        (DEEP, "https://new.example.org/en/study/77"),
        ("http://finder.example.org/", "https://finder.example.org/"),
        ("https://finder.example.org/en/", "https://finder.example.org/"),
        ("https://finder.example.org/?trial=NCT01234567", "https://finder.example.org/trial/1"),
        ("https://finder.example.org/view/S2427", "https://finder.example.org/S2427"),
        (DEEP, "http://[::1"),
        ("", ""),
    ],
)
def test_a_redirect_to_another_address_of_the_page_is_none(asked: str, came_from: str) -> None:
    assert refusal(walls.GOOD[0], asked=asked, came_from=came_from) is None


# What a hostile site may send


SCRAPS = "< > </ <!-- --> <script <div div> = \" ' {{ }} a <title> </body>".split()


@given(st.lists(st.sampled_from([*SCRAPS, " "])))
@example(["<div ", "=", '"'])
def test_no_markup_is_too_odd(parts: list[str]) -> None:
    assert isinstance(refusal("".join(parts)), str | None)


BIG = 2**19


UNITS = (
    """<div>|<!--|<script>|<a b="|<a b='"|<a =|< |<title |<input |<noscript>|<meta http-equiv=refresh |{{|<div id=root |location.href = |"""
    """<x-y>|</body>|<p>too many |<p>cookies accept all</p>|<li>Sponsor</li>|= "|<textarea>|<![CDATA["""
).split("|")


@pytest.mark.parametrize("unit", UNITS)
def test_no_markup_is_slow(unit: str) -> None:
    """Nor is one that never ends what it begins; the tree, which others build, is not measured."""
    blocks = page_blocks(unit * 2000)[0]

    def read(size: int) -> None:
        markup = unit * (size // len(unit))
        guard.refusal(markup, blocks)
        guard.is_cut_short(markup)

    assert costs_its_share(read, BIG // 8, BIG)
