"""The log of what stays at work: text, key=value or JSON, a line for each event, and no mail address in any of them.

The host rotates it: it goes to stderr, which systemd, a container or a supervisor keeps.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from typing import TYPE_CHECKING, Any

from jobs.reports import ADDRESS

if TYPE_CHECKING:
    from registry_sync.settings import Log

HIDDEN = ADDRESS
_MAIL = re.compile(r"""[^\s@<>"'(),;:\[\]=/\\]+@[^\s@<>"'(),;:\[\]=/\\]+""")
_QUIET = {"apscheduler": logging.WARNING, "urllib3": logging.ERROR, "uvicorn": logging.WARNING, "asyncio": logging.WARNING}
"""Others who log, and from which level on."""


def log_to_stderr(settings: Log) -> None:
    """Log what happens to stderr from now on, in the form and from the level that the settings say."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_FORMS[settings.format]())
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(level)


def without_addresses(text: str) -> str:
    """A text with a mark in place of each mail address."""
    return _MAIL.sub(HIDDEN, text) if "@" in text else text


class _Text(logging.Formatter):
    """For people: time, level, and what happened."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """One event; of a fault in this program the traceback, too."""
        return without_addresses(super().format(record))


class _Fields(logging.Formatter):
    """For programs: the same few fields of each event, the time in UTC."""

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """What an event is made of."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        found = {"time": f"{stamp}.{int(record.msecs):03}Z", "level": record.levelname.lower(), "logger": record.name}
        found["message"] = without_addresses(record.getMessage())
        if record.exc_info:
            found["traceback"] = without_addresses(self.formatException(record.exc_info))
        return found


class _KeyValue(_Fields):
    def format(self, record: logging.LogRecord) -> str:
        """``key=value``, with quotes where a value has more than letters, digits and a few signs; always one line."""
        return " ".join(f"{key}={_quoted(value)}" for key, value in self.fields(record).items())


class _Json(_Fields):
    def format(self, record: logging.LogRecord) -> str:
        """One JSON object on a line."""
        return json.dumps(self.fields(record), ensure_ascii=False)


def _quoted(value: str) -> str:
    return value if re.fullmatch(r"[\w.:+-]+", value) else json.dumps(value, ensure_ascii=False)


_FORMS: dict[str, type[logging.Formatter]] = {"text": _Text, "keyvalue": _KeyValue, "json": _Json}
