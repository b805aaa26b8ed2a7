"""What a page's labels and values state: the fields of the record, and of those that it leaves open, how."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from registry_sync.sources import finder_places, finder_status, place_tables
from registry_sync.sources import finder_values as read
from registry_sync.sources.badges import are_facts
from registry_sync.sources.blocks import Block
from registry_sync.sources.criteria_section import CriteriaSection, criteria_section, lost_headings
from registry_sync.sources.finder_conditions import with_conditions
from registry_sync.sources.finder_titles import is_acronym
from registry_sync.sources.folding import fold
from registry_sync.sources.labels import AGES, CRITERIA, LAUNCHED_BY, REFRESHED, Words
from registry_sync.sources.page_parts import Labelled, Piece, labelled, pieces, trial_ids
from registry_sync.sources.profiles import Profile
from registry_sync.sources.tiles import label_first
from registry_sync.trials.criteria import parse
from registry_sync.trials.listing import UNSAID, How
from registry_sync.trials.record import Criterion, Dated, Enrollment, Location

_LAUNCHED_BY = re.compile(r"launched by\s+(?P<name>\S.*?)(?:\s*[·•|]\s*(?P<day>[^·•|]+))?", re.IGNORECASE)
_SPONSORED_BY = re.compile(r"(?:research )?sponsored by:?\s+(?P<name>\S.*)", re.IGNORECASE)
_NAME_OF_A_SITE = re.compile(r"(?:\S+\s+){0,4}(?:trials?|studies)(?:\s+(?:finder|search|database|registry|portal|summary))?", re.IGNORECASE)
_SENTENCE = re.compile(r"\b(?:is|are|was|were|this|by|led|runs?)\b|[.!?]$", re.IGNORECASE)
"""What is no name, below a question ("Who is running this study?")."""
_CRITERION_OF_ITS_OWN = "none"  # among others of its list; alone it says that there are none
_FEWEST_WORDS_IN_TITLE = 3
_MOST_WORDS_OF_AN_ITEM = 10
_MOST_LETTERS_SAID = 300
_MOST_LETTERS_OF_A_LINE = 80
_ELLIPSES = ("...", "…")
_DATED = ("start_date", "primary_completion_date", "completion_date", "first_post_date", "last_update_post_date")
_DAYS = ("first_submit_date", "last_update_submit_date", "status_verified_date")
_NOTHING_MAY_BE_A_VALUE = frozenset(("phases", "overall_status"))
_WEIGHT: dict[How, int] = {"cut_off": 3, "unclear": 2, "not_reported": 1, "empty": 0}
_SINGLE = frozenset(("overall_status", "sex", "minimum_age", "maximum_age", "healthy_volunteers", "study_type", "enrollment", *_DATED))
"""Fields of one value: a page that states two that differ has said neither."""
_SAID_OF = frozenset((*_DATED, *_DAYS))


class Fields:
    """What one page states. ``values`` by field of the record; ``how``, ``said`` and ``unlimited`` as in a Listing."""

    def __init__(self, blocks: Sequence[Block], words: Words, profile: Profile) -> None:
        self.words, self.profile = words, profile
        self.values: dict[str, Any] = {}
        self.how: dict[str, How] = {}
        self.said: dict[str, str] = {}
        self.statuses: tuple[str, ...] = ()
        self.unlimited: tuple[str, ...] = ()
        self._two_things: set[str] = set()
        section = criteria_section(blocks, words)
        places = place_tables.tabled(section.rest if section else blocks, words)
        rest, self._tabled = places.rest, places.sites
        self.found = label_first(with_conditions(pieces(rest, words)), words)
        self.rows = labelled(self.found, words)
        self._by_meaning: dict[str, list[Labelled]] = {}
        for row in self.rows:
            self._by_meaning.setdefault(row.meaning, []).append(row)
        self._read(rest)
        self._read_criteria(section, blocks)
        self._mind_the_site()

    def _read(self, blocks: Sequence[Block]) -> None:
        first = self._first
        sponsor, submitted = self._launched_by()
        self._set("official_title", first("official_title", _name))
        self._set("brief_title", self._title(blocks))
        self._set("lead_sponsor", first("lead_sponsor", self._sponsor) or sponsor)
        self._set("study_type", first("study_type", lambda text, _: read.study_type(text)))
        self._set("sex", first("sex", lambda text, _: read.sex(text)) or self._at_top("sex", read.sex))
        self._set("healthy_volunteers", first("healthy_volunteers", lambda text, _: read.healthy_volunteers(text)))
        self._set("phases", self._phases())
        self._set("enrollment", first("enrollment", read.enrollment))
        self._set("conditions", self._list("conditions", at_least=1))
        self._set("keywords", self._list("keywords", at_least=2))
        self._set("locations", self._locations())
        self._read_status()
        self._read_ages()
        self._read_dates(submitted)

    def _set(self, name: str, value: Any) -> None:
        """Keep what is stated; how a field is left open counts only where it is."""
        if value is not None:
            self.values[name] = value
            self.how.pop(name, None)
            if name not in _SAID_OF:
                self.said.pop(name, None)

    def _open(self, name: str, how: How, text: str = "") -> None:
        """Note why a field has no value; of several reasons the one that says most."""
        known = self.how.get(name)
        if known is None or _WEIGHT[how] > _WEIGHT[known]:
            self.how[name] = how
            self.said.pop(name, None)
            if text and how in ("unclear", "cut_off"):
                self.said[name] = text[:_MOST_LETTERS_SAID]

    def _first(self, meaning: str, reader: Callable[[str, str], Any], *, name: str | None = None) -> Any:
        """The first value beside a label of this meaning that ``reader`` (value, label) can read."""
        name = name or meaning
        for row in self._by_meaning.get(meaning, ()):
            if not row.values:
                self._open(name, "empty")
                continue
            text = row.values[0].text
            is_stated = self.words.is_stated(text)
            if row.doubtful:
                self._open(name, "unclear" if is_stated else "not_reported", text)
            elif (is_stated or meaning in _NOTHING_MAY_BE_A_VALUE) and (value := reader(text, row.label)) is not None:
                if text.endswith(_ELLIPSES):
                    self._open(name, "cut_off", text)
                    continue
                if name in _SINGLE and (other := self._said_otherwise(row, name, value, reader)) is not None:
                    self._contradicted(name, (text, other))
                    return None
                if name in _SAID_OF and text != (value if isinstance(value, str) else value.date):
                    self.said[name] = text[:_MOST_LETTERS_SAID]
                return value
            elif not is_stated:
                self._open(name, "not_reported")
            else:
                self._open(name, "cut_off" if self.words.is_cut_off(text) or text.endswith(_ELLIPSES) else "unclear", text)
        return None

    def _said_otherwise(self, first: Labelled, name: str, value: Any, reader: Callable[[str, str], Any]) -> str | None:
        """Another value that the page states for the same field, before its places, which have values of their own.

        "Overall status" is no contradiction of a bare "Status", which may be of anything.
        """
        places = next((row.place for row in self.rows if row.meaning == "locations"), len(self.found))
        for row in self._by_meaning[first.meaning]:
            if row.place > places or (name == "overall_status" and finder_status.rank(row) != finder_status.rank(first)):
                continue
            if row.values and not row.doubtful and self.words.is_stated(text := row.values[0].text):
                other = reader(text, row.label)
                if other is not None and not _agree(name, value, other):
                    return text
        return None

    def _contradicted(self, name: str, texts: Sequence[str]) -> None:
        """Note that the page says two things of one field."""
        self._two_things.add(name)
        self._open(name, "unclear", " / ".join(dict.fromkeys(texts)))

    def _is_contradicted(self, name: str) -> bool:
        return name in self._two_things

    def _read_status(self) -> None:
        """The status; where the site's one word covers several of the registry's, these."""
        covered = self._labelled_status()
        if self._is_contradicted("overall_status"):
            return
        badge = None if self._is_status_unsure() else finder_status.bare(self.found, self.words)
        if covered is not None and badge is not None and not _agree("overall_status", covered, badge):
            self._contradicted("overall_status", (covered[1], badge[1]))
            return
        covered = covered or badge
        if covered is None:
            return
        tokens, text = covered
        self.how.pop("overall_status", None)
        self.said.pop("overall_status", None)
        if len(tokens) == 1:
            self.values["overall_status"] = tokens[0]
        else:
            self.statuses = tokens
        if len(tokens) > 1 or text.casefold() != tokens[0].replace("_", " ").casefold():
            self.said["overall_status"] = text[:_MOST_LETTERS_SAID]

    def _is_status_unsure(self) -> bool:
        """Is it open which of two words beside its label is the status?"""
        return any(self.found[row.place].unsure for row in self._by_meaning["overall_status"])

    def _labelled_status(self) -> finder_status.Covered | None:
        """The status beside a label; of two the more exact one."""
        self._by_meaning["overall_status"] = list(finder_status.of_the_trial(self.rows, self.found))
        choice = next((row for row in self._by_meaning["overall_status"] if finder_status.is_choice(row, self.words)), None)
        if choice is not None:
            self._contradicted("overall_status", [piece.text for piece in choice.values[:2]])
            return None
        covered: finder_status.Covered | None = self._first("overall_status", self._covered)
        for row in self._by_meaning["overall_status"]:
            other = self.words.status(row.values[0].text) if row.values and not row.doubtful else ()
            if covered and other and set(other) < set(covered[0]):
                covered = other, row.values[0].text
        return covered

    def _sponsor(self, text: str, label: str) -> str | None:
        if label.endswith("?") and _SENTENCE.search(text):
            return None
        return text if read.is_sponsor(text) and not self.words.bare_status(text) else None

    def _covered(self, text: str, _: str) -> finder_status.Covered | None:
        return (tokens, text) if (tokens := self.words.status(text)) else finder_status.among_facts(text, self.words)

    def _read_ages(self) -> None:
        """The lower and upper age limit, from their own labels or from one for both."""
        both = self._first(AGES, lambda text, _: read.ages(text) if any(read.ages(text)) else None, name="minimum_age")
        at_top = self._at_top("ages", lambda text: text if any(read.ages(text)) else None)
        shown = at_top or self._ages_of_people()
        lower, upper = both or (read.ages(shown) if shown else (None, None))
        if both is None and (how := self.how.get("minimum_age")) is not None:
            self._open("maximum_age", how, self.said.get("minimum_age", ""))
        for name, limit in (("minimum_age", lower), ("maximum_age", upper)):
            alone = self._first(name, lambda text, _: read.one_age(text))
            if None not in (alone, limit) and alone != limit:
                self._contradicted(name, (str(alone), str(limit)))
            elif not self._is_contradicted(name):
                self._set(name, alone or limit)
            if self._says_no_limit(name, (shown,) if both is None and shown else ()):
                self._set_unlimited(name)

    def _says_no_limit(self, name: str, shown: Sequence[str]) -> bool:
        """Does the page say that there is no such limit, beside its own label or by ages that have no end ("18+")?"""
        alone = [row.values[0].text for row in self._by_meaning.get(name, ()) if row.values and not row.doubtful]
        if any(map(read.is_no_limit, alone)):
            return True
        said = shown or [row.values[0].text for row in self._by_meaning.get(AGES, ()) if row.values and not row.doubtful]
        return name == "maximum_age" and bool(said) and all(map(read.has_no_upper_limit, said))

    def _set_unlimited(self, name: str) -> None:
        """Note that there is no such limit, where the page says nothing else of it."""
        if name not in self.values and self.how.get(name) in (None, *UNSAID):
            self.how.pop(name, None)
            self.unlimited = (*self.unlimited, name)

    def _ages_of_people(self) -> str | None:
        """The ages in a line that says to whom the trial is open."""
        lines = (read.people_ages(piece.text) for piece in self.found if len(piece.text) <= _MOST_LETTERS_OF_A_LINE)
        return next((ages for ages in lines if ages and any(read.ages(ages))), None)

    def _read_dates(self, submitted: str | None) -> None:
        """The dates that stand beside their labels without doubt."""
        day_first = self.profile.day_first
        for name in _DATED:
            self._set(name, self._first(name, lambda text, label: read.dated(text, label, day_first=day_first)))
        for name in _DAYS:
            self._set(name, self._first(name, lambda text, _: read.calendar_date(text, day_first=day_first)))
        if self.values.get("first_submit_date") is None and submitted is not None:
            meant = self.words.dates.get("launched by", "first_submit_date")
            if meant in _DAYS:
                self._set(meant, submitted)

    @property
    def refreshed(self) -> str | None:
        """The day of which the site says that its copy is."""
        for row in self._by_meaning.get(REFRESHED, ()):
            if row.values and not row.doubtful and (day := read.calendar_date(row.values[0].text, day_first=self.profile.day_first)):
                return day
        return None

    def _phases(self) -> tuple[str, ...] | None:
        """The phases, which may stand one by one: beside their label, else where they first stand without one."""
        stated: tuple[str, ...] | None = self._first("phases", lambda text, _: read.phases(text))
        if stated is not None:
            row = next(row for row in self._by_meaning["phases"] if row.values and read.phases(row.values[0].text) == stated)
            return _all_of([stated, *itertools.takewhile(bool, (read.bare_phases(piece.text) for piece in row.values[1:]))])
        said: list[tuple[str, ...]] = []
        before: Block | None = None
        for piece in itertools.takewhile(lambda one: one.meaning != "locations", self.found):
            runs = self._runs(piece.block) if piece.block is not before and len(piece.block.parts) > 1 else ()
            before = piece.block
            here = [phases for text in (piece.text, *runs) if piece.meaning is None and (phases := read.bare_phases(text))]
            if said and not here:
                break
            said += here
        return _all_of(said)

    def _runs(self, block: Block) -> tuple[str, ...]:
        """The runs of the title, or of a line of badges; those of another line may be of another trial."""
        return block.parts if block.level == 1 or are_facts(block, block.text, self.words) else ()

    def _at_top(self, kind: str, reader: Callable[[str], Any]) -> Any:
        """A value that this site shows without a label, above its first label."""
        if kind not in self.profile.bare:
            return None
        above = itertools.takewhile(lambda piece: piece.meaning is None, self.found)
        return next((value for piece in above if (value := reader(piece.text)) is not None), None)

    def _title(self, blocks: Sequence[Block]) -> str | None:
        """The brief title: beside its label, right before "Launched by", or the page's first heading of the first rank."""
        stated: str | None = self._first("brief_title", _name)
        if stated is not None:
            return stated
        title = None
        for before, block in itertools.pairwise(blocks):
            if block.text[:11].casefold() == "launched by" or self.words.label_meaning(block.text) == LAUNCHED_BY:
                title = before if self._may_be_title(before) else None
                break
        else:
            headings = [block for block in blocks if block.level == 1]
            title = next(filter(self._may_be_title, headings), None)
            if title is None and len(headings) == 1 and is_acronym(headings[0].text) and not self.words.label_meaning(headings[0].text):
                title = headings[0]
        if title is not None and title.text.endswith(_ELLIPSES):
            self._open("brief_title", "cut_off", title.text)
            return None
        return title.text if title is not None else None

    def _may_be_title(self, block: Block) -> bool:
        if len(block.text.split()) < _FEWEST_WORDS_IN_TITLE or _NAME_OF_A_SITE.fullmatch(block.text):
            return False
        return read.is_name(block.text) and self.words.label_meaning(block.text) is None and not trial_ids([block])

    def _launched_by(self) -> tuple[str | None, str | None]:
        """The sponsor and the registry's first-submitted date of "Launched by NAME · DATE", in one block or in several."""
        for row in self._by_meaning.get(LAUNCHED_BY, ()):
            if row.values and not row.doubtful:
                day = next((day for piece in row.values[1:3] if (day := read.calendar_date(piece.text))), None)
                name, inline = _name_and_day(f"launched by {row.values[0].text}")
                return name, inline or day
        for piece in self.found:
            if piece.meaning is not None:
                continue
            if piece.text[:11].casefold() == "launched by":
                return _name_and_day(piece.text if piece.text[11:12] == " " else " ".join(piece.block.parts))
            sponsored = _SPONSORED_BY.fullmatch(piece.text) if "ponsored" in piece.text[:20] else None
            if sponsored and read.is_name(sponsored["name"]):
                return sponsored["name"], None
        return None, None

    def _list(self, name: str, *, at_least: int) -> tuple[str, ...] | None:
        """The items below a label, where the page shows where each ends and says that all are there."""
        for row in self._by_meaning.get(name, ()):
            if not row.values:
                self._open(name, "empty")
                continue
            texts = [piece.text for piece in itertools.takewhile(lambda one: not self._calls(one), _run(row.values))]
            stated = tuple(text for text in texts if self.words.is_stated(text))
            if row.doubtful:
                self._open(name, "unclear" if stated else "not_reported")
            elif any(self.words.is_cut_off(piece.text) for piece in row.values) or any(text.endswith(_ELLIPSES) for text in stated):
                self._open(name, "cut_off")
                return None
            elif not stated:
                self._open(name, "not_reported")
            elif (items := read.several(stated)) and len(items) >= at_least:
                return items
            else:
                self.how[name] = "run_together"
                self.said[name] = stated[0][:_MOST_LETTERS_SAID]
                return None
        return None

    def _calls(self, piece: Piece) -> bool:
        """Does the site speak to its reader here ("Know someone who could benefit? Share")?"""
        return self.words.is_button(piece.text) or "? " in piece.text or piece.text.endswith(("?", "!"))

    def _locations(self) -> tuple[Location, ...] | None:
        """The places below a label; ``None`` where there are none that can be read or the page shows only some.

        A label that comes again with each place beside it names them all.
        """
        rows = self._by_meaning.get("locations", ())
        if any(self.words.is_cut_off(piece.text) for row in rows for piece in row.values):
            self._open("locations", "cut_off")
            return None
        if self._tabled:
            return self._all_there(self._tabled, rows)
        for row in rows:
            sites = finder_places.listed(self.found, row.place, self.words)
            if sites:
                same = [other for other in rows if other.label == row.label and other.values[:1] and other.values[0].joined]
                if len(same) > 1 and row is same[0]:
                    sites = tuple(site for other in same for site in finder_places.listed(self.found, other.place, self.words))
                return self._all_there(sites, (row,))
            stated = [piece.text for piece in row.values if self.words.is_stated(piece.text)]
            self._open("locations", "unclear" if stated else "not_reported" if row.values else "empty")
        return None

    def _all_there(self, sites: tuple[Location, ...], rows: Sequence[Labelled]) -> tuple[Location, ...] | None:
        """The sites, unless a label says that there are more."""
        if any((finder_places.counted(row.label) or 0) > len(sites) for row in rows):
            self._open("locations", "cut_off")
            return None
        return sites

    def _read_criteria(self, section: CriteriaSection | None, blocks: Sequence[Block]) -> None:
        if section is None:
            if lost_headings(blocks, self.words):
                self.how["criteria"] = "headings_lost"
            elif CRITERIA in self._by_meaning:
                self.how["criteria"] = "empty"
            return
        every = tuple(replace(one, kind="note") if one.text in section.remarks else one for one in parse(section.lines))
        several = {one.group for one in every if self.words.is_stated(one.text) and one.kind == "item"}
        stated = tuple(
            one
            for one in every
            if self.words.is_stated(one.text) or (one.group in several and one.text.strip(" .").casefold() == _CRITERION_OF_ITS_OWN)
        )
        how = section.how or _how_they_stand(section, every, stated)
        if how is not None:
            self.how["criteria"] = how
            return
        self.values["criteria"] = stated
        if section.is_selection:
            self.how["criteria"] = "paraphrased"  # they are what the page says, and no text of the record

    def _mind_the_site(self) -> None:
        """What this site cuts, rewrites or runs together, without saying so, is no value to compare."""
        ways: tuple[tuple[How, Sequence[str]], ...] = (
            ("paraphrased", self.profile.paraphrases),
            ("cut_off", self.profile.truncates),
            ("run_together", self.profile.run_together),
        )
        for how, names in ways:
            for name in names:
                value = self.values.pop(name, None)
                if value is not None or (name in self.how and self.how[name] not in UNSAID):
                    self.how[name] = how
                    if isinstance(value, str):
                        self.said[name] = value[:_MOST_LETTERS_SAID]


def _how_they_stand(section: CriteriaSection, every: Sequence[Criterion], stated: Sequence[Criterion]) -> How | None:
    """Why these criteria cannot be compared: none at all, or headings and items that do not belong together."""
    if not stated:
        return "not_reported" if every else "headings_lost"
    held = {one.group for one in every}
    if held == {None} or len(section.groups - held) > section.said_nothing:
        return "headings_lost"
    return None


def _agree(name: str, one: Any, other: Any) -> bool:
    """Do two values of one field say the same, one of them perhaps in less detail?"""
    if name == "overall_status":
        return not set(one[0]).isdisjoint(other[0])
    if isinstance(one, Dated) and isinstance(other, Dated):
        first, second = one.date or "", other.date or ""
        return first.startswith(second) or second.startswith(first)
    if isinstance(one, Enrollment) and isinstance(other, Enrollment):
        return one.count == other.count
    if isinstance(one, tuple) and name == "minimum_age":
        return all(None in (first, second) or first == second for first, second in zip(one, other, strict=True))
    return bool(one == other)


def _all_of(said: Sequence[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    """All phases, in the registry's order."""
    return tuple(sorted({phase for phases in said if phases for phase in phases})) or None


def _name(text: str, _: str) -> str | None:
    return text if read.is_name(text) else None


def _name_and_day(text: str) -> tuple[str | None, str | None]:
    match = _LAUNCHED_BY.fullmatch(text)
    if match is None:
        return None, None
    if not match["day"]:
        name, day = read.name_and_date(match["name"])
        return (name if read.is_name(name) else None), day
    day = read.calendar_date(match["day"])
    name = fold(match["name"] if day else text[len("launched by ") :]).strip(" ·•|")
    return (name if read.is_name(name) else None), day


def _run(values: Sequence[Piece]) -> tuple[Piece, ...]:
    """The pieces of one list: items, definitions or cells as long as they follow each other; lines of text if all are short."""
    kind = values[0].block.kind
    if values[0].joined or (kind not in ("item", "definition", "cell") and not all(_may_be_item(piece.text) for piece in values)):
        return (values[0],)
    end = next((index for index, piece in enumerate(values) if piece.block.kind != kind), len(values))
    return tuple(values[:end])


def _may_be_item(text: str) -> bool:
    return len(text.split()) <= _MOST_WORDS_OF_AN_ITEM and not text.endswith((".", ":", "?", "!"))
