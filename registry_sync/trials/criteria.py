"""Lines with depth -> eligibility criteria: groups of nested items.

A line is a heading (it becomes ``group`` and ``section``), a note (a sentence that introduces or closes a list) or an
item. What reads a page or a record only has to give the lines that a person would see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from registry_sync.trials.record import Criterion, Group
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
    """What a heading says: the group that begins, the section beyond it, and the text that stood behind it on its line."""

    group: Group | None
    section: str | None
    rest: str = ""
    sentence: bool = False


_SIDE = r"(?:non[- ]?inclusion|inclusion|exclusion)"
_CLUSION = re.compile(rf"\b({_SIDE})\b", re.IGNORECASE)
_NAMED = re.compile(rf"\b{_SIDE}\b(?:\s+criteri(?:a|on))?|\bcriteri(?:a|on)\s+(?:for|of)\s+{_SIDE}\b", re.IGNORECASE)
_QUALIFIERS = (
    "key|main|major|general|subject|patient|participant|study|overall|abbreviated|eligibility|additional|other|common|specific|selection"
)
_WHOLE = re.compile(rf"^(?:(?:{_QUALIFIERS})s?\s+){{0,3}}{_SIDE}(?:\s+criteri(?:a|on))?\s*[-:.]*$", re.IGNORECASE)
_EDGE = re.compile(rf"^(?:(?:{_QUALIFIERS})s?\s+){{0,3}}(?:in|ex)clusion\s+criteria\b|\b(?:in|ex)clusion\s+criteria\.?$", re.IGNORECASE)
_SENTENCE = re.compile(
    r"\b(?:may|must|meets?|meeting|will|shall|are|is|be|been|have|has|following|appl(?:y|ies|ied)|fulfil\w*|satisf\w*|not|no|any|none)\b",
    re.IGNORECASE,
)
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
_NOTE = re.compile(
    r"^(?:note|notes|nb|n\.b\.|please note)\b|\bcriteria\s+(?:may|will|can|also|that|which)?\s*appl(?:y|ies|ied)\b", re.IGNORECASE
)
_MOST_WORDS_IN_HEADING = 14


def parse(lines: Iterable[Line]) -> tuple[Criterion, ...]:
    """The criteria that these lines state, in their order. Nothing is dropped: what is no heading is an item or a note."""
    blocks = _blocks(lines)
    return tuple(criterion for heading, body in blocks for criterion in _criteria(heading, body))


def heading(line: Line) -> Heading | None:
    """What this line says as a heading, or ``None`` when it is none."""
    text = key(line.text)
    if not text:
        return None
    head, colon, rest = _split_at_colon(text)
    if _is_group_heading(head, line, ends=bool(colon) and not rest):
        return Heading(_group(head), _section(head), rest=_original_rest(line.text, rest), sentence=bool(_SENTENCE.search(head)))
    bare = text.rstrip(" :")
    if line.marker is None and (colon or line.heading) and not rest and _SECTION.match(bare):
        return Heading(None, bare)
    return None


def _split_at_colon(text: str) -> tuple[str, str, str]:
    """ "Inclusion Criteria: adults" -> head, colon, rest. A dash with blanks, or glued to the last word of the name, separates too."""
    match = re.match(r"^((?:\w+\s+){0,2}(?:in|ex)clusion(?:\s+criteria)?)\s*(:|\s-\s|-\s)\s*(.*)$", text, re.IGNORECASE | re.DOTALL)
    if match and not (match[2] != ":" and match[3].endswith(":")):
        return match[1], match[2], match[3].strip()
    stripped = text.rstrip(" :")
    return stripped, ":" if text.rstrip().endswith(":") else "", ""


def _is_group_heading(head: str, line: Line, *, ends: bool) -> bool:
    named = _CLUSION.findall(head)
    if not named or len(head.split()) > _MOST_WORDS_IN_HEADING:
        return False
    if _WHOLE.match(head):
        return True
    has_name = bool(_NAMED.search(head)) and "criteri" in head.lower()
    if ends or line.heading:
        return has_name
    # without a colon only what cannot be a sentence: "EXCLUSION CRITERIA for G1, G2 and G3", "Part D Inclusion Criteria"
    return line.marker is None and has_name and not _SENTENCE.search(head) and bool(_EDGE.search(head))


def _group(head: str) -> Group | None:
    kinds = {"exclusion" if name.lower() != "inclusion" else "inclusion" for name in _CLUSION.findall(head)}
    if len(kinds) != 1:
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
    for separator in (":", "-", "\u2013"):
        _, found, tail = text.partition(separator)
        if found and key(tail.strip()) == rest:
            return tail.strip()
    return rest


def _blocks(lines: Iterable[Line]) -> list[tuple[Heading, list[Line]]]:
    """Headings, each with the lines below it; before the first heading stands one that says nothing."""
    blocks: list[tuple[Heading, list[Line]]] = [(Heading(None, None), [])]
    group: Group | None = None
    for line in lines:
        found = heading(line)
        if found is None:
            blocks[-1][1].append(line)
            continue
        if found.group is None and found.section and not _CLUSION.search(line.text):
            found = Heading(group, found.section)  # "Parents:" below "Exclusion Criteria:" is still exclusion
        group = found.group
        body = []
        if found.sentence:
            body.append(Line(line.depth, None, line.text))
        elif found.rest:
            body.append(Line(line.depth, None, found.rest))
        blocks.append((found, body))
    return blocks


def _criteria(found: Heading, body: list[Line]) -> list[Criterion]:
    marked = [line for line in body if line.marker is not None]
    base = min((line.depth for line in marked or body), default=0)
    return [
        Criterion(found.group, found.section, max(0, line.depth - base), "note" if _is_note(line) else "item", line.text.strip())
        for line in body
    ]


def _is_note(line: Line) -> bool:
    """A sentence that introduces or closes a list: it ends with a colon, calls itself a note, or says that more criteria apply."""
    text = line.text.strip()
    return line.marker is None and (text.endswith(":") or bool(_NOTE.search(text)))
