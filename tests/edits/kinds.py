"""Kinds of edits and what they work on."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tests.edits.outline import Outline, outline
from tests.edits.telling import Expected, caseless, likeness

Study = dict[str, Any]

UNLIKE = 0.4
"""Two items that share fewer of their words than this are not taken for one another."""


@dataclass
class Draft:
    """A study under edit. ``taken``: fields and items that an edit of this step has used; ``spoken``: their texts."""

    study: Study
    before: Study
    taken: set[str] = field(default_factory=set)
    spoken: list[str] = field(default_factory=list)
    html: str | None = None
    _outline: Outline | None = None

    @property
    def protocol(self) -> Study:
        section: Study = self.study["protocolSection"]
        return section

    def module(self, name: str) -> Study:
        """A module of the protocol section; an empty one, not put in, where there is none."""
        module: Study = self.protocol.get(name) or {}
        return module

    def take(self, *names: str) -> bool:
        """Claim fields or items (``locations``, ``locations:Berlin``); False when another edit of this step has them."""
        if any(_overlap(name, other) for name in names for other in self.taken):
            return False
        self.taken.update(names)
        return True

    # --- the eligibility text ---

    @property
    def text(self) -> str:
        return str(self.module("eligibilityModule").get("eligibilityCriteria") or "")

    @property
    def outline(self) -> Outline:
        if self._outline is None:
            self._outline = outline(self.text)
        return self._outline

    def write(self) -> None:
        """Put the outline's text into the study."""
        if self._outline is not None and "eligibilityModule" in self.protocol:
            self.protocol["eligibilityModule"]["eligibilityCriteria"] = self._outline.render()

    def set_text(self, text: str) -> None:
        self.protocol["eligibilityModule"]["eligibilityCriteria"] = text
        self._outline = None

    def rebase(self) -> None:
        """What was edited so far is where the step begins."""
        self.write()
        self.before = copied(self.study)

    def free(self, *texts: str) -> bool:
        """May these texts be edited, or come in, beside what the step has edited already?"""
        return all(likeness(text, other) < UNLIKE for text in texts for other in self.spoken)

    def is_new(self, text: str, *instead_of: str) -> bool:
        """Does no other line read like this one, the joint at its end apart?"""
        others = [_without_joint(other) for other in self.outline.texts() if other not in instead_of]
        return _without_joint(text) not in others


def _without_joint(text: str) -> tuple[str, ...]:
    words = caseless(text)
    while words and words[-1] in ("and", "or", ".", ";", ","):
        words = words[:-1]
    return words


def _overlap(one: str, two: str) -> bool:
    return one == two or one.startswith(f"{two}:") or two.startswith(f"{one}:")


def copied(study: Study) -> Study:
    copy: Study = msgspec.json.decode(msgspec.json.encode(study))
    return copy


Material = Callable[[Draft, random.Random], Sequence[Expected]]
"""Edits the draft and says what must be told; nothing said: it found no place and left the draft as it was."""
Cosmetic = Callable[[Draft, random.Random], bool]
"""Edits the draft where no reader would see a change; False when it found no place."""

MATERIAL: dict[str, Material] = {}
COSMETIC: dict[str, Cosmetic] = {}
ALONE: set[str] = set()
"""Material kinds that set up a beginning of their own, and so cannot follow another edit."""


def material(edit: Material) -> Material:
    """Register an edit under its function's name."""
    MATERIAL[getattr(edit, "__name__", "")] = edit
    return edit


def alone(edit: Material) -> Material:
    """Register an edit that sets up a beginning of its own."""
    ALONE.add(getattr(edit, "__name__", ""))
    return material(edit)


def cosmetic(edit: Cosmetic) -> Cosmetic:
    """Register a cosmetic edit under its function's name."""
    COSMETIC[getattr(edit, "__name__", "")] = edit
    return edit


def shuffled(items: Sequence[Any], rng: random.Random) -> list[Any]:
    return rng.sample(list(items), len(items))
