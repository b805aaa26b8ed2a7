"""Several steps of one item within a digest, told as the one change that they make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from registry_sync.trials.changes import KeptChange
from registry_sync.trials.record import BY_NAME

_WEIGHT = ("untold", "housekeeping", "minor", "major")


def net(changes: Sequence[KeptChange]) -> tuple[KeptChange, ...]:
    """The changes with each item's steps as one, in the place of the last: from before the first step to after the last one.

    An item that is as it was at first is none of them: who hears of a period hears nothing of it.
    """
    chains: list[list[KeptChange]] = []
    for change in sorted(changes, key=lambda change: change.id):
        chain = next((chain for chain in reversed(chains) if _goes_on(chain[-1], change)), None)
        if chain is None:
            chains.append([change])
        else:
            chain.append(change)
    return tuple(_as_one(chain) for chain in chains if len(chain) == 1 or chain[0].before != chain[-1].after)


def _goes_on(last: KeptChange, change: KeptChange) -> bool:
    field = BY_NAME.get(change.field)
    if field is None or not field.is_list:
        return False  # each step of a date is a slip, and a status that came and went is news of its own
    if (last.trial, last.source, last.field) != (change.trial, change.source, change.field) or last.after != change.before:
        return False
    if last.after is None:  # it went: what comes then is another item, or the same one back
        return last.before == change.after and last.group == change.group
    return last.group == change.group or change.operation == "moved"


def _as_one(chain: Sequence[KeptChange]) -> KeptChange:
    first, last = chain[0], chain[-1]
    if len(chain) == 1:
        return last
    return replace(
        last,
        before=first.before,
        operation=_operation(chain),
        significance=_heaviest(change.significance for change in chain),
        reader_significance=_heaviest(change.reader_significance for change in chain),
    )


def _operation(chain: Sequence[KeptChange]) -> Any:
    first, last = chain[0], chain[-1]
    if first.before is None:
        return "added"
    if last.after is None:
        return "removed"
    return "moved" if any(change.operation == "moved" for change in chain) else "changed"


def _heaviest(weights: Any) -> Any:
    return max(weights, key=_WEIGHT.index)
