"""Is this page the trial's? It proves itself by an id that it shows as its own, or by its title; else nothing of it is recorded."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from registry_sync.sources import registers
from registry_sync.sources.blocks import Block
from registry_sync.sources.finder_titles import is_one_of
from registry_sync.sources.json_ld import Study
from registry_sync.sources.labels import OTHER_IDS, REGISTRATION, Words
from registry_sync.sources.page_parts import OF_ANOTHER, Labelled, trial_ids
from registry_sync.trials.listing import Subject

_DIGIT = re.compile(r"\d")
_MOST_WORDS_BESIDE_AN_ID = 12
_MOST_BLOCKS_ABOVE = 12
_FEWEST_LETTERS_IN_TITLE, _MOST_LETTERS_IN_TITLE = 20, 600


class Shown(msgspec.Struct, frozen=True):
    """What a page shows of whose it is.

    ``own``: the blocks that may tell of the trial; ``rows``: their labels; ``trials``: every NCT id in sight; ``leading``: the first one
    that the page presents; ``studies``: those of its JSON-LD.
    """

    own: tuple[Block, ...]
    rows: tuple[Labelled, ...]
    trials: frozenset[str]
    leading: str | None
    studies: tuple[Study, ...]


def trials_of(subject: Subject) -> frozenset[str]:
    """Its NCT id and its earlier ones."""
    return frozenset((subject.trial, *subject.aliases))


def doubt(subject: Subject, shown: Shown, words: Words) -> str | None:
    """Why this page cannot be taken for this trial's, in words for the operator; ``None``: it can."""
    trials, trial = trials_of(subject), subject.trial
    if shown.leading is not None and shown.leading not in trials:
        if trials & shown.trials:
            return f"the page is about {shown.leading}, or a list of trials, and only mentions {trial}"
        return f"the page shows {_named(shown.trials)} and not {trial}"
    if shown.leading is not None or (trials & shown.trials and not _only_mentions(shown, trials)):
        return None
    described = {id_ for study in shown.studies for id_ in study.trials}
    if len(shown.studies) == 1 and described and not described & trials:
        return f"the page's own data are those of {_named(described)} and not of {trial}"
    if other := _other_registration(subject, shown.rows):
        return f"the page shows {other} as its registration number, which is not this trial's"
    if _is_list(shown.rows, words):
        return f"the page shows several trials and does not say which of them is {trial}"
    if _by_data(trials, shown) or _by_id(subject, shown) or _by_title(subject, shown):
        return None
    if trials & shown.trials:
        return f"the page only mentions {trial}: it may be another trial's"
    if shown.trials:
        return f"the page shows {_named(shown.trials)} and not {trial}"
    more = ", another id of it or its title" if subject.ids or subject.titles else ""
    return f"the page does not show {trial}{more}: it may be a maintenance page, or another trial's"


def _named(trials: frozenset[str] | set[str]) -> str:
    return ", ".join(sorted(trials)[:3])


def _only_mentions(shown: Shown, trials: frozenset[str]) -> bool:
    """Do all sentences with the trial's id speak of it as of another one ("an extension of ...")?"""
    texts = [block.text for block in shown.own if trials & trial_ids([block])]
    return bool(texts) and all(OF_ANOTHER.search(text) for text in texts)


def _by_data(trials: frozenset[str], shown: Shown) -> bool:
    """Does JSON-LD name this trial, and no other, or this one by the page's heading?"""
    named = [study for study in shown.studies if study.trials]
    own = [study for study in named if study.trials <= trials]
    headings = {block.text for block in shown.own if block.level == 1}
    return bool(own) and (len(own) == len(named) or any(headings.intersection(study.names) for study in own))


def _by_id(subject: Subject, shown: Shown) -> bool:
    """Does the page present another id of the record? In running text it may be a parent study's."""
    wanted = registers.pattern(tuple(id_ for id_ in registers.ids_in(subject.ids) if registers.proves(id_)))
    if wanted is None:
        return False
    return any(
        wanted.search(block.text) and not OF_ANOTHER.search(block.text)
        for block in shown.own
        if block.level == 1 or len(block.text.split()) <= _MOST_WORDS_BESIDE_AN_ID
    )


def _by_title(subject: Subject, shown: Shown) -> bool:
    """Does the page show the trial's brief or official title?"""
    lengths = [len(title) for title in subject.titles]
    if not lengths:
        return False
    least, most = max(_FEWEST_LETTERS_IN_TITLE, min(lengths) // 2), min(_MOST_LETTERS_IN_TITLE, max(lengths) * 2)
    if not any(is_one_of(text, subject.titles) for block in shown.own if least <= len(text := block.text) <= most):
        return False
    filed = [row.values[0].text for row in shown.rows if row.meaning in (REGISTRATION, OTHER_IDS) and row.values]
    return registers.another_number(filed, subject.ids) is None


def _other_registration(subject: Subject, rows: Sequence[Labelled]) -> str | None:
    """A register's number by which the page files its trial, where the record has another one of that register."""
    known = {registers.id_key(id_) for id_ in registers.ids_in(subject.ids) if registers.is_register_number(id_)}
    forms = {_form(id_) for id_ in known}
    for row in rows:
        if row.meaning == REGISTRATION and row.values:
            for number in registers.numbers(row.values[0].text):
                if registers.id_key(number) not in known and _form(registers.id_key(number)) in forms:
                    return number
    return None


def _form(key: str) -> str:
    """Of which register a number is: its letters; EudraCT and EU CT numbers have none."""
    letters = "".join(sign for sign in key if sign.isalpha())
    return letters or ("5" if key[4:5] == "5" else "0")


def _is_list(rows: Sequence[Labelled], words: Words) -> bool:
    """Do labels stand here for several trials: two statuses that differ, or two registration numbers?"""
    statuses = {words.status(row.values[0].text) for row in rows if row.meaning == "overall_status" and row.values}
    return len(statuses - {()}) > 1


def other_ids(subject: Subject, shown: Shown) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ids of the trial that the page shows besides the NCT id, and those whose registration it follows instead of that one's."""
    found: dict[str, str] = {}
    wanted = registers.pattern(tuple(id_ for id_ in registers.ids_in(subject.ids) if len(registers.id_key(id_)) > 3))
    for block in shown.own:
        text = block.text
        if _DIGIT.search(text) and len(text.split()) <= _MOST_WORDS_BESIDE_AN_ID:
            for id_ in (*registers.numbers(text), *(wanted.findall(text) if wanted else ())):
                if not registers.TRIAL_ID.fullmatch(id_):
                    found.setdefault(registers.id_key(id_), id_)
    return tuple(found.values()), _followed(subject, shown, tuple(found.values()))


def _followed(subject: Subject, shown: Shown, ids: Sequence[str]) -> tuple[str, ...]:
    filed: dict[str, str] = {}
    heading = _heading_number(shown.own)
    if heading is not None:
        return (heading,)
    for row in shown.rows:
        if row.meaning == REGISTRATION and row.values:
            text = row.values[0].text
            if registers.TRIAL_ID.search(text):
                return ()
            filed.update((registers.id_key(number), number) for number in registers.numbers(text))
    if filed:
        return tuple(filed.values())
    if trials_of(subject) & shown.trials:
        return ()
    return tuple(id_ for id_ in ids if registers.is_register_number(id_))


def _heading_number(own: Sequence[Block]) -> str | None:
    """A register's number that stands alone above all labels and all other ids: the page is that register's, or a copy of it."""
    for block in own[:_MOST_BLOCKS_ABOVE]:
        if registers.is_register_number(block.text):
            return block.text
        if registers.TRIAL_ID.search(block.text) or registers.numbers(block.text):
            return None
    return None
