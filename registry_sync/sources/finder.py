"""A trial-finder page -> what it says of one trial, by its labels and visible text, never by class names.

The page is hostile until proved: it may be a maintenance page, another trial, a search form. What is not surely said
of this trial is not stated, which no one takes for a removal.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from registry_sync.errors import BadStatus, FetchError, Refused, TooSlow, Unwelcome
from registry_sync.sources import guard, json_ld
from registry_sync.sources.blocks import Block, decode, page_blocks
from registry_sync.sources.finder_fields import Fields
from registry_sync.sources.finder_identity import Shown, doubt, other_ids, trials_of
from registry_sync.sources.folding import fold
from registry_sync.sources.http import LARGEST_PAGE
from registry_sync.sources.interface import Failed, Forbidden, Found, Gone, NotModified, Unreadable, Validators
from registry_sync.sources.page_layout import laid_out
from registry_sync.sources.page_parts import leading_trial, own_blocks, trial_ids
from registry_sync.sources.profiles import UNKNOWN, Profile, words_of
from registry_sync.sources.registers import TRIAL_ID
from registry_sync.sources.vocabulary import common
from registry_sync.trials.listing import Listing, Subject
from registry_sync.trials.record import Record

if TYPE_CHECKING:
    from registry_sync.sources.http import Getter, Manners

ACCEPT = "text/html,application/xhtml+xml;q=0.9,text/plain;q=0.5"
_PAGE_TYPES = frozenset(("", "text/html", "application/xhtml+xml", "text/plain", "application/xml", "text/xml"))
_NO_PAGES = (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"BM", b"RIFF", b"{", b"[")
_GONE = frozenset((HTTPStatus.NOT_FOUND, HTTPStatus.GONE))
_TITLE = re.compile(r"<title(?:\s[^>]{0,200})?>([^<]{0,1000})", re.IGNORECASE)
_TITLES = frozenset(("brief_title", "official_title"))


def prepare() -> None:
    """Load the words by which pages are read: before threads read them, which would each do it at once."""
    common()
    guard.refusal("", ())
    words_of(UNKNOWN)


def fetch_page(
    client: Getter,
    subject: Subject,
    url: str,
    *,
    profile: Profile | None = None,
    validators: Validators | None = None,
    manners: Manners | None = None,
) -> Found | NotModified | Gone | Unreadable | Failed | Forbidden:
    """What the page at ``url`` says of a trial now; a request that brings no page is Failed with the client's reason.

    ``validators``: those of the page as it was last read: NotModified says that it still is that page. ``manners``: what speaks against
    following a redirect, which is Forbidden then. Gone: its site answers that there
    is none (404, 410). After a redirect the page that came is read: what it shows decides whether it is this trial's. Lets Stopped through.
    """
    trial = subject.trial
    try:
        response = client.get(url, accept=ACCEPT, validators=validators, max_bytes=LARGEST_PAGE, manners=manners)
    except BadStatus as error:
        return Gone(trial, url) if error.status in _GONE else Failed(trial, url, str(error))
    except Unwelcome as error:
        return Forbidden(trial, url, str(error))
    except FetchError as error:
        return Failed(trial, url, str(error), down=isinstance(error, Refused | TooSlow))
    if response.status == HTTPStatus.NOT_MODIFIED:
        return NotModified(trial, url)
    if response.content_type not in _PAGE_TYPES:
        return Unreadable(trial, url, f"the server sent {response.content_type} instead of a web page")
    found = read_page(subject, url, response.body, response.charset, profile, came_from=response.url if response.redirected else "")
    return replace(found, validators=response.validators) if isinstance(found, Found) else found


def read_page(
    subject: Subject, url: str, body: bytes, charset: str | None, profile: Profile | None = None, *, came_from: str = ""
) -> Found | Unreadable:
    """What a page's bytes say of a trial; never raises.

    ``charset`` is the header's, ``profile`` what is known of the site, ``came_from`` the address to which redirects led. Found carries
    the bytes as they came; Unreadable a reason in words for the operator. What is read depends on the page and the trial's NCT ids
    alone: the rest of ``subject`` only proves whose it is.
    """
    trial = subject.trial
    if not body.strip():
        return Unreadable(trial, url, "the page is empty")
    if body.lstrip().startswith(_NO_PAGES):
        return Unreadable(trial, url, "what came is not a web page (a picture, a document, an archive or data)")
    markup = decode(body, charset)
    profile = profile or UNKNOWN
    words = words_of(profile)
    seen, around = page_blocks(markup)
    blocks = laid_out(seen, words)
    if not blocks:
        return Unreadable(trial, url, guard.refusal(markup, blocks) or "the page shows no text (it may build itself with scripts)")
    refusal = guard.refusal(markup, blocks, asked=url, came_from=came_from)
    if refusal is not None:
        return Unreadable(trial, url, refusal)
    trials = trials_of(subject)
    own = own_blocks(blocks, trials, words)
    fields = Fields(own, words, profile)
    studies = json_ld.studies(markup, words)
    in_sight, leading = _trials_in_sight(blocks, around), leading_trial(blocks, trials, words)
    shown = Shown(own, fields.rows, in_sight, leading, studies, _title_of(markup), around, blocks)
    values, statuses = _filled(fields, json_ld.study_of(studies, trials, fields.values.get("brief_title")))
    record = Record(trial=trial, **values)
    reason = doubt(subject, shown, words)
    if reason is None and not statuses and values.keys() <= _TITLES and "criteria" not in fields.how:
        reason = f"the page names {trial} but gives none of the fields that can be read"
    if reason is not None:
        return Unreadable(trial, url, reason)
    ids, follows, beside = other_ids(subject, shown)
    unlimited = tuple(name for name in fields.unlimited if name not in values)
    listing = Listing(record, fields.how, statuses, fields.said, fields.refreshed, ids, follows, profile.name or None, beside, unlimited)
    return Found(trial, url, record, body, listing=listing)


def _title_of(markup: str) -> str:
    """The title of the page's window."""
    found = _TITLE.search(markup)
    return fold(html.unescape(found[1])) if found else ""


def _trials_in_sight(blocks: Sequence[Block], around: str) -> frozenset[str]:
    """Every NCT id that the page shows; where its content has none, those of its bread crumbs and its foot."""
    return trial_ids(blocks) or frozenset(found.upper() for found in TRIAL_ID.findall(around))


def _filled(fields: Fields, study: json_ld.Study | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The fields of the visible text, and those of JSON-LD that it does not name or leaves empty; and what the status covers."""
    values, statuses = dict(fields.values), fields.statuses
    if study is None:
        return values, statuses
    site = fields.profile
    doubted = {*site.paraphrases, *site.truncates, *site.run_together}
    for name, value in study.values.items():
        if name not in values and name not in doubted and fields.how.get(name, "empty") == "empty":
            values[name] = value
            fields.how.pop(name, None)
    if study.statuses and "overall_status" not in values and not statuses and fields.how.get("overall_status", "empty") == "empty":
        fields.how.pop("overall_status", None)
        if len(study.statuses) == 1:
            values["overall_status"] = study.statuses[0]
        else:
            statuses = study.statuses
    return values, statuses
