"""The same criteria as the HTML of the registry's version history give the same groups, and so the same news."""

from __future__ import annotations

import msgspec
import pytest

from registry_sync.sources.markup import html_lines
from registry_sync.trials import criteria
from registry_sync.trials.changes import compare
from registry_sync.trials.record import Criterion
from registry_sync.trials.text import key
from tests.corpus.loader import Case, all_cases
from tests.edits.as_html import html_of
from tests.edits.outline import outline

LEAST = 100
"""Versions whose Markdown the small writer of HTML can turn over; what it is not sure of (glyphs typed into the text) it leaves out."""


def _with_html() -> list[tuple[str, Case, str, str]]:
    """Name, case, side and HTML of every version whose criteria can be written so."""
    found = []
    for name, case in all_cases().items():
        for side in ("before", "after"):
            text = case.study(side)["protocolSection"]["eligibilityModule"].get("eligibilityCriteria")
            html = html_of(outline(text)) if text and _is_about_criteria(case) else None
            if html is not None:
                found.append((name, case, side, html))
    return found


def _is_about_criteria(case: Case) -> bool:
    return "eligibility" in {**case.before, **case.after}


VERSIONS = _with_html()


@pytest.mark.parametrize(("case", "side", "html"), [pytest.param(*rest, id=f"{name}-{rest[1]}") for name, *rest in VERSIONS])
def test_html_gives_the_same_criteria(case: Case, side: str, html: str) -> None:
    record = case.record(side)
    from_html = msgspec.structs.replace(record, criteria=criteria.parse(html_lines(html)))
    assert _read(from_html.criteria) == _read(record.criteria)
    assert compare(record, from_html) == ()


def test_enough_of_the_versions_are_asked() -> None:
    assert len(VERSIONS) >= LEAST


def _read(found: tuple[Criterion, ...] | None) -> list[tuple[str | None, str | None, int, str, str]]:
    return [(one.group, one.section, one.depth, one.kind, key(one.text)) for one in found or ()]
