"""What a page names as a condition, though the same words are a label elsewhere: "Conditions: Asthma, Healthy Volunteers"."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from registry_sync.sources.finder_values import healthy_volunteers
from registry_sync.sources.page_parts import Piece

_NAMES = frozenset(("conditions", "keywords"))
_VOLUNTEERS = "healthy_volunteers"
_LABELS = frozenset(("heading", "term"))


def with_conditions(found: Sequence[Piece]) -> tuple[Piece, ...]:
    """The same pieces, with "Healthy Volunteers" in a list of conditions or keywords as the item that it is.

    It is a label where an answer follows it, or where it is written as the label of that list is.
    """
    if not any(piece.meaning == _VOLUNTEERS for piece in found):
        return tuple(found)
    told: list[Piece] = []
    label: Piece | None = None  # of the list in which the next pieces stand
    for index, piece in enumerate(found):
        if label is not None and piece.meaning == _VOLUNTEERS and _is_item(index, label, told[-1], found):
            told.append(replace(piece, meaning=None))
            continue
        if piece.meaning is not None:
            label = piece if piece.meaning in _NAMES else None
        told.append(piece)
    return tuple(told)


def _is_item(index: int, label: Piece, before: Piece, found: Sequence[Piece]) -> bool:
    piece = found[index]
    following = found[index + 1] if index + 1 < len(found) else None
    if piece.block.kind in _LABELS or (following is not None and (following.joined or healthy_volunteers(following.text) is not None)):
        return False
    return before is label or before.block.kind == piece.block.kind
