"""Who is named in a record, and how they are reached: found in what is kept, and taken out of it. Pure.

It works on plain values (JSON), whether they are a study of API v2, a record, or one value of a change: people stand under the same few
names in all of them. Taken out are names where a person is named, and telephone numbers and mail addresses wherever they stand; a name
in running text cannot be told from other words, and stays.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from registry_sync.trials import phones as telephone
from registry_sync.trials.text import caseless

GONE = "[…]"
"""What stands in a text where a number or an address was."""
PLACES = frozenset({"central_contacts", "overall_officials", "locations", "responsible_party"})
"""The fields in which people are named."""

_LISTS = frozenset({"centralContacts", "central_contacts", "contacts", "overallOfficials", "overall_officials"})
_POINT = "pointOfContact"
_PARTY = frozenset({"responsibleParty", "responsible_party"})
_UNPOSTED = "unpostedResponsibleParty"
"""A name that stands alone, without the record's other words on that person."""
_NAMES = {"list": ("name",), "point": ("title",), "party": ("investigatorFullName", "oldNameTitle", "name"), "bare": (_UNPOSTED,)}
_LETTER = r"[\w\u0300-\u036f]"
_MAIL = re.compile(rf"(?:{_LETTER}|[.%+'’!#$&*/=?^`{{|}}~-])+@(?:{_LETTER}|-)+(?:\.(?:{_LETTER}|-)+)+")
"""A mail address in a text, with letters beyond ASCII, whole or with their accents apart."""
_IN_FRONT = re.compile(r"^['’`*{|}~.!#$^-]+|[=/&?]+")
"""Signs that a mail address may have, and that a text sets in front of one."""
_FEWEST_DIGITS = 7
"""Of a whole number: what stands in the field for an extension is one seldom."""
_BEFORE = frozenset("dr prof professor mr mrs ms miss assoc assist asst associate assistant adj adjunct clin univ priv doz pd med".split())
_BEHIND = frozenset(
    """md phd msc bsc ms bs ma ba mba mph mbbs mbchb mbbch mb bch bchir bm do dds dmd dvm dsc dphil drph edd psyd pharmd rph rn np pa lpn
    crna arnp aprn msn bsn dnp pt dpt ot otr slp scd jd esq mhs mhsc msph mpp mphil meng frcp frcpc frcs frcsc frcpath frcog fracp
    facp facs facc facog fasco fesc faan faha fccp mrcp mrcs mrcog dmsc dm mch ccrp ccrc ccra cra rd rdn ld lcsw crc prof
    professor dr med habil nat rer hon emeritus""".split()
)


class People(msgspec.Struct, frozen=True):
    """Names (without case, titles, degrees and dots), telephone numbers (their digits) and mail addresses (without case)."""

    names: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    mails: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.names or self.phones or self.mails)

    def __or__(self, other: People) -> People:
        return People(self.names | other.names, self.phones | other.phones, self.mails | other.mails)

    def __sub__(self, other: People) -> People:
        phones = frozenset(number for number in self.phones if not telephone.is_among(number, other.phones))
        return People(self.names - other.names, phones, self.mails - other.mails)


def listed(value: Any) -> People:
    """The contacts and officials that a value lists."""
    names, phones, mails = set(), set(), set()
    for kind, person in _persons(value):
        if kind in ("party", "bare"):
            continue  # who answers for the record: known by the name of the official that goes with it
        for part in _NAMES[kind]:
            names |= _name(person.get(part))
        phones |= _numbers(person)
        mails |= _mailbox(person.get("email"))
    return People(frozenset(names), frozenset(phones), frozenset(mails))


def answering(value: Any) -> frozenset[str]:
    """The names of who answers for the record."""
    return frozenset(
        name for kind, person in _persons(value) if kind in ("party", "bare") for part in _NAMES[kind] for name in _name(person.get(part))
    )


def but_for_initials(names: Iterable[str], gone: frozenset[str]) -> frozenset[str]:
    """Which of these are names of the others but for initials in the middle, which one of the two has and the other has not."""
    known: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for name in gone:
        words, initials = _apart(name)
        known.setdefault(words, set()).add(initials)
    found = ((name, *_apart(name)) for name in names)
    return frozenset(
        name for name, words, initials in found if len(words) > 1 and any(not initials or not theirs for theirs in known.get(words, ()))
    )


def _apart(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    first, *middle = name.split()
    last = middle.pop() if middle else ""
    words = (first, *(word for word in middle if len(word) > 1), *([last] if last else []))
    return words, tuple(word for word in middle if len(word) == 1)


def shown(value: Any) -> People:
    """Everybody whom a value shows, in whatever part, with every number and address in its texts: who is here is not taken down."""
    names = {name for kind, person in _persons(value) for part in _NAMES[kind] for name in _name(person.get(part))}
    phones = {number for _, person in _persons(value) for number in _numbers(person)}
    mails = {mail for _, person in _persons(value) for mail in _mailbox(person.get("email"))}
    for text in _texts(value):
        found = shown_in_text(text)
        phones |= found.phones
        mails |= found.mails
    return People(frozenset(names), frozenset(phones), frozenset(mails))


def shown_in_text(text: str) -> People:
    """The numbers and addresses in a text."""
    return People(frozenset(), telephone.shown(text), frozenset(mail for match in _MAIL.finditer(text) for mail in _ways(match[0])))


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
        text = _MAIL.sub(lambda match: _hidden(match[0], gone.mails), text)
    if gone.phones:
        text = telephone.text_without(text, gone.phones, GONE)
    return text


def _hidden(mail: str, gone: frozenset[str]) -> str:
    return next((f"{mail[:start]}{GONE}" for start in _starts(mail) if _one(mail[start:]) in gone), mail)


def _ways(mail: str) -> set[str]:
    return {_one(mail[start:]) for start in _starts(mail)}


def _starts(mail: str) -> list[int]:
    """Where an address in a text may begin: what stands in front of it may be a part of it, a quotation mark, or a name in a link."""
    return [0, *(match.end() for match in _IN_FRONT.finditer(mail, 0, mail.index("@")))]


def _one(mail: str) -> str:
    """An address by which it is known however it is spelled: without case, and with its accents on their letters."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", mail).lower())


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
    dot = r"\.?" if len(word) == 1 else ""
    return f"(?:{'|'.join(re.escape(way) for way in sorted(ways))}){dot}"


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
            elif kind == "bare":
                yield kind, {_UNPOSTED: inner}
            else:
                for person in inner if isinstance(inner, list) else [inner]:
                    if isinstance(person, dict):
                        yield kind, person


def _kind(key: str) -> str | None:
    if key in _LISTS:
        return "list"
    return "point" if key == _POINT else "party" if key in _PARTY else "bare" if key == _UNPOSTED else None


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
    parts = {key: _without(inner, gone, _kind(key)) for key, inner in value.items() if key != _UNPOSTED or not _name(inner) & gone.names}
    for part in _parts_of(value, gone, kind) if kind else ():
        del parts[part]
    same = len(parts) == len(value) and all(parts[key] is inner for key, inner in value.items())
    return value if same else parts


def _parts_of(person: dict[str, Any], gone: People, kind: str) -> Iterator[str]:
    """Which parts of a person go."""
    yield from (part for part in _NAMES[kind] if part in person and _name(person[part]) & gone.names)
    if gone.phones and (numbers := _numbers(person)):
        left = [number for number in numbers if not telephone.is_among(number, gone.phones)]
        if not left or (len(left) < len(numbers) and text_without(str(person.get("phone")), gone) == person.get("phone")):
            yield from (part for part in ("phone", "phoneExt") if part in person)
    if "email" in person and _mailbox(person["email"]) & gone.mails:
        yield "email"


def _name(value: Any) -> set[str]:
    """A name by which one person is known under any spelling of titles and degrees: "Dr. X Person" is "X. Person, MD, PhD"."""
    if not isinstance(value, str):
        return set()
    parts = [each for part in html.unescape(value).split(",") if (each := _bare(part))]
    if not parts:
        return {whole} if (whole := " ".join(caseless(html.unescape(value)).split())) else set()
    first = parts[0]
    if len(first) == 1 and len(parts) > 1:
        first = [*parts[1], *first]  # the family's name stands first
    return {" ".join(first)}


def _bare(part: str) -> list[str]:
    """The words of a part of a name, without the titles in front, the degrees behind, and the dots of initials."""
    tokens = part.split()
    if all(_flat(token) in _BEHIND for token in tokens):
        return []
    while len(tokens) > 2 and _flat(tokens[-1]) in _BEHIND and sum(map(str.isupper, tokens[-1])) > 1:
        del tokens[-1]
    found: list[str] = []
    for token in tokens:
        found += caseless(token.replace(".", " ")).split()
    while len(found) > 1 and found[0] in _BEFORE:
        del found[0]
    return found


def _flat(token: str) -> str:
    """A word without its dots: "M.D." is one."""
    return caseless(token.replace(".", ""))


def _numbers(person: dict[str, Any]) -> set[str]:
    """The telephone numbers of a person; in the field for an extension may stand one more."""
    phone, extension = (value if isinstance(value, str) else "" for value in (person.get("phone"), person.get("phoneExt")))
    return set(telephone.numbers(phone)) | {number for number in telephone.numbers(extension) if len(number) >= _FEWEST_DIGITS}


def _mailbox(value: Any) -> set[str]:
    mail = _one(value.strip()) if isinstance(value, str) else ""
    return {mail} if mail else set()


def together(several: Iterable[People]) -> People:
    """All of them."""
    found = People()
    for each in several:
        found |= each
    return found
