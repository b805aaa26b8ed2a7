"""Real pages of trial finders are pages of content in whatever markup, whole, and only a part of one when they are cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from registry_sync.sources import guard
from registry_sync.sources.blocks import page_blocks
from tests.sources import finder_pages, walls

Markup = Callable[[Sequence[str]], str]


def in_paragraphs(lines: Sequence[str]) -> str:
    return "".join(f"<p>{finder_pages.in_breaks([line])}</p>" for line in lines)


def in_boxes(lines: Sequence[str]) -> str:
    return "".join(f"<div><div><span>{finder_pages.in_breaks([line])}</span></div></div>" for line in lines)


MARKUPS: tuple[Markup, ...] = (
    finder_pages.in_breaks,
    finder_pages.in_one_column,
    finder_pages.in_pre,
    finder_pages.in_one_list,
    in_paragraphs,
    in_boxes,
)


def lines_of_pages(shared_data: Path) -> dict[str, list[str]]:
    texts = {path.name: path.read_text("utf-8") for path in sorted((shared_data / "finder-pages").glob("*.txt"))}
    return {name: [line.strip() for line in text.splitlines() if line.strip()] for name, text in texts.items()}


def refusal(markup: str) -> str | None:
    return guard.refusal(markup, page_blocks(markup)[0])


@pytest.mark.parametrize("markup", MARKUPS)
def test_the_text_of_a_real_page_passes_in_any_markup(shared_data: Path, markup: Markup) -> None:
    for name, lines in lines_of_pages(shared_data).items():
        assert refusal(finder_pages.whole(markup(lines)).decode()) is None, name


@pytest.mark.parametrize(
    "beside", ["<noscript>Please enable JavaScript</noscript>", walls.COOKIES, "<h4>Not found what you need?</h4>", "<p>Loading...</p>"]
)
def test_it_passes_with_what_sites_put_beside_it(shared_data: Path, beside: str) -> None:
    for name, lines in lines_of_pages(shared_data).items():
        assert refusal(walls.page(beside + in_paragraphs(lines))) is None, name
        assert refusal(walls.page(in_paragraphs(lines) + beside)) is None, name


def test_plain_text_and_real_markup_pass_as_they_came(shared_data: Path) -> None:
    for path in sorted((shared_data / "finder-pages").iterdir()):
        if path.suffix in (".txt", ".html"):
            assert refusal(path.read_text("utf-8")) is None, path.name


def test_real_markup_that_is_cut_is_refused(shared_data: Path) -> None:
    for path in sorted((shared_data / "finder-pages").glob("*.html")):
        markup = path.read_text("utf-8")
        whole = markup.rindex("</body>")
        for end in range(1, whole, 2503):
            assert refusal(markup[:end]) is not None, (path.name, end)
