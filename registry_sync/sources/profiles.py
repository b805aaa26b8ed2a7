"""What is known of a site: a TOML file for each. It says what the site's labels and dates mean, and what it cuts or rewrites.

A profile knows nothing of the site's markup, which changes: only words. A site without one is read by the common words alone.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_type_hints
from urllib.parse import urlsplit

import msgspec

from registry_sync.errors import SettingsError
from registry_sync.sources.labels import Words
from registry_sync.sources.vocabulary import ALL_STATUSES, FOLDER, MEANINGS, VALUES, WORDS, Status, Structure, Value

Bare = Literal["ages", "sex"]
DateMeaning = Literal[
    "start_date", "primary_completion_date", "completion_date", "first_submit_date", "first_post_date", "last_update_submit_date",
    "last_update_post_date", "status_verified_date", "refreshed", "none",
]  # fmt: skip
_DATE_MEANINGS: tuple[str, ...] = DateMeaning.__args__  # type: ignore[attr-defined]
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*(?::\d{1,5})?")


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, eq=False, kw_only=True):
    """One site.

    ``hosts``: sub-domains are meant too. ``labels``: a label of this site -> its meaning, before the common ones. ``statuses``: a word
    for the status -> the registry's token, or all that it covers. ``dates``: what the date beside a label or behind a phrase is.
    ``truncates``: fields of which the site shows only a part, without saying so; ``paraphrases``: fields in its own words;
    ``run_together``: lists without a sign between their items. ``day_first``: is 03/04/2025 in April? ``bare``: what stands on the page
    without a label, besides status and phase.
    """

    name: str
    hosts: list[str] = []
    labels: dict[str, Value | Structure] = {}
    statuses: dict[str, Status | list[Status]] = {}
    dates: dict[str, DateMeaning] = {}
    truncates: list[Value] = []
    paraphrases: list[Value] = []
    run_together: list[Value] = []
    bare: list[Bare] = []
    day_first: bool | None = None


UNKNOWN = Profile(name="")
"""A site of which nothing is known."""


@lru_cache(maxsize=64)
def words_of(profile: Profile) -> Words:
    """The words of a site."""
    statuses = {words: (covers,) if isinstance(covers, str) else tuple(covers) for words, covers in profile.statuses.items()}
    return Words(profile.labels, statuses, profile.dates)


class Profiles:
    """All profiles; of two for one host the later one is meant, of two that fit the longer host."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self.known = tuple(profiles)
        self._by_host = {host.lower(): profile for profile in self.known for host in profile.hosts}

    def of(self, url: str) -> Profile:
        """The profile of the site at ``url``; ``UNKNOWN`` where there is none."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            return UNKNOWN
        if port is not None and (found := self._by_host.get(f"{host}:{port}")):
            return found
        labels = host.split(".")
        return next((found for taken in range(len(labels)) if (found := self._by_host.get(".".join(labels[taken:])))), UNKNOWN)


def load_profiles(folder: Path | None = None) -> Profiles:
    """The built-in profiles and those in ``folder`` (``*.toml``), which win. Raises SettingsError, one line for all that is wrong."""
    files = [path for path in sorted(FOLDER.glob("*.toml")) if path.name != WORDS]
    if folder is not None:
        if not folder.is_dir():
            raise SettingsError(f"{folder}: expected a folder of profiles (*.toml)", about=str(folder))
        files += sorted(folder.glob("*.toml"))
    return Profiles([load_profile(path) for path in files])


def load_profile(path: Path) -> Profile:
    """One profile. Raises SettingsError."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path}: expected a file that can be read ({error.strerror})", about=str(path)) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: expected text in UTF-8", about=str(path)) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: expected TOML: {error}", about=str(path)) from error
    problems = [f"{path}: {problem}" for problem in _problems(table)]
    if problems:
        raise SettingsError("; ".join(problems), about=str(path))
    return msgspec.convert(table, Profile)


def _problems(table: Mapping[str, Any]) -> Iterable[str]:
    """What is wrong with a profile: the key, and what is expected there."""
    kinds = get_type_hints(Profile)
    for key in table:
        if key not in kinds:
            yield f"{key}: unknown key, expected one of {', '.join(kinds)}"
    if not isinstance(table.get("name"), str) or not table["name"].strip():
        yield "name: expected the site's name, a text in quotes"
    yield from _wrong_hosts(table.get("hosts"))
    yield from _wrong_entries(table, "labels", MEANINGS)
    yield from _wrong_entries(table, "dates", _DATE_MEANINGS)
    yield from _wrong_entries(table, "statuses", ALL_STATUSES, several=True)
    for key in ("truncates", "paraphrases", "run_together"):
        yield from _wrong_list(table, key, VALUES)
    yield from _wrong_list(table, "bare", Bare.__args__)  # type: ignore[attr-defined]
    if not isinstance(table.get("day_first", False), bool):
        yield "day_first: expected true or false"


def _wrong_hosts(hosts: object) -> Iterable[str]:
    if not isinstance(hosts, list) or not hosts:
        yield 'hosts: expected a list of host names, such as ["example.org"]'
        return
    for host in hosts:
        if not isinstance(host, str) or _HOST.fullmatch(host.lower()) is None:
            yield f'hosts: expected a host name, such as "example.org", not {_shown(host)}'


def _wrong_entries(table: Mapping[str, Any], key: str, choices: tuple[str, ...], *, several: bool = False) -> Iterable[str]:
    entries = table.get(key, {})
    if not isinstance(entries, dict):
        yield f"{key}: expected a table of words and their meanings"
        return
    for words, meaning in entries.items():
        given = meaning if several and isinstance(meaning, list) and meaning else [meaning]
        if not words.strip():
            yield f'{key}."{words}": expected words of the site, not an empty text'
        elif any(one not in choices for one in given):
            yield f'{key}."{words}": expected {"one or more" if several else "one"} of {", ".join(choices)}, not {_shown(meaning)}'


def _wrong_list(table: Mapping[str, Any], key: str, choices: tuple[str, ...]) -> Iterable[str]:
    given = table.get(key, [])
    if not isinstance(given, list):
        yield f"{key}: expected a list of {', '.join(choices)}"
        return
    for one in given:
        if one not in choices:
            yield f"{key}: expected {', '.join(choices)}, not {_shown(one)}"


def _shown(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
