"""Who is named in a record, and how they are reached: found in what is kept, and taken out of it. Pure.

It works on plain values (JSON), whether they are a study of API v2, a record, or one value of a change: people stand under the same few
names in all of them. Taken out are names where a person is named, and telephone numbers and mail addresses wherever they stand; a name
in running text cannot be told from other words, and stays.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from registry_sync.trials.text import caseless

GONE = "[…]"
"""What stands in a text where a number or an address was."""
PLACES = frozenset({"central_contacts", "overall_officials", "locations", "responsible_party"})
"""The fields in which people are named."""

_LISTS = frozenset({"centralContacts", "central_contacts", "contacts", "overallOfficials", "overall_officials"})
_POINT = "pointOfContact"
_PARTY = frozenset({"responsibleParty", "responsible_party"})
_NAMES = {"list": ("name",), "point": ("title",), "party": ("investigatorFullName", "oldNameTitle", "name")}
_MAIL = re.compile(r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_PHONE = re.compile(r"\+?\(?\d(?:[ \t().\u00a0/\u2010-\u2015-]{0,3}\d){5,}")
_FEWEST_DIGITS = 6
"""Fewer are no telephone number that could be told from a count or a year."""
_EXTENSION = " ext. "


class People(msgspec.Struct, frozen=True):
    """Names (without case), telephone numbers (their digits) and mail addresses (without case)."""

    names: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    mails: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.names or self.phones or self.mails)

    def __or__(self, other: People) -> People:
        return People(self.names | other.names, self.phones | other.phones, self.mails | other.mails)

    def __sub__(self, other: People) -> People:
        return People(self.names - other.names, self.phones - other.phones, self.mails - other.mails)


def listed(value: Any) -> People:
    """The contacts and officials that a value lists."""
    names, phones, mails = set(), set(), set()
    for kind, person in _persons(value):
        if kind == "party":
            continue  # who answers for the record: known by the name of the official that goes with it
        for part in _NAMES[kind]:
            names |= _name(person.get(part))
        phones |= _digits(person.get("phone"))
        mails |= _mailbox(person.get("email"))
    return People(frozenset(names), frozenset(phones), frozenset(mails))


def shown(value: Any) -> People:
    """Everybody whom a value shows, in whatever part, with every number and address in its texts: who is here is not taken down."""
    names = {name for kind, person in _persons(value) for part in _NAMES[kind] for name in _name(person.get(part))}
    phones = {digits for _, person in _persons(value) for digits in _digits(person.get("phone"))}
    mails = {mail for _, person in _persons(value) for mail in _mailbox(person.get("email"))}
    for text in _texts(value):
        found = shown_in_text(text)
        phones |= found.phones
        mails |= found.mails
    return People(frozenset(names), frozenset(phones), frozenset(mails))


def shown_in_text(text: str) -> People:
    """The numbers and addresses in a text."""
    phones = (_only_digits(match[0]) for match in _PHONE.finditer(text))
    return People(frozenset(), frozenset(phones), frozenset(match[0].lower() for match in _MAIL.finditer(text)))


def without(value: Any, gone: People) -> Any:
    """The value without these people; itself, the same object, where none of them is in it."""
    return _without(value, gone, None)


def without_in(field: str, value: Any, gone: People) -> Any:
    """One value of a change of this field without these people."""
    whole = {field: value if field in _PARTY or not isinstance(value, dict) else [value]}
    found = without(whole, gone)
    if found is whole:
        return value
    inner = found[field]
    return inner[0] if isinstance(inner, list) and not isinstance(value, list) else inner


def text_without(text: str, gone: People) -> str:
    """A text without the numbers and addresses of these people."""
    if gone.mails and "@" in text:
        text = _MAIL.sub(lambda match: GONE if match[0].lower() in gone.mails else match[0], text)
    if gone.phones:
        text = _PHONE.sub(lambda match: GONE if _only_digits(match[0]) in gone.phones else match[0], text)
    return text


def page_without(page: str, gone: People) -> str:
    """What a page's server sent, without these people: their names too, of two words or more, however the page breaks and escapes them."""
    for name in gone.names:
        words = name.split()
        if len(words) > 1:
            page = re.sub(r"(?:\s|&nbsp;|\\n)+".join(map(_spelt, words)), GONE, page, flags=re.IGNORECASE)
    return text_without(page, gone)


def _spelt(word: str) -> str:
    """A pattern for a word in HTML or in JSON within it."""
    ways = {word, html.escape(word), html.escape(word, quote=False), word.encode("ascii", "xmlcharrefreplace").decode(), _in_json(word)}
    return f"(?:{'|'.join(re.escape(way) for way in sorted(ways))})"


def _in_json(word: str) -> str:
    return "".join(char if char.isascii() else f"\\u{ord(char):04x}" for char in word)


def _persons(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything in a value that is about one person, and what kind of place it stands in."""
    if isinstance(value, list):
        for inner in value:
            yield from _persons(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            kind = _kind(key)
            if kind is None:
                yield from _persons(inner)
            else:
                for person in inner if isinstance(inner, list) else [inner]:
                    if isinstance(person, dict):
                        yield kind, person


def _kind(key: str) -> str | None:
    return "list" if key in _LISTS else "point" if key == _POINT else "party" if key in _PARTY else None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for inner in value if isinstance(value, list) else value.values():
            yield from _texts(inner)


def _without(value: Any, gone: People, kind: str | None) -> Any:
    if isinstance(value, str):
        found = text_without(value, gone)
        return value if found == value else found
    if isinstance(value, list):
        items = [_without(inner, gone, kind) for inner in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    if not isinstance(value, dict):
        return value
    parts = {key: _without(inner, gone, _kind(key)) for key, inner in value.items()}
    for part in _parts_of(value, gone, kind) if kind else ():
        del parts[part]
    same = len(parts) == len(value) and all(parts[key] is inner for key, inner in value.items())
    return value if same else parts


def _parts_of(person: dict[str, Any], gone: People, kind: str) -> Iterator[str]:
    """Which parts of a person go."""
    yield from (part for part in _NAMES[kind] if part in person and _name(person[part]) & gone.names)
    if _digits(person.get("phone")) & gone.phones:
        yield from (part for part in ("phone", "phoneExt") if part in person)
    if "email" in person and _mailbox(person["email"]) & gone.mails:
        yield "email"


def _name(value: Any) -> set[str]:
    name = " ".join(caseless(html.unescape(value)).split()) if isinstance(value, str) else ""
    return {name} if name else set()


def _digits(value: Any) -> set[str]:
    digits = _only_digits(value.partition(_EXTENSION)[0]) if isinstance(value, str) else ""
    return {digits} if digits else set()


def _only_digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _mailbox(value: Any) -> set[str]:
    mail = value.strip().lower() if isinstance(value, str) else ""
    return {mail} if mail else set()


def together(several: Iterable[People]) -> People:
    """All of them."""
    found = People()
    for each in several:
        found |= each
    return found
