"""One line of an eligibility text -> what it says as a heading: the group that begins, the section, and what stands behind it."""

from __future__ import annotations

import re
from functools import cache, lru_cache

import msgspec

from registry_sync.trials.record import Group
from registry_sync.trials.text import key


class Line(msgspec.Struct, frozen=True):
    """One visible line of an eligibility text, freed of markup.

    ``depth`` counts nesting from 0, as far as markup or indentation shows it; ``marker`` is the bullet or number that stood
    before the text (``*``, ``-``, ``1.``, ``a)``, ``iv.``), ``None`` for a line that is no list item; ``heading`` is true
    where the markup itself says that it is one.
    """

    depth: int
    marker: str | None
    text: str
    heading: bool = False


class Heading(msgspec.Struct, frozen=True):
    """What a heading says: the group that begins, the section beyond it, and the text that stood behind it on its line.

    ``sentence``: it is a sentence ("Patients will be excluded if:"), which stays as a note of the group that it opens. ``opens``
    is false for one that opens its group only where no heading has opened the other: an exception there reads the same.
    ``is_part``: it names no group, only a part of the study or whom it concerns ("Cohort 2", "Parents:").
    """

    group: Group | None
    section: str | None
    rest: str = ""
    sentence: bool = False
    opens: bool = True
    is_part: bool = False


_SIDE = r"(?:non[- ]?inclusion|inclusion|exclusion)"
_CLUSION = re.compile(rf"\b({_SIDE})\b", re.IGNORECASE)
_NAMED = re.compile(rf"\b{_SIDE}\b(?:\s+criteri(?:a|on))?|\bcriteri(?:a|on)\s+(?:for|of)\s+{_SIDE}\b", re.IGNORECASE)
_WITH_ELIGIBILITY = re.compile(rf"\beligibility\s*(?:and|or|&|/)\s*{_SIDE}\b", re.IGNORECASE)
_QUALIFIERS = (
    "key|main|major|general|subject|patient|participant|study|overall|abbreviated|eligibility|additional|other|common|specific|selection"
)
_LETTERED = re.compile(rf"^(?:[A-Z]|\d{{1,2}}|[IVX]{{1,4}})\s*[-.)/]\s*(?=(?:(?:{_QUALIFIERS})s?\s+)?{_SIDE}\b)", re.IGNORECASE)
_WHOLE = re.compile(rf"^(?:(?:{_QUALIFIERS})s?\s+){{0,3}}{_SIDE}(?:\s+criteri(?:a|on))?\s*[-:.]*$", re.IGNORECASE)
_EDGE = re.compile(
    rf"^(?:(?:{_QUALIFIERS})s?\s+){{0,3}}(?:in|ex)clusion\s+criteria\b|\b(?:in|ex)clusion\s+criteri(?:a|on)\.?$", re.IGNORECASE
)
_SENTENCE = re.compile(
    r"\b(?:may|must|meets?|meeting|will|shall|are|is|be|been|have|has|following|appl(?:y|ies|ied)|fulfil\w*|satisf\w*|not|no|any|none)\b",
    re.IGNORECASE,
)
_SAYS_SO = re.compile(r"\b(?:in|ex)clusion\s+criteri", re.IGNORECASE)
_REFUSES_INCLUSION = re.compile(r"\b(?:not|never|fail\w*|without)\b[^.;:]*(?<!non-)(?<!non )\binclusion\b", re.IGNORECASE)
_GENERIC = re.compile(rf"^(?:(?:{_QUALIFIERS}|criteria|criterion|the|for|of|and|to)s?\b[\s:,.-]*)+$", re.IGNORECASE)

_PARTS = "part|cohort|arm|group|stage|phase|stratum|sub-?study|module|step|population"
_PEOPLE = (
    r"child(?:ren)?|parents?|mothers?|fathers?|infants?|siblings?|caregivers?|carers?|patients?|participants?|subjects?|adults?|"
    r"adolescents?|controls?|cases?|healthy (?:volunteers?|controls?|subjects?|participants?)|donors?|recipients?|clinicians?|"
    r"providers?|staff|partners?|parents? (?:and|or|/) (?:guardians?|caregivers?)"
)
_SECTION = re.compile(
    rf"^(?:(?:for|all|the|in)\s+)*(?:{_PARTS})s?\s+[\w/&, -]{{1,30}}$|^(?:for\s+)?(?:the\s+)?(?:{_PEOPLE})$", re.IGNORECASE
)
_NUMBER = r"(?:[A-Z]?\d{1,2}[a-z]?|[A-Z]|[IVX]{1,4})"
_PART = re.compile(
    rf"^(?:for\s+)?(?:parts?|cohorts?|arms?|groups?|sub-?stud(?:y|ies))\s+{_NUMBER}(?:(?:\s*,|\s*&|\s+and|\s+or|\s*-)+\s*{_NUMBER})*"
    r"(?:\s+only)?$|^(?:for\s+)?all\s+(?:patients|participants|subjects|cohorts|groups|arms|parts)$",
    re.IGNORECASE,
)
"""A part of the study by its number or letter: a heading with or without a colon."""
_BEGINS_SECTION = re.compile(r"^\(|^(?:for|in|to|of|at|during|specific|applicable|part|cohort|arm|group)\b", re.IGNORECASE)
_ENDS_SECTION = re.compile(rf"\b(?:{_PARTS}|study|trial|{_PEOPLE})s?(?:\s+[\w-]{{1,3}})?(?:\s+only)?$", re.IGNORECASE)
_RUN_ON = re.compile(
    r"^((?:(?:Key|Main|Major|KEY|MAIN|MAJOR) )?(?:Inclusion|Exclusion|INCLUSION|EXCLUSION) (?:criteria|Criteria|CRITERIA))"
    r" (?=[A-Z\d<>\u2264\u2265])(.+)$"
)
_MOST_WORDS_IN_SECTION = 6
_MOST_WORDS_TO_SAY_SO = 14
_MOST_WORDS_IN_HEADING = 20
_MOST_WORDS_IN_SENTENCE = 34

_WHO = (
    r"(?:you|(?:(?:all|any|each|the|a|an|study|eligible|potential|prospective|healthy|pregnant|biological|adult)\s+)*"
    r"(?:patients?|participants?|subjects?|volunteers?|individuals?|people|persons?|candidates?|wom[ae]n|m[ae]n|fathers?|mothers?|"
    r"parents?|child|children|infants?|adults?|adolescents?|donors?|controls?|students?|caregivers?|those))"
)
_CLAUSE = r"(?:\s+(?:who|that|if|with|meeting|fulfilling|having|presenting)\b[^.;]*?)?"
_JOIN = r"(?:join|participate|take part|enter|enrol)"
_LEAVES_OUT = (
    rf"^{_WHO}(?:"
    rf"{_CLAUSE}\s+(?:(?:must|should|will|shall|can|may)\s+be|are|is|were|was)\s+(?:excluded|disqualified|ineligible|not\s+(?:considered\s+)?eligible)\b"
    rf"|{_CLAUSE}\s+(?:must|should|will|shall|may|can)\s*not\s+be\s+(?:eligible|included|enrolled|considered|able\s+to|allowed|permitted)\b"
    rf"|{_CLAUSE}\s+(?:can(?:not|'t| not)|may not|will not|should not)\s+(?:be\s+able\s+to\s+)?{_JOIN}\b"
    rf"|{_CLAUSE}\s+(?:are|is)\s+not\s+(?:to\s+be\s+(?:included|enrolled)|allowed\s+to|able\s+to)\b"
    r"|\s+(?:must|should)\s+not(?:\s+(?:be|have|have any(?: of the following)?|meet any of the following(?: criteria)?))?$)"
    r"|^(?:the\s+)?(?:presence of\s+)?any\s+(?:one\s+)?of\s+(?:the following|these)\b.*\bexclude\b"
    rf"|^who\s+(?:can(?:not|'t| not)|should not|may not)\s+{_JOIN}\b|^(?:reasons|grounds)\s+for\s+exclusion$"
)
_TAKES_IN = (
    rf"^{_WHO}(?:"
    rf"{_CLAUSE}\s+(?:must|should|will|shall|may|can|are|is|were|was|have to|will have to|need to)\s+(?:be\s+)?"
    rf"(?:eligible|included|enrolled|able to {_JOIN}|{_JOIN}|meet|satisfy|fulfill?|have (?:all|each|the following))\b"
    r"|\s+must(?:\s+(?:be|have))?$)"
    rf"|^to\s+be\s+(?:eligible|included|able to {_JOIN})\b|^to\s+{_JOIN}\b|^who\s+can\s+{_JOIN}\b"
)
_CONDITION = re.compile(
    r"\b(?:if|when|who|following|any|all|each|these|criteria|conditions)\b|\bmust(?:\s+not)?(?:\s+(?:be|have))?$|^who\b|^reasons\b|^grounds\b|^to\b",
    re.IGNORECASE,
)
_REFUSAL = re.compile(r"\b(?:not|cannot|can't|excluded|ineligible)\b", re.IGNORECASE)


_MISSPELT = re.compile(
    r"\b(?:ex(?:l|cl|ccl)uss?i(?:o|\u00f3)n|inc?luss?i(?:o|\u00f3)n|inlcusion|exlcusion)\b(?<!exclusion)(?<!inclusion)", re.IGNORECASE
)


_MAY_NAME_A_GROUP = re.compile("(?i:lus|lcus)")


@lru_cache(maxsize=4096)
def heading(line: Line) -> Heading | None:
    """What this line says as a heading, or ``None`` when it is none."""
    if line.marker is not None and line.text.isascii() and not _MAY_NAME_A_GROUP.search(line.text):
        return None  # nearly every item: it has a bullet, and neither name in any spelling
    text = _MISSPELT.sub(_as_meant, key(line.text).replace("\uff1a", ": ").rstrip())
    if not text:
        return None
    return _named_group(line, text) or _sentence(line, text) or _section_alone(line, text)


def _as_meant(name: re.Match[str]) -> str:
    return "exclusion" if name[0].lower().startswith("e") else "inclusion"


def is_part_of_study(text: str) -> bool:
    """Does this name a part of the study by its number or letter ("Cohort 2", "Parts A and B only")?"""
    return _PART.match(text) is not None


def _named_group(line: Line, text: str) -> Heading | None:
    """A heading that names inclusion or exclusion."""
    if "clusion" not in text.lower():
        return None
    bare = _LETTERED.sub("", text)
    head, colon, rest = _split_at_colon(bare, line)
    if not _is_group_heading(head, line, ends=bool(colon) and not rest):
        return None
    if _SENTENCE.search(head):
        return Heading(_group(head), None, sentence=True)
    section, rest = _section(head), _original_rest(line.text, rest)
    if rest and not section and is_part_of_study(rest):
        section, rest = rest, ""
    return Heading(_group(head), section, rest=rest)


@cache
def _pattern(spelt: str) -> re.Pattern[str]:
    """A pattern that few texts need: it costs more to make than to load the rest of this module."""
    return re.compile(spelt, re.IGNORECASE)


def _sentence(line: Line, text: str) -> Heading | None:
    """A sentence that says who can, or cannot, take part, and introduces a list of conditions."""
    head = text.rstrip(" :-")
    introduces = text.endswith((":", " if", "-")) or line.heading
    if line.marker is not None or line.depth or not introduces or len(head.split()) > _MOST_WORDS_IN_SENTENCE or ":" in head:
        return None
    if not _CONDITION.search(head):
        return None
    if _pattern(_LEAVES_OUT).search(head):
        return Heading("exclusion", None, sentence=True)
    if _pattern(_TAKES_IN).search(head) and not _REFUSAL.search(head):
        return Heading("inclusion", None, sentence=True, opens=False)
    return None


def _section_alone(line: Line, text: str) -> Heading | None:
    bare = text.rstrip(" :")
    if line.marker is not None:
        return None
    if is_part_of_study(bare) or ((text.endswith(":") or line.heading) and _SECTION.match(bare)):
        return Heading(None, bare, is_part=True)
    return None


def _split_at_colon(text: str, line: Line) -> tuple[str, str, str]:
    """ "Inclusion Criteria: adults" -> head, colon, rest. A dash with blanks, or glued to the last word of the name, separates too."""
    match = re.match(r"^((?:\w+\s+){0,2}(?:in|ex)clusion(?:\s+criteria)?)\s*(:|\s-\s|-\s)\s*(.*)$", text, re.IGNORECASE | re.DOTALL)
    if match and not (match[2] != ":" and match[3].endswith(":")):
        return match[1], match[2], match[3].strip()
    if line.marker is None:
        match = re.match(r"^([^:.;]{0,60}\b(?:in|ex)clusion criteria[^:.;]{0,80}):\s*(\S.*)$", text, re.IGNORECASE | re.DOTALL)
        if match and re.search(r"\w", match[2]) and not _SENTENCE.search(match[1]) and not _is_section_of_heading(match[2].rstrip(" .")):
            return match[1], ":", match[2].strip()
        match = None if text.endswith(":") or line.heading else _RUN_ON.match(text)
        if match and not _is_section_of_heading(match[2].rstrip(" .")):
            return match[1], ":", match[2].strip()
    stripped = text.rstrip(" :")
    return stripped, ":" if text.rstrip().endswith(":") else "", ""


def _is_section_of_heading(tail: str) -> bool:
    """Is what follows "Exclusion Criteria" on its line, without a colon, a part of the heading, or the first criterion?"""
    if _SENTENCE.search(tail):
        return False
    return bool(_BEGINS_SECTION.search(tail) or (len(tail.split()) <= _MOST_WORDS_IN_SECTION and _ENDS_SECTION.search(tail)))


def _is_group_heading(head: str, line: Line, *, ends: bool) -> bool:
    named, long = _CLUSION.findall(head), len(head.split())
    if not named or long > _MOST_WORDS_IN_SENTENCE:
        return False
    if _WHOLE.match(head):
        return True
    has_name = bool(_NAMED.search(head)) and "criteri" in head.lower()
    if long > _MOST_WORDS_TO_SAY_SO:
        has_name = bool(_SAYS_SO.search(head))
    is_sentence = bool(_SENTENCE.search(head))
    if long > _MOST_WORDS_IN_HEADING and not is_sentence:
        return False
    if is_sentence and (line.marker is not None or _REFUSES_INCLUSION.search(head)):
        return False
    if ends or line.heading:
        return has_name
    if line.marker is not None:
        return bool(re.match(rf"^(?:{_PARTS})s?\s+{_NUMBER}\s+{_SIDE}\s+criteria\.?$", head, re.IGNORECASE))
    # without a colon only what cannot be a sentence: "EXCLUSION CRITERIA for G1, G2 and G3", "Part D Inclusion Criteria"
    return has_name and not is_sentence and bool(_EDGE.search(head))


def _group(head: str) -> Group | None:
    kinds = {"exclusion" if name.lower() != "inclusion" else "inclusion" for name in _CLUSION.findall(head)}
    if len(kinds) != 1 or _WITH_ELIGIBILITY.search(head):
        return None
    return "inclusion" if kinds == {"inclusion"} else "exclusion"


def _section(head: str) -> str | None:
    rest = key(_NAMED.sub(" ", head)).strip(" :.,-/")
    if rest.startswith("(") and rest.endswith(")") and rest.count("(") == 1:
        rest = rest[1:-1].strip()
    rest = rest.strip('"')
    return None if not rest or _GENERIC.match(rest) else rest


def _original_rest(text: str, rest: str) -> str:
    """What stands behind the heading, in its own spelling (the key has folded dashes and quotes)."""
    if not rest:
        return ""
    for separator in re.finditer("[:\uff1a\u2013 -]", text):
        tail = text[separator.end() :].strip()
        if key(tail).replace("\uff1a", ": ").rstrip() == rest:
            return tail
    return rest
