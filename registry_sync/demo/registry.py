"""ClinicalTrials.gov API v2 on loopback: search, ids, paging, projection, version, aliases, history and the pages for people.

It answers as the registry's own description of its API says (https://clinicaltrials.gov/data-api/api, version 2.0.5), as far
as this program asks; what it does not speak it refuses with 400, so that a wrong question never looks like an empty answer.
"""

from __future__ import annotations

import copy
import html
import json
import secrets
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from registry_sync.demo.as_html import as_html
from registry_sync.demo.past import Past
from registry_sync.demo.search import QueryError, Question, Study, cut_to, nct_id, question_for_many, question_for_one
from registry_sync.demo.server import LoopbackServer
from registry_sync.demo.wire import HTML, JSON, Reply, Request, text

API_VERSION = "2.0.5"
FIRST_RELEASE = datetime(2026, 2, 1, 9, 0, 5, tzinfo=UTC)

_STUDIES = "/api/v2/studies"
_HISTORY = "/api/int/studies/"


class Registry(LoopbackServer):
    """A registry that holds what it is given.

    What is put in is published at once: the timestamp of its data moves by a second. ``release`` is the daily one.
    """

    def __init__(self, *, released: datetime = FIRST_RELEASE) -> None:
        super().__init__()
        self._lock = threading.RLock()
        self._studies: dict[str, Study] = {}
        self._aliases: dict[str, str] = {}
        self._released = released
        self._says: Any = ...
        self.cut_lists: int | None = None
        """So many studies of a page are sent, as if there were no more."""
        self._tokens: dict[str, tuple[tuple[tuple[str, str], ...], int]] = {}
        self._empty_pages = 0
        self._past = Past()
        self._shows_history = True

    def put(self, study: Study) -> None:
        """Take in a study of API v2, or its next version; the caller's dict stays the caller's.

        Raises ValueError when it has no well-formed NCT id. Its ``nctIdAliases`` lead to it from now on.
        """
        kept = copy.deepcopy(study)
        identification = kept.get("protocolSection", {}).get("identificationModule", {})
        current = nct_id(str(identification.get("nctId", "")))
        with self._lock:
            self._aliases.pop(current, None)
            for old in identification.get("nctIdAliases", ()):
                self._lead(nct_id(old), current)
            aliases = sorted(old for old, new in self._aliases.items() if new == current)
            if aliases:
                identification["nctIdAliases"] = aliases
            self._past.replace(current, self._studies.get(current), kept)
            self._studies[current] = self._stamped(kept)
            self._publish()

    def remove(self, nct: str) -> None:
        """Know this study no more. Raises KeyError when it was not known."""
        with self._lock:
            del self._studies[nct_id(nct)]
            self._past.forget(nct_id(nct))
            self._publish()

    def alias(self, old: str, new: str) -> None:
        """Merge one id into another: the old one leads to the new one, and its own study is gone.

        Raises KeyError when the new one is not known, ValueError when the two are one.
        """
        if nct_id(old) == nct_id(new):
            raise ValueError(f"{old} cannot be an alias of itself")
        with self._lock:
            study = self._studies[nct_id(new)]
            self._lead(nct_id(old), nct_id(new))
            self.put(study)

    def study(self, nct: str) -> Study:
        """A copy of a study as it stands, to be edited and put back. Raises KeyError."""
        with self._lock:
            return copy.deepcopy(self._studies[nct_id(nct)])

    def release(self, at: datetime | None = None) -> None:
        """A data release: a new timestamp (a day later when not given), a new ``versionHolder`` in every record.

        Page tokens of before are stale afterwards.
        """
        with self._lock:
            self._released = at or self._released + timedelta(days=1)
            self._studies = {nct: self._stamped(study) for nct, study in self._studies.items()}
            self._tokens.clear()

    def empty_pages(self, count: int) -> None:
        """Put so many pages without a study before the next answers of a list, as the API allows itself."""
        with self._lock:
            self._empty_pages = count

    def show_history(self, shown: bool) -> None:
        """Whether the versions of the records can be had (``/api/int/studies/{nct}/history``)."""
        with self._lock:
            self._shows_history = shown

    def answer(self, request: Request) -> Reply:
        """One reply of the API or of the site."""
        try:
            return self._answer(request)
        except QueryError as error:
            return text(HTTPStatus.BAD_REQUEST, str(error))

    def _answer(self, request: Request) -> Reply:
        if request.method not in ("GET", "HEAD"):
            return replace(text(HTTPStatus.METHOD_NOT_ALLOWED, "Method Not Allowed"), headers=(("Allow", "GET, HEAD"),))
        with self._lock:
            if request.path == "/api/v2/version":
                return self._version()
            if request.path == _STUDIES:
                return self._list(question_for_many(request.query))
            if request.path.startswith(_HISTORY) and self._shows_history:
                return self._history(request)
            for prefix, show in ((_STUDIES + "/", self._show), ("/study/", self._show_page)):
                if request.path.startswith(prefix):
                    return self._one(request, prefix, show)
        return text(HTTPStatus.NOT_FOUND, "Not Found")

    def serve_timestamp(self, value: Any) -> None:
        """Say this instead of the time of the data, whatever it is."""
        self._says = value

    @property
    def data_timestamp(self) -> str:
        """The time of the data as the registry writes it: UTC, without an offset."""
        with self._lock:
            return self._released.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat()

    def _version(self) -> Reply:
        return _json({"apiVersion": API_VERSION, "dataTimestamp": self.data_timestamp if self._says is ... else self._says})

    def _one(self, request: Request, prefix: str, show: Any) -> Reply:
        asked = nct_id(request.path.removeprefix(prefix))
        if asked in self._studies:
            reply: Reply = show(request, self._studies[asked])
            return reply
        if asked in self._aliases:
            query = "?" + urlencode(request.query) if request.query else ""
            return Reply(HTTPStatus.MOVED_PERMANENTLY, headers=(("Location", f"{prefix}{self._aliases[asked]}{query}"),))
        return text(HTTPStatus.NOT_FOUND, f"NCT number {asked} not found")

    def _history(self, request: Request) -> Reply:
        """The list of a record's versions, alone or behind the record, and each version."""
        written, *rest = request.path.removeprefix(_HISTORY).split("/")
        asked = nct_id(written)
        if asked not in self._studies and asked in self._aliases:
            way = "/".join([_HISTORY + self._aliases[asked], *rest])
            return Reply(HTTPStatus.MOVED_PERMANENTLY, headers=(("Location", f"{way}?{urlencode(request.query)}"),))
        study = self._studies.get(asked)
        if study is not None and rest == ["history"]:
            return _json({"changes": self._past.changes(asked, study)})
        if study is not None and not rest and request.parameter("history") == "true":
            return _json({"study": as_html(study), "history": {"changes": self._past.changes(asked, study)}})
        if study is not None and len(rest) == 2 and rest[0] == "history" and rest[1].isascii() and rest[1].isdigit():
            version = self._past.version(asked, int(rest[1]), study)
            if version is not None:
                return _json(version)
        return text(HTTPStatus.NOT_FOUND, "Not Found")

    def _show(self, request: Request, study: Study) -> Reply:
        return _json(cut_to(study, question_for_one(request.query)))

    def _show_page(self, _request: Request, study: Study) -> Reply:
        protocol = study["protocolSection"]
        nct = protocol["identificationModule"]["nctId"]
        title = html.escape(protocol["identificationModule"].get("briefTitle", ""))
        status = html.escape(protocol.get("statusModule", {}).get("overallStatus", ""))
        head = f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{nct}</title></head>'
        facts = f"<dl><dt>ClinicalTrials.gov ID</dt><dd>{nct}</dd><dt>Overall Status</dt><dd>{status}</dd></dl>"
        page = f"{head}<body><h1>{title}</h1>{facts}</body></html>"
        return Reply(HTTPStatus.OK, page.encode(), HTML)

    def _list(self, question: Question) -> Reply:
        start = self._start_of_page(question)
        found = question.select(self._candidates(question))
        if self._empty_pages:
            self._empty_pages -= 1
            page, end = [], start
        else:
            end = start + question.page_size
            page = found[start:end]
        answer: dict[str, Any] = {}
        if question.count_total and question.page_token is None:
            answer["totalCount"] = len(found)
        answer["studies"] = [cut_to(study, question.tree) for study in page]
        if self.cut_lists is not None:
            answer["studies"] = answer["studies"][: self.cut_lists]
        if end < len(found):
            answer["nextPageToken"] = self._token(question, end)
        return _json(answer)

    def _candidates(self, question: Question) -> list[Study]:
        if question.ids is None:
            return list(self._studies.values())
        wanted = {self._aliases.get(asked, asked) for asked in question.ids} | question.ids
        return [study for nct, study in self._studies.items() if nct in wanted]

    def _start_of_page(self, question: Question) -> int:
        if question.page_token is None:
            return 0
        signature, start = self._tokens.get(question.page_token, (None, 0))
        if signature is None:
            raise QueryError("Page token is unknown, or stale since the data were refreshed")
        if signature != question.signature:
            raise QueryError("Page token belongs to a request with other parameters")
        return start

    def _token(self, question: Question, start: int) -> str:
        token = secrets.token_urlsafe(24)
        self._tokens[token] = (question.signature, start)
        return token

    def _publish(self) -> None:
        self._released += timedelta(seconds=1)

    def _lead(self, old: str, new: str) -> None:
        self._studies.pop(old, None)
        self._past.forget(old)
        self._aliases = {alias: new if to == old else to for alias, to in self._aliases.items()} | {old: new}

    def _stamped(self, study: Study) -> Study:
        derived = study.get("derivedSection", {})
        holder = {"versionHolder": self._released.date().isoformat()}
        return {**study, "derivedSection": {**derived, "miscInfoModule": {**derived.get("miscInfoModule", {}), **holder}}}


def _json(value: Any) -> Reply:
    return Reply(HTTPStatus.OK, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), JSON)
