"""Is what came a page of content, or what sites show in place of one: a wall, a challenge, an empty shell, a page cut short?

The words by which walls are known are data (``walls.toml``). Pages of content use them too, in banners, footers and texts, so they count
only where they are the main thing: all that the title or the first heading says, or a sentence on a page that says hardly anything else
and has none of the labels of a trial's page.
"""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Iterator, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from registry_sync.sources.folding import fold

if TYPE_CHECKING:
    from registry_sync.sources.blocks import Block

NO_TEXT = "the page shows no text (it may build itself with scripts)"
GARBLED = "the page's characters cannot be made out (it may say the wrong encoding)"
ONLY_A_PART = "only a part of the page came"
HOME = "the address leads to another page of the site, such as its home page or a search, and no more to the trial's"
ELSEWHERE = "the page only sends its reader on to another address"

_ENOUGH_SIGNS = 3
_ENOUGH_PROSE = 80
"""Words in lines of some length that no wall has beside its own sentences."""
_LINE_OF_PROSE = 8
_HARDLY_ANYTHING = 40
_NEXT_TO_NOTHING = 15
_REST_OF_CONSENT = 60
_MOST_LOST = 3
_WORDS_FOR_EACH_LOST = 60
_LOOKED_AT = 600
"""Lines of a page that are looked at: what is the main thing stands before."""
_LONGEST_WHOLE = 100
_FEWEST_WORDS_OF_A_TITLE = 4
_SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+")

_SPELLINGS = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "…": "...", "–": "-", "—": "-", "‐": "-", "\u00ad": None})
_AT_THE_ENDS = " .!?:;,-|*¡¿\"'()[]<>⚠️😕🔒🍪"
_BULLETS = " -•*·"
_TITLE = re.compile(r"<title(?:\s[^>]{0,200})?>([^<]{0,1000})", re.IGNORECASE)
_TITLE_PARTS = re.compile(r"\s*[|·•»:]\s*|\s+-\s+")
_TEMPLATE = re.compile(r"\{\{[^{}]{0,200}\}\}")
_PASSWORD = re.compile(r"<input\s[^<>]{0,500}?type\s*=\s*[\"']?password", re.IGNORECASE)
_SCRIPT_ELSEWHERE = re.compile(r"<script\s[^<>]{0,500}?src\s*=", re.IGNORECASE)
_SENDS_ON = re.compile(
    r"<meta\s[^<>]{0,200}?http-equiv\s*=\s*[\"']?refresh[^<>]{0,200}?url\s*="
    r"|\blocation(?:\.href|\.assign|\.replace)?\s*[=(]\s*[\"']",
    re.IGNORECASE,
)
_EMPTY_ROOT = re.compile(
    r"<(?:div|main|section)\s[^<>]{0,200}?id\s*=\s*[\"']?(?:root|app|__next|__nuxt|___gatsby|main-app|app-root|react-root|q-app|svelte|"
    r"application|mount)[\"']?[^<>]{0,200}>\s{0,20}(?:<!--[^<>]{0,200}-->\s{0,20})?</",
    re.IGNORECASE,
)
_OWN_ELEMENT = re.compile(r"<(?P<own>[a-z]{1,40}-[a-z-]{1,40})(?:\s[^<>]{0,200})?>[^<]{0,60}</(?P=own)>", re.IGNORECASE)
_NOSCRIPT = re.compile(r"<noscript[^>]{0,200}>([^\0]{0,600})", re.IGNORECASE)

_NO_TRIALS_PAGE = frozenset(
    "home index default start welcome landing forside search results find finder browse explore list listing soeg suche recherche "
    "buscar error errors 404 not-found notfound page-not-found unavailable maintenance login signin sign-in log-in register consent".split()
)
_LANGUAGE = re.compile(r"[a-z]{2}(?:[-_][a-z]{2,4})?", re.IGNORECASE)
_NCT_ID = re.compile(r"nct\d{8}", re.IGNORECASE)


def refusal(markup: str, blocks: Sequence[Block], *, asked: str = "", came_from: str = "") -> str | None:
    """Why what came is no page of content, in words for a person; ``None``: it may be one. Never raises.

    ``markup`` is the whole of it, decoded; ``blocks`` what a reader sees, without what is a site's own on every page
    (``page_blocks``). ``asked`` and ``came_from`` are the address that was asked and the one that answered, when there was a redirect.
    """
    if asked and came_from and _is_astray(asked, came_from):
        return HOME
    page = _Page(markup, blocks)
    return _wall(page) or (ONLY_A_PART if is_cut_short(markup) else None) or _shell(page) or (GARBLED if _is_garbled(page) else None)


class _Kind(msgspec.Struct, frozen=True):
    reason: str
    whole: re.Pattern[str]
    says: re.Pattern[str] | None
    marks: tuple[str, ...]


class _Walls(msgspec.Struct, frozen=True):
    kinds: dict[str, _Kind]
    consent_reason: str
    consent: re.Pattern[str]
    surely_consent: re.Pattern[str]
    asks_consent: re.Pattern[str]
    label: re.Pattern[str]
    status: re.Pattern[str]


@functools.cache
def _walls() -> _Walls:
    import tomllib  # not for a sync without pages

    said: dict[str, Any] = tomllib.loads(resources.files(__package__).joinpath("walls.toml").read_text("utf-8"))
    consent, signs = said["consent"], said["signs"]
    forms = {"{": "(?:", "|": "|", "}": ")", "<id>": r"nct\d{8}", "<n>": r"\d{1,4}"}
    for name, phrase in said["words"].items():
        forms[f"<{name}>"] = _pattern(phrase, forms)

    def either(phrases: Sequence[str]) -> str:
        return f"(?:{'|'.join(_pattern(phrase, forms) for phrase in sorted(phrases, key=len, reverse=True))})"

    def within(phrases: Sequence[str]) -> re.Pattern[str]:
        return re.compile(rf"(?<!\w){either(phrases)}(?!\w)")

    def kind(said: dict[str, Any]) -> _Kind:
        says = said.get("says", [])
        return _Kind(said["reason"], re.compile(either(said["whole"])), within(says) if says else None, tuple(said.get("marks", ())))

    return _Walls(
        {name: kind(one) for name, one in said["kinds"].items()},
        consent["reason"],
        within(consent["words"]),
        within(consent["surely"]),
        re.compile(either(consent["asks"])),
        re.compile(rf"(?P<label>{either(signs['labels'])})(?![^\W\d])\s*(?P<colon>:?)\s*"),
        re.compile(either(signs["statuses"])),
    )


def _pattern(phrase: str, forms: dict[str, str]) -> str:
    return "".join(forms[part] if part[:1] in ("{", "|", "}", "<") else re.escape(part) for part in re.split(r"([{|}]|<[a-z]+>)", phrase))


class _Page:
    """What is asked of a page, worked out once and only when it is asked."""

    def __init__(self, markup: str, blocks: Sequence[Block]) -> None:
        self.markup = markup
        self.blocks = blocks

    @functools.cached_property
    def words(self) -> int:
        """How many words a reader sees."""
        return sum(block.text.count(" ") + 1 for block in self.blocks)

    @functools.cached_property
    def lines(self) -> tuple[str, ...]:
        """The first lines, folded."""
        return tuple(_folded(block.text) for block in self.blocks[:_LOOKED_AT])

    @functools.cached_property
    def title(self) -> str:
        found = _TITLE.search(self.markup)
        return fold(html.unescape(found[1])) if found else ""

    @functools.cached_property
    def heading(self) -> int | None:
        """Where the first heading of the first rank stands, else the first of any."""
        headings = [index for index, block in enumerate(self.blocks[:_LOOKED_AT]) if block.level]
        return next((index for index in headings if self.blocks[index].level == 1), headings[0] if headings else None)

    @functools.cached_property
    def signs(self) -> dict[str, int]:
        """The labels of a trial's page that stand beside something, and where each stands first."""
        found: dict[str, int] = {}
        bare = [self._label(index) for index in range(len(self.lines))]
        for index, (label, alone) in enumerate(bare):
            following = bare[index + 1] if index + 1 < len(bare) else ("", True)
            if label and not (alone and following[0] and following[1]) and not (alone and index + 1 == len(bare)):
                found.setdefault(label, index)  # a menu is a row of labels with nothing beside them
        return found

    def _label(self, index: int) -> tuple[str, bool]:
        """The label that a line begins with, and whether it is all of the line."""
        block, line = self.blocks[index], self.lines[index].lstrip(_BULLETS)
        walls = _walls()
        if walls.status.fullmatch(line.strip(_AT_THE_ENDS)):
            return "status", False
        if len(block.parts) > 1 and walls.label.fullmatch(first := _folded(block.parts[0]).lstrip(_BULLETS)):
            return first.rstrip(": "), False
        found = walls.label.match(line)
        if found is None:
            return "", False
        short = line.count(" ") < 6
        return (found["label"], found.end() == len(line)) if short or found["colon"] else ("", False)

    @functools.cached_property
    def prose(self) -> int:
        """How many words stand in lines of some length that say nothing of a wall."""
        patterns = [kind.says for kind in _walls().kinds.values() if kind.says is not None]
        own = (line for line in self.lines if line.count(" ") >= _LINE_OF_PROSE - 1)
        return sum(line.count(" ") + 1 for line in own if not any(pattern.search(line) for pattern in patterns))

    @functools.cached_property
    def has_content(self) -> bool:
        """Is there so much of a trial's page that a sentence about something else is beside the point?"""
        return len(self.signs) >= _ENOUGH_SIGNS or self.prose >= _ENOUGH_PROSE


def _folded(text: str) -> str:
    return fold(text).translate(_SPELLINGS).casefold()


def _wall(page: _Page) -> str | None:
    """What the page is by its words."""
    walls = _walls()
    if (told := _told_whole(page)) is not None:
        return _told(*told)
    if _is_consent(page):
        return walls.consent_reason
    if page.has_content:
        return _placeholders(page)
    text = " ".join(page.lines)
    for name, kind in walls.kinds.items():
        found = kind.says.search(text) if kind.says else None
        if found:
            return _told(kind, found[0])
        if name not in ("loading", "login"):  # "Log in" is in the menu of many a site
            line = next((line for line in page.lines if " " in line and _is_whole(kind, line)), None)
            if line is not None:
                return _told(kind, line)
    if _is_login(page):
        return walls.kinds["login"].reason
    return _placeholders(page)


def _told_whole(page: _Page) -> tuple[_Kind, str] | None:
    """The kind that the title or the first heading names with all that it says, before anything of a trial's page."""
    early = page.heading is not None and sum(where < page.heading for where in page.signs.values()) < _ENOUGH_SIGNS
    heading = page.lines[page.heading] if page.heading is not None and early else ""
    titles = _parts(page.title) if len(page.signs) < _ENOUGH_SIGNS else ()
    for text in (heading, *titles):
        for name, kind in _walls().kinds.items():
            if name == "loading" or (name in ("login", "scripts", "gate") and page.has_content):
                continue  # what stands in the title until the page is built, or in a dialogue before it
            if text and _is_whole(kind, text):
                return kind, text
    return _told_below(page, heading)


def _told_below(page: _Page, heading: str) -> tuple[_Kind, str] | None:
    """That there is no such page, in a sentence right below a heading that says hardly more than what was asked for."""
    if page.heading is None or not heading or heading.count(" ") >= _FEWEST_WORDS_OF_A_TITLE - 1:
        return None
    missing = _walls().kinds["missing"]
    below = (said for line in page.lines[page.heading + 1 : page.heading + 3] for said in _SENTENCE_ENDS.split(line))
    return next(((missing, said) for said in below if said.count(" ") >= 2 and _is_whole(missing, said)), None)


def _parts(title: str) -> Iterator[str]:
    """A title whole, and without the name of the site before or behind."""
    folded = _folded(title)
    yield folded
    parts = [part for part in _TITLE_PARTS.split(folded) if part]
    if len(parts) > 1:
        yield from (part for part in (parts[0], parts[-1]) if " " in part)


def _is_whole(kind: _Kind, text: str) -> bool:
    return len(text) <= _LONGEST_WHOLE and kind.whole.fullmatch(text.strip(_AT_THE_ENDS)) is not None


def _told(kind: _Kind, phrase: str) -> str:
    """The reason with the words that the page is known by: those of the table alone, since a page may say anything beside them."""
    return f'{kind.reason}: "{phrase.strip(_AT_THE_ENDS)}"'


def _is_login(page: _Page) -> bool:
    """A form for a password, and hardly anything else."""
    return page.prose < _HARDLY_ANYTHING and _PASSWORD.search(page.markup) is not None


def _is_consent(page: _Page) -> bool:
    """Is most of what the page says about cookies, and hardly anything about something else?"""
    walls = _walls()
    if len(page.signs) >= _ENOUGH_SIGNS:
        return False
    about = [line for line in page.lines if walls.consent.search(line)]
    said = sum(line.count(" ") + 1 for line in about)
    rest = page.words - said
    if said < rest or rest > _REST_OF_CONSENT:
        return False
    if not any(walls.surely_consent.search(line) for line in about):
        return False
    return any(walls.asks_consent.fullmatch(line.strip(_AT_THE_ENDS)) for line in page.lines)


def _placeholders(page: _Page) -> str | None:
    """Lines that say "Loading...", or show the names of values instead of the values, all over the page."""
    loading = _walls().kinds["loading"]
    found = [line for line in page.lines if _TEMPLATE.search(line) or _is_whole(loading, line)]
    many = len(found) >= 3 and len(found) * 5 >= len(page.lines)
    return loading.reason if many or (found and page.words < _HARDLY_ANYTHING and not page.has_content) else None


def _shell(page: _Page) -> str | None:
    """What a page that shows next to nothing is by its markup."""
    if page.words > _HARDLY_ANYTHING or len(page.signs) >= _ENOUGH_SIGNS:
        return None
    kinds, markup = _walls().kinds, page.markup
    lower = markup.lower()
    next_to_nothing = page.words <= _NEXT_TO_NOTHING
    if any(mark in lower for mark in kinds["challenge"].marks):
        return kinds["challenge"].reason
    if next_to_nothing and _SENDS_ON.search(markup):
        return ELSEWHERE
    if any("javascript" in found.lower() for found in _NOSCRIPT.findall(markup)[:20]):
        return kinds["scripts"].reason
    if "<script" in lower and (_EMPTY_ROOT.search(markup) or (next_to_nothing and _OWN_ELEMENT.search(markup))):
        return kinds["scripts"].reason
    if next_to_nothing and _SCRIPT_ELSEWHERE.search(markup):
        return kinds["scripts"].reason
    return None if page.words else NO_TEXT


def _is_garbled(page: _Page) -> bool:
    """Are many characters such as cannot be decoded? One here and there is a site's own fault in its text."""
    lost = sum(block.text.count("\ufffd") for block in page.blocks)
    return lost >= _MOST_LOST and lost * _WORDS_FOR_EACH_LOST > page.words


def _is_astray(asked: str, came_from: str) -> bool:
    """Did a redirect lead from a page deep in the site to its home page, a list, a search or an error page?"""
    try:
        before, after = urlsplit(asked), urlsplit(came_from)
    except ValueError:
        return False
    deep, found = _segments(before.path), _segments(after.path)
    if not deep or deep == found:
        return False
    ids = {one.lower() for one in _NCT_ID.findall(asked)}
    if ids & {one.lower() for one in _NCT_ID.findall(came_from)}:
        return False
    return (
        not found
        or found[-1] in _NO_TRIALS_PAGE
        or (len(found) == 1 < len(deep) and deep[0] == found[0] and not re.search(r"\d", found[0]))
    )


def _segments(path: str) -> list[str]:
    """The steps of a path, without the language before and the ending behind."""
    steps = [re.sub(r"\.(?:html?|php|aspx?|jsp)$", "", step.lower()) for step in path.split("/") if step]
    return steps[1:] if steps and _LANGUAGE.fullmatch(steps[0]) else steps


_CLOSED = re.compile(r"</(?:html|body)\s*>", re.IGNORECASE)
_CONTENT_TAG = re.compile(r"<(?:div|p|main|section|article|ul|ol|dl|li|table|h[1-6])[\s>]", re.IGNORECASE)
_TAG = re.compile(
    r"""<(?:(?P<odd>!--|[!?])|(?P<end>/?)(?P<name>[a-zA-Z][a-zA-Z0-9:-]{0,60})(?P<whole>(?>[^>=]+|=\s*+(?>"[^"]*"|'[^']*'|(?!["'])))*+>)?)"""
)
_RAW = {
    name: re.compile(rf"</{name}(?![a-z0-9-])", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title", "xmp", "iframe", "noframes")
}
_MUST_END = frozenset(
    "div main section article aside header footer nav form fieldset ul ol dl table h1 h2 h3 h4 h5 h6 blockquote pre figure details dialog "
    "button label select svg noscript template span a strong em b i".split()
)
_MAY_END = frozenset("head p li dt dd tr td th thead tbody option".split())


def is_cut_short(markup: str) -> bool:
    """Does the markup end in the middle of a page?

    It does when it ends within a tag, a comment or a script, or with elements open that HTML wants closed (HTML Standard, section
    13.1.2.4, optional tags) and without an end tag of ``body`` or ``html``. Those two may be left out: a page that opens them must
    close them unless it leaves out every other end tag that can be left out.
    """
    if _is_surely_closed(markup):
        return False
    try:
        opened, ended = _elements(markup)
    except EOFError:
        return True
    if ended & {"html", "body"}:
        return False
    if any(opened.get(name, 0) > 0 for name in _MUST_END):
        return True
    return bool(opened.keys() & {"html", "body"} and ended & _MAY_END)


def _is_surely_closed(markup: str) -> bool:
    """Is the last end tag of ``body`` or ``html`` in no script and no comment, with no content behind it? A quick look at most pages."""
    last = None
    for found in _CLOSED.finditer(markup):
        last = found
    if last is None or _CONTENT_TAG.search(markup, last.end()) is not None:
        return False
    before = markup[: last.start()].lower()
    return before.rfind("<script") <= before.rfind("</script") and before.rfind("<!--") <= before.rfind("-->")


def _elements(markup: str) -> tuple[dict[str, int], frozenset[str]]:
    """How many elements of each name are open at the end, and which were ended. Raises EOFError where it ends within a tag."""
    still_open: dict[str, int] = {}
    ended: set[str] = set()
    position = 0
    while (found := _TAG.search(markup, position)) is not None:
        odd, end, name, whole = found.groups()
        if odd:
            sign = "-->" if odd == "!--" else ">"
            at = markup.find(sign, found.start() + 2)
            if at < 0:
                raise EOFError
            position = at + len(sign)
            continue
        if whole is None:
            raise EOFError
        name, position = name.lower(), found.end()
        if end:
            ended.add(name)
            still_open[name] = max(0, still_open.get(name, 0) - 1)
        elif markup[position - 2] != "/":
            still_open[name] = still_open.get(name, 0) + 1
            if name in _RAW:
                end_tag = _RAW[name].search(markup, position)
                if end_tag is None:
                    raise EOFError
                position = end_tag.start()
    if markup.rstrip().endswith(("<", "</", "<!")):
        raise EOFError
    return still_open, frozenset(ended)
