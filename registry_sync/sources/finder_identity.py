"""Is this page the trial's? It proves itself by an id that it shows as its own, or by its title; else nothing of it is recorded."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from registry_sync.sources import registers
from registry_sync.sources.blocks import Block
from registry_sync.sources.finder_presented import Page
from registry_sync.sources.finder_results import FEWEST_CARDS, is_headed_so, is_in_a_frame, is_one_of_cards
from registry_sync.sources.finder_titles import is_telling, titles_are_akin
from registry_sync.sources.json_ld import Study
from registry_sync.sources.labels import OTHER_IDS, REGISTRATION, Words, heads_a_search
from registry_sync.sources.page_parts import Labelled, trial_ids
from registry_sync.trials.listing import Subject

_DIGIT = re.compile(r"\d")
_MOST_WORDS_BESIDE_AN_ID = 12
_MOST_BLOCKS_ABOVE = 12
_MOST_IDS = 6
_OF_A_REGISTER = re.compile(r"\b(?:eudract|eu (?:ct|trial)|ctis|isrctn)\b", re.IGNORECASE)
"""A label of the number in one register."""
_TRAIL = re.compile(r"(?:^|[/>›»→|])\s*(?:clinical )?(?:trial|study):?\s+(NCT\d{8})(?!\d)", re.IGNORECASE)
_FEWEST_WORDS_IN_TITLE = 4
_TITLE_ENDS = re.compile(r"\s+[|–—-]\s+|:\s")


class Shown(msgspec.Struct, frozen=True):
    """What a page shows of whose it is.

    ``own``: the blocks that may tell of the trial; ``rows``: their labels; ``trials``: every NCT id in sight; ``leading``: the first one
    that the page presents; ``studies``: those of its JSON-LD; ``title``: that of its window;
    ``around``: what is the site's own on every page; ``blocks``: all that is in sight, other trials' parts too.
    """

    own: tuple[Block, ...]
    rows: tuple[Labelled, ...]
    trials: frozenset[str]
    leading: str | None
    studies: tuple[Study, ...]
    title: str = ""
    around: str = ""
    blocks: tuple[Block, ...] = ()


def trials_of(subject: Subject) -> frozenset[str]:
    """Its NCT id and its earlier ones."""
    return frozenset((subject.trial, *subject.aliases))


def doubt(subject: Subject, shown: Shown, words: Words) -> str | None:
    """Why this page cannot be taken for this trial's, in words for the operator; ``None``: it can."""
    trials, trial = trials_of(subject), subject.trial
    if _answers_a_search(shown, words) or _shows_findings(subject, shown, words):
        return f"the page answers a search, and is not the page of {trial}"
    if shown.leading is not None and shown.leading not in trials:
        if trials & shown.trials:
            return f"the page is about {shown.leading}, or a list of trials, and only mentions {trial}"
        return f"the page shows {_named(shown.trials)} and not {trial}"
    page = Page(shown.blocks, shown.own, shown.rows, subject.titles, words)
    if _presents(subject, shown, page):
        return None
    described = {id_ for study in shown.studies for id_ in study.trials}
    if len(shown.studies) == 1 and described and not described & trials:
        return f"the page's own data are those of {_named(described)} and not of {trial}"
    if other := _other_registration(subject, shown.rows):
        return f"the page shows {other} as its registration number, which is not this trial's"
    if _is_list(shown.rows, words):
        return f"the page shows several trials and does not say which of them is {trial}"
    if _by_title(subject, shown, page):
        return None
    if page.speaks_of(registers.pattern_of_trials(trials)):
        return f"the page's heading only speaks of {trial}, and none of the fields below it is surely that trial's"
    if _by_data(trials, shown) or _by_id(subject, page) or _by_crumbs(subject, shown, page):
        return None
    if trials & shown.trials:
        return f"the page only mentions {trial}: it may be another trial's"
    if shown.trials:
        return f"the page shows {_named(shown.trials)} and not {trial}"
    more = ", another id of it or its title" if subject.ids or subject.titles else ""
    return f"the page does not show {trial}{more}: it may be a maintenance page, or another trial's"


def _named(trials: frozenset[str] | set[str]) -> str:
    return ", ".join(sorted(trials)[:3])


def _presents(subject: Subject, shown: Shown, page: Page) -> bool:
    """Does the page present the trial's id as its own: at its title, beside a label, or in a sentence on this trial?

    Bread crumbs do so by naming a trial ("Search / Trial NCT01234567") as long as its title is not known.
    """
    trials = trials_of(subject)
    wanted = registers.pattern_of_trials(trials)
    in_title = {found.upper() for found in registers.TRIAL_ID.findall(shown.title)}
    if page.speaks_of(wanted):
        return False
    if in_title and in_title <= trials and page.window_presents(shown.title, wanted):
        return True
    known = frozenset(registers.id_key(id_) for id_ in registers.ids_in(subject.ids))
    if page.presents(wanted, known):
        return True
    texts = [block.text for block in shown.own if trials & trial_ids([block])]
    trails = () if any(map(is_telling, subject.titles)) else (*texts, shown.around)
    return any(found[1].upper() in trials for text in trails for found in _TRAIL.finditer(text))


def _by_crumbs(subject: Subject, shown: Shown, page: Page) -> bool:
    """Do the bread crumbs, or a line at the head of the page, end in its id, and the heading is no title of another trial?"""
    if not page.is_at_the_end_of_a_trail(registers.pattern_of_trials(trials_of(subject))):
        return False
    headings = [block.text for block in shown.own if block.level == 1 and block.text.count(" ") + 1 >= _FEWEST_WORDS_IN_TITLE]
    headings = headings or [shown.title, *(block.text for block in shown.own[:_MOST_BLOCKS_ABOVE])]
    return any(titles_are_akin(heading, subject.titles) for heading in headings)


def _answers_a_search(shown: Shown, words: Words) -> bool:
    """Do the page's title, its headings or its first lines say that it shows what a search has found?"""
    texts = [shown.title, *(block.text for place, block in enumerate(shown.own) if block.level or place < _MOST_BLOCKS_ABOVE)]
    headings = [block.text for block in shown.own if block.level == 1] or [_TITLE_ENDS.split(shown.title, maxsplit=1)[0]]
    if all(map(heads_a_search, headings)):
        return True
    return any(text and words.answers_a_search(text) for text in texts)


def _shows_findings(subject: Subject, shown: Shown, words: Words) -> bool:
    """Does the page, whatever its heading, show what a search has found?"""
    trials, blocks = trials_of(subject), shown.blocks
    if is_headed_so(blocks, shown.title, trials, subject.titles):
        return False
    several = len(shown.trials) >= FEWEST_CARDS and is_one_of_cards(blocks, trials, words)
    return several or is_in_a_frame(blocks, trials, subject.titles, words)


def _by_data(trials: frozenset[str], shown: Shown) -> bool:
    """Does JSON-LD name this trial, and no other, or this one by the page's heading?"""
    named = [study for study in shown.studies if study.trials]
    own = [study for study in named if study.trials <= trials]
    headings = {block.text for block in shown.own if block.level == 1}
    return bool(own) and (len(own) == len(named) or any(headings.intersection(study.names) for study in own))


def _by_id(subject: Subject, page: Page) -> bool:
    """Does the page present another id of the record? Elsewhere it may be a parent study's."""
    proving = tuple(id_ for id_ in registers.ids_in(subject.ids) if registers.proves(id_))
    wanted = registers.pattern(proving)
    return wanted is not None and page.presents(wanted, frozenset(registers.id_key(id_) for id_ in registers.ids_in(subject.ids)))


def _by_title(subject: Subject, shown: Shown, page: Page) -> bool:
    """Does the page show the trial's brief or official title as its own?"""
    mentioned = bool(trials_of(subject) & trial_ids(shown.own))
    if not (page.is_titled() or (mentioned and page.is_titled_word_for_word())):
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


def other_ids(subject: Subject, shown: Shown) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The ids of the trial that the page shows besides the NCT id; those whose registration it follows instead of that one's; and those
    whose registration it may follow as well as that one's."""
    found: dict[str, str] = {}
    wanted = registers.pattern(tuple(id_ for id_ in registers.ids_in(subject.ids) if len(registers.id_key(id_)) > 3))
    for block in shown.own:
        text = block.text
        if _DIGIT.search(text) and len(text.split()) <= _MOST_WORDS_BESIDE_AN_ID:
            for id_ in (*registers.numbers(text), *(wanted.findall(text) if wanted else ())):
                if not registers.TRIAL_ID.fullmatch(id_):
                    found.setdefault(registers.id_key(id_), id_)
    ids = tuple(found.values())
    follows = _followed(subject, shown, ids)
    return ids, follows, () if follows else _beside(shown, ids)


def _beside(shown: Shown, ids: Sequence[str]) -> tuple[str, ...]:
    """Numbers of other registers that the page shows as it does the NCT id; those in the registry's list of other ids are not."""
    if not ids:
        return ()
    listed = [row for row in shown.rows if row.meaning == OTHER_IDS and not _OF_A_REGISTER.search(row.label)]
    inside = {id(piece.block) for row in listed for piece in row.values[:_MOST_IDS]}
    seen = {registers.id_key(number) for block in shown.own if id(block) not in inside for number in registers.numbers(block.text)}
    return tuple(id_ for id_ in ids if registers.is_register_number(id_) and registers.id_key(id_) in seen)


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
