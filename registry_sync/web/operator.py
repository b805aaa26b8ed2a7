"""The operator's pages: what is in trouble, what waits to be sent, who is told; and what can be done about it by hand.

What is done here is what the commands ``outbox`` and ``unsubscribe`` do, by the same functions. An address that is looked for is posted:
in a query it would stand in the log of a proxy.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from db import absences, outbox, overview, pages, subscriptions, unparsed, vitals, watches
from db.connection import History, Row
from db.incidents import DELIVERY, IN_PART
from jobs import by_hand, health, wishes
from jobs.surroundings import as_stamp, log
from registry_sync.errors import UsageError
from registry_sync.notices.address import classify, masked
from registry_sync.notices.clean import block, cut, one_line
from registry_sync.sources.ctgov_search import Search
from registry_sync.sources.interface import CTGOV
from registry_sync.trials.record import trial_id
from registry_sync.web.asked import number
from registry_sync.web.door import Door, Redirect, Visit, leave
from registry_sync.web.ops import SHOWN_FOR, sync_is_late
from registry_sync.web.pages import page
from registry_sync.web.problems import bad_request, conflict, nothing, unusable

ON_A_PAGE = 50
STATES = ("pending", "held", "claimed", "failed", "sent", "cancelled")
"""Of notices, as the command ``outbox`` names them."""
SUBSCRIPTION_STATES = ("pending", "active", "stopped")
_LIVE = ("pending", "active")
_MOST_NAMED = 50
_LONGEST_ERROR = 500
_SAID = {
    "retried": "{n} due at once: the next delivery sends them.",
    "released": "{n} released: the next delivery sends them.",
    "dropped": "{n} dropped: never sent.",
    "noted": "Noted: it stands above the news.",
    "unnoted": "The note is taken away.",
    "stopped": "{n} stopped.",
    "nothing": "Nothing has changed: what was chosen is not in that state any more.",
}
_NOT_DONE = {
    "retried": "Nothing has changed: no unsent notice has this id.",
    "stopped": "Nothing has changed: it was stopped already, {by}.",
}
_NOT_HELD = "Nothing has changed: no held notice has this id."
_WHY_STOPPED = {"holder": "by its holder", "operator": "by you", "bounces": "by refusals", "replaced": "replaced by another one"}


def routes() -> list[Route]:
    """The operator's pages, behind one door."""
    door = Door()

    def shown(path: str, show: Callable[[Request, Visit], Response], *asks: str) -> Route:
        return Route(f"/operator{path}", door.guards(show, asks))

    def done(path: str, do: Callable[[Request, Visit], Response], *fields: str, needs: Sequence[str] = ()) -> Route:
        return Route(f"/operator{path}", door.guards(do, (*needs, *fields), needs), methods=["POST"])

    return [
        shown("", _home),
        Route("/operator/login", door.login(), methods=["GET", "POST"]),
        done("/logout", leave),
        shown("/outbox", _outbox, "state", "page"),
        done("/outbox/retry", _retry_all),
        done("/outbox/release", _noted(_release_all), "note"),
        shown("/outbox/{notice}", _notice),
        done("/outbox/{notice}/retry", _retry),
        done("/outbox/{notice}/release", _noted(_release), "note"),
        done("/outbox/{notice}/drop", _drop),
        done("/outbox/{notice}/note", _noted(_annotate), needs=["note"]),
        shown("/subscriptions", _subscriptions, "state", "page"),
        done("/subscriptions/{number:row}/stop", _stop),
        done("/address", _address, needs=["address"]),
        done("/address/stop", _stop_address, "trials", needs=["address"]),
    ]


# --- what there is -----------------------------------------------------------------------------------------------------


def _home(request: Request, visit: Visit) -> Response:
    around, history = visit.around, visit.history
    since = as_stamp(around.now() - datetime.timedelta(days=SHOWN_FOR))
    to_operator, why = health.waiting(history)
    return _page(
        request,
        visit,
        "operator",
        incidents=[{**row, "source": _source(row["source"]), "error": _error(row["error"])} for row in overview.incidents(history, since)],
        sync_is_late=sync_is_late(around, history),
        stuck_since=health.stuck_since(around, history),
        to_operator={"waiting": to_operator, "why": _error(why)},
        runs=[{**row, "problems": [_error(each) for each in row["problems"][:_MOST_NAMED]]} for row in overview.last_runs(history)],
        watched=vitals.totals(history)["watched_trials"],
        trouble=_trouble(history),
        notices=_in_order(overview.notice_states(history), STATES),
        subscriptions=_in_order(overview.subscription_states(history), SUBSCRIPTION_STATES),
    )


def _trouble(history: History) -> dict[str, Any]:
    """What is wrong with single trials and pages: the first of them, and how many there are."""
    gone = {trial: absence for trial, absence in absences.every(history).items() if absence.state == "absent"}
    found = [
        *(
            {"trial": row["trial"], "what": f"its entry cannot be read: {_error(row['error'])}", "since": row["seen_at"]}
            for row in unparsed.every(history)
        ),
        *(
            {"trial": trial, "what": "the registry does not show it", "since": gone[trial].since}
            for trial in sorted(watches.watched(history, gone))
        ),
        *(
            {"trial": each.trial, "what": f"{masked(each.url)}: {_error(each.standing.reason)}", "since": each.standing.failing_since}
            for each in pages.every(history)
            if each.standing.failures
        ),
        *(
            {"trial": each.trial, "what": f"{masked(each.url)}: robots.txt forbids it", "since": None}
            for each in pages.every(history)
            if each.standing.forbidden
        ),
    ]
    return {"shown": found[:_MOST_NAMED], "number": len(found)}


def _outbox(request: Request, visit: Visit) -> Response:
    state, skip, shown = _leaf(request, overview.notice_states(visit.history), STATES)
    rows = overview.notices(visit.history, state=state, most=ON_A_PAGE, skip=skip)
    return _page(request, visit, "operator_outbox", notices=_notices(rows), **shown)


def _notice(request: Request, visit: Visit) -> Response:
    notice_id = request.path_params["notice"]
    rows = overview.notices(visit.history, notice=notice_id)
    waiting = outbox.known(visit.history, notice_id)
    if not rows or waiting is None:
        raise nothing()
    written = by_hand.written(visit.around, visit.history, waiting)
    return _page(
        request,
        visit,
        "operator_notice",
        notice=_notices(rows)[0],
        subject=one_line(written.subject),
        text=block(written.text),
        why_not=one_line(written.why_not),
    )


def _subscriptions(request: Request, visit: Visit) -> Response:
    state, skip, shown = _leaf(request, overview.subscription_states(visit.history), SUBSCRIPTION_STATES)
    rows = overview.subscriptions(visit.history, state=state, most=ON_A_PAGE, skip=skip)
    return _page(request, visit, "operator_subscriptions", subscriptions=_readers(rows), **shown)


def _address(request: Request, visit: Visit, *, said: str = "", problem: str = "") -> Response:
    given = one_line(visit.one("address"))
    try:
        address = classify(given)[1]
    except UsageError as error:
        if visit.is_program:
            raise unusable(f"{error}.") from error
        return _page(
            request, visit, "operator_address", status=422, address=given, subscriptions=[], notices=[], said="", problem=str(error)
        )
    return _page(
        request,
        visit,
        "operator_address",
        status=422 if problem else 200,
        address=masked(address),
        typed=given,
        subscriptions=_readers(overview.subscriptions(visit.history, address=address, most=_MOST_NAMED)),
        notices=_notices(overview.notices(visit.history, address=address, most=_MOST_NAMED)),
        said=said,
        problem=problem,
    )


# --- what is done ------------------------------------------------------------------------------------------------------


def _retry_all(request: Request, visit: Visit) -> Response:
    by_hand.retry(visit.around, visit.history, ())
    return _done(request, visit, "/operator/outbox", "retried", outbox.counts(visit.history, visit.around.stamp())["due"])


def _release_all(request: Request, visit: Visit, note: str | None) -> Response:
    held = _held(visit)
    outbox.release(visit.history, (), note)
    return _done(request, visit, "/operator/outbox", "released", held - _held(visit))


def _held(visit: Visit) -> int:
    return outbox.counts(visit.history, visit.around.stamp())["held"]


def _noted(do: Callable[[Request, Visit, str | None], Response]) -> Callable[[Request, Visit], Response]:
    """What is done with the operator's words above the news; nothing is where they are too many."""

    def with_words(request: Request, visit: Visit) -> Response:
        try:
            return do(request, visit, by_hand.as_note(visit.one("note")))
        except UsageError as error:
            if visit.is_program:
                raise unusable(f"{error}.") from error
            visit.door.tell(visit.who, f"Nothing has changed: {error}.")
            return Redirect(request, "/".join(["/operator/outbox", *request.path_params.values()]))

    return with_words


def _retry(request: Request, visit: Visit) -> Response:
    return _to_one(request, visit, "retried", lambda ids: by_hand.retry(visit.around, visit.history, ids))


def _release(request: Request, visit: Visit, note: str | None) -> Response:
    return _to_one(request, visit, "released", lambda ids: outbox.release(visit.history, ids, note))


def _drop(request: Request, visit: Visit) -> Response:
    return _to_one(request, visit, "dropped", lambda ids: outbox.drop(visit.history, ids))


def _annotate(request: Request, visit: Visit, note: str | None) -> Response:
    return _to_one(
        request,
        visit,
        "noted" if note else "unnoted",
        lambda ids: [each for each in ids if not outbox.annotate(visit.history, each, note)],
    )


def _to_one(request: Request, visit: Visit, what: str, do: Callable[[Sequence[str]], list[str]]) -> Response:
    notice_id = request.path_params["notice"]
    if outbox.known(visit.history, notice_id) is None:
        raise nothing()
    not_done = do([notice_id])
    path = f"/operator/outbox/{notice_id}"
    return _not_done(request, visit, path, _NOT_DONE.get(what, _NOT_HELD)) if not_done else _done(request, visit, path, what, 1)


def _stop(request: Request, visit: Visit) -> Response:
    subscription = request.path_params["number"]
    rows = subscriptions.listing(visit.history, subscription)
    if not rows:
        raise nothing()
    if not _may_stop(rows[0]):
        by = _WHY_STOPPED.get(rows[0]["stopped_why"] or "", "")
        return _not_done(request, visit, "/operator/subscriptions", _NOT_DONE["stopped"].format(by=by).replace(", .", "."))
    wishes.stop_one(visit.around, visit.history, subscription, why="operator")
    return _done(request, visit, "/operator/subscriptions", "stopped", 1)


def _stop_address(request: Request, visit: Visit) -> Response:
    try:
        trials = [trial_id(each) for each in visit.one("trials").replace(",", " ").split()]
        stopped = by_hand.unsubscribe(visit.around, visit.history, classify(visit.one("address"))[1], trials)
    except UsageError as error:
        if visit.is_program:
            raise unusable(f"{error}.") from error
        return _address(request, visit, problem=str(error))
    log.info("the operator's page: stopped, %s", stopped)
    if visit.is_program:
        return _json({"done": stopped})
    return _address(request, visit, said=_SAID["stopped"].format(n=stopped) if stopped else _SAID["nothing"])


def _done(request: Request, visit: Visit, path: str, what: str, number: int) -> Response:
    log.info("the operator's page: %s, %s", what, number)
    if visit.is_program:
        return _json({"done": number})
    visit.door.tell(visit.who, _SAID[what].format(n=number))
    return Redirect(request, path)


def _not_done(request: Request, visit: Visit, path: str, why: str) -> Response:
    """Nothing came of it: a program hears it by the status, as the command's exit code 2 says it."""
    log.info("the operator's page: nothing was done")
    if visit.is_program:
        raise conflict(why)
    visit.door.tell(visit.who, why)
    return Redirect(request, path)


# --- how it is shown ---------------------------------------------------------------------------------------------------


def _page(request: Request, visit: Visit, name: str, *, status: int = 200, **values: Any) -> Response:
    if visit.is_program:
        return _json(values, status)
    said = values.pop("said", "")
    if request.method == "GET":
        said = visit.door.heard(visit.who) or said
    shown = {"visit": visit, "said": said, "when": _when, **values}
    return page(request, name, status=status, language="en", **shown)


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def _leaf(request: Request, numbers: Mapping[str, int], known: Sequence[str]) -> tuple[str | None, int, dict[str, Any]]:
    """Of a list by states: the state that is asked for, how many rows come before its page, and what that page says of the whole."""
    state = request.query_params.get("state") or None
    if state is not None and state not in known:
        raise bad_request(f"state is to be one of {', '.join(known)}.")
    total = numbers.get(state, 0) if state else sum(numbers.values())
    last = max(1, -(-total // ON_A_PAGE))
    at = min(number(request, "page", 1, least=1) or 1, last)
    said = {"states": _in_order(numbers, known), "state": state, "total": total, "number": at, "pages": last}
    return state, (at - 1) * ON_A_PAGE, said


def _in_order(numbers: Mapping[str, int], names: Sequence[str]) -> dict[str, int]:
    return {name: numbers.get(name, 0) for name in names}


def _notices(rows: Sequence[Row]) -> list[Row]:
    return [
        {
            **row,
            "address": masked(row["address"]),
            "last_error": _error(row["last_error"]),
            "note": block(row["note"] or ""),
            "may_retry": row["state"] in ("pending", "failed"),
            "may_release": row["held"] and row["state"] in ("held", "failed"),
            "may_drop": row["held"],
        }
        for row in rows
    ]


def _readers(rows: Sequence[Row]) -> list[Row]:
    return [
        {
            **row,
            "address": masked(row["address"]),
            "follows": _followed(row),
            "may_stop": _may_stop(row),
            "stopped": _WHY_STOPPED.get(row["stopped_why"] or "", ""),
        }
        for row in rows
    ]


def _may_stop(row: Row) -> bool:
    """What refusals have stopped may start again; what the operator stops does not by itself."""
    return row["state"] in _LIVE or row["stopped_why"] == "bounces"


def _followed(row: Row) -> str:
    if row["query"] is not None:
        return one_line(f"search {Search(tuple(row['query'].items()))}")
    if row["every_trial"]:
        return "all that is watched"
    return " ".join(row["trials"]) + (f" and {row['more']:,} more" if row["more"] else "")


def _source(source: str) -> str:
    return {CTGOV: "ClinicalTrials.gov", IN_PART: "some entries of ClinicalTrials.gov", DELIVERY: "the outbox"}.get(
        source, one_line(source)
    )


def _error(text: str | None) -> str:
    return cut(one_line(text or ""), _LONGEST_ERROR)


def _when(stamp: str | None) -> str:
    """A time as it is read: 2026-02-03 06:17."""
    return f"{stamp[:10]} {stamp[11:16]}" if stamp else ""
