"""Languages: gettext catalogues, and dates, numbers and lists as a language writes them.

English stands in the source; other languages are ``locale/<language>/LC_MESSAGES/registry_sync.po``, compiled in memory
when they are first asked for, so that no binary is kept. Babel costs a tenth of a second to import and is therefore
imported only where it is needed: an English summary needs none of it.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from pathlib import Path

from registry_sync.notices.when import parse
from registry_sync.trials.dates import RegistryDate

DOMAIN = "registry_sync"
LOCALE_FOLDER = Path(__file__).resolve().parent.parent / "locale"
ENGLISH = "en"
_ISO = 2
_NO_COUNTRIES = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})
"""Codes of groups of countries, of tests, and of none."""
_FORMATS = {ENGLISH: "en_GB"}
"""Where the formats of a language are taken from: "25 February 2026" is British."""


class Translator:
    """One language. Messages are whole sentences with ``{names}``, filled by ``str.format`` after translation."""

    def __init__(self, language: str, catalogue: gettext.NullTranslations) -> None:
        self.language = language
        self._catalogue = catalogue
        self._formats = _FORMATS.get(language, language)

    def gettext(self, message: str) -> str:
        """The message in this language; in English when the catalogue lacks it."""
        # The empty message is the catalogue's own header, which nobody should ever read.
        return self._catalogue.gettext(message) if message else ""

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """The form for this number."""
        return self._catalogue.ngettext(singular, plural, number)

    def pgettext(self, context: str, message: str) -> str:
        """The message where it means what ``context`` says."""
        return self._catalogue.pgettext(context, message)

    def date(self, text: str) -> str:
        """A registry date in words and in its own precision: "25 February 2026", "June 2026", "2026".

        A text that is no date is given back as it is.
        """
        parsed = parse(text)
        return text if parsed is None else _written(parsed, self._formats)

    def number(self, value: int) -> str:
        """A whole number with the language's grouping."""
        from babel.numbers import format_decimal

        return str(format_decimal(value, locale=self._formats))

    def join(self, parts: Iterable[str]) -> str:
        """Parts as a list in a sentence: "a, b and c"."""
        from babel.lists import format_list

        return format_list(list(parts), locale=self._formats)

    def country(self, name: str) -> str:
        """A country's name, which the registry gives in English, in this language; as it is when it is not known."""
        if self.language == ENGLISH:
            return name
        from babel import Locale

        return str(Locale.parse(self._formats).territories.get(_country_codes().get(name.casefold(), ""), name))


@lru_cache(maxsize=4096)
def _written(parsed: RegistryDate, formats: str) -> str:
    from babel.dates import format_date, format_skeleton

    day = date(parsed.year, parsed.month or 1, parsed.day or 1)
    if parsed.day is not None:
        return format_date(day, "long", locale=formats)
    if parsed.month is not None:
        return str(format_skeleton("yMMMM", day, locale=formats))
    return f"{parsed.year:04}"


@lru_cache(maxsize=1)
def _country_codes() -> dict[str, str]:
    from babel import Locale

    return {str(name).casefold(): code for code, name in Locale.parse(ENGLISH).territories.items() if code.isalpha()}


@lru_cache(maxsize=1)
def countries() -> tuple[str, ...]:
    """The English names of all countries and areas of ISO 3166-1."""
    from babel import Locale

    territories = Locale.parse(ENGLISH).territories
    return tuple(str(name) for code, name in territories.items() if code.isalpha() and len(code) == _ISO and code not in _NO_COUNTRIES)


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """The languages that there are, English first."""
    found = sorted(path.parent.parent.name for path in LOCALE_FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))
    return (ENGLISH, *found)


@lru_cache(maxsize=32)
def translator(language: str) -> Translator:
    """The translator of ``da`` or ``da-DK``; English for a language that there is no catalogue of."""
    name = language.replace("_", "-").partition("-")[0].lower()
    path = LOCALE_FOLDER / name / "LC_MESSAGES" / f"{DOMAIN}.po"
    if not name.isalpha() or name == ENGLISH or not path.is_file():
        return _english()
    return Translator(name, _compiled(path))


@lru_cache(maxsize=1)
def _english() -> Translator:
    return Translator(ENGLISH, gettext.NullTranslations())


def _compiled(path: Path) -> gettext.GNUTranslations:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with path.open("rb") as file:
        catalogue = read_po(file, domain=DOMAIN)
    binary = io.BytesIO()
    write_mo(binary, catalogue)
    binary.seek(0)
    return gettext.GNUTranslations(binary)
