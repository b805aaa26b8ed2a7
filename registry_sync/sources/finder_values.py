"""What stands beside a label on a trial-finder page -> a value of the record, or ``None`` where it is not surely one."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from registry_sync.sources.folding import fold
from registry_sync.sources.labels import AGES, NONE, REFRESHED, Words, label_key, status_key
from registry_sync.sources.markers import strip_bullets
from registry_sync.sources.vocabulary import common
from registry_sync.trials.record import Dated, Enrollment, Location

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_MONTH_NUMBER = {name: number for number, name in enumerate(_MONTHS, start=1)} | {
    name[:length]: number for number, name in enumerate(_MONTHS, start=1) for length in (3, 4)
}
_DATES = (
    re.compile(r"(?P<year>\d{4})(?P<sign>[-/.])(?P<month>\d{1,2})(?P=sign)(?P<day>\d{1,2})(?:[T ]\d[\d:.]*(?:Z|[+-]\d\d:?\d\d)?)?"),
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})"),
    re.compile(r"(?:[A-Za-z]{3,9},?\s+)?(?P<name>[A-Za-z]{3,9})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})"),
    re.compile(r"(?:[A-Za-z]{3,9},?\s+)?(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?(?:\s+|-)(?P<name>[A-Za-z]{3,9})\.?,?(?:\s+|-)(?P<year>\d{4})"),
    re.compile(r"(?P<name>[A-Za-z]{3,9})\.?,?(?:\s+|-)(?P<year>\d{4})"),
    re.compile(r"(?P<month>\d{1,2})/(?P<year>\d{4})"),
)
_NUMERIC = re.compile(r"(?P<one>\d{1,2})(?P<sign>[/.-])(?P<two>\d{1,2})(?P=sign)(?P<year>\d{4})")
_MOST_WORDS_IN_DATE = 3
_YEARS = range(1950, 2150)
_TYPE = re.compile(r"\b(estimated|anticipated|expected|expecting|planned|target|actual)\b", re.IGNORECASE)

_SEXES = {
    "all": "ALL", "both": "ALL", "any": "ALL", "male and female": "ALL", "female and male": "ALL", "both male and female": "ALL",
    "all genders": "ALL", "all sexes": "ALL", "men and women": "ALL", "women and men": "ALL", "male female": "ALL", "female male": "ALL",
    "any gender": "ALL", "all sex": "ALL", "male": "MALE", "males": "MALE", "men": "MALE", "male only": "MALE", "men only": "MALE",
    "female": "FEMALE", "females": "FEMALE", "women": "FEMALE", "female only": "FEMALE", "women only": "FEMALE",
    "female or male": "ALL", "male or female": "ALL", "both males and females": "ALL", "males and females": "ALL",
    "females and males": "ALL",
    "both female and male": "ALL", "both females and males": "ALL", "everyone": "ALL", "everybody": "ALL", "m f": "ALL", "f m": "ALL",
    "both genders": "ALL", "both sexes": "ALL", "both men and women": "ALL", "men or women": "ALL", "females or males": "ALL",
    "males or females": "ALL", "women or men": "ALL",
}  # fmt: skip
_NO_VOLUNTEERS = frozenset(
    ("no", "false", "no healthy volunteers", "not accepted", "does not accept healthy volunteers", "not accepting healthy volunteers")
)
_VOLUNTEERS = frozenset(
    ("yes", "true", "accepts healthy volunteers", "accepted", "healthy volunteers accepted", "accepting healthy volunteers")
)

_STUDY_TYPES = {
    "interventional": "INTERVENTIONAL", "interventional study": "INTERVENTIONAL", "interventional clinical trial": "INTERVENTIONAL",
    "interventional trial": "INTERVENTIONAL", "interventional clinical trial of medicinal product": "INTERVENTIONAL",
    "observational": "OBSERVATIONAL", "observational study": "OBSERVATIONAL", "observational patient registry": "OBSERVATIONAL",
    "non interventional": "OBSERVATIONAL", "noninterventional": "OBSERVATIONAL", "expanded access": "EXPANDED_ACCESS",
}  # fmt: skip

_KINDS_OF_SPONSOR = frozenset(
    ("industry", "commercial", "non commercial", "noncommercial", "academic", "government", "network", "individual", "other", "nih",
     "us fed", "u s fed", "commercial sector industry", "university", "hospital", "charities societies foundations", "government body",
     "pharmaceutical company", "industry sponsored", "investigator initiated", "other collaborative groups", "hospital treatment centre")
)  # fmt: skip
_UNITS = {"year": "Year", "yr": "Year", "y": "Year", "month": "Month", "week": "Week", "day": "Day", "hour": "Hour", "minute": "Minute"}
_AGE = r"(?P<{0}>\d{{1,3}})\s*(?P<{0}_unit>years?|yrs?|y(?![a-z])|months?|weeks?|days?|hours?|minutes?)?(?:\s+old)?"
_AGE_FROM_TO = re.compile(r"(?:≥|>=)\s*" + _AGE.format("low") + r"\s*(?:&|and|,)?\s*(?:≤|<=)\s*" + _AGE.format("high"), re.IGNORECASE)
_AGE_BETWEEN = re.compile(
    r"(?:between|from|ages?d?)\s+" + _AGE.format("low") + r"\s*(?:and|to|-|\u2013|\u2014|through)\s*" + _AGE.format("high"), re.IGNORECASE
)
_AGE_MIN_MAX = re.compile(
    r"min(?:imum)?(?: age)?\.?:?\s*" + _AGE.format("low") + r"\s*[,;/]?\s*max(?:imum)?(?: age)?\.?:?\s*" + _AGE.format("high"),
    re.IGNORECASE,
)
_AGE_FILLERS = re.compile(r"(?:\s+of age)?,?\s*(?:inclusive)?$|^ages? (?=\d)", re.IGNORECASE)
_NO_UPPER = re.compile(r"\s*(?:-|–|—|to)\s*(?:n/?a|no limit|no upper limit|no maximum|none|any)$", re.IGNORECASE)
_NO_LIMIT = re.compile(
    r"(?:none|unlimited|no (?:(?:upper|lower|maximum|minimum|age) )*limit|no (?:upper|lower|maximum|minimum)(?: age)?|n/?a \(no limit\))",
    re.IGNORECASE,
)
_ONE_AGE = re.compile(_AGE.format("one") + r"(?:\s+of age)?", re.IGNORECASE)
_AGE_AND_OVER = re.compile(
    r"(?:(?:≥|>=|from|over or equal to|at least)\s*)?"
    + _AGE.format("low")
    + r"(?:\s+of age)?\s*(?:\+(?:\s*(?:years?|yrs?|y)(?:\s+old)?)?|and (?:older|over|above|up)|or (?:older|over|above))",
    re.IGNORECASE,
)
_AGE_AT_LEAST = re.compile(r"(?:≥|>=|from|at least)\s*" + _AGE.format("low"), re.IGNORECASE)
_AGE_UP_TO = re.compile(
    r"(?:(?:≤|<=|up to|younger than or equal to)\s*"
    + _AGE.format("high")
    + "|"
    + _AGE.format("under")
    + r"\s*(?:and|or) (?:younger|under|below))",
    re.IGNORECASE,
)
_AGE_RANGE = re.compile(_AGE.format("low") + r"\s*(?:-|–|—|to|until|through)\s*" + _AGE.format("high"), re.IGNORECASE)

_PEOPLE = re.compile(
    r"(?:open to|for|accepts) (?:people|participants|patients|adults|eligible people) (?:between ages|ages|aged|age)?\s*(?P<ages>.{2,40})",
    re.IGNORECASE,
)

_COUNT = re.compile(
    r"(?:(?:expecting|about|approximately|around|up to|n\s*=)\s*)?(?P<count>\d{1,3}(?:,\d{3})+|\d{1,9})"
    r"(?:\s*(?:study )?(?:participants?|patients?|people|subjects?|volunteers?|enrolled))?",
    re.IGNORECASE,
)

_PHASE_NUMBERS = {numeral: f"PHASE{number}" for number in (1, 2, 3, 4) for numeral in (str(number), ("i", "ii", "iii", "iv")[number - 1])}
_PHASE = re.compile(r"(?:phase\s*)?(?P<number>iv|i{1,3}|[1-4])[ab]?", re.IGNORECASE)
_PHASE_INSIDE = re.compile(r"(?P<before>(?:therapeutic|human|phase) [^()]{1,40}?)\s*\((?P<inside>phase [^()]{1,12})\)")
_PHASE_NAMED = re.compile(r"(?:therapeutic [a-z]+|human pharmacology)(?: (?:trial|study))?\s*[-–:,]\s*(?P<inside>phase .{1,12})")
_PHASE_REMARK = re.compile(r"\s*(?:\(integrated\))?\s*(?:[-–]\s*(?:first administration to humans|bioequivalence study|other))?$")
_STUDY_BEHIND = re.compile(r"\s+(?:(?:research|clinical)\s+)?(?:study|trial)$")
_PHASE_BEGINS = ("phase", "early phase", "therapeutic", "human pharm")
_PHASE_PARTS = re.compile(r"\s*(?:/|,|\||&|\band\b|-|–)\s*", re.IGNORECASE)

_COUNTRY_SPELLINGS = (
    "United States of America", "USA", "US", "U.S.", "UK", "U.K.", "England", "Scotland", "Wales", "Northern Ireland",
    "Russian Federation", "Turkey", "Turkey (Türkiye)", "Korea, Republic of", "Republic of Korea",
    "Korea, Democratic People's Republic of", "Iran, Islamic Republic of", "Hong Kong", "Macau", "Czech Republic", "The Netherlands",
    "Viet Nam", "Taiwan, Province of China", "Moldova, Republic of", "Macedonia, The Former Yugoslav Republic of", "North Macedonia",
    "Former Yugoslavia", "Former Serbia and Montenegro", "Tanzania, United Republic of", "Venezuela, Bolivarian Republic of",
    "Bolivia, Plurinational State of", "Syrian Arab Republic", "Lao People's Democratic Republic", "Libyan Arab Jamahiriya", "Congo",
    "Congo, The Democratic Republic of the", "Côte D'Ivoire", "Cote D'Ivoire", "Palestinian Territory, occupied", "Palestine",
    "Brunei Darussalam", "Swaziland", "Burma", "Cape Verde", "Micronesia, Federated States of", "Virgin Islands (U.S.)",
    "Holy See (Vatican City State)", "Republic of Ireland", "People's Republic of China",
)  # fmt: skip
_ZIP = re.compile(r"[A-Z0-9][A-Z0-9 -]{2,9}")
_NUMBER_BEFORE = re.compile(r"^(?:#|no\.?\s|site\s#?)\s?\d{1,4}[.:)]?\s+(?=\D)|^\d{1,4}[.):]\s+", re.IGNORECASE)
_MOST_PARTS_OF_A_SITE = 8


def study_type(text: str) -> str | None:
    """INTERVENTIONAL, OBSERVATIONAL or EXPANDED_ACCESS."""
    return _STUDY_TYPES.get(status_key(text))


def sex(text: str) -> str | None:
    """ALL, MALE or FEMALE."""
    return _SEXES.get(status_key(text))


def healthy_volunteers(text: str) -> bool | None:
    """Does the trial accept healthy volunteers?"""
    words = status_key(text)
    return True if words in _VOLUNTEERS else False if words in _NO_VOLUNTEERS else None


def one_age(text: str) -> str | None:
    """An age limit in the registry's form: ``18 Years``, ``1 Year``, ``30 Weeks``. A number without unit means years."""
    found = _ONE_AGE.fullmatch(fold(text))
    return _age(found["one"], found["one_unit"]) if found else None


def is_no_limit(text: str) -> bool:
    """Does this, beside the label of one limit, say that there is none?"""
    return _NO_LIMIT.fullmatch(fold(text).strip(" .")) is not None


def has_no_upper_limit(text: str) -> bool:
    """Does this, beside a label of both limits, say that anyone above the lower one may take part ("18+", "18 Years and older")?"""
    words = _age_words(text)
    return words.endswith("+") or (_AGE_AND_OVER.fullmatch(words) is not None)


def ages(text: str) -> tuple[str | None, str | None]:
    """The lower and upper limit of "18 Years to 75 Years", "18+", "Up to 65 years"; ``None`` for one that is not stated."""
    words = _age_words(text)
    if found := _AGE_FROM_TO.fullmatch(words) or _AGE_BETWEEN.fullmatch(words) or _AGE_MIN_MAX.fullmatch(words):
        return _age(found["low"], found["low_unit"] or found["high_unit"]), _age(found["high"], found["high_unit"])
    if found := _AGE_AND_OVER.fullmatch(words) or _AGE_AT_LEAST.fullmatch(words):
        return _age(found["low"], found["low_unit"]), None
    if found := _AGE_RANGE.fullmatch(words):
        return _age(found["low"], found["low_unit"] or found["high_unit"]), _age(found["high"], found["high_unit"])
    if found := _AGE_UP_TO.fullmatch(words):
        return None, _age(found["high"] or found["under"], found["high_unit"] or found["under_unit"])
    return None, None


def _age_words(text: str) -> str:
    words = _AGE_FILLERS.sub("", fold(re.sub(r"\([^()]*\)|(?<=\d)\.0+(?!\d)", " ", text)).rstrip("."))
    found = _NO_UPPER.search(words)
    return words[: found.start()] + "+" if found else words


def people_ages(text: str) -> str | None:
    """The words for the ages in a line that says whom the trial takes: "18-75" of "Open to people ages 18-75"."""
    found = _PEOPLE.fullmatch(fold(text)) if text[:3].lower() in ("ope", "for", "acc") else None
    return found["ages"] if found else None


def ages_of_people(text: str) -> tuple[str | None, str | None]:
    """The same of a line that says whom the trial takes: "Open to people ages 18-75", "for people ages 18-75 (full criteria)"."""
    said = people_ages(text)
    return ages(said) if said is not None else (None, None)


def _age(number: str, unit: str | None) -> str:
    word = _UNITS[(unit or "year").lower().rstrip("s")]
    return f"{int(number)} {word}{'' if int(number) == 1 else 's'}"


def phases(text: str) -> tuple[str, ...] | None:
    """The registry's tokens: ``Phase 1/2`` is ("PHASE1", "PHASE2"), "Not applicable" ("NA",), "Early Phase 1" ("EARLY_PHASE1",)."""
    words = _PHASE_REMARK.sub("", _STUDY_BEHIND.sub("", fold(text).casefold().replace("_", " ")))
    if named := _PHASE_NAMED.fullmatch(words):
        words = named["inside"]
    if found_inside := _PHASE_INSIDE.fullmatch(words):
        before, inside = phases(found_inside["before"]), phases(found_inside["inside"])
        return inside if (before in (None, inside) and not found_inside["before"][-1:].isdigit()) or before == inside else None
    if words in ("early phase 1", "early phase i", "early phase1", "phase 0"):
        return ("EARLY_PHASE1",)
    if words == "not applicable" or text == "NA":
        return ("NA",)
    found = [_PHASE.fullmatch(part) for part in _PHASE_PARTS.split(words) if part]
    tokens = tuple(_PHASE_NUMBERS[match["number"].lower()] for match in found if match is not None)
    return tokens if tokens and len(tokens) == len(found) <= 2 else None


def bare_phases(text: str) -> tuple[str, ...] | None:
    """The phases of a text that says what it is without a label ("Phase 1/2")."""
    return phases(text) if len(text) <= 70 and text[:11].lower().startswith(_PHASE_BEGINS) else None


def enrollment(text: str, label: str) -> Enrollment | None:
    """A number of participants; its type where the value or the label says it."""
    type_ = _type(text) or _type(label)
    found = _COUNT.fullmatch(fold(re.sub(r"\([^()]*\)", " ", _TYPE.sub(" ", text))).strip(" :"))
    return Enrollment(int(found["count"].replace(",", "")), type_) if found else None


def calendar_date(text: str, *, day_first: bool | None = None) -> str | None:
    """A date as the page gives it, in its own precision: ``2025-01-27`` or ``2025-01``; ``None`` where it is not sure.

    "03/04/2025" is March or April: it is read where ``day_first`` says which, or where only one of them is a month. Points stand
    between the numbers only where the day comes first.
    """
    words = fold(text).strip(" .·•|")
    for form in _DATES:
        if found := form.fullmatch(words):
            return _iso(found.groupdict())
    found = _NUMERIC.fullmatch(words)
    if found is None:
        return None
    one, two = int(found["one"]), int(found["two"])
    if one > 12 or two > 12 or one == two or found["sign"] == ".":
        day_first = found["sign"] == "." or one > 12 or one == two
    if day_first is None:
        return None
    day, month = (found["one"], found["two"]) if day_first else (found["two"], found["one"])
    return _iso({"year": found["year"], "month": month, "day": day})


def name_and_date(text: str) -> tuple[str, str | None]:
    """ "EXAMPLE HOSPITAL, NORWAY Jan 27, 2025" -> the name, and the date that stands behind it without a sign between."""
    words = fold(text).split(" ")
    for taken in range(min(_MOST_WORDS_IN_DATE, len(words) - 1), 0, -1):
        day = calendar_date(" ".join(words[-taken:]).strip("()"))
        if day is not None:
            return " ".join(words[:-taken]).rstrip(" ,·•|(–-"), day
    return fold(text).strip(" ·•|"), None


def dated(text: str, label: str, *, day_first: bool | None = None) -> Dated | None:
    """A date and its type, where the value or the label says it."""
    day = calendar_date(re.sub(r"\(\s*\)|[()\[\]]", " ", _TYPE.sub(" ", text)), day_first=day_first)
    return Dated(day, _type(text) or _type(label)) if day else None


def _type(text: str) -> str | None:
    found = _TYPE.search(text)
    return None if found is None else "ACTUAL" if found[1].lower() == "actual" else "ESTIMATED"


def _iso(parts: dict[str, str | None]) -> str | None:
    """``YYYY-MM-DD`` or ``YYYY-MM``; ``None`` for a day that does not exist."""
    name, number, day = parts.get("name"), parts.get("month"), parts.get("day")
    month = _MONTH_NUMBER.get(name.lower(), 0) if name else int(number or 0)
    year = int(parts["year"] or 0)
    if year not in _YEARS:
        return None
    try:
        whole = datetime.date(year, month, int(day or 1))
    except ValueError:
        return None
    return whole.isoformat() if day else f"{year:04}-{month:02}"


def location(text: str) -> Location | None:
    """A place that ends with a country: "City, Country", "City, State, Country", "Facility, City, State, Country".

    Of "Facility, City, Country" the first part must read like a facility.

    A place left empty ("Copenhagen, , Denmark") is not stated. A part that has digits beside the country is the postal code.
    """
    words = _NUMBER_BEFORE.sub("", strip_bullets(fold(text))[1])
    if len(words) > 300:
        return None
    country, zip_ = _country_at_end(words), None
    if country is None and "," in words:
        words, _, zip_ = (part.strip() for part in words.rpartition(","))
        country = _country_at_end(words) if _is_zip(zip_) else None
    if country is None:
        return None
    parts = [fold(part) or None for part in words[: len(words) - len(country)].rstrip(" ,").split(",")]
    if len(parts) > _MOST_PARTS_OF_A_SITE or parts == [None]:
        return None
    if len(parts) > 1 and parts[-1] and _is_zip(parts[-1]):
        zip_ = parts.pop()
    if len(parts) > 2:
        facility = ", ".join(part for part in parts[:-2] if part) or None
        return Location(facility=facility, city=parts[-2], state=parts[-1], zip=zip_, country=country)
    if len(parts) > 1 and parts[0] and parts[1] and is_facility(parts[0]) and not is_facility(parts[1]):
        return Location(facility=parts[0], city=parts[1], zip=zip_, country=country)
    return Location(city=parts[0], state=parts[1] if len(parts) > 1 else None, zip=zip_, country=country)


def is_facility(text: str) -> bool:
    """Does this read like the name of a hospital or the like?"""
    return _facilities().search(text.casefold()) is not None


@cache
def _facilities() -> re.Pattern[str]:
    return re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" if len(word) < 5 else re.escape(word) for word in common().facilities))


def _is_zip(text: str) -> bool:
    return _ZIP.fullmatch(text) is not None and any(letter.isdigit() for letter in text)


def _country_at_end(text: str) -> str | None:
    """The country after the last comma; some have a comma of their own ("Korea, Republic of")."""
    parts = text.split(",")
    for taken in (2, 1):
        ending = ",".join(parts[-taken:]).strip()
        if len(parts) > taken and ending.casefold() in _countries():
            return ending
    return None


def is_country(text: str) -> bool:
    """Is this the name of a country?"""
    return len(text) < 60 and fold(text).casefold() in _countries()


@cache
def _countries() -> frozenset[str]:
    """Country names in English: the Unicode locale data's, and the registry's own spellings."""
    from babel import Locale

    territories = Locale.parse("en").territories
    named = {name.casefold() for code, name in territories.items() if len(code) == 2 and code.isalpha()}
    return frozenset(named | {name.casefold() for name in _COUNTRY_SPELLINGS})


def several(texts: tuple[str, ...]) -> tuple[str, ...] | None:
    """A list's items; ``None`` where one text may hold several without saying where one ends."""
    stated = tuple(fold(text).strip(" •·") for text in texts)
    if len(stated) == 1:
        parts = tuple(part for part in (fold(part) for part in re.split(r"[;|•]", stated[0])) if part)
        return parts if len(parts) > 1 or "," not in stated[0] else None
    return stated or None


def is_name(text: str) -> bool:
    """Can this be a name or a title: neither long nor a sign alone?"""
    return len(text) <= 500 and bool(label_key(text) or len(text) > 20) and any(letter.isalpha() for letter in text)


def is_sponsor(text: str) -> bool:
    """Can this be a sponsor's name: no kind of sponsor, and no value of another field that stands in its place?"""
    if status_key(text) in _KINDS_OF_SPONSOR or not is_name(text):
        return False
    other = bare_phases(text) or sex(text) or study_type(text) or any(ages(text)) or calendar_date(text)
    return not other and enrollment(text, "") is None


def is_value_of(meaning: str, text: str, words: Words) -> bool:
    """Can this text be read as the value beside a label of this meaning? It is asked where no sign stands between them."""
    if meaning == "overall_status":
        return bool(words.status(text))
    reader = _READERS.get(meaning)
    return reader is not None and reader(text) not in (None, (None, None))


def is_read(meaning: str) -> bool:
    """Has a label of this meaning values of one form, by which they are known?"""
    return meaning in _READERS and meaning != NONE


_READERS: dict[str, Callable[[str], Any]] = {
    "sex": sex,
    "phases": phases,
    "study_type": study_type,
    "healthy_volunteers": healthy_volunteers,
    "minimum_age": one_age,
    "maximum_age": one_age,
    AGES: ages,
    "enrollment": lambda text: enrollment(text, ""),
    **dict.fromkeys(
        ("start_date", "primary_completion_date", "completion_date", "first_submit_date", REFRESHED, "none", "first_post_date",
         "last_update_submit_date", "last_update_post_date", "status_verified_date"),
        lambda text: dated(text, "", day_first=True),
    ),
}  # fmt: skip
