"""ClinicalTrials.gov API v2: ids -> observations, in batches.

The rules of paging are those of the API's own description (https://clinicaltrials.gov/data-api/api, ``/studies``): a page may
be empty, the last one has no token, and later pages repeat every parameter.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote_plus, urlsplit

import msgspec

from registry_sync.errors import BadContent, FetchError, TooLarge
from registry_sync.sources import ctgov_wire as wire
from registry_sync.sources.ctgov_record import differing, line, record_from, token
from registry_sync.sources.http import Getter, Response
from registry_sync.sources.interface import CTGOV, Failed, Found, Gone, Moved
from registry_sync.sources.trouble import place

__all__ = ["FIELDS", "Sent", "differing", "fetch", "read", "record_from", "release", "study_url"]

FIELDS = "ProtocolSection|AnnotationSection|DocumentSection|HasResults"
"""The parts of a study that a record needs: without results and without what the registry derives, which changes every day."""

_ACCEPT = "application/json"
_LONGEST_REQUEST_LINE = 7_500
_LONGEST_TOKEN = 1_000
_LARGEST_PAGE = 1_000
_SPARE_PAGES = 20
_NCT_ID = re.compile(r"NCT[0-9]{8}")
_JSON_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<half>u[dD][89a-fA-F]..)|.)", re.DOTALL)
_ID_IN_QUERY = len("NCT00000000%7C")

_page_decoder = msgspec.json.Decoder(wire.Page)
_ids_decoder = msgspec.json.Decoder(wire.OnlyIds)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sent:
    """A study that is proved to be of this trial and not read yet: nearly all say what they said before, and reading is the dear part.

    ``payload``: UTF-8 JSON of the one study.
    """

    trial: str
    payload: bytes
    source: str = CTGOV


def study_url(base_url: str, trial: str) -> str:
    """The public page of a trial."""
    return f"{base_url.rstrip('/')}/study/{trial}"


def read(sent: Sent) -> Found | Failed:
    """The record of a study that came, with the registry's date; Failed when it cannot be used."""
    try:
        record = record_from(sent.payload)
    except FetchError as error:
        return Failed(sent.trial, CTGOV, str(error))
    posted = record.last_update_post_date
    return Found(sent.trial, CTGOV, record, sent.payload, posted.date if posted else None)


def fetch(client: Getter, base_url: str, trials: Sequence[str], *, batch_size: int = 250) -> Iterator[Sent | Moved | Gone | Failed]:
    """One observation for each trial asked, as the batches arrive; ``trials`` are well-formed ids (``NCT`` and eight digits).

    Sent: its study as it came, for ``differing`` and ``read``. Moved: an alias of another trial. Gone: every page came, whole,
    and none held it. Failed: anything else, the others go on. Raises Stopped when the client does.
    """
    url = f"{base_url.rstrip('/')}/api/v2/studies"
    size = min(batch_size, _LARGEST_PAGE, _ids_that_fit(url))
    waiting = [tuple(batch) for batch in _batches(dict.fromkeys(trials), size)]
    while waiting:
        asked = waiting.pop(0)
        batch = _Batch(url, asked)
        try:
            for page in _pages(client, url, asked):
                yield from batch.read(page)
        except TooLarge as error:
            if len(batch.unanswered) == 1:
                yield from batch.failed(str(error))
            else:  # many long records: fewer at once
                waiting[:0] = _halves(tuple(batch.unanswered))
        except FetchError as error:
            yield from batch.failed(str(error))
        else:
            yield from batch.absent()


def release(client: Getter, base_url: str) -> tuple[str, str | None]:
    """The version of the API, and the time of the data that it serves (UTC, as the registry writes it). Raises FetchError."""
    url = f"{base_url.rstrip('/')}/api/v2/version"
    response = client.get(url, accept=_ACCEPT)
    try:
        answer = msgspec.json.decode(response.body, type=wire.Version)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BadContent(f"{place(url)} {_what_came(response, error)}", about=place(url)) from error
    return answer.api_version, answer.data_timestamp


class _Batch:
    """The ids asked for together, and which of them are answered."""

    def __init__(self, url: str, asked: Sequence[str]) -> None:
        self.unanswered = dict.fromkeys(asked)
        self._asked = frozenset(asked)
        self._place = place(url)
        self._moved: dict[str, str] = {}
        self._doubt = ""

    def read(self, page: wire.Page) -> Iterator[Sent]:
        """What the studies of a page say of the trials asked for."""
        for raw in page.studies:
            yield from self._study(bytes(raw))

    def failed(self, error: str) -> Iterator[Moved | Failed]:
        """Moved for each trial without a record that came as an alias, Failed for the others."""
        for trial in self.unanswered:
            yield Moved(trial, CTGOV, self._moved[trial]) if trial in self._moved else Failed(trial, CTGOV, error)

    def absent(self) -> Iterator[Moved | Gone | Failed]:
        """Moved for each trial that came as an alias, Gone for each that no page held; Failed when the answer is not fit to prove that."""
        if self._doubt:
            yield from self.failed(f"{self._place} {self._doubt}")
            return
        for trial in self.unanswered:
            yield Moved(trial, CTGOV, self._moved[trial]) if trial in self._moved else Gone(trial, CTGOV)

    def _study(self, payload: bytes) -> Iterator[Sent]:
        trial, aliases = _ids(payload)
        if trial is None:
            self._doubt = "sent a record whose NCT id cannot be read"
            _log.warning("%s %s", self._place, self._doubt)
            return
        ours = [alias for alias in aliases if alias in self._asked]
        if trial not in self._asked and not ours:
            self._doubt = f"sent {trial}, which was not asked for"
            _log.warning("%s %s", self._place, self._doubt)
            return
        self._moved |= {alias: trial for alias in ours if alias != trial}
        if trial in self.unanswered:
            del self.unanswered[trial]
            yield Sent(trial, payload)


def _ids(payload: bytes) -> tuple[str | None, tuple[str, ...]]:
    """The id of a study and its aliases, whatever the rest of it is like; ``None`` when it says no well-formed one."""
    try:
        protocol = _ids_decoder.decode(payload).protocol_section
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None, ()
    identification = (protocol and protocol.identification_module) or wire.OnlyIdentification()
    trial = token(identification.nct_id)
    aliases = (token(alias) for alias in identification.nct_id_aliases or ())
    if trial is None or not _NCT_ID.fullmatch(trial):
        return None, ()
    return trial, tuple(alias for alias in aliases if alias and _NCT_ID.fullmatch(alias))


def _pages(client: Getter, url: str, asked: Sequence[str]) -> Iterator[wire.Page]:
    """The pages that answer for ``asked``, until one has no token. Raises FetchError."""
    params = {"filter.ids": "|".join(asked), "fields": FIELDS, "format": "json", "pageSize": str(len(asked))}
    seen: set[str] = set()
    while True:
        page = _page(client.get(url, params, accept=_ACCEPT))
        yield page
        following = page.next_page_token
        if not following:
            return
        if following in seen or len(seen) >= len(asked) + _SPARE_PAGES:
            raise BadContent(f"{place(url)} sends page after page without an end", about=place(url))
        if len(quote_plus(following)) > _LONGEST_TOKEN:
            raise BadContent(f"{place(url)} sent a page token that is too long", about=place(url))
        seen.add(following)
        params["pageToken"] = following


def _page(response: Response) -> wire.Page:
    try:
        return _decoded_page(response.body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        about = place(response.url)
        raise BadContent(f"{about} {_what_came(response, error)}", about=about) from error


def _decoded_page(body: bytes) -> wire.Page:
    """The page; half a surrogate pair (RFC 8259, section 8.2) becomes U+FFFD: one odd letter must not cost a whole page."""
    try:
        return _page_decoder.decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        mended = _JSON_ESCAPE.sub(lambda escape: b"\\ufffd" if escape["half"] else escape[0], body)
        return _page_decoder.decode(mended)


def _what_came(response: Response, error: Exception) -> str:
    if response.is_html:
        return "answered with a web page instead of JSON"
    if not response.body.strip():
        return "answered with nothing instead of JSON"
    if response.content_type and "json" not in response.content_type:
        return f"answered with {(line(response.content_type) or '')[:60]} instead of JSON"
    if isinstance(error, msgspec.ValidationError):
        return f"answered with JSON that is no page of studies ({error})"
    return "answered with broken JSON"


def _ids_that_fit(url: str) -> int:
    """How many ids a request line can hold, with room for a page token: servers refuse long ones with 414."""
    names = "GET ?filter.ids=&fields=&format=json&pageSize=1000&pageToken= HTTP/1.1"
    fixed = len(urlsplit(url).path) + len(names) + len(FIELDS.replace("|", "%7C")) + _LONGEST_TOKEN
    return max(1, (_LONGEST_REQUEST_LINE - fixed) // _ID_IN_QUERY)


def _batches(trials: dict[str, None], size: int) -> Iterator[list[str]]:
    remaining = iter(trials)
    while batch := list(islice(remaining, size)):
        yield batch


def _halves(trials: tuple[str, ...]) -> list[tuple[str, ...]]:
    middle = len(trials) // 2
    return [trials[:middle], trials[middle:]]
