"""Which subscription of an address is for the same: one wish is kept once, however often it is told."""

from __future__ import annotations

import json
from collections.abc import Sequence

from db.connection import History
from registry_sync.notices.route import Subscription

_Wish = tuple[str, str, str, str, str, str | None, int | None, bool]


class Register:
    """What addresses want: that of each is read once, when it is first asked for.

    It holds for one transaction in which subscriptions are written by ``subscriptions.add`` alone, which enters them here.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._of_address: dict[str, dict[_Wish, int]] = {}

    def find(self, wanted: Subscription, trials: Sequence[str], search_id: int | None) -> int | None:
        """The subscription by which this address wants, or wanted, the same of just these trials, or this search (neither: everything)."""
        return self._of(wanted.address).get(_wish(wanted, trials, search_id))

    def enter(self, subscription_id: int, wanted: Subscription, trials: Sequence[str], search_id: int | None) -> None:
        """A subscription is new."""
        self._of(wanted.address).setdefault(_wish(wanted, trials, search_id), subscription_id)

    def _of(self, address: str) -> dict[_Wish, int]:
        if address not in self._of_address:
            found: dict[_Wish, int] = {}
            for subscription_id, *wish, every_trial in self._history.connection.execute(
                """SELECT id, role, topics, countries, least, every,
                          (SELECT group_concat(trial) FROM (SELECT trial FROM subscription_trial
                           WHERE subscription_id = subscription.id ORDER BY trial)),
                          (SELECT search_id FROM subscription_search WHERE subscription_id = subscription.id), every_trial
                   FROM subscription WHERE address = ? ORDER BY id""",
                (address,),
            ):
                found.setdefault((*wish, bool(every_trial)), subscription_id)
            self._of_address[address] = found
        return self._of_address[address]


def _wish(wanted: Subscription, trials: Sequence[str], search_id: int | None) -> _Wish:
    return (
        wanted.role,
        json.dumps(sorted(wanted.topics)),
        json.dumps(sorted(wanted.countries)),
        wanted.least,
        wanted.every,
        ",".join(sorted(set(trials))) or None,
        search_id,
        not trials and search_id is None,
    )
