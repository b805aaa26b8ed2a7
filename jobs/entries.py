"""What an operator says of a watch or a subscription, checked and brought into one spelling: typed as a command, or in a file's cell.

Each raises UsageError with what to do; ``named``: what the complaint calls it.
"""

from __future__ import annotations

import getpass
import os
import re

from registry_sync.errors import UsageError

ROLES = ("reader", "coordinator")
LEASTS = ("minor", "major")
RHYTHMS = ("now", "day", "week")
LANGUAGES = ("en", "da")

VOUCHED = "operator-1: the operator records that the holder of this address asked to be told of changes in these trials"
MACHINE = "none-1: a webhook or chat address, given by the operator; no person confirms it"

_LONGEST_URL = 2000
_DEFAULT_PORTS = {"http": 80, "https": 443}


def operator() -> str:
    """Who vouches: the user of the operating system, who in a container may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"user {os.getuid()}"


def topics(text: str | None, named: str) -> frozenset[str]:
    """Topics with commas between; ``None``: the role's own."""
    from registry_sync.trials.record import TOPICS

    found = frozenset(part.strip().lower() for part in (text or "").split(",") if part.strip())
    unknown = sorted(found - set(TOPICS))
    if unknown or (text is not None and not found):
        raise UsageError(
            f"{named} {text!r}: {', '.join(unknown) or 'nothing'} is no topic; there are {', '.join(TOPICS)}", about=text or ""
        )
    return found


def heard_by(role: str, asked: frozenset[str], named: str) -> frozenset[str]:
    """Topics that are told to this role. Raises UsageError where nothing of them is: what is owed is for coordinators alone."""
    if role == "reader" and asked == {"deadlines"}:
        raise UsageError(
            f"{named} deadlines: readers hear nothing of what is owed; it is for a coordinator (--as coordinator)", about="deadlines"
        )
    return asked


def timezone(name: str, named: str) -> str:
    """The name of a time zone (IANA)."""
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise UsageError(f"{named} {name!r} is not known: give one such as Europe/Copenhagen", about=name) from error
    return name


def secret_name(name: str, kind: str, named: str) -> str:
    """The environment variable with the signing secret of a webhook. One that is set here must be able to sign."""
    from registry_sync.notices.webhook import unusable_secret

    if kind != "webhook" or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise UsageError(f"{named} names an environment variable, and goes with a webhook", about=name)
    trouble = unusable_secret(name, os.environ.get(name, ""))
    if trouble:
        raise UsageError(trouble, about=name)
    return name


def chat_address(address: str) -> str:
    """An Apprise URL that can be used. Raises MissingExtra, too."""
    from registry_sync.notices.address import masked
    from registry_sync.notices.chat import unusable

    trouble = unusable(address)
    if trouble:
        raise UsageError(f"{masked(address)}: {trouble}", about=masked(address))
    return address


def page_url(text: str) -> str:
    """The address of a page in one spelling (RFC 3986, section 6.2.2), so that no page is watched twice; without a fragment."""
    import re
    from urllib.parse import urljoin, urlsplit, urlunsplit

    url = text.strip()
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and not any(c.isspace() or not c.isprintable() for c in url)
        port = parts.port
    except ValueError:
        usable = False
    if not usable:
        shown = re.sub(r"//[^/?#]*@", "//***@", url)
        raise UsageError(f"{shown!r} is not the address of a page: give an http or https URL", about=shown)
    if parts.username is not None:
        raise UsageError(
            f"{parts.scheme}://***@{parts.hostname}: a page's address is shown and kept: give it without user name and password"
        )
    if len(url) > _LONGEST_URL:
        raise UsageError(f"{url[:60]}...: a page's address may have {_LONGEST_URL} characters, and this one has {len(url)}", about=url[:60])
    host = (parts.hostname or "").lower()
    netloc = (f"[{host}]" if ":" in host else host) + (f":{port}" if port and port != _DEFAULT_PORTS[parts.scheme] else "")
    path = urlsplit(urljoin(f"http://{netloc}/", parts.path)).path if parts.path else ""
    return urlunsplit((parts.scheme, netloc, path, parts.query, ""))
