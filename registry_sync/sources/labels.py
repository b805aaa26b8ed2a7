"""What the words of a trial-finder page mean: labels, statuses, and where this trial's part ends.

The words themselves are data (``finders/words.toml``, and the profile of a known site). A label is looked up by ``label_key``, a
status by ``status_key``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Final, Literal

from registry_sync.sources import vocabulary
from registry_sync.sources.folding import fold

SECTION: Final = "section"
NONE: Final = "none"
CRITERIA: Final = "criteria"
LAUNCHED_BY: Final = "launched_by"
AGES: Final = "ages"
REFRESHED: Final = "refreshed"
REGISTRATION: Final = "registration"
OTHER_IDS: Final = "other_ids"

Frame = Literal["count", "filter", "paging"]

ELIGIBILITY_FACTS: Final = frozenset(("sex", AGES, "minimum_age", "maximum_age", "healthy_volunteers"))
"""Meanings of labels that sites put among the eligibility criteria, and whose lines are no criteria."""

PAGE_LABELS: Final = frozenset(
    (CRITERIA, LAUNCHED_BY, "locations", "overall_status", "lead_sponsor", "start_date", "primary_completion_date", "completion_date",
     "first_submit_date")
)  # fmt: skip
"""Meanings of labels that are no criterion: a list that has such an item is the page itself, written as a list."""

FIELD_LABELS: Final = frozenset(vocabulary.MEANINGS) - {SECTION, CRITERIA, "locations"}
"""Meanings of labels that stand beside one value: two of them in a row leave open whose value follows."""

_OTHER_TRIALS = re.compile(
    r"^(?!.*\b(?:ids?|identifiers?|numbers?)\b)(?:(?:view|see|explore|browse|find|discover|search|show)\s+)?(?:all\s+)?"
    r"(?:similar|related|other|more|recommended|nearby|associated|additional|recently (?:viewed|added)|you may also|people also)"
    r"\b.{0,60}\b(?:trials?|studies|study)\b",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"^about\s+\S", re.IGNORECASE)
_CRITERIA_HEADING = re.compile(
    r"^(?:\W*)(?:(?:key|main|major|general|study|trial|child|adult|parent|patient|participant|subject)\s+){0,2}(?:in|ex)clusion\b"
    r"|^(?:\W*)participants? must(?: not)?\W*$|\b(?:in|ex)clusion criteria\b"
    r"|^(?:you|people|participants|patients)\b.{0,60}\b(?:join|participate|take part|be (?:eligible|included|excluded))\s+if\W*$",
    re.IGNORECASE,
)
_LAY_HEADING = re.compile(
    r"(?:(?:you|people|patients|participants) (?:may|might|can|could|will|are)(?P<not>not|n't| not|'t)?(?: be)?(?: able to| eligible to)?"
    r" (?:qualify|join|participate|take part|enter|eligible)(?: (?:in|for))?(?: (?:this|the) (?:study|trial|research))? if(?: you)?"
    r"|who (?:can|may|should)(?P<who>not|n't| not|'t)? (?:participate|join|take part|enter)(?: in (?:this|the) (?:study|trial))?)"
)
_MAY_BE_HEADING = re.compile(r"clusion|articipants? must|\bif\W*$", re.IGNORECASE)
BEGINNING: Final = 3
_BULLETS = " •‣◦●▪·*–—-()[]"
_MOST_LETTERS_IN_STATUS = 120
_MOST_WORDS_IN_HEADING = 12
_MOST_LETTERS_IN_HEADING = 240
_MOST_LETTERS_IN_LABEL = 60
_MOST_LETTERS_OF_A_WALL = 140
_MOST_WORDS_OF_A_WALL = 18
_MOST_MEANINGS_KEPT = 20_000
_MOST_WORDS_AFTER = 4
_DECORATION = re.compile(r"^[\s•‣◦●▪·*–—-]+|[\s:*?]+$")
_QUOTES = str.maketrans({"\u2019": "'", "\u200b": "", "\ufeff": "", "\u00ad": ""})
_STATUS_BEFORE = re.compile(
    r"^(?:(?:this|the) (?:study|trial|clinical trial) )?(?:(?:is|has been|was|has|status) )?(?:currently |now )?(?=\w)"
)
_STATUS_BEHIND = re.compile(
    r"(?: (?:new )?(?:patients|participants|volunteers|subjects))?"
    r"(?: (?:in|at) \w+ (?:countries|country|sites?|locations?|cent(?:re|er)s?))?"
    r"(?: (?:last (?:verified|updated)|as of|since|verified)\b.*)?$"
)
_NO_LETTERS = re.compile(r"[\W_]+")
_IN_BRACKETS = re.compile(r"\s*\([^()]*\)\s*$")
_NUMBER = re.compile(r"\d[\d,.]*")
_FILTERED = re.compile(r"[(\[]\s*\d[\d.,\s]*[)\]]\s*$")
"""How many trials a filter would leave: "Recruiting (1,234)"."""
_BETWEEN_ENTRIES = re.compile(r"\s*[|·•›»/]\s*")
_COUNTED = re.compile(r"(?P<label>.*?\w)\s*[(\[]\s*\d{1,5}(?:\s\w+){0,2}\s*[)\]]|\d{1,5}\s+(?P<behind>\w.*s)")
_SITE = frozenset(("facility", "city", "place"))
_PARTS_OF_SITE = _SITE | {"state", "country", "status"}


class Words:
    """The words of one site: the common ones, and those in which its profile differs.

    ``dates``: what a date beside one of the site's labels or phrases means, by ``label_key``. ``beginnings``: the first letters of all
    labels.
    """

    def __init__(
        self,
        labels: Mapping[str, str] | None = None,
        statuses: Mapping[str, tuple[str, ...]] | None = None,
        dates: Mapping[str, str] | None = None,
    ) -> None:
        common = vocabulary.common()
        self.labels = _by_wording(common.labels) | {label_key(label): meaning for label, meaning in (labels or {}).items()}
        self.dates = {label_key(label): meaning for label, meaning in (dates or {}).items()}
        self.labels |= {label: LAUNCHED_BY if self.labels.get(label) == LAUNCHED_BY else meaning for label, meaning in self.dates.items()}
        self._columns = _by_wording(common.columns)
        self.beginnings = frozenset(label[:BEGINNING] for label in self.labels)
        self._most_letters = max(_MOST_LETTERS_IN_LABEL, *(len(label) for label in self.labels))
        own = {status_key(words): tokens for words, tokens in (statuses or {}).items()}
        several = {status_key(words): one.tokens for one in common.several for words in one.words if not one.beside_a_label}
        self._bare: dict[str, tuple[str, ...]] = {words: (token,) for words, token in _by_wording(common.statuses).items()} | several
        self._beside: dict[str, tuple[str, ...]] = {words: (token,) for words, token in _by_wording(common.statuses_beside_a_label).items()}
        self._beside |= {status_key(words): one.tokens for one in common.several for words in one.words if one.beside_a_label}
        self._bare |= own
        self._statuses_begin = frozenset(words[:BEGINNING] for words in self._bare)
        self._beside = self._bare | self._beside | own
        self._nothing = frozenset(common.nothing) | {""}
        self._buttons = frozenset(common.buttons)
        self._helps, self._folds = frozenset(common.helps), frozenset(common.folds)
        self._cut_off = frozenset(common.cut_off)
        self._cuts_begin = frozenset(words[:BEGINNING] for words in self._cut_off)
        self._most_letters_of_nothing = max(map(len, self._nothing)) + 2
        self._paraphrase = tuple(common.paraphrase)
        self._selection = tuple(common.selection)
        searched = _either(common.search_results).replace(r"\#", r"\d[\d,.]*")
        self._search_results = re.compile(rf"\W*(?:{searched})(?![^\W\d])")
        self._meanings: dict[str, str | None] = {}

    def label_meaning(self, text: str) -> str | None:
        """What ``text`` as a whole means as a label; ``None`` when it is none."""
        if len(text) > self._most_letters:
            return None
        try:
            return self._meanings[text]
        except KeyError:
            if len(self._meanings) > _MOST_MEANINGS_KEPT:
                self._meanings.clear()
            meaning = self.labels.get(label_key(text))
            if meaning is None and (text[-1:] in (")", "]") or text[:1].isdigit()) and (counted := _COUNTED.fullmatch(text)) is not None:
                meaning = "locations" if self.labels.get(label_key(counted["label"] or counted["behind"])) == "locations" else None
            self._meanings[text] = meaning
            return meaning

    def column(self, text: str) -> str | None:
        """Which part of a site stands below this head of a column, or beside this label (see vocabulary.py)."""
        return self._columns.get(label_key(text)) if len(text) <= _MOST_LETTERS_IN_LABEL else None

    def heads_sites(self, texts: Sequence[str]) -> bool:
        """Are these the heads of the columns of a table of sites? One of anything else that a page states makes it another table."""
        columns = [self.column(text) for text in texts]
        parts = [column for column in columns if column in _PARTS_OF_SITE]
        others = [text for text, column in zip(texts, columns, strict=True) if column is None]
        if len(parts) < 2 or len(parts) > len(set(parts)) or _SITE.isdisjoint(parts):
            return False
        return all(self.label_meaning(text) in (None, NONE) for text in others)

    def status(self, text: str) -> tuple[str, ...]:
        """The registry's tokens that a status beside its label covers, in any spelling; empty for what is none."""
        if _FILTERED.search(text) is not None:
            return ()
        key = status_key(text)
        found = self._beside.get(key)
        return found if found is not None else self._beside.get(_bare_status_key(key), ())

    def bare_status(self, text: str) -> tuple[str, ...]:
        """The same of a status without a label; only wordings that mean nothing else."""
        if len(text) > _MOST_LETTERS_IN_STATUS or text.lstrip(_BULLETS)[:BEGINNING].lower() not in self._statuses_begin:
            return ()
        return self._bare.get(status_key(text), ()) if _FILTERED.search(text) is None else ()

    def is_stated(self, text: str) -> bool:
        """Does this value say anything?"""
        if len(text) > self._most_letters_of_nothing:
            return True
        folded = fold(text).casefold()
        return folded not in self._nothing and folded.strip(" .") not in self._nothing

    def is_cut_off(self, text: str) -> bool:
        """Does the page say that more of a list stands elsewhere ("See 8 more")?"""
        if len(text) > _MOST_LETTERS_OF_A_WALL:
            return False
        if _walls().keep_back(text):
            return True
        if len(text) > _MOST_LETTERS_IN_LABEL or (text[:1].isalpha() and text[:BEGINNING].lower() not in self._cuts_begin):
            return False
        words = _NUMBER.sub("#", fold(text).casefold()).rstrip(" .…»→>›+") or text.strip()
        words = words.lstrip(" .…(") if words[-1:].isalnum() else words
        if words in self._cut_off:
            return True
        parts = words.split(" ")
        return any(" ".join(parts[:taken]) in self._cut_off for taken in (2, 3, 4) if taken < len(parts) <= taken + _MOST_WORDS_AFTER)

    def is_button(self, text: str) -> bool:
        """Is this a button of the site, and no content?"""
        return len(text) <= _MOST_LETTERS_IN_LABEL and label_key(text) in self._buttons

    def is_help(self, text: str) -> bool:
        """Is this what explains a label ("?", "What does this mean?"), and no value of it?"""
        return len(text) <= _MOST_LETTERS_IN_LABEL and (label_key(text) or text) in self._helps

    def opens_a_fold(self, text: str) -> bool:
        """Is this a control that unfolds the parts below it ("Expand all")?"""
        return len(text) <= _MOST_LETTERS_IN_LABEL and label_key(text) in self._folds

    def answers_a_search(self, text: str) -> bool:
        """Is this what stands above the results of a search ("1 trial found")?"""
        return len(text) <= _MOST_LETTERS_OF_A_WALL and self._search_results.match(text.casefold()) is not None

    def is_paraphrase(self, text: str) -> bool:
        """Does this text, in lower case, say that what follows is in the site's, or a machine's, own words?"""
        return any(phrase in text for phrase in self._paraphrase)

    def is_selection(self, text: str) -> bool:
        """Does this text, in lower case, say that what follows is only a part of all?"""
        return any(phrase in text for phrase in self._selection)


class _Walls:
    """Finds the lines behind which a site keeps the rest of a list."""

    def __init__(self) -> None:
        said = vocabulary.common().walls
        self._act = re.compile(rf"(?:{_either(said.acts)})(?!\w)")
        self._act_within, self._gate, self._whole, self._list = (
            re.compile(rf"(?<!\w)(?:{_either(one)})(?!\w)") for one in (said.acts, said.gates, said.wholes, said.lists)
        )

    def keep_back(self, text: str) -> bool:
        """Is this such a line ("Sign in to view full eligibility criteria")?"""
        words = fold(text).casefold().lstrip(_BULLETS + "→›»+🔒")
        if self._whole.search(words) is None or words.count(" ") >= _MOST_WORDS_OF_A_WALL:
            return False
        gate = self._gate.search(words)
        if self._list.search(words) is not None:
            return gate is not None or self._act.match(words) is not None
        return gate is not None and gate.start() == 0 and self._act_within.search(words, gate.end()) is not None


def _either(words: list[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


@cache
def _walls() -> _Walls:
    return _Walls()


@cache
def common_words() -> Words:
    """The words of a site that is not known."""
    return Words()


def _by_wording(wordings: Mapping[Any, list[str]]) -> dict[str, str]:
    return {wording: meaning for meaning, same in wordings.items() for wording in same}


@lru_cache(maxsize=2048)
def label_key(text: str) -> str:
    """How a label is looked up: lower case, without a bullet before and a colon or question mark behind."""
    return fold(_DECORATION.sub("", text.translate(_QUOTES))).casefold()


def status_key(text: str) -> str:
    """How a status is looked up: its letters in lower case; a remark in brackets at the end is left out."""
    bare = _IN_BRACKETS.sub("", text) or text
    return " ".join(_NO_LETTERS.sub(" ", bare.casefold()).split())


def _bare_status_key(key: str) -> str:
    """The same without the words of a sentence around it: "this study has been completed", "recruiting in 3 countries"."""
    return _STATUS_BEHIND.sub("", _STATUS_BEFORE.sub("", key))


@lru_cache(maxsize=4096)
def opens_other_trials(text: str) -> bool:
    """Does this short text introduce trials other than the page's own?"""
    if len(text) > _MOST_LETTERS_IN_HEADING:
        return False
    if _begins_with_one_of(label_key(text), vocabulary.common().other_trials):
        return len(text.split()) <= _MOST_WORDS_IN_HEADING and not text.endswith(".")
    if _OTHER_TRIALS.match(text) is None:
        return False
    return len(text.split()) <= _MOST_WORDS_IN_HEADING and not text.endswith(".")


def _begins_with_one_of(key: str, phrases: list[str]) -> bool:
    return any(key.startswith(phrase) and not key[len(phrase) : len(phrase) + 1].isalnum() for phrase in phrases)


def is_related(text: str) -> bool:
    """Does this line open a part about other things than the page's own trial ("Related", "Recently viewed", "Sponsored")?"""
    return len(text) <= _MOST_LETTERS_IN_LABEL and label_key(text) in _related()


def is_beside(text: str) -> bool:
    """May what stands below this line be another trial, though the page's own content goes on behind it ("Share", "Next")?"""
    return len(text) <= _MOST_LETTERS_IN_LABEL and (label_key(text) in _beside() or is_related(text))


def is_advertisement(text: str) -> bool:
    """Does this line open an advertisement?"""
    return len(text) <= _MOST_LETTERS_IN_LABEL and label_key(text) in _advertisements()


@cache
def _related() -> frozenset[str]:
    return frozenset(vocabulary.common().related) | _advertisements()


@cache
def _beside() -> frozenset[str]:
    return frozenset(vocabulary.common().beside)


@cache
def _advertisements() -> frozenset[str]:
    return frozenset(vocabulary.common().advertisements)


def is_on_the_way(text: str) -> bool:
    """Does this line lead to a trial, or to what the reader has looked at before ("Back to ...", "Recently viewed: ...")?"""
    return _ways().match(text.casefold()) is not None


@cache
def _ways() -> re.Pattern[str]:
    return re.compile(rf"\s*[«»‹›←→]|[\W_]*(?:{_either(vocabulary.common().ways)})(?!\w)")


def is_step(text: str) -> bool:
    """Is this a step of a trail of bread crumbs, or a sign between two?"""
    return len(text) <= _MOST_LETTERS_IN_LABEL and (fold(text).casefold() in _steps() or label_key(text).lstrip("‹«← ") in _steps())


@cache
def _steps() -> frozenset[str]:
    return frozenset(vocabulary.common().steps)


def heads_a_search(text: str) -> bool:
    """Is this what a page is headed by that shows what a search has found ("Search results")?"""
    return len(text) <= _MOST_LETTERS_IN_LABEL and label_key(text) in _searches()


@cache
def _searches() -> frozenset[str]:
    return frozenset(vocabulary.common().searches)


def frames_a_search(text: str) -> Frame | None:
    """What this line is of the frame around what a search has found ("3 results", "Sort by: Relevance", "Page 1 of 2")."""
    if len(text) > _MOST_LETTERS_IN_LABEL or (text[:1].isalpha() and text[:BEGINNING].lower() not in _frames_begin()):
        return None
    if text.startswith("0 "):
        return None  # what the site's own search would show, were it used
    words = _NUMBER.sub("#", label_key(text).replace("\u2013", "-"))
    return next((frame for frame, form in _frames() if form.fullmatch(words)), None)


@cache
def _frames_begin() -> frozenset[str]:
    said = vocabulary.common().search_frame
    return frozenset(words[:BEGINNING] for words in (*said.counts, *said.filters, *said.paging))


@cache
def _frames() -> tuple[tuple[Frame, re.Pattern[str]], ...]:
    said = vocabulary.common().search_frame
    return (
        ("count", re.compile(_either(said.counts))),
        ("filter", re.compile(rf"(?:{_either(said.filters)})(?:\W.{{0,40}})?")),
        ("paging", re.compile(rf"(?:{_either(said.paging)})(?:\W.{{0,40}})?")),
    )


@lru_cache(maxsize=4096)
def leads_elsewhere(text: str) -> bool:
    """Does this line lead from the trial to something else ("See also: ...", "Related links")?"""
    if len(text) > _MOST_LETTERS_IN_HEADING or text.lstrip(_BULLETS)[:BEGINNING].lower() not in _beginnings_elsewhere():
        return False
    return label_key(text.partition(":")[0]) in _elsewhere()


@cache
def _elsewhere() -> frozenset[str]:
    return frozenset(vocabulary.common().elsewhere)


@cache
def _beginnings_elsewhere() -> frozenset[str]:
    return frozenset(words[:BEGINNING] for words in _elsewhere())


@lru_cache(maxsize=4096)
def entries_of_menu(text: str) -> int:
    """How many entries of a site's menu this line has ("Home | About us"); 0 where it has anything else."""
    if len(text) > _MOST_LETTERS_IN_HEADING or text.lstrip(_BULLETS)[:BEGINNING].lower() not in _beginnings_of_menu():
        return 0
    entries = [label_key(entry) for entry in _BETWEEN_ENTRIES.split(text)]
    return len(entries) if _menu().issuperset(entries) else 0


@cache
def _menu() -> frozenset[str]:
    return frozenset(vocabulary.common().menu)


@cache
def _beginnings_of_menu() -> frozenset[str]:
    return frozenset(words[:BEGINNING] for words in _menu())


def opens_about(text: str) -> bool:
    """Is this a heading such as "About the sponsor"?"""
    if _ABOUT.match(text) is None:
        return False
    return len(text.split()) <= _MOST_WORDS_IN_HEADING and not text.endswith((".", ":"))


def lay_group(text: str) -> str | None:
    """The group of which this is a heading in words for patients ("You may not qualify if", "Who cannot take part")."""
    if len(text) > _MOST_LETTERS_IN_LABEL or text[:1].upper() not in "YPW":
        return None
    found = _LAY_HEADING.fullmatch(label_key(text.rstrip(" .:\u2026")))
    return None if found is None else "exclusion" if found["not"] or found["who"] else "inclusion"


@lru_cache(maxsize=4096)
def is_criteria_heading(text: str) -> bool:
    """Is this a heading of inclusion or exclusion criteria?"""
    if len(text) > _MOST_LETTERS_IN_HEADING or _MAY_BE_HEADING.search(text) is None:
        return False
    return len(text.split()) <= _MOST_WORDS_IN_HEADING and _CRITERIA_HEADING.search(text) is not None
