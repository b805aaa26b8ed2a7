"""Seeded cases: a study, one edit or several of it, what must be told, and what was."""

from __future__ import annotations

import json
import lzma
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from registry_sync.sources.ctgov_record import record_from
from registry_sync.sources.markup import html_lines
from registry_sync.trials import criteria
from registry_sync.trials.changes import Change
from registry_sync.trials.record import Record
from registry_sync.trials.significance import judged
from tests.edits import (
    as_html,
    cosmetic_study,
    cosmetic_text,
    criteria_hard,
    criteria_items,
    criteria_pieces,
    criteria_words,
    fields,
    lists,
    many,
)
from tests.edits.as_html import html_of
from tests.edits.kinds import ALONE, COSMETIC, MATERIAL, Draft, Study, copied
from tests.edits.outline import outline
from tests.edits.settings import set_up
from tests.edits.telling import Expected, Verdict, judge

__all__ = ["COSMETIC", "MATERIAL", "Case", "Outcome", "cases", "real_studies", "run"]

_REGISTERED = (as_html, cosmetic_study, cosmetic_text, criteria_hard, criteria_items, criteria_pieces, criteria_words, fields, lists, many)
"""Importing them registers their kinds."""

AMENDMENT, REWRITTEN = "amendment", "rewritten"
"""Several material edits and perhaps cosmetic ones; several cosmetic ones."""
_LAST = "written_as_html"
_TRIES = 400
_SET_UP, _BACKWARDS, _IN_HTML, _IN_BOTH = 0.35, 0.5, 0.15, 0.5
_MOST_TIMES_TRIED = 12


@dataclass(frozen=True)
class Case:
    """One step of one study. ``label``: the kind when it is alone, else AMENDMENT or REWRITTEN; ``seed``: gives it again.

    ``form``: how its criteria were written anew beforehand. ``html_before``, ``html_after``: the criteria as HTML, in place of
    the study's Markdown.
    """

    seed: str
    trial: str
    label: str
    form: str | None
    kinds: tuple[str, ...]
    before: Study
    after: Study
    html_before: str | None
    html_after: str | None
    expected: tuple[Expected, ...]


@dataclass(frozen=True)
class Outcome:
    """A case and what the engine made of it."""

    case: Case
    changes: tuple[Change, ...]
    verdict: Verdict


def real_studies(folder: Path) -> list[Study]:
    """The real records without their results, which nothing here looks at."""
    with lzma.open(folder / "ctgov-records.jsonl.xz") as payloads:
        studies = [json.loads(payload) for payload in payloads]
    return [{name: section for name, section in study.items() if name != "resultsSection"} for study in studies]


def cases(studies: Sequence[Study], seed: int, count: int, kind: str | None = None) -> Iterator[Case]:
    """``count`` cases: every kind alone in its turn, and after each four of them an amendment. The same seed gives the same ones.

    With ``kind``, that one alone; fewer, when no study has a place for it.
    """
    names = [*MATERIAL, *COSMETIC]
    for number in range(count):
        rng = random.Random(f"{seed}:{number}")
        if kind in (AMENDMENT, REWRITTEN) or (kind is None and number % 5 == 4):
            case = _several(studies, rng, f"{seed}:{number}", material=kind != REWRITTEN and (kind is not None or number % 15 != 14))
        else:
            case = _alone(studies, rng, f"{seed}:{number}", kind or names[(number - number // 5) % len(names)])
        if case is not None:
            yield case


def run(case: Case) -> Outcome:
    """Map both versions, compare them, and judge what was told."""
    changes = judged(_record(case.before, case.html_before), _record(case.after, case.html_after))
    return Outcome(case, changes, judge(case.expected, changes))


def _record(study: Study, html: str | None) -> Record:
    record = record_from(msgspec.json.encode(study))
    return record if html is None else msgspec.structs.replace(record, criteria=criteria.parse(html_lines(html)))


def _draft(studies: Sequence[Study], rng: random.Random) -> tuple[Draft, str | None]:
    """One of the studies; one in three with its criteria written in another form."""
    before = rng.choice(studies)
    draft = Draft(copied(before), before)
    return draft, set_up(draft, rng) if rng.random() < _SET_UP else None


def _alone(studies: Sequence[Study], rng: random.Random, seed: str, kind: str) -> Case | None:
    """One kind on the first study, of those drawn, that has a place for it."""
    for _ in range(_TRIES):
        draft, form = _draft(studies, rng)
        if kind in MATERIAL:
            expected = tuple(MATERIAL[kind](draft, rng))
            draft.write()
            if expected:
                return _case(seed, draft, form, kind, [kind], expected)
        elif COSMETIC[kind](draft, rng):
            if draft.html is None and rng.random() < _BACKWARDS:
                draft.study, draft.before = draft.before, draft.study
            return _case(seed, draft, form, kind, [kind], ())
    return None


def _several(studies: Sequence[Study], rng: random.Random, seed: str, *, material: bool) -> Case | None:
    """What a protocol amendment makes: one to six material edits on distinct items, and up to five cosmetic ones."""
    draft, form = _draft(studies, rng)
    expected: list[Expected] = []
    done: list[str] = []
    wanted = rng.randint(1, 6) if material else 0
    fitting = [name for name in MATERIAL if name not in ALONE]
    for kind in rng.sample(fitting, min(len(fitting), wanted * _MOST_TIMES_TRIED)):
        news = MATERIAL[kind](draft, rng) if len(done) < wanted else ()
        if news:
            expected += news
            done.append(kind)
    draft.write()
    least = 0 if material else 2
    fitting = rng.sample([name for name in COSMETIC if name != _LAST], 60)
    target = rng.randint(least, 5)
    cosmetic: list[str] = []
    for kind in fitting:
        if len(cosmetic) < target and COSMETIC[kind](draft, rng):
            cosmetic.append(kind)
    if rng.random() < _IN_HTML and COSMETIC[_LAST](draft, rng):
        cosmetic.append(_LAST)
    if not done and not cosmetic:
        return None
    in_both = draft.html is not None and rng.random() < _IN_BOTH
    return _case(seed, draft, form, AMENDMENT if done else REWRITTEN, [*done, *cosmetic], tuple(expected), html_before=in_both)


def _case(
    seed: str,
    draft: Draft,
    form: str | None,
    label: str,
    kinds: Sequence[str],
    expected: tuple[Expected, ...],
    *,
    html_before: bool = False,
) -> Case:
    trial = draft.study["protocolSection"]["identificationModule"]["nctId"]
    text = (draft.before["protocolSection"].get("eligibilityModule") or {}).get("eligibilityCriteria") or ""
    html = html_of(outline(text)) if html_before else None
    return Case(seed, trial, label, form, tuple(kinds), draft.before, draft.study, html, draft.html, expected)
