"""Reading listing pages, beside the plain building of their trees with beautifulsoup4 and lxml, on the same pages in one run.

    python -m benchmarks.pages [--runs 25]

The pages are, where ``../shared/data`` stands beside the checkout, the real ones there: whole HTML pages, and the visible text of others,
put into boxes of the usual kind; and the small page of the loopback listing in three markups, which is hardly anything but content.
Processor time, the best of the runs; to reach: 1.5 times.
"""

from __future__ import annotations

import argparse
import gc
import html
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bs4 import BeautifulSoup

from registry_sync.demo.listing import trial_page
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import first_listing
from registry_sync.sources.blocks import decode, page_blocks
from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found
from registry_sync.sources.profiles import load_profiles
from registry_sync.trials.listing import Subject

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "data" / "finder-pages"
URL = "https://listing.example.org/trials/NCT00000001"
MOST = 1.5
_FRAME = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>{links}</head>
<body><header class="top bar"><nav class="menu">{menu}</nav></header><main class="content wide">{body}</main></body></html>"""


def framed(body: str) -> bytes:
    """A body in what stands around it on most sites."""
    links = "".join(f'<link rel="stylesheet" href="/static/{number}.css">' for number in range(8))
    menu = "".join(f'<a class="item" href="/part/{number}">Part {number}</a>' for number in range(20))
    return _FRAME.format(title="A trial", links=links, menu=menu, body=body).encode()


def boxes(lines: Sequence[str]) -> bytes:
    """Each line in boxes of its own, as style sheets want them."""
    return framed("".join(f'<div class="row p-2 mb-1"><p class="text-sm">{html.escape(line)}</p></div>' for line in lines))


def spans(lines: Sequence[str]) -> bytes:
    """Runs with line breaks between."""
    return framed("<br>\n".join(f'<span class="text">{html.escape(line)}</span>' for line in lines))


def own_pages() -> list[bytes]:
    """The page of the loopback listing as it is, and its visible lines in other markups."""
    page = trial_page(TRIAL, first_listing())
    lines = [html.unescape(text).strip() for text in re.findall(r">([^<>]+)<", page) if text.strip()]
    return [page.encode(), boxes(lines), spans(lines)]


def whole_pages() -> list[bytes]:
    """The real pages of which all is at hand."""
    return [path.read_bytes() for path in sorted(SAMPLES.glob("*.html"))]


def framed_texts() -> list[bytes]:
    """The real pages of which only the text is at hand."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(SAMPLES.glob("*.txt"))]
    return [boxes([line.strip() for line in text.splitlines() if line.strip()]) for text in texts]


def best(work: Callable[[bytes], object], pages: Sequence[bytes], runs: int) -> float:
    """Seconds of processor time for all pages, in the best of the runs."""
    seconds = []
    for _ in range(runs):
        began = time.process_time()
        for page in pages:
            work(page)
        seconds.append(time.process_time() - began)
    return min(seconds)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages")
    parser.add_argument("--runs", type=int, default=25)
    asked = parser.parse_args()
    profile = load_profiles().of(URL)
    gc.freeze()
    print(f"{'':28}{'pages':>7}{'pages/s':>10}{'blocks':>9}{'all':>7}   of the time of the plain tree; to reach: {MOST}")
    for name, pages in (("real pages", whole_pages()), ("real texts in boxes", framed_texts()), ("the loopback listing", own_pages())):
        if not pages:
            print(f"{name:28}{'not at hand':>17}")
            continue
        subjects = {page: Subject((re.search(rb"NCT\d{8}", page) or [TRIAL.encode()])[0].decode()) for page in pages}

        def read(page: bytes, subjects: dict[bytes, Subject] = subjects) -> object:
            return read_page(subjects[page], URL, page, None, profile)

        found = sum(isinstance(read(page), Found) for page in pages)
        tree = best(lambda page: BeautifulSoup(page.decode("utf-8", "replace"), "lxml"), pages, asked.runs)
        blocks = best(lambda page: page_blocks(decode(page, None))[0], pages, asked.runs)
        whole = best(read, pages, asked.runs)
        verdict = "reached" if whole <= MOST * tree else "missed"
        print(
            f"{name:28}{len(pages):7}{len(pages) / whole:10.0f}{blocks / tree:9.2f}{whole / tree:7.2f}   "
            f"{verdict}; {found} taken for the trial's"
        )


if __name__ == "__main__":
    main()
