"""Atom feeds (RFC 4287) of what changed, paged (RFC 5005): one entry for each change, which is never rewritten.

(But for contacts that are taken out of the change when their time is over, and links that follow the public address.)
An entry is made of its change alone, by when it was seen: its id is the installation's and the change's, its words are those of notices to
readers, its title is the trial's as it was then.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from email.utils import parseaddr
from typing import Any

from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from db import public
from db.connection import History
from db.public import Scope, Told
from jobs import kept
from registry_sync.notices.clean import cut, one_line
from registry_sync.notices.i18n import ENGLISH, Translator, translator
from registry_sync.notices.items import Item, item
from registry_sync.notices.marking import Run
from registry_sync.notices.route import READER_TOPICS
from registry_sync.trials.changes import KeptChange
from registry_sync.trials.record import N_, TOPICS
from registry_sync.web import asked
from registry_sync.web.answers import answer, at_once
from registry_sync.web.pages import around_of, readers_of
from registry_sync.web.problems import OPEN

PAGE = 100
"""Entries of a page."""
MEDIA_TYPE = "application/atom+xml"

_ATOM = "http://www.w3.org/2005/Atom"
_XML = "http://www.w3.org/XML/1998/namespace"
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document may hold, however it is written."""
_LONGEST_TITLE = 300
_TOPICS = tuple(topic for topic in TOPICS if topic not in ("housekeeping", "deadlines"))
_NOBODY_YET = "1970-01-01T00:00:00Z"

_NAMES: dict[str, str] = {
    "status": N_("Status"),
    "timeline": N_("Dates"),
    "criteria": N_("Who may take part"),
    "places": N_("Sites and contacts"),
    "design": N_("What is done in the trial"),
    "results": N_("Results"),
    "identity": N_("Title, description and sponsor"),
    "registry": N_("The entry in the registry"),
    "listing": N_("Listings on other sites"),
}


@at_once
def everything(request: Request) -> Response:
    """All that is watched, or what a search found, about all topics or some."""
    with readers_of(request).open() as history:
        return _feed(
            request, history, lambda: asked.scope(request, history, ever=True), public.state(history), N_("Changes in clinical trials")
        )


@at_once
def trial(request: Request) -> Response:
    """One trial."""
    with readers_of(request).open() as history:
        ids = asked.trial(request, history)
        return _feed(request, history, lambda: Scope(ids=ids), public.state_of(history, ids), N_("Changes in {trial}"), ids[0])


def _feed(request: Request, history: History, scope: Callable[[], Scope], state: public.State, title: str, of: str = "") -> Response:
    asked.only(request, "topic", *(() if of else asked.OF_SCOPE), "before", "lang")
    topics = asked.several(request, "topic", _TOPICS)
    before = asked.number(request, "before", None)
    language = asked.language(request)

    def make() -> Response:
        found = public.changes(history, scope(), most=PAGE + 1, topics=topics or sorted(READER_TOPICS), for_readers=True, before_id=before)
        t = translator(language)
        named = [t.gettext(title).format(trial=of)]
        named += [t.join([t.gettext(_NAMES[topic]) for topic in topics])] if topics else []
        body = _written(request, history, found, ": ".join(named), t, state.at)
        return Response(body, media_type=MEDIA_TYPE, headers={"Content-Language": language})

    return answer(request, state, make, headers=OPEN)


def _written(request: Request, history: History, found: Sequence[Told], title: str, t: Translator, newest: str | None) -> bytes:
    from lxml import etree

    installation = public.installation(history)
    feed = etree.Element(f"{{{_ATOM}}}feed", nsmap={None: _ATOM}, attrib={f"{{{_XML}}}lang": t.language})
    shown = found[:PAGE]
    selection = request.url.path + repr(sorted((n, v) for n, v in request.query_params.multi_items() if n != "before"))
    _add(feed, "id", _urn(installation, f"feed {selection}"))
    _add(feed, "title", title)
    _add(feed, "updated", shown[0].change.seen_at if shown else newest or _NOBODY_YET)
    author = _add(feed, "author")
    _add(author, "name", parseaddr(around_of(request).settings.smtp.sender)[0] or "registry-sync")
    _add(feed, "generator", "registry-sync")
    _link(feed, "self", asked.url(request), MEDIA_TYPE)
    _link(feed, "first", asked.url(request, before=None), MEDIA_TYPE)
    if len(found) > PAGE:
        _link(feed, "next", asked.url(request, before=shown[-1].change.id), MEDIA_TYPE)
    _link(feed, "alternate", f"{asked.base(request)}{request.url.path.removesuffix('feed.atom').rstrip('/') or '/'}", "text/html")
    for told in shown:
        _entry(feed, told, installation, asked.base(request), t)
    return bytes(etree.tostring(feed, xml_declaration=True, encoding="UTF-8"))


def _entry(feed: Any, told: Told, installation: uuid.UUID, base: str, t: Translator) -> None:
    change = told.change
    entry = _add(feed, "entry")
    of_language = "" if t.language == ENGLISH else f" {t.language}"
    _add(entry, "id", _urn(installation, f"change {change.id}{of_language}"))
    _add(entry, "title", cut(f"{change.trial}: {kept.in_words(change, t.language)}", _LONGEST_TITLE))
    _add(entry, "updated", change.seen_at)
    _add(entry, "published", change.seen_at)
    _link(entry, "alternate", f"{base}/trials/{change.trial}", "text/html")
    category = _add(entry, "category")
    category.set("term", change.topic)
    category.set("label", t.gettext(_NAMES[change.topic]) if change.topic in _NAMES else change.topic)
    content = _add(entry, "content", _html(told, t))
    content.set("type", "html")


def _html(told: Told, t: Translator) -> str:
    it = _item(told.change, t)
    sides = [(t.gettext("Before: {value}"), it.before, it.before_runs), (t.gettext("Now: {value}"), it.after, it.after_runs)]
    parts = [f"<p>{escape(cut(one_line(kept.looking_back(told.title)), _LONGEST_TITLE))}</p>"] if told.title else []
    parts.append(f"<p><strong>{escape(it.heading)}</strong></p>")
    parts += [f"<p>{escape(entry)}</p>" for entry in it.entries]
    parts += [f"<p>{escape(label).format(value=_side(side, runs))}</p>" for label, side, runs in sides if side is not None]
    parts += [f"<p>{escape(it.note)}</p>"] if it.note else []
    if it.is_cut:
        whole = t.gettext("This text is shown in part; the registry has all of it.")
        parts.append(f"<p>{escape(whole)}</p>")
    return "".join(parts)


def _side(text: str, runs: Sequence[Run]) -> Markup:
    """A side with its lines, and the words that went or came marked."""
    marks = {"same": "{}", "removed": "<del>{}</del>", "added": "<ins>{}</ins>"}
    marked = "".join(marks[mark].format(escape(words)) for words, mark in runs) if runs else str(escape(text))
    return Markup(marked.replace("\n", "<br>"))  # noqa: S704 - each part was escaped


def _item(change: KeptChange, t: Translator) -> Item:
    """In the voice for readers, without people. Where only who or which number differs, one line says that."""
    hidden = kept.public(change)
    if change.before is not None and change.after is not None and hidden.before == hidden.after:
        return Item(kept.in_words(change, t.language), None, None)
    return item(hidden, "reader", t)


def _urn(installation: uuid.UUID, name: str) -> str:
    return uuid.uuid5(installation, name).urn


def _add(parent: Any, name: str, text: str = "") -> Any:
    from lxml import etree

    child = etree.SubElement(parent, f"{{{_ATOM}}}{name}")
    if text:
        child.text = _FORBIDDEN.sub("", text)
    return child


def _link(parent: Any, rel: str, href: str, media_type: str) -> None:
    link = _add(parent, "link")
    link.set("rel", rel)
    link.set("href", href)
    link.set("type", media_type)
