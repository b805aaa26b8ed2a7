"""Lists of studies from ClinicalTrials.gov API v2, page by page.

The rules of paging are those of the API's own description (https://clinicaltrials.gov/data-api/api, ``/studies``): a page may
be empty, the last one has no token, later pages repeat every parameter but the page's own, and a token can go stale when the data
are refreshed in between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote_plus, urlsplit

import msgspec

from registry_sync.errors import BadContent, BadStatus, TooLarge
from registry_sync.sources import ctgov_wire as wire
from registry_sync.sources.folding import fold
from registry_sync.sources.http import Getter, Response
from registry_sync.sources.trouble import place

ACCEPT = "application/json"
LONGEST_REQUEST_LINE = 7_500
"""Bytes; servers refuse long ones with 414."""
LARGEST_PAGE = 1_000

_ROOM_FOR_TOKEN = 200
_SPARE_PAGES = 20
_NEW_BEGINNINGS = 2
_BAD_REQUEST = 400
_JSON_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<half>u[dD][89a-fA-F]..)|.)", re.DOTALL)

_page_decoder = msgspec.json.Decoder(wire.Page)


class Unfit(BadContent):
    """What came is broken JSON: one study of many may be at fault."""


def pages(client: Getter, url: str, params: Mapping[str, str], *, expected: int) -> Iterator[wire.Page]:
    """The pages that answer, until one has no token; from the first one again when a token goes stale in between.

    ``expected``: about how many pages there can be. A study may so come twice. Raises FetchError; TooLarge for a request that would be
    too long with the registry's page token in it.
    """
    for beginnings in range(_NEW_BEGINNINGS + 1):
        try:
            yield from _from_the_first(client, url, params, expected)
        except _StaleTokenError as stale:
            if beginnings == _NEW_BEGINNINGS:
                about = place(url)
                raise BadContent(
                    f"{about} takes back its page tokens again and again: its data are being refreshed", about=about
                ) from stale
        else:
            return


class _StaleTokenError(Exception):
    """A page token that the registry gave is refused."""


def _from_the_first(client: Getter, url: str, params: Mapping[str, str], expected: int) -> Iterator[wire.Page]:
    asked = dict(params)
    seen: set[str] = set()
    while True:
        try:
            response = client.get(url, asked, accept=ACCEPT)
        except BadStatus as error:
            if error.status == _BAD_REQUEST and seen:
                raise _StaleTokenError from error
            raise
        page = _page(response)
        yield page
        asked.pop("countTotal", None)
        following = page.next_page_token
        if not following:
            return
        if following in seen or len(seen) >= expected + _SPARE_PAGES:
            raise BadContent(f"{place(url)} sends page after page without an end", about=place(url))
        seen.add(following)
        asked["pageToken"] = following
        if len(quote_plus(following)) > _ROOM_FOR_TOKEN and request_line(url, asked) > LONGEST_REQUEST_LINE:
            raise TooLarge(f"{place(url)} sent a page token that is too long", about=place(url))


def request_line(url: str, params: Mapping[str, str]) -> int:
    """The length of the request line, in bytes."""
    query = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in params.items())
    return len(f"GET {urlsplit(url).path}?{query} HTTP/1.1")


def ids_that_fit(url: str, fields: str) -> int:
    """How many ids one request line can hold, with room for a page token."""
    empty = {"filter.ids": "", "fields": fields, "format": "json", "pageSize": str(LARGEST_PAGE), "pageToken": ""}
    room = LONGEST_REQUEST_LINE - _ROOM_FOR_TOKEN - request_line(url, empty)
    return max(1, room // len("NCT00000000%7C"))


def what_came(response: Response, error: Exception) -> str:
    """What an answer is that is not what was asked for."""
    if response.is_html:
        return "answered with a web page instead of JSON"
    if not response.body.strip():
        return "answered with nothing instead of JSON"
    if response.content_type and "json" not in response.content_type:
        return f"answered with {fold(response.content_type)[:60]} instead of JSON"
    if isinstance(error, msgspec.ValidationError):
        return f"answered with JSON that is no page of studies ({error})"
    return "answered with broken JSON"


def _page(response: Response) -> wire.Page:
    try:
        return _decoded_page(response.body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        about = place(response.url)
        is_json = not response.is_html and response.body.strip() and "json" in (response.content_type or "json")
        kind = Unfit if is_json and not isinstance(error, msgspec.ValidationError) else BadContent
        raise kind(f"{about} {what_came(response, error)}", about=about) from error


def _decoded_page(body: bytes) -> wire.Page:
    """The page; half a surrogate pair (RFC 8259, section 8.2) becomes U+FFFD: one odd letter must not cost a whole page."""
    try:
        return _page_decoder.decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return _page_decoder.decode(with_whole_characters(body))


def with_whole_characters(body: bytes) -> bytes:
    """JSON in which half a surrogate pair (RFC 8259, section 8.2) is U+FFFD."""
    return _JSON_ESCAPE.sub(lambda escape: b"\\ufffd" if escape["half"] else escape[0], body)
