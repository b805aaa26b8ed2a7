"""Lines with depth -> eligibility criteria: groups of nested items.

A line is a heading (it becomes ``group`` and ``section``), a note (a sentence that introduces or closes a list) or an
item. What reads a page or a record only has to give the lines that a person would see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from registry_sync.trials.headings import Heading, Line, heading
from registry_sync.trials.record import Criterion, Group

__all__ = ["Heading", "Line", "heading", "parse"]

_NOTE = re.compile(
    r"^(?:note|notes|nb|n\.b\.|please note)\b|\bcriteria\s+(?:may|will|can|also|that|which)?\s*appl(?:y|ies|ied)\b", re.IGNORECASE
)
_TITLE = re.compile(r"^(?:[\w/-]+\s+){0,7}eligibility(?:\s+criteria)?(?:\W+all participants)?\W*$", re.IGNORECASE)
_TITLE_OF_PAIR = re.compile(
    r"^(?:[\w/-]+\s+){0,3}(?:groups?|cohorts?|arms?|parts?|study|phase|participants|patients|controls|subjects|volunteers|children|parents|"
    r"adults|donors)(?:\s+[\w-]{1,3})?(?:\s+only)?$",
    re.IGNORECASE,
)
_SAYS_A_NUMBER = re.compile(r"[<>\u2264\u2265=%]|\d\s*(?:years?|months?|weeks?|days?|hours?|kg|mg)\b|\b(?:aged?|than)\s+\d", re.IGNORECASE)
_INTRODUCES = (":", "\uff1a", " if")


class _Block(msgspec.Struct):
    """A heading and the lines below it; ``part``: the part of the study that it names, when it names nothing else."""

    heading: Heading
    body: list[Line]
    part: str | None = None


def parse(lines: Iterable[Line]) -> tuple[Criterion, ...]:
    """The criteria that these lines state, in their order. Nothing is dropped: what is no heading is an item or a note.

    Where a text names its exclusion and never its inclusion, what stands before the exclusion is the inclusion.
    """
    reader = _Reader([_Block(Heading(None, None), [])])
    rows = list(lines)
    for place, line in enumerate(rows):
        reader.read(line, rows[place + 1 : place + 2])
    return tuple(criterion for block in _with_unnamed_inclusion(reader.blocks) for criterion in _criteria(block))


class _Reader(msgspec.Struct):
    """The blocks so far. ``pair`` is the part of the study that the groups below it belong to ("Cohort 2", then both groups)."""

    blocks: list[_Block]
    group: Group | None = None
    stated: bool = False
    pair: str | None = None

    def read(self, line: Line, following: Sequence[Line]) -> None:
        """Add one line, as a heading or to the block before it."""
        found = heading(line) or self._title_of_pair(line, following)
        if found is None or self._only_says_so_again(found):
            self.blocks[-1].body.append(line)
        elif found.group is None and found.section and found.is_part:
            # "Parents:" below "Exclusion Criteria:" is still exclusion
            self.blocks.append(_Block(Heading(self.group, self._section(found)), _kept(line, found), found.section))
        else:
            if self.blocks[-1].part and not self.blocks[-1].body:
                self.pair = self.blocks[-1].part
            self.group, self.stated = found.group, not found.sentence
            self.blocks.append(_Block(Heading(found.group, self._section(found)), _kept(line, found)))

    def _only_says_so_again(self, found: Heading) -> bool:
        """A sentence inside its own group, or one that may as well be an exception in the group that a heading has opened."""
        return found.sentence and (found.group == self.group or (not found.opens and self.stated and self.group is not None))

    def _section(self, found: Heading) -> str | None:
        return f"{self.pair}: {found.section}" if self.pair and found.section else found.section or self.pair

    def _title_of_pair(self, line: Line, following: Sequence[Line]) -> Heading | None:
        """A line that stands right above the next "Inclusion Criteria" and names whose they are ("CONTROL GROUP")."""
        text = line.text.strip(" :")
        if line.marker is not None or self.group == "inclusion" or not following or not _TITLE_OF_PAIR.match(text):
            return None
        below = heading(following[0])
        if below is None or below.group != "inclusion" or below.sentence or below.section:
            return None
        return Heading(None, text, is_part=True)


def _kept(line: Line, found: Heading) -> list[Line]:
    """What a heading says beyond its group and section: a sentence, what stands behind it, or a number that may change."""
    if found.sentence or (found.section and _SAYS_A_NUMBER.search(found.section)):
        return [Line(line.depth, None, line.text)]
    return [Line(line.depth, None, found.rest)] if found.rest else []


def _with_unnamed_inclusion(blocks: Sequence[_Block]) -> Sequence[_Block]:
    groups = [block.heading.group for block in blocks]
    if "exclusion" not in groups or "inclusion" in groups:
        return blocks
    for block in blocks[: groups.index("exclusion")]:
        block.heading = Heading("inclusion", block.heading.section)
    return blocks


def _criteria(block: _Block) -> list[Criterion]:
    marked = [line for line in block.body if line.marker is not None]
    base = min((line.depth for line in marked or block.body), default=0)
    return [
        Criterion(
            block.heading.group,
            block.heading.section,
            max(0, line.depth - base),
            "note" if _is_note(line) else "item",
            line.text.strip(),
        )
        for line in block.body
    ]


def _is_note(line: Line) -> bool:
    """A title, or a sentence that introduces or closes a list: it ends with a colon, or says that it is a note or that more applies."""
    text = line.text.strip()
    return line.marker is None and (text.endswith(_INTRODUCES) or bool(_NOTE.search(text)) or bool(_TITLE.match(text)))
