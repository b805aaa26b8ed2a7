"""Where on a page does an id, or a title, stand as the page's own?

No list of headings could name all parts of a page that speak of other trials. So it is the other way round: what stands at the page's
title, among the short facts of its head, beside a label that says so, or below a heading of the trial's own, is its own; nothing else is.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Collection, Iterator, Sequence

from registry_sync.sources import registers
from registry_sync.sources.badges import are_badges, are_facts, is_fact
from registry_sync.sources.blocks import Block
from registry_sync.sources.finder_results import is_a_filter
from registry_sync.sources.finder_titles import is_one_of, is_telling, titles_are_akin
from registry_sync.sources.folding import fold
from registry_sync.sources.labels import (
    FIELD_LABELS,
    NONE,
    OTHER_IDS,
    REGISTRATION,
    SECTION,
    Words,
    frames_a_search,
    is_criteria_heading,
    is_on_the_way,
    is_step,
    label_key,
)
from registry_sync.sources.page_parts import OF_ANOTHER, Labelled, is_crumbs
from registry_sync.sources.vocabulary import Identity, common

_OF_IDS = frozenset((REGISTRATION, OTHER_IDS))
_OF_TITLES = frozenset(("brief_title", "official_title"))
_OF_FACTS = FIELD_LABELS - {NONE, SECTION}
_ID = "\x00"
_WORD = re.compile(r"clinicaltrials\.gov|ct\.gov|[^\W\d_]+(?:['’-][^\W\d_]+)*", re.IGNORECASE)
_TAKEN_AWAY = re.compile(r"[×✕✖✗⨯❌⊗]|\bx\s*$")
"""By which a filter, once chosen, is taken away."""
_ADDRESS = re.compile(r"(?:https?://)?(?:www\.|beta\.|classic\.)?clinicaltrials\.gov/\S{0,200}?(?=\x00)", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"[(\[][^()\[\]]*\x00[^()\[\]]*[)\]]")
_SIGN = r"\s*(?:[:|–—·•,]|\s-\s)\s*"
_BEFORE_A_TITLE = re.compile(rf"^[^\x00]*\x00(?:{_SIGN}|\s+(?=[A-Z0-9]))(?P<rest>\S.*)$")
_BEHIND_A_TITLE = re.compile(rf"^(?P<rest>.*\S){_SIGN}[^\x00:|–—·•]*\x00\W*$")
_SPEAKS_OF_IT = re.compile(
    r"\b(?:to|for|about|on|of|with|from|than|find|load|have|no|by|matche?s?)\s+(?:(?:the|a|this)\s+)?(?:(?:clinical\s+)?(?:trial|study)\s+)?\x00"
    r"|\x00\s+(?:is|was|has|have|does|do|did|could|cannot|can|can't|couldn't|isn't|wasn't|will|may|not|no)\b",
    re.IGNORECASE,
)
_PARTS_OF_WINDOW = re.compile(r"\s+[|–—·-]\s+|\s*\|\s*")
_SENTENCE_ENDS = re.compile(r"(?<=[.;!?])\s+(?=[A-Z])")
_SAYS_SO = re.compile(r"\bthis\b|\bregistered\b|clinicaltrials\.gov", re.IGNORECASE)
_NAMES_IDS = re.compile(r"\b(?:ids?|identifiers?|numbers?|registration|identification)\b", re.IGNORECASE)
_SIGNS_OF_A_WAY = "×✕«»‹›←→/>"
_FEWEST_LETTERS_OF_A_TITLE, _MOST_LETTERS_OF_A_TITLE = 20, 600
_FEWEST_WORDS_OF_A_TITLE = 4
_MOST_WORDS_OF_A_LINE = 12
_MOST_WORDS_OF_A_HEADING = 8
_FEWEST_WORDS_WORD_FOR_WORD = 3
_MOST_LETTERS_OF_A_NUMBER = 60
_MOST_VALUES = 6
_MOST_BLOCKS_BACK = 400
_MOST_PLACES = 200
_MOST_FACTS = 60
_MOST_BADGES = 5


class Page:
    """A page's blocks, and what stands where in them.

    ``own`` are those of ``blocks`` that may tell of the trial; ``titles`` are the trial's.
    """

    def __init__(
        self, blocks: Sequence[Block], own: Sequence[Block], rows: Sequence[Labelled], titles: Sequence[str], words: Words
    ) -> None:
        self._blocks = blocks
        self._titles = titles
        self._words = words
        inside = {id(block) for block in own}
        self._own = [place for place, block in enumerate(blocks) if id(block) in inside]
        self._places = {id(block): place for place, block in enumerate(blocks)}
        self._filed = dict(self._filed_in(rows))
        self._named = {id(row.values[0].block) for row in rows if row.meaning in _OF_TITLES and row.values}
        self._heads = frozenset(self._heading_places())
        self._content = self._first_content()

    def presents(self, wanted: re.Pattern[str], known: Collection[str]) -> bool:
        """Does an id that ``wanted`` finds stand as the page's own? ``known`` are the keys of all ids that the trial is known to have."""
        found = (place for place in self._own if wanted.search(self._blocks[place].text))
        return any(self._presents_at(place, wanted, known) for place in itertools.islice(found, _MOST_PLACES))

    def speaks_of(self, wanted: re.Pattern[str]) -> bool:
        """Is the heading of the page a sentence about such an id ("... was not found", "Subscribe to ..."), and so no title?"""
        return any(
            _SPEAKS_OF_IT.search(text) is not None and not self._is_title_with_id(text)
            for place in self._heads
            if _ID in (text := _marked(self._blocks[place].text, wanted))
        )

    def is_titled(self) -> bool:
        """Does one of the trial's titles stand where the page's own stands?"""
        lengths = [len(title) for title in self._titles]
        if not lengths:
            return False
        least, most = max(_FEWEST_LETTERS_OF_A_TITLE, min(lengths) // 2), min(_MOST_LETTERS_OF_A_TITLE, max(lengths) * 2)
        return any(
            least <= len(text := self._blocks[place].text) <= most and is_one_of(text, self._titles) and self._is_place_of_title(place)
            for place in self._own
        )

    def is_titled_word_for_word(self) -> bool:
        """Is one of the trial's titles, just as it is, the heading of the page, or at the head of one without, however little it says?"""
        titles = {fold(title).casefold().rstrip(".") for title in self._titles if len(title.split()) >= _FEWEST_WORDS_WORD_FOR_WORD}
        places = self._heads or {place for place in self._own if place <= self._content}
        return any(fold(self._blocks[place].text).casefold().rstrip(".") in titles for place in places)

    def is_at_the_end_of_a_trail(self, wanted: re.Pattern[str]) -> bool:
        """Do bread crumbs, or a line of its own at the head of the page, end in such an id?"""
        for place in self._own:
            text = self._blocks[place].text
            if wanted.search(text) is None or is_on_the_way(text) or OF_ANOTHER.search(text):
                continue
            if is_crumbs(text) or (self._is_bare(place, wanted) and (place <= self._content or is_step(self._blocks[place - 1].text))):
                return True
        return False

    def window_presents(self, window: str, wanted: re.Pattern[str]) -> bool:
        """Does the title of the window present such an id, and nothing in the page speak against it, such as a filter or its heading?"""
        text = _marked(window, wanted)
        if _ID not in text or is_on_the_way(window):
            return False
        if any(self._speaks_against(place, wanted) for place in self._own if wanted.search(self._blocks[place].text)):
            return False
        return any(_ID in part and self._is_title_with_id(part, of_window=True) for part in (text, *_PARTS_OF_WINDOW.split(text)))

    def _speaks_against(self, place: int, wanted: re.Pattern[str]) -> bool:
        text = self._blocks[place].text
        if place in self._heads:
            return not self._is_title_with_id(_marked(text, wanted))
        return _TAKEN_AWAY.search(text) is not None or is_a_filter(self._blocks, place)

    def _presents_at(self, place: int, wanted: re.Pattern[str], known: Collection[str]) -> bool:
        block = self._blocks[place]
        if is_on_the_way(block.text) or _TAKEN_AWAY.search(block.text) or is_a_filter(self._blocks, place):
            return False
        text = _marked(block.text, wanted)
        if place in self._heads:
            return self._is_title_with_id(text)
        label, is_list = self._filed.get(place, (None, False))
        if registers.nct_ids(wanted.sub(" ", block.text)) and _is_short(text) and not is_list:
            return False  # of two ids in one line either may be the page's
        if label is not None:
            return (
                not OF_ANOTHER.search(block.text) and self._is_label_in_place(label) and (label < place or self._begins_well(block, wanted))
            )
        if self._is_bare(place, wanted):
            return self._is_among_own(place, known)
        if _is_name(text):
            return self._is_label_in_place(place)
        return self._says_so(place, text)

    def _filed_in(self, rows: Sequence[Labelled]) -> Iterator[tuple[int, tuple[int, bool]]]:
        """Where the values of labels for ids stand, where their labels do, and whether several may: each that looks like an id."""
        for row in rows:
            if row.meaning not in _OF_IDS:
                continue
            for number, value in enumerate(row.values[: 1 if row.meaning == REGISTRATION else _MOST_VALUES]):
                place = self._places.get(id(value.block))
                if place is None or (number and not _may_be_number(value.text)):
                    break
                yield place, (place - number - (0 if value.joined and not number else 1), row.meaning == OTHER_IDS)

    def _is_bare(self, place: int, wanted: re.Pattern[str]) -> bool:
        """Is this the id alone, or among other short facts?"""
        block = self._blocks[place]
        text = _marked(block.text, wanted)
        label, colon, _ = text.partition(":")
        if colon and _ID not in label and self._words.label_meaning(label) is not None:
            return False
        return not _WORD.search(text) or (_is_short(text) and are_facts(block, block.text, self._words))

    def _is_title_with_id(self, text: str, *, of_window: bool = False) -> bool:
        """Is this heading a title with the id in it, or the id by its name, and no sentence about it?"""
        if len(text) > _MOST_LETTERS_OF_A_TITLE:
            return False
        if _is_name(text):
            return True
        if _SPEAKS_OF_IT.search(text):
            return False
        if OF_ANOTHER.search(text) and not titles_are_akin(text, self._titles):
            return False
        if _IN_BRACKETS.search(text):
            return len(text.split()) >= _FEWEST_WORDS_OF_A_TITLE or of_window
        before, behind = _BEFORE_A_TITLE.match(text), _BEHIND_A_TITLE.match(text)
        if before is not None and (_WORD.search(text[: text.index(_ID)]) is None or _is_name(text[: text.index(_ID)])):
            return before["rest"].count(" ") > 0 or of_window
        return behind is not None and (len(behind["rest"].split()) >= _FEWEST_WORDS_OF_A_TITLE or titles_are_akin(text, self._titles))

    def _says_so(self, place: int, text: str) -> bool:
        """Does a sentence say that the page's own trial has this id ("This study is registered as ...")?"""
        if OF_ANOTHER.search(text):
            return False
        for number, sentence in enumerate(_SENTENCE_ENDS.split(text)):
            if _ID not in sentence:
                continue
            before = sentence[: sentence.index(_ID)]
            if not _says_only(before, _allowed().all) or not _SAYS_SO.search(before):
                continue
            if re.search(r"\bthis\b", before, re.IGNORECASE) or (number == 0 and self._is_label_in_place(place)):
                return True
        return False

    def _is_label_in_place(self, place: int) -> bool:
        """Does this label for an id stand anywhere but right below a heading of something else, however that is marked?"""
        if place <= 0:
            return True
        at, block = place - 1, self._blocks[place]
        while at > 0 and place - at < _MOST_BADGES and are_badges(self._blocks[at], self._words):
            at -= 1
        if self._blocks[at].level:
            return self._is_own_heading(at)
        above = self._blocks[place - 1]
        is_term = above.kind == "term" and block.kind != "term"
        is_cell = bool(block.row) and above.row == block.row and above.cell == 0 < block.cell and above.cells == 2
        if is_term or is_cell or above.text.endswith(":"):
            return self._is_own_heading(place - 1)
        return True

    def _begins_well(self, block: Block, wanted: re.Pattern[str]) -> bool:
        """Is the first of a line's runs a label or a fact of the page's own trial?"""
        first = block.parts[0] if len(block.parts) > 1 else ""
        if not first or wanted.search(first) or is_one_of(first, self._titles) or is_fact(first, self._words):
            return True
        return self._words.label_meaning(first.partition(":")[0]) is not None

    def _is_among_own(self, place: int, known: Collection[str]) -> bool:
        """Does a line with an id alone stand at the title, among the facts of the head, or below a heading of the page's own?"""
        block, at = self._blocks[place], place - 1
        while at >= 0 and self._is_fact(at):
            at -= 1
            if place - at > _MOST_FACTS:
                return False
        if at < 0 or at in self._heads:
            return True
        if self._heads and place + 1 in self._heads:
            return not is_step(self._blocks[at].text)
        above = self._blocks[at]
        if above.level:
            return self._is_own_heading(at)
        if is_step(above.text) or (at == place - 1 and self._words.label_meaning(above.text) is not None):
            return False
        if self._is_foreign(place, known):
            return False
        is_end_of_list = above.kind == "item" and block.kind != "item"
        is_value = at > 0 and (meaning := self._words.label_meaning(self._blocks[at - 1].text)) in _OF_FACTS and meaning is not None
        if is_end_of_list or is_value or not _is_line(above.text):
            heading = self._heading_above(at)
            in_criteria = heading is not None and block.kind == "item" and is_criteria_heading(self._blocks[heading].text)
            return heading is None or (self._is_own_heading(heading) and not in_criteria)
        if at > self._content:
            return False
        if is_one_of(above.text, self._titles) or (not self._heads and (at == 0 or is_telling(above.text))):
            return True
        return (at - 1 in self._heads or at == 1) and _names_a_maker(above.text)

    def _is_fact(self, place: int) -> bool:
        """Is this a short fact of a trial, with its label or without, or a label with such a fact below it?"""
        block = self._blocks[place]
        if block.level or is_step(block.text):
            return False
        label, colon, value = block.text.partition(":")
        if colon and value.strip() and self._words.label_meaning(label) in _OF_FACTS | _OF_IDS:
            return True
        if are_facts(block, block.text, self._words):
            return True
        meaning = self._words.label_meaning(block.text)
        below = self._blocks[place + 1]
        return meaning in _OF_FACTS and not registers.ANY_TRIAL_ID.search(below.text) and are_facts(below, below.text, self._words)

    def _is_foreign(self, place: int, known: Collection[str]) -> bool:
        """Does the page present a register's number that is not the trial's, somewhere else than beside this id?"""
        return any(abs(at - place) > 1 and number not in known for at, number in self._numbers)

    @functools.cached_property
    def _numbers(self) -> tuple[tuple[int, str], ...]:
        """The registers' numbers that the page presents: in its head, or beside a label."""
        places = (at for at in self._own if at in self._filed or at in self._heads or at <= self._content)
        return tuple((at, registers.id_key(number)) for at in places for number in registers.numbers(self._blocks[at].text))

    def _is_own_heading(self, place: int) -> bool:
        """Is this the page's title, or a heading of a part that tells of its own trial?"""
        text = self._blocks[place].text
        if place in self._heads or is_criteria_heading(text) or label_key(text) in _allowed().headings:
            return True
        meaning = self._words.label_meaning(text)
        return meaning in _OF_IDS or meaning in _OF_FACTS or (_is_name(text) and _NAMES_IDS.search(text) is not None)

    def _is_place_of_title(self, place: int) -> bool:
        block = self._blocks[place]
        above = self._heading_above(place, block.level)
        if place in self._heads or (id(block) in self._named and (not block.row or above is None or self._is_own_heading(above))):
            return True
        if place <= self._content:
            return self._is_title_in_head(place, above)
        if block.linked or (block.level and self._is_titled_otherwise()):
            return False
        before = self._blocks[place - 1]
        if not block.level and not before.level and _is_line(before.text) and not self._is_fact(place - 1):
            return False
        return above is None or self._is_own_heading(above)

    def _is_title_in_head(self, place: int, heading: int | None) -> bool:
        at = place - 1
        while at > 0 and place - at < _MOST_BADGES and self._is_fact(at):
            at -= 1
        if at < 0 or heading is None or self._is_own_heading(at) or frames_a_search(self._blocks[at].text) is not None:
            return True
        return at != heading and not (_is_line(self._blocks[at].text) and self._is_titled_otherwise())

    def _is_titled_otherwise(self) -> bool:
        """Has the page a heading that tells what it is about, in words that are not this trial's?"""
        texts = [self._blocks[place].text for place in self._heads]
        return any(is_telling(text) and not titles_are_akin(text, self._titles) for text in texts)

    def _heading_above(self, place: int, below_level: int = 0) -> int | None:
        """The nearest heading above, of a higher rank than ``below_level`` where that is one."""
        for at in range(place if not below_level else place - 1, max(-1, place - _MOST_BLOCKS_BACK), -1):
            level = self._blocks[at].level
            if level and (not below_level or level < below_level):
                return at
        return None

    def _first_content(self) -> int:
        """Where the head of the page ends: at the first label that is no fact of a line, at criteria, or at running text."""
        for place, block in enumerate(self._blocks):
            is_heading = place in self._heads or is_one_of(block.text, self._titles)
            if is_heading:
                continue
            if is_criteria_heading(block.text) or self._words.label_meaning(block.text) is not None:
                return place
            if not block.level and len(block.text.split()) > 2 * _MOST_WORDS_OF_A_LINE:
                return place
        return len(self._blocks)

    def _heading_places(self) -> Iterator[int]:
        """Where the page's title may stand: its first heading of the first rank that says something, and what is headed right below it."""
        headings = [(at, block) for at, block in enumerate(self._blocks) if block.level]
        first = next((at for at, block in headings if block.level == 1 and not self._is_general(at)), None)
        if first is None and headings and headings[0][1].level == 1:
            first = headings[0][0]
        said: int | None = None
        for place, block in headings:
            if place == first:
                yield place
                said = place
            elif block.level == 1 and first is not None and place < first:
                yield place
            elif said is not None and place == said + 1 and self._is_title_below(said, place):
                yield place
                said = place
            elif first is None and said is None and not self._is_label(block.text):
                yield place
                said = place if not self._is_general(place) else None

    def _is_title_below(self, above: int, place: int) -> bool:
        """Is the second of two headings that stand at the top the title, and the first the site's name or the like?"""
        few, many = (len(self._blocks[at].text.split()) for at in (above, place))
        return is_one_of(self._blocks[place].text, self._titles) or few < _FEWEST_WORDS_OF_A_TITLE <= many

    def _is_label(self, text: str) -> bool:
        return self._words.label_meaning(text) is not None or is_criteria_heading(text)

    def _is_general(self, place: int) -> bool:
        """Does a heading say nothing but that this is a page about a trial?"""
        text = self._blocks[place].text
        bare = registers.ANY_TRIAL_ID.sub(" ", text)
        if self._is_label(text):
            return True
        return is_step(text) or frames_a_search(text) is not None or (bare != text and _is_name(bare)) or is_on_the_way(text)


def _may_be_number(text: str) -> bool:
    """Does this look like one more number of a list, and not like words about one ("Comparison with NCT01234567")?"""
    words = registers.ANY_TRIAL_ID.sub(" ", text).split()
    return len(text) <= _MOST_LETTERS_OF_A_NUMBER and any(map(str.isdigit, text)) and sum(word.isalpha() for word in words) < 2


def _is_short(text: str) -> bool:
    """Has this line few words?"""
    return text.count(" ") < 2 * _MOST_WORDS_OF_A_LINE


def _is_line(text: str) -> bool:
    """May this be a heading, though it is not marked as one: few words and no end of a sentence?"""
    return text.count(" ") < _MOST_WORDS_OF_A_HEADING and not text.endswith((".", ";", "…"))


def _marked(text: str, wanted: re.Pattern[str]) -> str:
    """The text with a sign in place of each id."""
    return _ADDRESS.sub(" clinicaltrials.gov ", wanted.sub(_ID, text))


def _says_only(text: str, allowed: frozenset[str]) -> bool:
    return not any(sign in text for sign in _SIGNS_OF_A_WAY) and allowed.issuperset(word.casefold() for word in _WORD.findall(text))


def _is_name(text: str) -> bool:
    """Do the words beside an id only say that it is a trial's, or which part of a page on that trial this is?"""
    allowed, found = _allowed(), {word.casefold() for word in _WORD.findall(text)}
    return _says_only(text, allowed.names | allowed.trial | allowed.besides) and (found <= allowed.trial or bool(found & allowed.names))


def _names_a_maker(text: str) -> bool:
    return any(word.strip(",.()") in _allowed().makers for word in text.casefold().split())


class _Allowed:
    """The words of vocabulary.Identity, as sets."""

    def __init__(self, said: Identity) -> None:
        self.names, self.trial, self.besides = frozenset(said.names), frozenset(said.trial), frozenset(said.besides)
        self.headings, self.makers = frozenset(said.headings), frozenset(said.makers)
        self.all = self.names | self.trial | self.besides | frozenset(said.sentence)


@functools.cache
def _allowed() -> _Allowed:
    return _Allowed(common().identity)
