"""The public pages as files, for who has no server: HTML, feeds, calendars and JSON, in each language.

The pages themselves are asked, in this process, and every link among them leads to a file, by a relative address: the folder works at the
root of a site, below a path, and on a disk. What needs a server (search, subscribing and what is said of subscribers, the operator's page)
is left out, with its links.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import hashlib
import os
import posixpath
import re
import shutil
import unicodedata
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urljoin, urlsplit

import msgspec

from db import copying, damage
from db.readers import OfOneMoment
from jobs.lock import only_one
from jobs.surroundings import Surroundings
from registry_sync.errors import Damaged, NotPublished, Stopped, UsageError
from registry_sync.notices.i18n import ENGLISH, languages
from registry_sync.web import folders

if TYPE_CHECKING:
    from starlette.types import ASGIApp

MOST_OLDER = 20
"""Pages of a feed that lead further back."""
DAYS_OF_CHANGES = 92
"""How far ``api/changes.json`` looks back; those of one trial are whole."""

_TRIAL = r"/trials/NCT\d{8}"
_PAGES: tuple[tuple[str, frozenset[str]], ...] = (
    (r"/", frozenset({"page"})),
    (r"/condition/.+", frozenset({"page"})),
    (_TRIAL, frozenset({"page", "all"})),
    (rf"{_TRIAL}/versions", frozenset({"page"})),
    (rf"{_TRIAL}/diff", frozenset({"from", "to"})),
    (rf"{_TRIAL}/versions/\d+", frozenset({"as"})),
    (rf"{_TRIAL}/at/[\d-]+", frozenset()),
    (rf"{_TRIAL}/listings", frozenset()),
    (r"/status|/style\.css", frozenset()),
    (rf"(?:{_TRIAL})?/feed\.atom", frozenset({"condition", "search", "topic", "before"})),
    (rf"(?:{_TRIAL})?/calendar\.ics", frozenset({"condition", "search"})),
)
"""What becomes a file: the pattern of its path, and what may be asked of it."""
_IN_EACH_LANGUAGE = ("/", "/status", "/feed.atom", "/calendar.ics")
_OF_A_TRIAL = ("/feed.atom", "/calendar.ics")
_JSON_OF_A_TRIAL = ("", "/changes", "/versions", "/listings")
_MOST_OF_ONE_ANSWER = {"/api/trials": 200, "/api/changes": 1000}
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'"
_ATOM = "{http://www.w3.org/2005/Atom}"
_NOT_FOUND = "/404.html"
"""What hosts of files show at an address where there is none, whatever that address is: links on it must be whole."""
_PLAIN = re.compile(r"NCT\d{8}|[a-z0-9][a-z0-9.-]{0,60}", re.ASCII)
_SUFFIXES = (".atom", ".ics", ".css")


class Published(msgspec.Struct, frozen=True):
    """What was published."""

    folder: str
    files: int
    trials: int
    bytes: int
    languages: list[str]


class Address(msgspec.Struct, frozen=True):
    """What is asked for: a path, the values of its query but the language, and the language."""

    path: str
    query: tuple[tuple[str, str], ...] = ()
    language: str = ENGLISH

    @property
    def is_published(self) -> bool:
        """Does this become a file?"""
        names = {name for name, _ in self.query}
        return self.path.startswith("/api/") or any(re.fullmatch(path, self.path) and names <= may for path, may in _PAGES)

    @property
    def file(self) -> str:
        """The file's path in the folder: of letters, digits and signs that every system and every server leaves alone."""
        if self.path == _NOT_FOUND:
            return _NOT_FOUND[1:]
        parts = [] if self.language == ENGLISH else [self.language]
        parts += [_name(part) for part in self.path.split("/") if part]
        asked = "_".join(f"{name}-{_name(value)}" for name, value in self.query)
        if self.path.startswith("/api/"):
            return "/".join(parts) + ".json"
        stem, suffix = posixpath.splitext(self.path)
        if suffix in _SUFFIXES:
            return "/".join([*parts[:-1], f"{posixpath.basename(stem)}{f'-{asked}' if asked else ''}{suffix}"])
        return "/".join([*parts, f"{asked or 'index'}.html"])


def publish(around: Surroundings, folder: Path, url: str) -> Published:
    """Make the folder anew, or leave it as it was; ``url``: where it will be read, empty when that is not known.

    All of it is of one moment, whatever a sync writes meanwhile.
    Raises UsageError for a folder with anything else in it, NotPublished when a page cannot be made, Stopped.
    """
    folder = folders.whole(folder)
    if copying.belongs_to(folder, around.database):
        raise UsageError(f"{folder}: is where the copies of the database are; name another folder", about=str(folder))
    web = msgspec.structs.replace(around.settings.web, url=url)
    around = msgspec.structs.replace(around, settings=msgspec.structs.replace(around.settings, web=web))
    from registry_sync.web.app import application

    with (
        only_one(around.database, "publish"),
        _in_place_of(folder) as new,
        contextlib.closing(OfOneMoment(around.database)) as readers,
    ):
        site = _Site(application(around, readers), around, new, url)
        with _stays(folder):
            asyncio.run(site.gather())
            site.link()
            return site.published(folder)


@contextlib.contextmanager
def _stays(folder: Path) -> Iterator[None]:
    """Let a disk that is full name the folder that was asked for. Raises NotPublished."""
    try:
        yield
    except OSError as error:
        said = f"{folder}: cannot be written ({error.strerror or error}); make room, or name another folder: it stays as it was"
        raise NotPublished(said, about=str(folder)) from error


@contextlib.contextmanager
def _in_place_of(folder: Path) -> Iterator[Path]:
    """A new folder beside this one, which takes its place when the block ends well; whatever a killed process left is mended first."""
    new, old = (folder.with_name(f".{folder.name}.{state}") for state in ("publishing", "before"))
    with _named(folder):
        if old.exists() and not folder.exists():
            old.rename(folder)
        if os.path.lexists(folder):
            folders.check_is_ours(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove(new, old)
        new.mkdir()
    try:
        yield new
        with _named(folder):
            if os.path.lexists(folder):
                folders.check_is_ours(folder)  # it has taken a while
                folders.carry_over(folder, new)
                folder.rename(old)
            new.rename(folder)
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)
        _remove(new, old)


@contextlib.contextmanager
def _named(folder: Path) -> Iterator[None]:
    """Let what the system refuses name the folder that was asked for, and not one of those beside it. Raises UsageError."""
    try:
        yield
    except OSError as error:
        said = f"{folder}: cannot be made ({error.strerror or error}): {folder.parent} must be a folder that may be written to"
        raise UsageError(said, about=str(folder)) from error


def _remove(*folders: Path) -> None:
    for folder in folders:
        if folder.exists():
            shutil.rmtree(folder)


class _Site:
    """The pages on their way to a folder."""

    def __init__(self, app: ASGIApp, around: Surroundings, folder: Path, url: str) -> None:
        self._app = app
        self._around = around
        self._folder = folder
        self._url = url.rstrip("/")
        self._root = urlsplit(url).path.rstrip("/")
        self._files: dict[Address, str] = {}
        """What there is, under each address that leads to it."""
        self._asked: set[Address] = set()
        self._waiting: deque[Address] = deque()
        self._older: dict[Address, int] = {}
        self._trials: set[str] = set()

    def published(self, folder: Path) -> Published:
        """What has been made, which the folder says of itself, too."""
        names = [path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*") if path.is_file()]
        folders.note(self._folder, self._around.stamp(), names, len(self._trials))
        sizes = [(self._folder / name).stat().st_size for name in (*names, folders.MANIFEST)]
        return Published(str(folder), len(sizes), len(self._trials), sum(sizes), list(languages()))

    # --- asking -----------------------------------------------------------------------------------------------------

    async def gather(self) -> None:
        """Ask for everything that the pages lead to, and keep it as it came."""
        self._want(Address("/style.css"))
        for language in languages():
            for path in _IN_EACH_LANGUAGE:
                self._want(Address(path, language=language))
        while self._waiting:
            if self._around.stop.is_set():
                raise Stopped("asked to stop; the folder stays as it was")
            await self._take(self._waiting.popleft())
        await self._gather_json()
        if self._url:
            nowhere = Address(_NOT_FOUND)
            self._keep(nowhere, (await self._ask(nowhere))[2])

    async def _gather_json(self) -> None:
        since = (self._around.now().date() - datetime.timedelta(days=DAYS_OF_CHANGES)).isoformat()
        await self._take_whole("/api/trials", "trials", ())
        await self._take_whole("/api/changes", "changes", (("since", since),))
        await self._take(Address("/api/searches"))
        for trial in sorted(self._trials):
            for path in _JSON_OF_A_TRIAL:
                await self._take(Address(f"/api/trials/{trial}{path}"))

    def _want(self, address: Address) -> None:
        if address not in self._asked and address.is_published:
            self._asked.add(address)
            self._waiting.append(address)

    async def _take(self, address: Address) -> None:
        """Ask for one thing, keep it, and want what it leads to."""
        status, headers, body = await self._ask(address)
        if status in (301, 302, 303, 307, 308):
            there = self._led_to(headers.get("location", ""), address)
            if there is not None and there != address and there.is_published:
                self._want(there)
                self._files[address] = there.file
            return
        if status == 404:
            return
        if status != 200:
            damaged = damage.found(self._around.database) if status >= 500 else None
            if damaged:
                raise Damaged(f"{damaged}; {address.path} cannot be made, and the folder stays as it was", about=address.path)
            raise NotPublished(f"{address.path}: cannot be made ({status}); the folder stays as it was", about=address.path)
        self._keep(address, body)
        kind = headers.get("content-type", "").partition(";")[0]
        for link in _links(kind, body):
            found = self._led_to(link, address)
            if found is not None and self._is_near(address, found):
                self._want(found)
        found_trial = re.fullmatch(_TRIAL, address.path)
        if found_trial and not address.query:
            self._trials.add(address.path.rpartition("/")[2])
            for path in _OF_A_TRIAL:
                self._want(Address(address.path + path, language=address.language))

    def _is_near(self, address: Address, found: Address) -> bool:
        """Feeds lead back to the first change of all; so far back nobody reads."""
        if "before" not in dict(found.query):
            return True
        self._older.setdefault(found, self._older.get(address, 0) + 1)
        return self._older[found] <= MOST_OLDER

    async def _take_whole(self, path: str, name: str, query: tuple[tuple[str, str], ...]) -> None:
        """An answer that comes a part at a time, as one."""
        limit = _MOST_OF_ONE_ANSWER[path]
        whole: list[Any] = []
        place = "offset" if path == "/api/trials" else "after_id"
        at = 0
        while True:
            _, _, body = await self._ask(Address(path, (*query, ("limit", str(limit)), (place, str(at)))))
            part = msgspec.json.decode(body)
            whole += part[name]
            at = part.get("last_id", at + limit)
            if part["next"] is None:
                break
        self._keep(Address(path), msgspec.json.encode({**part, name: whole}))

    def _keep(self, address: Address, body: bytes) -> None:
        path = self._folder / address.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        self._files[address] = address.file

    async def _ask(self, address: Address) -> tuple[int, dict[str, str], bytes]:
        """One answer of the pages: status, headers, body."""
        asked = [*address.query, *([("lang", address.language)] if address.language != ENGLISH else [])]
        status = 0
        headers: dict[str, str] = {}
        parts: list[bytes] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers.update((name.decode().lower(), value.decode("latin-1")) for name, value in message["headers"])
            else:
                parts.append(message.get("body", b""))

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": address.path,
            "raw_path": quote(address.path).encode(),
            "root_path": "",
            "query_string": urlencode(asked).encode(),
            "headers": [(b"accept-language", ENGLISH.encode()), (b"host", b"localhost")],
            "server": ("localhost", 80),
            "client": ("127.0.0.1", 0),
        }
        await self._app(scope, receive, send)
        return status, headers, b"".join(parts)

    # --- linking ----------------------------------------------------------------------------------------------------

    def _led_to(self, link: str, base: Address) -> Address | None:
        """Where a link on one of the pages leads, if to another one."""
        here = f"http://here{self._root}{quote(base.path)}{'?' if base.query else ''}{urlencode(base.query)}"
        if self._url and link.startswith((f"{self._url}/", f"{self._url}?")):
            link = self._root + link[len(self._url) :]
        there = urlsplit(urljoin(here, link))
        if (there.scheme, there.netloc) != ("http", "here") or not there.path.startswith(f"{self._root}/"):
            return None
        asked = sorted(parse_qsl(there.query, keep_blank_values=True))
        language = dict(asked).get("lang", ENGLISH)
        if language not in languages():
            return None
        return Address(unquote(there.path[len(self._root) :]), tuple(pair for pair in asked if pair[0] != "lang"), language)

    def link(self) -> None:
        """Let the links of everything that was kept lead to files."""
        for address in [each for each, file in self._files.items() if each.file == file]:
            path = self._folder / address.file
            if path.suffix == ".html":
                path.write_bytes(self._linked_page(address, path.read_bytes()))
            elif path.suffix == ".atom":
                path.write_bytes(self._linked_feed(address, path.read_bytes()))

    def _there(self, link: str, address: Address) -> tuple[bool, str | None]:
        """Does a link lead to the pages; and by which relative address to a file, if there is one?"""
        found = self._led_to(link, address)
        if found is None:
            return False, None
        file = self._files.get(found)
        if file is None or not (self._folder / file).exists():
            return True, None
        fragment = urlsplit(link).fragment
        relative = posixpath.relpath(file, posixpath.dirname(address.file) or ".")
        return True, f"{relative}#{fragment}" if fragment else relative

    def _absolute(self, address: Address, there: str) -> str:
        """A relative address as a whole one, where it is known what stands before it."""
        file = posixpath.normpath(posixpath.join(posixpath.dirname(address.file), there))
        return f"{self._url}/{file}" if self._url else there

    def _linked_page(self, address: Address, body: bytes) -> bytes:
        from lxml import html

        page = html.document_fromstring(body, parser=html.HTMLParser(encoding="utf-8"))
        for form in page.findall(".//form"):
            _without(form)
        for element in list(page.iter("a", "link")):
            link = element.get("href")
            if link is None or link.startswith("#"):
                continue
            ours, there = self._there(link, address)
            if there is not None:
                is_for_machines = element.get("rel") == "canonical" or (element.tag == "link" and element.get("hreflang"))
                is_whole = is_for_machines or address.path == _NOT_FOUND
                element.set("href", self._absolute(address, there) if is_whole else there)
            elif ours:
                _without_link(element)
        for time in page.iter("time"):  # "an hour ago" would soon be wrong
            time.text = time.get("datetime", "").replace("T", " ").replace("Z", " UTC")
        head = page.find("head")
        for place, (name, content) in enumerate((("Content-Security-Policy", _POLICY), ("referrer", "no-referrer")), start=1):
            meta = html.Element("meta", {"http-equiv" if place == 1 else "name": name, "content": content})
            meta.tail = "\n"
            head.insert(place, meta)
        return bytes(html.tostring(page, encoding="utf-8", doctype="<!DOCTYPE html>"))

    def _linked_feed(self, address: Address, body: bytes) -> bytes:
        from lxml import etree

        feed = etree.fromstring(body)
        for element in list(feed.iter(f"{_ATOM}link")):
            ours, there = self._there(element.get("href"), address)
            if there is not None:
                element.set("href", self._absolute(address, there))
            elif ours:
                element.getparent().remove(element)
        return bytes(etree.tostring(feed, xml_declaration=True, encoding="UTF-8"))


def _links(kind: str, body: bytes) -> list[str]:
    """Where a page or a feed leads."""
    if kind == "text/html":
        from lxml import html

        page = html.document_fromstring(body, parser=html.HTMLParser(encoding="utf-8"))
        return [element.get("href") for element in page.iter("a", "link") if element.get("href")]
    if kind == "application/atom+xml":
        from lxml import etree

        return [element.get("href") for element in etree.fromstring(body).iter(f"{_ATOM}link")]
    return []


def _without(element: Any) -> None:
    """Take an element away, and the heading that stood above it alone."""
    before, after = element.getprevious(), element.getnext()
    element.drop_tree()
    if before is not None and before.tag in ("h2", "h3") and (after is None or after.tag in ("h1", "h2")):
        before.drop_tree()


def _without_link(element: Any) -> None:
    """Take away a link that leads nowhere here, with the line or the item that was all about it; within a sentence its words stay."""
    around = element.getparent()
    if element.tag == "link" or around.tag == "nav":
        element.drop_tree()
    elif around.tag in ("p", "li") and "".join(around.itertext()).strip() == "".join(element.itertext()).strip():
        list_ = around.getparent()
        around.drop_tree()
        if list_.tag in ("ul", "ol") and not len(list_):
            list_.drop_tree()
    else:
        element.drop_tag()


def _name(text: str) -> str:
    """A part of an address as a part of a file's name; two texts never have the same one."""
    if _PLAIN.fullmatch(text):
        return text
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    words = "-".join(re.findall(r"[a-z0-9]+", plain))[:40].strip("-")
    return f"{words or 'x'}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
