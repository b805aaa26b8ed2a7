"""What ``doctor`` says of what has to be reached: the registry, the mail server, the web pages and the operator's page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from registry_sync.cli.common import Asked
from registry_sync.errors import BadContent, BadStatus, DatabaseError, FetchError, RegistrySyncError, install

if TYPE_CHECKING:
    from db.connection import History
    from registry_sync.settings import Smtp

Verdict = tuple[bool, str]
"""Is it well, and the line for it; of what is not, the line ends with what to do."""

SHORTEST_TOKEN = 16
"""Characters of [web] operator_token."""
_MOST_PROXIES = 65_536
"""Public addresses in one network of trusted proxies; the largest providers' have fewer."""
_PATIENCE = 3.0
_LONGEST_ANSWER = 4096
_TOO_MANY_REQUESTS = 429
_ITS_OWN_TROUBLE = 500


def looking(asked: Asked) -> History:
    """The history, of which nothing shall change; as it lies there, where nothing can."""
    from db.connection import open_to_look

    return open_to_look(Path(asked.settings.database), as_it_lies=True)


def registry(asked: Asked) -> Verdict:
    """Does the registry answer, and with data of which time?"""
    from registry_sync.sources.ctgov import release
    from registry_sync.sources.http import Client

    settings = asked.settings
    http = settings.http
    with Client(contact=http.contact, timeout=min(http.timeout, 10), attempts=1, requests_per_minute=http.requests_per_minute) as client:
        try:
            version, stamp = release(client, settings.ctgov.url)
        except FetchError as error:
            return False, "; ".join(filter(None, (str(error), _ask_it_again(error, settings.ctgov.url))))
    return True, f"{settings.ctgov.url}: API {version}, data of {stamp or 'an unknown time'} UTC"


def _ask_it_again(error: FetchError, url: str) -> str:
    """What to do about a registry that brings no usable answer, unless the error says so itself."""
    from registry_sync.settings import Ctgov

    if isinstance(error, BadStatus) and (error.status >= _ITS_OWN_TROUBLE or error.status == _TOO_MANY_REQUESTS):
        return "try again later: nothing is lost, each sync asks for what is new"
    own = "" if url == Ctgov().url else "is [ctgov] url right, and "
    if isinstance(error, BadContent | BadStatus):
        return f"try again later; if it stays so, {own}does a proxy or a login page stand between?"
    if "; " in str(error):
        return ""
    return f"{own}does this machine reach the network?"


def mail_server(asked: Asked) -> Verdict:
    """Does the mail server take what is to be mailed? One that nobody named is missed only when there is something."""
    from jobs.deliver import mail_channel

    smtp = asked.settings.smtp
    try:
        mail_channel(asked.surroundings(), lambda: None).check()
    except RegistrySyncError as error:
        if _is_filled_in(smtp) or _is_wanted(asked):
            return False, str(error)
        return True, f"nothing is to be mailed so far; {error} before anything is"
    return True, f"{smtp.host}:{smtp.port}, security {smtp.security}, {'login accepted' if smtp.username else 'no login'}"


def _is_filled_in(smtp: Smtp) -> bool:
    """Do the settings name another mail server than they do unless somebody says so?"""
    default = type(smtp)()
    return (smtp.host, smtp.port) != (default.host, default.port)


def _is_wanted(asked: Asked) -> bool:
    """Does anybody follow by mail, or wish to, or does the operator? Of a history that cannot be read nobody does."""
    from db import overview

    try:
        with looking(asked) as history:
            states = overview.subscription_states(history, kind="email")
    except DatabaseError:
        states = {}
    return bool(asked.settings.smtp.operator or states.get("active") or states.get("pending"))


def web_pages(asked: Asked) -> Verdict:
    """Do the pages answer, if any are wished, or could they?"""
    from db import overview

    web = asked.settings.web
    if not (web.url or web.operator_token or web.operator_header):
        with looking(asked) as history:
            states = overview.subscription_states(history, kind="email")
        mails = states.get("active", 0) + states.get("pending", 0)
        return True, "[web] url is empty: mails have no link that leads here" + (", and their readers cannot confirm" if mails else "")
    missing = _missing_parts()
    if missing:
        return False, f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed: {install('web')}"
    served, said = _served(web.listen)
    return served, f"{web.url or '[web] url is empty: mails have no link that leads here'}; {said}"


def _missing_parts() -> list[str]:
    import importlib.util

    return [name for name in ("starlette", "uvicorn", "icalendar") if importlib.util.find_spec(name) is None]


def _served(listen: str) -> Verdict:
    """Do our own pages answer at [web] listen, or nobody?"""
    import http.client
    import json

    host, _, port = listen.rpartition(":")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host.strip("[]"), host.strip("[]"))  # noqa: S104 - where to ask who listens everywhere
    connection = http.client.HTTPConnection(host, int(port), timeout=_PATIENCE)
    try:
        connection.request("GET", "/healthz")
        state = json.loads(connection.getresponse().read(_LONGEST_ANSWER))
        wrong = ", ".join(map(str, state["wrong"]))
        return True, f"{listen} serves them{f' and is unwell: {wrong}' if wrong else ''}"
    except ConnectionRefusedError:
        return _free(listen)
    except (http.client.HTTPException, ValueError, LookupError, TypeError):
        return False, f"{listen}: something else answers there: set [web] listen to a free port"
    except OSError as error:
        return False, f"{listen}: cannot be asked: {error.strerror or error}; set [web] listen to an address of this machine"
    finally:
        connection.close()


def _free(listen: str) -> Verdict:
    import socket

    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    try:
        with socket.create_server((host, int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return True, f"nobody serves at {listen} just now: registry-sync serve"
    except OSError as error:
        return False, f"{listen}: cannot listen there: {error.strerror or error}; set [web] listen to a free port of this machine"


def operators_page(asked: Asked) -> Verdict:
    """How does the operator's page open, and to whom?"""
    from registry_sync.hosts import network_of

    web = asked.settings.web
    if web.operator_header and not web.trusted_proxies:
        return False, f"[web] operator_header names {web.operator_header}, which nobody is believed: set [web] trusted_proxies"
    if web.operator_token and len(web.operator_token) < SHORTEST_TOKEN:
        return False, f"[web] operator_token is shorter than {SHORTEST_TOKEN} characters: it can be guessed; take a longer one"
    wide = [text for text in web.trusted_proxies if network_of(text).is_global and network_of(text).num_addresses > _MOST_PROXIES]
    if wide:
        return False, f"[web] trusted_proxies has {', '.join(wide)}: that many strangers may say who they are; name the proxy's own address"
    ways = [
        *(["token"] if web.operator_token else []),
        *([f"{web.operator_header} from {', '.join(web.trusted_proxies)}"] if web.operator_header else []),
    ]
    said = f"/operator opens by {' or by '.join(ways)}" if ways else "closed: neither [web] operator_token nor operator_header is set"
    if web.url and not web.trusted_proxies:
        said += "; [web] trusted_proxies is empty: behind a reverse proxy all visitors count as one"
    return True, said
