"""Settings: one TOML file and the environment -> frozen Settings, every mistake named.

The table below is the whole truth about keys, types, ranges and defaults: the file that ``init`` writes, the
messages and the documentation are made from it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta

from registry_sync import cron
from registry_sync.errors import SettingsError

ENVIRONMENT_PREFIX = "REGISTRY_SYNC_"
FILE_NAME = "registry-sync.toml"

PerMinute = Annotated[int, Meta(ge=1, le=600_000, description="a whole number from 1 to 600000")]
Seconds = Annotated[float, Meta(gt=0, le=3600, description="seconds, more than 0 and at most 3600")]
Attempts = Annotated[int, Meta(ge=1, le=20, description="a whole number from 1 to 20")]
Port = Annotated[int, Meta(ge=1, le=65535, description="a port from 1 to 65535")]
Days = Annotated[int, Meta(ge=0, le=36_500, description="a number of days from 0 (for ever) to 36500")]
Hours = Annotated[float, Meta(gt=0, le=8760, description="hours, more than 0 and at most 8760")]
Flag = Annotated[bool, Meta(description="true or false")]
Text = Annotated[str, Meta(description="a text in quotes")]
Url = Annotated[str, Meta(pattern=r"^https?://[^\s\x00-\x1f\x7f/?#]+[^\s\x00-\x1f\x7f?#]*\Z", description="an http or https URL")]
PublicUrl = Annotated[
    str,
    Meta(
        pattern=r"^(https?://[^\s\x00-\x1f\x7f/?#@]+(/[^\s\x00-\x1f\x7f?#]*)?)?\Z",
        description="an http or https URL with no user and no password in it, or empty",
    ),
]
Mailbox = Annotated[str, Meta(pattern=r"^[^@\s<>]+@[^@\s<>]+\Z", description="a mail address")]
OptionalMailbox = Annotated[str, Meta(pattern=r"^([^@\s<>]+@[^@\s<>]+)?\Z", description="a mail address, or empty")]
Sender = Annotated[
    str,
    Meta(pattern=r"^([^@\s<>\r\n]+@[^@\s<>]+|[^<>\r\n]*<[^@\s<>]+@[^@\s<>]+>)\Z", description='a mail address, or "Name <address>"'),
]  # fmt: skip
Listen = Annotated[str, Meta(pattern=r"^[^\s]+:\d{1,5}\Z", description="HOST:PORT")]
Cron = Annotated[str, Meta(description='a cron line of five fields, such as "17 */6 * * *"')]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

_OF_EVERY_CLIENT = frozenset(
    "accept accept-encoding accept-language authorization connection content-length content-type cookie forwarded host origin referer"
    " user-agent via x-forwarded-for x-forwarded-host x-forwarded-proto x-real-ip".split()
)
"""Headers that are there without anybody having logged in."""


class Ctgov(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """ClinicalTrials.gov."""

    url: Url = "https://clinicaltrials.gov"


class Http(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How sites are asked."""

    contact: OptionalMailbox = ""
    requests_per_minute: PerMinute = 50
    timeout: Seconds = 30
    attempts: Attempts = 4


class Pages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Trial-finder pages."""

    profiles: Annotated[str, Meta(pattern=r"^[^\x00-\x1f]*\Z", description="a folder, or empty")] = ""


class Smtp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The mail server."""

    host: Text = "localhost"
    port: Port = 25
    security: Literal["none", "starttls", "tls"] = "none"
    ca_file: Annotated[str, Meta(pattern=r"^[^\x00-\x1f]*\Z", description="a path, or empty")] = ""
    auth: Literal["password", "xoauth2"] = "password"
    username: Text = ""
    password: Text = ""
    per_minute: PerMinute = 600
    timeout: Seconds = 30
    sender: Sender = "Trial alerts <alerts@localhost>"
    reply_to: OptionalMailbox = ""
    unsubscribe: OptionalMailbox = ""
    operator: OptionalMailbox = ""
    alarm_hours: Hours = 6
    weekly: Flag = False


class Webhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Posts to webhooks."""

    allow_private: Flag = False


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When ``run`` does what."""

    timezone: Annotated[str, Meta(description="a time zone, such as Europe/Copenhagen")] = "UTC"
    sync: Cron = "17 */6 * * *"
    pages: Cron = "43 5 * * *"
    deliver: Cron = "* * * * *"
    backup: Cron = "11 3 * * *"
    digest: Cron = "0 7 * * *"
    week_ends: Weekday = "monday"


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many days things are kept; 0: for ever."""

    stopped_subscriptions: Days = 30
    old_contacts: Days = 30
    backups: Days = 14


class Log(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``run`` and ``serve`` log."""

    format: Literal["text", "keyvalue", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Web(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The web pages."""

    url: PublicUrl = ""
    listen: Listen = "127.0.0.1:8080"
    operator_token: Text = ""
    operator_header: Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]*\Z", description="the name of a header, or empty")] = ""
    trusted_proxies: Annotated[tuple[str, ...], Meta(description="a list of addresses and networks")] = ()


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings. ``database``, ``smtp.ca_file`` and ``pages.profiles`` are absolute once loaded, and ``database`` is no link then.

    ``path`` is the file read, if any.
    """

    database: Annotated[str, Meta(min_length=1, pattern=r"^[^\x00-\x1f]+\Z", description="a path")] = "history.db"
    ctgov: Ctgov = Ctgov()
    http: Http = Http()
    pages: Pages = Pages()
    smtp: Smtp = Smtp()
    webhook: Webhook = Webhook()
    schedule: Schedule = Schedule()
    retention: Retention = Retention()
    log: Log = Log()
    web: Web = Web()
    path: Path | None = None


_SECTIONS: dict[str, type[msgspec.Struct]] = {
    name: kind
    for name, kind in get_type_hints(Settings, include_extras=True).items()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
}


def load(explicit: str | None, environ: Mapping[str, str], cwd: Path) -> Settings:
    """The settings in force.

    ``explicit`` is ``--config FILE``; without it ``$REGISTRY_SYNC_CONFIG`` counts, then ``registry-sync.toml`` in ``cwd``,
    then the defaults. Paths in the file are relative to it, paths in the environment to ``cwd``.
    Raises SettingsError with every mistake in one line.
    """
    path = _find(explicit, environ, cwd)
    table = _read(path) if path else {}
    problems: list[str] = []
    values = _from_file(table, path, problems)
    _from_environment(values, environ, cwd, problems)
    problems += _misspelt(environ)
    if problems:
        raise SettingsError("; ".join(problems), about=str(path or "environment"))
    sections = {name: kind(**values.get(name, {})) for name, kind in _SECTIONS.items()}
    database = values.get("", {}).get("database", str(cwd / Settings.__struct_defaults__[0]))
    database = str(without_link(Path(database)))
    return Settings(database=database, path=path, **sections)  # type: ignore[arg-type]


def without_link(path: Path) -> Path:
    """The file that a link leads to; any other path as it is. Locks, copies and what replaces a database go by its one name."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def in_environment(section: str, key: str) -> str:
    """The name of the environment variable that sets this key."""
    return (ENVIRONMENT_PREFIX + (f"{section}_{key}" if section else key)).upper()


def unknown_in_environment(environ: Mapping[str, str]) -> list[str]:
    """Variables that look like settings and are none: a misspelt one would otherwise be passed over in silence."""
    known = {in_environment(section, key) for section, kind in _SECTIONS.items() for key in kind.__struct_fields__}
    known |= {ENVIRONMENT_PREFIX + "CONFIG", ENVIRONMENT_PREFIX + "DATABASE"}
    sections = tuple(f"{ENVIRONMENT_PREFIX}{section.upper()}_" for section in _SECTIONS)
    return sorted(name for name in environ if name.startswith(sections) and name not in known)


def _misspelt(environ: Mapping[str, str]) -> list[str]:
    """Variables that are nearly a key's: a password under a misspelt name must not be passed over. Others may be somebody's secrets."""
    known = [in_environment(section, key) for section, kind in _SECTIONS.items() for key in kind.__struct_fields__]
    problems = []
    for name in unknown_in_environment(environ):
        import difflib

        near = difflib.get_close_matches(name, known, n=1, cutoff=0.9)
        if near:
            problems.append(f"{name}: unknown key in the environment: expected {near[0]}")
    return problems


def _find(explicit: str | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    named = explicit or environ.get(ENVIRONMENT_PREFIX + "CONFIG")
    if named:
        path = (cwd / named).absolute()
        if path.exists() and not path.is_file():
            raise SettingsError(f"{path}: cannot be read: it is not a file", about=named)
        if not path.exists():
            origin = "--config" if explicit else "$REGISTRY_SYNC_CONFIG"
            raise SettingsError(f"{named}: there is no such settings file ({origin} names it)", about=named)
        return path
    path = (cwd / FILE_NAME).absolute()
    return path if path.exists() else None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}", about=str(path)) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not UTF-8 text (byte {error.start + 1})", about=str(path)) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: is not TOML: {error}", about=str(path)) from error


def _from_file(table: Mapping[str, Any], path: Path | None, problems: list[str]) -> dict[str, dict[str, Any]]:
    values: dict[str, dict[str, Any]] = {}
    for name, value in table.items():
        if name == "database":
            _take(values, "", name, value, str(path), problems, base=path.parent if path else None)
        elif name not in _SECTIONS:
            problems.append(f"{path}: unknown key {name}: expected one of database, {', '.join(f'[{s}]' for s in _SECTIONS)}")
        elif not isinstance(value, dict):
            problems.append(f"{path}: {name}: expected a section [{name}], not {_shown(value)}")
        else:
            for key, inner in value.items():
                _take(values, name, key, inner, str(path), problems, base=path.parent if path else None)
    return values


def _from_environment(values: dict[str, dict[str, Any]], environ: Mapping[str, str], cwd: Path, problems: list[str]) -> None:
    keys = [("", "database"), *((section, key) for section, kind in _SECTIONS.items() for key in kind.__struct_fields__)]
    for section, key in keys:
        name = in_environment(section, key)
        if name in environ:
            _take(values, section, key, environ[name], name, problems, base=cwd, text=True)


def _take(
    values: dict[str, dict[str, Any]],
    section: str,
    key: str,
    value: Any,
    origin: str,
    problems: list[str],
    *,
    base: Path | None,
    text: bool = False,
) -> None:
    """Check one value and keep it, or say in ``problems`` what was expected."""
    shown = f"{section}.{key}" if section else key
    where = origin if text else f"{origin}: {shown}"
    hints = get_type_hints(_SECTIONS[section] if section else Settings, include_extras=True)
    if key not in hints:
        problems.append(f"{origin}: unknown key {shown}: expected one of {', '.join(_SECTIONS[section].__struct_fields__)}")
        return
    kind = hints[key]
    if text and key == "trusted_proxies":
        value = [part.strip() for part in value.split(",") if part.strip()]
    problem = problem_with(section, key, value, text=text)
    if problem:
        problems.append(f"{where}: {problem}")
        return
    checked = msgspec.convert(value, kind, strict=not text)
    if (section, key) in {("", "database"), ("smtp", "ca_file"), ("pages", "profiles")} and checked and base:
        checked = str((base / Path(checked).expanduser()).absolute())
    values.setdefault(section, {})[key] = checked


def problem_with(section: str, key: str, value: Any, *, text: bool = True) -> str | None:
    """What is wrong with the value of a key, if anything is: what was expected. ``text``: it comes as one, whatever type it is to be of."""
    kind = get_type_hints(_SECTIONS[section] if section else Settings, include_extras=True)[key]
    try:
        checked = msgspec.convert(value, kind, strict=not text)
    except msgspec.ValidationError:
        hidden = key in ("password", "operator_token") or (key == "url" and "@" in str(value))
        return f"expected {_expected(kind)}, not {'what it holds' if hidden else _shown(value)}"
    if key == "url" and checked:
        return _no_host(checked, _expected(kind))
    return _beyond_types(section, key, checked)


def _no_host(url: str, expected: str) -> str | None:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        why = "" if parts.hostname else "it names no host"
        why = why or ("port 0 leads nowhere" if parts.port == 0 else "")
    except ValueError as error:
        why = str(error)
    if not why:
        return None
    return f"expected {expected}, not {'what it holds' if '@' in url else _shown(url)}: {why[:1].lower()}{why[1:]}"


def _beyond_types(section: str, key: str, value: Any) -> str | None:
    """What a type cannot say: time zones that exist, cron lines that mean something, ports in range."""
    if (section, key) == ("schedule", "timezone"):
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError):
            return f"expected a time zone, such as Europe/Copenhagen, not {_shown(value)}"
    elif section == "schedule" and key != "week_ends":
        wrong = cron.problem(value)
        if wrong:
            return f'expected a cron line of five fields, such as "17 */6 * * *", not {_shown(value)}: {wrong}'
    elif (section, key) == ("web", "listen") and not 0 < int(value.rpartition(":")[2]) <= 65535:
        return f"expected HOST:PORT with a port from 1 to 65535, not {_shown(value)}"
    elif (section, key) == ("smtp", "host") and (not value or any(c.isspace() or c in "/:@" for c in value.strip("[]").replace(":", ""))):
        return f"expected a host name, not {_shown(value)}"
    elif (section, key) == ("web", "trusted_proxies"):
        return _no_networks(value)
    elif (section, key) == ("web", "operator_header") and value.lower() in _OF_EVERY_CLIENT:
        return f"expected a header that the proxy's login alone sets, such as Remote-User, not {_shown(value)}"
    return None


def _no_networks(texts: tuple[str, ...]) -> str | None:
    from registry_sync.hosts import network_of

    for text in texts:
        try:
            network_of(text)
        except ValueError as error:
            return f"expected addresses and networks, such as 127.0.0.1 or 10.0.0.0/8, not {_shown(text)}: {error}"
    return None


def _expected(kind: Any) -> str:
    for meta in getattr(kind, "__metadata__", ()):
        if isinstance(meta, Meta) and meta.description:
            return meta.description
    choices = getattr(kind, "__args__", ())
    return "one of " + ", ".join(map(str, choices)) if choices else str(kind)


def _shown(value: Any) -> str:
    text = repr(value) if not isinstance(value, bool) else str(value).lower()
    return text if len(text) <= 60 else text[:57] + "..."


def from_process(explicit: str | None = None) -> Settings:
    """The settings of this process: its environment, its working directory."""
    return load(explicit, os.environ, Path.cwd())
