"""ClinicalTrials.gov API v2: what its data are of, a glance at many studies, whole studies in batches, and what a search finds."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from registry_sync.errors import BadContent, BadStatus, FetchError, TooLarge
from registry_sync.sources import ctgov_wire as wire
from registry_sync.sources.ctgov_batches import FIELDS, GLANCE_FIELDS, Batch, GlanceBatch, Sent, WholeBatch, glance_at, ids_of
from registry_sync.sources.ctgov_pages import ACCEPT, LARGEST_PAGE, Unfit, ids_that_fit, pages, what_came
from registry_sync.sources.folding import fold
from registry_sync.sources.http import Getter
from registry_sync.sources.interface import CTGOV, Failed, Found, Glanced, Gone, Moved
from registry_sync.sources.trouble import place

__all__ = [
    "FIELDS",
    "GLANCE_FIELDS",
    "SearchPage",
    "Sent",
    "fetch",
    "glance",
    "glance_of",
    "read",
    "release",
    "search",
    "study_url",
]

WHOLE_AT_ONCE = 250
"""Whole studies asked for in one request: a few megabytes."""
_MOST_ASKED_SINGLY = 40
_MOST_PARTINGS = 40
_MOST_FAILURES = 3
_DEAR = 2
_NOT_FOUND, _SERVER_ERROR = 404, 500
_LONGEST_STAMP = 40

_log = logging.getLogger(__name__)
_Said = TypeVar("_Said")


class SearchPage(msgspec.Struct, frozen=True):
    """Some of what a search found: ids, with what a glance at each shows. ``total``: how many there are, on the first page.

    ``aliases``: the ids that had the records of some of them before.
    """

    glances: dict[str, bytes]
    total: int | None = None
    aliases: dict[str, tuple[str, ...]] = {}


def study_url(base_url: str, trial: str) -> str:
    """The public page of a trial."""
    return f"{base_url.rstrip('/')}/study/{trial}"


def _studies_url(base_url: str) -> str:
    return f"{base_url.rstrip('/')}/api/v2/studies"


def release(client: Getter, base_url: str) -> tuple[str, str | None]:
    """The version of the API, and the time of the data that it serves (UTC, as the registry writes it). Raises FetchError."""
    url = f"{base_url.rstrip('/')}/api/v2/version"
    response = client.get(url, accept=ACCEPT)
    try:
        answer = msgspec.json.decode(response.body, type=wire.Version)
    except (msgspec.MsgspecError, UnicodeError) as error:
        came = what_came(response, error).replace("no page of studies", "no version")
        raise BadContent(f"{place(url)} {came}", about=place(url)) from error
    stamp = fold(answer.data_timestamp or "")
    return answer.api_version, stamp if 0 < len(stamp) <= _LONGEST_STAMP else None


def read(sent: Sent) -> Found | Failed:
    """The record of a study that came, with the registry's date; Failed when it cannot be used."""
    from registry_sync.sources.ctgov_record import record_from  # what reads texts takes a while to load

    try:
        record = record_from(sent.payload)
    except FetchError as error:
        return Failed(sent.trial, CTGOV, str(error), sent.payload)
    posted = record.last_update_post_date
    return Found(sent.trial, CTGOV, record, sent.payload, posted.date if posted else None)


def glance_of(payload: bytes) -> bytes:
    """What a glance at this study shows, in 8 bytes: the same for a whole study and for one cut to ``GLANCE_FIELDS``."""
    return glance_at(payload)[1]


def fetch(
    client: Getter, base_url: str, trials: Sequence[str], *, batch_size: int = WHOLE_AT_ONCE
) -> Iterator[Sent | Moved | Gone | Failed]:
    """One observation for each trial asked, as the batches arrive; ``trials`` are well-formed ids (``NCT`` and eight digits).

    Sent: its study as it came, for ``differing`` and ``read``. Moved: an alias of another trial, with that one's study. Gone: the
    registry does not know it. Failed: anything else, the others go on. Raises Stopped when the client does.

    An id that a whole answer did not hold is asked for by itself: an alias then answers with the other id (301), an unknown one with
    404, and nothing else proves that it is gone. Of many such ids some are asked, by chance; the others have to wait.
    """
    url = _studies_url(base_url)

    def whole(asked: Sequence[str]) -> WholeBatch:
        return WholeBatch(url, asked)

    absent: list[Gone | Failed] = []
    for observation in _in_batches(client, url, trials, FIELDS, batch_size, whole):
        if isinstance(observation, Gone) or (isinstance(observation, Failed) and observation.absent):
            absent.append(observation)
        else:
            yield observation
    yield from _each_singly(client, url, random.sample(absent, len(absent)))


def _each_singly(client: Getter, url: str, absent: Sequence[Gone | Failed]) -> Iterator[Sent | Moved | Gone | Failed]:
    failures = 0
    for place_, observation in enumerate(absent):
        if place_ >= _MOST_ASKED_SINGLY or failures >= _MOST_FAILURES:
            unproved = observation.error if isinstance(observation, Failed) else f"{place(url)} did not send it"
            yield Failed(observation.trial, CTGOV, f"{unproved}; a next sync asks for it by itself", absent=True)
            continue
        answer = _asked_singly(client, url, observation)
        failures = failures + 1 if isinstance(answer, Failed) else 0
        yield answer


def _asked_singly(client: Getter, url: str, absent: Gone | Failed) -> Sent | Moved | Gone | Failed:
    """What the registry says of one trial that a batch did not hold; what the batch made of it where this proves nothing better."""
    trial = absent.trial
    try:
        response = client.get(f"{url}/{trial}", {"fields": FIELDS, "format": "json"}, accept=ACCEPT)
    except FetchError as error:
        if (
            isinstance(error, BadStatus) and error.status == _NOT_FOUND and error.about.endswith(f"/{trial}")
        ):  # not of where it redirects to
            return Gone(trial, CTGOV)
        return absent if isinstance(absent, Failed) else Failed(trial, CTGOV, str(error))
    answers, aliases = ids_of(response.body)
    if answers == trial:
        return Sent(trial, response.body)
    where = f"{place(url)}/{trial}"
    if answers is None:
        return Failed(trial, CTGOV, f"{where} sent a record whose NCT id cannot be read")
    if trial in aliases or urlsplit(response.url).path.rstrip("/").endswith(f"/{answers}"):
        return Moved(trial, CTGOV, answers, response.body)
    return Failed(
        trial, CTGOV, f"{where} sent the record of {answers}, which neither names {trial} as an alias nor is where it redirects to"
    )


def glance(client: Getter, base_url: str, trials: Sequence[str]) -> Iterator[Glanced | Gone | Failed]:
    """A glance at each trial asked, a page at a time; Gone for one that did not come under its id, which proves nothing yet.

    Failed as in ``fetch``.
    """
    url = _studies_url(base_url)

    def glances(asked: Sequence[str]) -> GlanceBatch:
        return GlanceBatch(url, asked)

    return _in_batches(client, url, trials, GLANCE_FIELDS, LARGEST_PAGE, glances)


def search(client: Getter, base_url: str, params: Mapping[str, str]) -> Iterator[SearchPage]:
    """What a search finds, a page at a time; a trial may come twice when the data are refreshed in between.

    ``params``: the API's own (``query.cond`` and so on). Raises FetchError, with whatever came before kept by the caller.
    """
    url = _studies_url(base_url)
    asked = {**params, "fields": GLANCE_FIELDS, "format": "json", "countTotal": "true", "pageSize": str(LARGEST_PAGE)}
    for page in pages(client, url, asked, expected=LARGEST_PAGE):
        glances: dict[str, bytes] = {}
        aliases: dict[str, tuple[str, ...]] = {}
        for raw in page.studies:
            trial, shown = glance_at(raw)
            if not trial:
                _log.warning("%s sent a record whose NCT id cannot be read", place(url))
                continue
            glances[trial] = shown  # one that cannot be read is like none that was ever kept: the whole record will tell
            former = ids_of(raw)[1]
            if former:
                aliases[trial] = former
        yield SearchPage(glances, page.total_count, aliases)


def _in_batches(
    client: Getter, url: str, trials: Sequence[str], fields: str, size: int, batch_of: Callable[[Sequence[str]], Batch[_Said]]
) -> Iterator[_Said]:
    """What each batch says, as its pages arrive. One that is too large, or broken, is parted: one study may be at fault.

    After some failures one upon the other the rest fails with the last one's words: a site in trouble is not asked forty times.
    """
    size = min(size, LARGEST_PAGE, ids_that_fit(url, fields))
    waiting = [tuple(batch) for batch in _batches(dict.fromkeys(trials), size)]
    partings, failures, worked = _MOST_PARTINGS, 0, False
    while waiting:
        asked = waiting.pop(0)
        batch = batch_of(asked)
        params = {"filter.ids": "|".join(asked), "fields": fields, "format": "json", "pageSize": str(len(asked))}
        try:
            for page in pages(client, url, params, expected=len(asked)):
                yield from batch.read(page)
        except (TooLarge, Unfit) as error:
            if len(batch.unanswered) > 1 and partings > 0:
                partings -= isinstance(error, Unfit)
                waiting[:0] = _halves(tuple(batch.unanswered))
            else:
                yield from batch.failed(str(error))
        except FetchError as error:
            if worked and partings > 0 and len(batch.unanswered) > 1 and isinstance(error, BadStatus) and error.status == _SERVER_ERROR:
                partings -= _DEAR  # the server breaks on one of these; each try is made several times, with waits
                waiting[:0] = _halves(tuple(batch.unanswered))
                continue
            yield from batch.failed(str(error))
            failures += 1
            if failures >= _MOST_FAILURES:
                yield from batch_of([trial for rest in waiting for trial in rest]).failed(str(error))
                return
        else:
            failures, worked = 0, True
            yield from batch.absent()


def _batches(trials: dict[str, None], size: int) -> Iterator[list[str]]:
    remaining = iter(trials)
    while batch := list(islice(remaining, size)):
        yield batch


def _halves(trials: tuple[str, ...]) -> list[tuple[str, ...]]:
    middle = len(trials) // 2
    return [trials[:middle], trials[middle:]]
