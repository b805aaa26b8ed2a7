"""Which of a page's words for a status are the trial's: not a site's, a document's, a cohort's, and no word of a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from registry_sync.sources.badges import MOST_LETTERS, are_facts, facts_of, is_fact, runs_of
from registry_sync.sources.blocks import Block
from registry_sync.sources.finder_values import is_country
from registry_sync.sources.labels import CRITERIA, NONE, OTHER_IDS, REFRESHED, REGISTRATION, SECTION, Words, is_step, label_key, status_key
from registry_sync.sources.page_parts import OF_ANOTHER, Labelled, Piece
from registry_sync.sources.vocabulary import ALL_STATUSES

Covered = tuple[tuple[str, ...], str]
"""The registry's tokens that a status covers, and its words."""

_STATUS: str = "overall_status"
_WEAK = frozenset(("status", "current status", "protocol status"))
"""Labels that name a site's or a document's status as well as the trial's."""
_OF_SOMETHING_ELSE = re.compile(
    r"\b(?:locations?|sites?|cent(?:re|er)s?|countr(?:y|ies)|member states?|facilit(?:y|ies)|hospitals?|where to participate|documents?|"
    r"publications?|references|ipd|sharing|arms?|cohorts?|groups?|parts|outcomes?|results|participant flow|regulatory|ethics|approvals?|"
    r"review|sponsors?|funding|contacts?)\b",
    re.IGNORECASE,
)
_TELLS_OF_TRIAL = re.compile(
    r"(?:(?:trial|study|key|basic|general|clinical)\s+)+(?:information|details|overview|summary|facts|data)|overview|at a glance|key facts|"
    r"(?:basic )?information|details|summary|about (?:this|the) (?:study|trial)|quick facts",
    re.IGNORECASE,
)
_OF_STATUS = re.compile(
    r"(?:(?:overall|current|trial|study|clinical|recruitment|recruiting|enrollment|enrolment) )*status(?: (?:and|&|/) \w+)?", re.IGNORECASE
)
_HEADERS = frozenset(("brief_title", "official_title", "launched_by", REGISTRATION, OTHER_IDS, REFRESHED, _STATUS))
"""Meanings of labels that stand at the top of a page, with a status below them that is not theirs."""
_ANSWERS = {"yes": True, "no": False}
_MOST_WORDS_OF_A_LABEL = 6
_FEWEST_WORDS_OF_A_TITLE = 5
_PARTS = frozenset((SECTION, CRITERIA, "locations"))
_FEWEST_TABS, _FEWEST_PARTS = 3, 2
_MOST_PIECES_OF_A_HEAD = 4
_MOST_LETTERS_OF_A_TITLE = 250
_QUESTION = re.compile(r"(?:what|who|why|how|where|when|which|is|are|can|do|does|will)\b.{0,80}\?$", re.IGNORECASE)
_TRAIL = re.compile(r"\s[/>›»→|·•]\s")


def of_the_trial(rows: Sequence[Labelled], found: Sequence[Piece]) -> tuple[Labelled, ...]:
    """The labels of a status that is the trial's, those first that say so ("Overall status")."""
    own = [row for row in rows if row.meaning == _STATUS and not _is_of_something_else(row, found)]
    return tuple(sorted(own, key=rank))


def rank(row: Labelled) -> int:
    """How surely a label names the trial's own status: 0 for "Overall status", 2 for a bare "Status"."""
    key = label_key(row.label)
    return 0 if "overall" in key else 2 if key in _WEAK else 1


def _is_of_something_else(row: Labelled, found: Sequence[Piece]) -> bool:
    """Does this "Status" stand in a part that tells of sites, documents, cohorts, or head a column of a table?

    A line "Recruitment status: ..." below a list of sites is the trial's.
    """
    block, key = found[row.place].block, label_key(row.label)
    if "overall" in key:
        return False
    if block.cells > 1 and _heads_column(row, block):
        return True
    above = list(_headings_above(row.place, found))
    if any(is_country(heading) for heading in above):
        return True
    if key not in _WEAK:
        return block.kind in ("term", "cell") and any(map(_OF_SOMETHING_ELSE.search, above))
    if any(map(_OF_SOMETHING_ELSE.search, above)):
        return True
    before = next((piece for piece in reversed(found[: row.place]) if piece.meaning is not None), None)
    return before is not None and before.meaning == "locations" and not block.row and not _has_own_value(before, found, row.place)


def _heads_column(row: Labelled, block: Block) -> bool:
    """Do other labels than its value stand beside this one?"""
    beside = [piece for piece in row.values if piece.block.row == block.row]
    return (not beside and block.cell > 0) or (not beside and block.cells > 2) or len(beside) > 1


def _has_own_value(label: Piece, found: Sequence[Piece], until: int) -> bool:
    """Is this a line or a row with its value in it, and no heading of a part?"""
    following = next((piece for piece in found[:until] if piece.joined and piece.block is label.block), None)
    return following is not None or label.block.cells > 1 or label.block.kind == "term"


def _headings_above(place: int, found: Sequence[Piece]) -> Iterator[str]:
    """The headings of the parts in which this stands, the inmost first; no title, and none that speaks of a status itself."""
    level = found[place].block.level or 7
    for piece in reversed(found[:place]):
        if 1 < piece.block.level < level:
            level = piece.block.level
            if len(piece.text.split()) <= _MOST_WORDS_OF_A_LABEL and "status" not in piece.text.lower():
                yield piece.text


def bare(found: Sequence[Piece], words: Words) -> Covered | None:
    """The status that stands without a label near the top of the page, or right below a heading that names it.

    It is a block of its own or one of several badges in one, never a word of a sentence. Two that differ are a filter or a bar of all
    steps, and say nothing.
    """
    said = list(_bare(found, words))
    told = {tokens for tokens, _ in said}
    exact = [one for one in said if all(set(one[0]) <= set(other) for other in told)]
    return exact[0] if exact else None


def _bare(found: Sequence[Piece], words: Words) -> Iterator[Covered]:
    titled = next((index for index, piece in enumerate(found) if piece.block.level == 1), 0)
    badges = _first_of_badges(found, titled, words)
    tabs = _tabs(found)
    head = titled if found and found[titled].block.level == 1 else next((at for at, one in enumerate(found) if _is_title(one)), 0)
    begun = False  # with its title
    is_open = True  # in the part that tells of the trial as a whole
    owner: Piece | None = None  # the label whose values these are
    row = 0  # of a table: the one whose label opens such a part
    last: Block | None = None
    for index, piece in enumerate(found):
        block, before = piece.block, found[index - 1] if index else None
        if index in tabs:
            continue
        if piece.meaning is not None:
            joined = index + 1 < len(found) and found[index + 1].joined and found[index + 1].block is block
            owner = None if joined or piece.meaning in _HEADERS else piece
            if piece.meaning == SECTION or block.level:
                is_open = _TELLS_OF_TRIAL.fullmatch(label_key(piece.text)) is not None or piece.meaning in _HEADERS
                owner = None if is_open else piece
                row, head = (block.row, index - 1) if is_open else (0, head)
            if piece.meaning in ("locations", "criteria"):
                is_open = False
            continue
        if piece.joined:
            continue
        if block.level == 1:
            is_open, owner = True, None
        if block.cells > 1 and block.row != row:
            continue
        tokens = _whole(piece, words)
        if tokens and index + 1 < len(found) and (answer := _ANSWERS.get(status_key(found[index + 1].text))) is not None:
            yield (tokens if answer else tuple(one for one in ALL_STATUSES if one not in tokens)), f"{piece.text}: {found[index + 1].text}"
            last = block
            continue
        heads = index + 1 == len(found) or found[index + 1].block.level != block.level  # else it is written as all short lines are
        begun = begun or block.level == 1 or len(piece.text.split()) >= _FEWEST_WORDS_OF_A_TITLE
        if block.level > 1 and begun and heads and not tokens and len(piece.text.split()) < _FEWEST_WORDS_OF_A_TITLE:
            is_open, owner = _OF_STATUS.fullmatch(piece.text) is not None, None
            continue
        if tokens and before is not None and before.meaning is None and _is_status_label(before.text):
            yield tokens, piece.text
        elif is_open and owner is None and block is not last and (said := _in_block(piece, words)):
            menu = index < badges or (index - 1 in tabs and 0 < block.outline == found[index - 1].block.outline)
            if _is_of_another(index, head, found):
                is_open = False
            elif (
                not menu
                and (before is None or not _is_label_like(before))
                and not any(map(_names_another, (*found[max(0, index - 1) : index], *found[index + 1 : index + 2])))
            ):
                yield from said
        last = block


def _first_of_badges(found: Sequence[Piece], titled: int, words: Words) -> int:
    """From where on what stands above the title says things of its trial; below a step of bread crumbs it is a step, too."""
    first = titled
    while first and found[first - 1].meaning is None and are_facts(found[first - 1].block, found[first - 1].text, words):
        first -= 1
    return titled if first and is_step(found[first - 1].text) else first


def _tabs(found: Sequence[Piece]) -> frozenset[int]:
    """Which labels only lead to the parts of the page ("Overview | Eligibility | Locations | Contacts") and open none."""
    tabs: set[int] = set()
    bar: list[int] = []
    for index, piece in enumerate(found):
        if _may_be_tab(piece):
            bar.append(index)
            continue
        if bar:
            tabs.update(bar if _is_bar(bar, found) else ())
            bar = []
    return frozenset(tabs)


def _may_be_tab(piece: Piece) -> bool:
    if piece.meaning is None:
        return not any(sign.isalnum() for sign in piece.text)
    return piece.meaning in (*_PARTS, NONE) and piece.block.kind in ("text", "item")


def _is_bar(bar: Sequence[int], found: Sequence[Piece]) -> bool:
    tabs = [found[index] for index in bar if found[index].meaning is not None]
    labels = {label_key(tab.text): tab.meaning for tab in tabs}
    if tabs and tabs[-1].meaning == "locations" and tabs[-1].block.kind == "text" and tabs[-1].block is not tabs[0].block:
        return False  # what follows may be a place, with a status of its own
    return len(labels) >= _FEWEST_TABS and sum(meaning in _PARTS for meaning in labels.values()) >= _FEWEST_PARTS


def _is_of_another(index: int, head: int, found: Sequence[Piece]) -> bool:
    """Does a badge stand right below or above what may be another trial's title, beyond the head of the page or of its part?"""
    beyond = index - head
    if beyond < _MOST_PIECES_OF_A_HEAD:
        return False
    return _is_title(found[index - 1]) or found[index - 1].block.level > 1 or (index + 1 < len(found) and _is_title(found[index + 1]))


def _is_title(piece: Piece) -> bool:
    """Does this read like the name of a trial? A question at the head of a part, and a long sentence, are none."""
    text = piece.text
    if piece.meaning is not None or piece.joined or len(text.split()) < _FEWEST_WORDS_OF_A_TITLE or _TRAIL.search(text):
        return False
    return not text.endswith(":") and _QUESTION.match(text) is None and not (text.endswith(".") and len(text) > _MOST_LETTERS_OF_A_TITLE)


def _whole(piece: Piece, words: Words) -> tuple[str, ...]:
    """The status that this is as a whole, where it is written as a name."""
    text = piece.text
    return words.bare_status(text) if text[:1].isupper() else ()


def _in_block(piece: Piece, words: Words) -> Sequence[Covered]:
    """The status that a block is, alone or beside other badges, or that stands at either end of the title."""
    tokens = _whole(piece, words)
    if tokens:
        return ((tokens, piece.text),)
    if piece.block.level == 1:
        parts = piece.block.parts
        return _statuses_in((parts[0], parts[-1]) if len(parts) > 1 else (), words)
    facts = facts_of(*runs_of(piece.block, piece.text))
    said = _statuses_in(facts, words) if len(facts) > 1 else ()
    return said if said and all(is_fact(fact, words) for fact in facts) else ()


def _statuses_in(facts: Sequence[str], words: Words) -> Sequence[Covered]:
    return [(tokens, fact) for fact in facts if fact[:1].isupper() and (tokens := words.bare_status(fact))]


def among_facts(text: str, words: Words) -> Covered | None:
    """The status that stands beside its label with other short facts behind it ("Status: Recruiting · Phase 2")."""
    facts = facts_of(text)
    said = _statuses_in(facts, words)
    return said[0] if len(said) == 1 < len(facts) and all(is_fact(fact, words) for fact in facts) else None


def is_choice(row: Labelled, words: Words) -> bool:
    """Do several statuses that differ stand below this label: a filter, or a bar of all steps?"""
    said = [words.status(piece.text) for piece in row.values[:2] if piece.text[:1].isupper()]
    return len(said) > 1 and all(said) and set(said[0]).isdisjoint(said[1])


def _names_another(piece: Piece) -> bool:
    """Is this a label of another trial than the page's own ("Extension study")?"""
    text = piece.text
    return 1 < len(text.split()) <= _MOST_WORDS_OF_A_LABEL and not piece.block.level and OF_ANOTHER.search(text) is not None


def _is_status_label(text: str) -> bool:
    return len(text) <= MOST_LETTERS and _OF_STATUS.fullmatch(text.rstrip(" :")) is not None


def _is_label_like(piece: Piece) -> bool:
    """Is this a label of something that is not known ("Results status")?"""
    text = piece.text
    if piece.meaning is not None or piece.joined or len(text.split()) > _MOST_WORDS_OF_A_LABEL:
        return False
    return text.endswith(":") or text.lower().endswith("status")
