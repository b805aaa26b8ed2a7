"""The registry's own history of a record: which versions there are, and each of them.

The endpoints are not documented; the registry's site and the field's R packages use them (``/api/int/studies/{nct}/history``). A
version's derived section is today's, not that day's, and results can be a megabyte: neither is kept.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from registry_sync.errors import BadContent, BadStatus, FetchError, Refused, TooSlow
from registry_sync.sources import ctgov_wire as wire
from registry_sync.sources.ctgov_batches import ids_of
from registry_sync.sources.ctgov_pages import ACCEPT, what_came, with_whole_characters
from registry_sync.sources.http import Getter, Response
from registry_sync.sources.trouble import AGAIN, Trouble, place
from registry_sync.trials import dates

MOST_VERSIONS = 5_000
"""No record has a thousand; a longer list is no history."""

_NOT_THERE = frozenset({404, 405, 410, 501})
_NOT_FOUND = 404
_PARTS = ("protocolSection", "annotationSection", "documentSection", "hasResults")
_VERSION = re.compile(r"/history/[0-9]+")

_Answer = TypeVar("_Answer")


class NoHistory(BadContent):
    """The registry knows the record and does not show its history. Where it is so for a second record, it shows none at all."""


@dataclass(frozen=True)
class Listed:
    """A version that the registry has: its number there (from 0), and its date as far as the list says a proper one."""

    number: int
    date: str | None


class _Change(wire.Wire, frozen=True):
    version: int
    date: Any = None


class _List(wire.Wire, frozen=True):
    changes: list[_Change]


class _Whole(wire.Wire, frozen=True):
    history: _List


class _Version(wire.Wire, frozen=True):
    study: dict[str, msgspec.Raw]
    study_version: Any = None


def versions(client: Getter, base_url: str, trial: str) -> tuple[Listed, ...]:
    """The versions of a record, oldest first; one that is listed twice counts once.

    Raises NoHistory when the registry has no such list at all, another child of FetchError for what went wrong with this one.
    """
    url = _url(base_url, trial)
    changes = _changes(client, url, trial)
    if not changes:
        raise BadContent(f"{place(url)}/history lists no version of {trial}", about=trial)
    if len(changes) > MOST_VERSIONS:
        raise BadContent(f"{place(url)}/history lists {len(changes)} versions of {trial}, more than a record can have", about=trial)
    odd = next((change.version for change in changes if change.version < 0), None)
    if odd is not None:
        raise BadContent(f"{place(url)}/history lists a version {odd} of {trial}", about=trial)
    found = {change.version: Listed(change.version, _date(change.date)) for change in reversed(changes)}
    return tuple(found[number] for number in sorted(found))


def version(client: Getter, base_url: str, trial: str, number: int, aliases: Collection[str] = ()) -> bytes:
    """One version of a record: UTF-8 JSON of the study, cut to what a record needs, its texts as HTML.

    ``aliases``: the other ids that the record has had. Raises FetchError; BadContent for another trial's study or another version.
    """
    url = f"{_url(base_url, trial)}/history/{number}"
    answer = _decoded(client.get(url, accept=ACCEPT), _Version)
    if isinstance(answer.study_version, int) and answer.study_version != number:
        raise BadContent(f"{place(url)} sent version {answer.study_version}", about=trial)
    payload = _cut(answer.study)
    sent, _ = ids_of(payload)
    if sent is None:
        raise BadContent(f"{place(url)} sent a record whose NCT id cannot be read", about=trial)
    if sent != trial and sent not in aliases:
        raise BadContent(f"{place(url)} sent a record of {sent}", about=trial)
    return payload


def is_trouble(error: FetchError) -> bool:
    """Is this such trouble as the source has as a whole, so that the next request may well meet it too?"""
    cause = error.__cause__ if isinstance(error, NoHistory) else error
    return isinstance(cause, Refused | TooSlow | _WebPage) or (isinstance(cause, BadStatus) and cause.status in AGAIN)


def is_out_of_reach(error: FetchError) -> bool:
    """Was there no connection at all, whatever was asked for? One that broke off may be a single answer's fault."""
    trouble = error.__cause__
    return isinstance(error, Refused) and isinstance(trouble, Trouble) and not trouble.says.startswith("broke off")


def in_general(error: str, trial: str) -> str:
    """What an error says, without the trial and the version that it befell: two that say the same are one fault."""
    return _VERSION.sub("/history/...", error.replace(trial, "NCT..."))


def _url(base_url: str, trial: str) -> str:
    return f"{base_url.rstrip('/')}/api/int/studies/{trial}"


def _changes(client: Getter, url: str, trial: str) -> list[_Change]:
    """The list, from one of the two places that have it."""
    try:
        return _decoded(client.get(f"{url}/history", accept=ACCEPT), _List).changes
    except FetchError as error:
        if not _is_not_there(error):
            raise
        missing = error
    try:
        return _decoded(client.get(url, {"history": "true"}, accept=ACCEPT), _Whole).history.changes
    except FetchError as error:
        if not _is_not_there(error):
            raise
    _check_known(client, url, trial)
    raise NoHistory(
        f"{missing}: backfill needs the history of the registry's records, which is not to be had there", about=missing.about
    ) from missing


class _WebPage(BadContent):
    """A page for people, as a site answers for an address that its API does not have."""


def _is_not_there(error: FetchError) -> bool:
    return isinstance(error, _WebPage) or (isinstance(error, BadStatus) and error.status in _NOT_THERE)


def _check_known(client: Getter, url: str, trial: str) -> None:
    """Raise BadStatus when the registry does not know the record itself: then the fault is not its history's."""
    record = url.replace("/api/int/", "/api/v2/")
    try:
        client.get(record, {"fields": "NCTId"}, accept=ACCEPT)
    except BadStatus as error:
        if error.status == _NOT_FOUND:
            raise BadStatus(f"ClinicalTrials.gov does not show {trial} any more ({error})", about=trial, status=error.status) from error
    except FetchError:
        return


def _decoded(response: Response, shape: type[_Answer]) -> _Answer:
    about = place(response.url)
    try:
        return _decoded_body(response.body, shape)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        if response.is_html:
            raise _WebPage(f"{about} {what_came(response, error)}", about=about) from error
        if isinstance(error, msgspec.ValidationError):
            raise BadContent(f"{about} answered with JSON of another shape ({error})", about=about) from error
        raise BadContent(f"{about} {what_came(response, error)}", about=about) from error


def _decoded_body(body: bytes, shape: type[_Answer]) -> _Answer:
    """The answer; half a surrogate pair (RFC 8259, section 8.2) becomes U+FFFD, which no later reading would stumble at."""
    return msgspec.json.decode(with_whole_characters(body), type=shape)


def _cut(study: dict[str, msgspec.Raw]) -> bytes:
    parts = (f'"{name}":'.encode() + bytes(study[name]) for name in _PARTS if name in study)
    return b"{" + b",".join(parts) + b"}"


def _date(sent: Any) -> str | None:
    if not isinstance(sent, str):
        return None
    try:
        dates.parse(sent)
    except ValueError:
        return None
    return sent
