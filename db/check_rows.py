"""Rows that do not fit together, or that cannot be read: what the file itself does not tell, and no version."""

from __future__ import annotations

import datetime
import json
import zoneinfo
from collections.abc import Callable, Iterable, Iterator
from typing import Any, get_args

import msgspec

from db.check import RESTORE, Fault
from db.connection import History
from registry_sync.errors import DatabaseError
from registry_sync.sources.ctgov_search import AREAS
from registry_sync.trials.deadlines import EVENT_KINDS, State
from registry_sync.trials.listing import Listing
from registry_sync.trials.record import TOPICS
from registry_sync.trials.standing import Standing, Word

_VERSION = "'version ' || number || ' of ' || trial || ' at ' || source"
_YEAR = "[12][0-9][0-9][0-9]"
_STAMP = f"{_YEAR}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]*Z"
_DAYS_OF_A_CLOCK = 1
"""By how much the clock of a machine may have been wrong."""
_MERGED = """change AS merger WHERE field = 'registry' AND "after" = '"merged"'"""


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"'\"{word}\"'" for word in words)


_TOPICS = ", ".join(f"'{topic}'" for topic in TOPICS)
_ROWS = (
    (
        "it tells nothing: none of its changes is there",
        "'notice ' || id",
        "notice WHERE state != 'cancelled' AND NOT EXISTS (SELECT 1 FROM notice_change WHERE notice_id = notice.id)",
    ),
    (
        "its values are no JSON",
        "'change ' || id",
        """change WHERE NOT json_valid(coalesce("before", 'null')) OR NOT json_valid(coalesce("after", 'null'))
           OR NOT json_valid(coalesce(detail, 'null'))""",
    ),
    (
        "it belongs to a version of another source",
        "'change ' || change.id",
        "change JOIN version ON version.id = version_id WHERE change.source != version.source AND topic != 'listing'",
    ),
    (
        "it belongs to a version of another trial",
        "'change ' || change.id",
        """change JOIN version ON version.id = version_id LEFT JOIN alias AS mine ON mine.old = change.trial
           LEFT JOIN alias AS its ON its.old = version.trial
           WHERE change.trial != version.trial AND coalesce(mine.trial, change.trial) != coalesce(its.trial, version.trial)
           AND (mine.old IS NOT NULL
                OR change.trial NOT IN (SELECT trial FROM change WHERE field = 'registry' AND "after" = '"merged"'))""",
    ),
    (
        "it is packed against a version that came later, or of another source",
        "'version ' || number || ' of ' || trial || ' at ' || source",
        """(SELECT version.* FROM version JOIN version AS other ON other.id = version.base
            WHERE other.id >= version.id OR other.source != version.source)""",
    ),
    (
        "its headline, or what it carried over, is no JSON",
        _VERSION,
        "version WHERE NOT json_valid(headline) OR NOT json_valid(carried)",
    ),
    (
        "its dates cannot be read",
        _VERSION,
        f"""version WHERE NOT (registry_date IS NULL OR registry_date GLOB '{_YEAR}' OR registry_date GLOB '{_YEAR}-[01][0-9]'
            OR registry_date GLOB '{_YEAR}-[01][0-9]-[0-3][0-9]') OR seen_at NOT GLOB '{_STAMP}'""",
    ),
    ("it is not known how its texts are marked", _VERSION, "version WHERE markup NOT IN ('markdown', 'html')"),
    (
        "it has another date than its version",
        "'change ' || change.id",
        f"""change JOIN version ON version.id = version_id
            WHERE change.registry_date != version.registry_date OR change.seen_at NOT GLOB '{_STAMP}'""",
    ),
    (
        "it says that it is from before the installation, and it is not",
        "'change ' || change.id",
        """change JOIN version ON version.id = version_id WHERE change.backfilled AND NOT version.backfilled AND NOT EXISTS (
               SELECT 1 FROM version AS earlier WHERE earlier.trial = version.trial AND earlier.source = version.source
               AND earlier.number = version.number - 1 AND earlier.backfilled)""",
    ),
    (
        "it says that it is from before the installation, and it is not",
        _VERSION,
        """version WHERE backfilled AND (source != 'ctgov' OR registry_version IS NULL OR EXISTS (
               SELECT 1 FROM version AS earlier WHERE earlier.trial = version.trial AND earlier.source = version.source
               AND earlier.number < version.number AND NOT earlier.backfilled))""",
    ),
    (
        "its texts are marked as those of the other kind of versions are",
        _VERSION,
        "version WHERE (markup = 'html') != backfilled AND markup IN ('markdown', 'html')",
    ),
    (
        "contacts are said to be taken out of it, and they never are of the newest",
        _VERSION,
        """version WHERE redacted_at IS NOT NULL AND source = 'ctgov' AND NOT EXISTS (SELECT 1 FROM version AS later
               WHERE later.trial = version.trial AND later.source = version.source AND later.number > version.number)""",
    ),
    (
        "it was seen after a later one",
        _VERSION,
        f"""version WHERE NOT backfilled AND EXISTS (SELECT 1 FROM version AS later WHERE later.trial = version.trial
               AND later.source = version.source AND later.number > version.number AND NOT later.backfilled
               AND julianday(later.seen_at) < julianday(version.seen_at) - {_DAYS_OF_A_CLOCK})""",  # noqa: S608 - no value is in it
    ),
    (
        "it was not seen with its version",
        "'change ' || change.id",
        f"""change JOIN version ON version.id = version_id
            WHERE julianday(change.seen_at) < julianday(version.seen_at) - {_DAYS_OF_A_CLOCK}
            OR (topic NOT IN ('registry', 'listing', 'deadlines') AND NOT change.backfilled AND change.trial = version.trial
                AND julianday(change.seen_at) > julianday(version.seen_at) + {_DAYS_OF_A_CLOCK})""",
    ),
    (
        "its field and its topic do not go together, or are not known",
        "'change ' || id",
        f"""change WHERE (topic = 'registry') != (field = 'registry') OR (topic = 'listing') != (field = 'page')
            OR (topic = 'deadlines') != (field = 'deadline') OR topic NOT IN ({_TOPICS})""",
    ),
    (
        "it has a weight that there is not, or that such news never has",
        "'change ' || id",
        """change WHERE significance NOT IN ('major', 'minor', 'housekeeping')
           OR reader_significance NOT IN ('major', 'minor', 'housekeeping', 'untold')
           OR (topic IN ('listing', 'deadlines') AND (significance = 'housekeeping' OR reader_significance != 'untold'))
           OR (topic = 'deadlines' AND significance != 'major' AND "after" = '"overdue"')""",
    ),
    (
        "it says what such news never says",
        "'change ' || id",
        f"""change WHERE (topic = 'registry' AND coalesce("after", '') NOT IN ({_quoted(("present", "absent", "merged", "found"))}))
            OR (topic = 'listing' AND coalesce("after", '') NOT IN ({_quoted(get_args(Word))}))
            OR (topic = 'deadlines' AND coalesce("after", '') NOT IN ({_quoted(get_args(State))}))""",
    ),
    (
        "it is for another address than its subscription's",
        "'notice ' || notice.id",
        "notice JOIN subscription ON subscription.id = subscription_id WHERE notice.address != subscription.address",
    ),
    (
        "it tells a change of another trial than the one that it is about",
        "'notice ' || notice.id",
        f"""(SELECT DISTINCT notice.id FROM notice JOIN notice_change ON notice_id = notice.id JOIN change ON change.id = change_id
             LEFT JOIN alias AS mine ON mine.old = change.trial LEFT JOIN alias AS its ON its.old = substr(key, 5, 11)
             WHERE key GLOB 'now NCT[0-9]*' AND change.trial != substr(key, 5, 11)
             AND coalesce(mine.trial, change.trial) != coalesce(its.trial, substr(key, 5, 11))
             AND NOT EXISTS (SELECT 1 FROM {_MERGED} AND trial IN (change.trial, substr(key, 5, 11)))) AS notice""",  # noqa: S608 - no value is in it
    ),
    (
        "it was sent, and it is not known when",
        "'notice ' || id",
        "notice WHERE state = 'sent' AND sent_at IS NULL",
    ),
    (
        "what it wants cannot be read",
        "'subscription ' || id",
        "subscription WHERE NOT json_valid(topics) OR NOT json_valid(countries)",
    ),
    (
        "no version of it is kept, and it was looked at",
        "trial",
        """look WHERE release IS NOT NULL AND NOT EXISTS (SELECT 1 FROM version WHERE version.trial = look.trial)
           AND trial NOT IN (SELECT trial FROM absence) AND trial NOT IN (SELECT trial FROM unparsed)
           AND trial NOT IN (SELECT old FROM alias)""",
    ),
    (
        "the number that the next one gets was given before",
        "'the table ' || name",
        """sqlite_sequence WHERE seq < CASE name WHEN 'version' THEN (SELECT max(id) FROM version)
               WHEN 'change' THEN (SELECT max(id) FROM change) WHEN 'subscription' THEN (SELECT max(id) FROM subscription) ELSE 0 END""",
    ),
    (
        "it is not there, or is none",
        "'the key ' || name",
        """(SELECT 'stops' AS name UNION SELECT 'links') AS key
           WHERE NOT EXISTS (SELECT 1 FROM secret WHERE secret.name = key.name AND length(value) >= 32 AND value NOT GLOB '*[^0-9a-f]*')""",
    ),
)


def of_the_rows(history: History) -> Iterator[Fault]:
    """Rows that do not fit together, beyond what the file itself can tell."""
    for what, where, table in _ROWS:
        try:
            for row in history.connection.execute(f"SELECT {where} FROM {table}"):  # noqa: S608 - no value is in it
                yield Fault(what, row[0], RESTORE)
        except DatabaseError as error:
            yield Fault(str(error), str(history.path), RESTORE)
    for what, where, source, read in _READ:
        for name, *values in history.connection.execute(f"SELECT {where}, {source}"):
            try:
                read(*values)
            except (ValueError, TypeError, LookupError, OSError, msgspec.MsgspecError):
                yield Fault(what, name, RESTORE)


def _search(query: str) -> None:
    for area, text in json.loads(query).items():
        if area not in AREAS or not isinstance(text, str):
            raise ValueError(area)


def _event(kind: str, day: str) -> None:
    if kind not in EVENT_KINDS:
        raise ValueError(kind)
    datetime.date.fromisoformat(day)


_PAGE = "'page ' || url || ' of ' || trial"
_READ: tuple[tuple[str, str, str, Callable[..., Any]], ...] = (
    ("its time zone is not known", "'subscription ' || id", "timezone FROM subscription", zoneinfo.ZoneInfo),
    (
        "how it stands beside the registry cannot be read",
        _PAGE,
        "standing FROM page",
        lambda text: msgspec.json.decode(text, type=Standing),
    ),
    (
        "what it said when it was last read cannot be read",
        _PAGE,
        "listing FROM page WHERE listing IS NOT NULL",
        lambda text: msgspec.json.decode(text, type=Listing),
    ),
    ("what it asks the registry for cannot be read", "'search ' || id", "query FROM search", _search),
    ("its kind or its day cannot be read", "'event ' || id || ' of ' || trial", "kind, date FROM event", _event),
    (
        "its days or its fields cannot be read",
        "'letter ' || id || ' of ' || trial",
        "sent_on, coalesce(settled_on, sent_on), fields FROM letter",
        lambda sent, settled, fields: (datetime.date.fromisoformat(sent), datetime.date.fromisoformat(settled), json.loads(fields)),
    ),
    ("what came of asking for its robots.txt cannot be read", "'site ' || host", "rules FROM robots", json.loads),
)
"""What is wrong with a row of which a command would say no more than that it met trouble: read as the commands read it."""
