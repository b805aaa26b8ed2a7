"""Rows that do not fit together: what the file itself does not tell, and no version, and no value by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import get_args

from db import texts
from db.check import RESTORE, Fault
from db.connection import History
from registry_sync.errors import DatabaseError
from registry_sync.trials.deadlines import State
from registry_sync.trials.record import TOPICS
from registry_sync.trials.standing import Word

_VERSION = "'version ' || number || ' of ' || trial || ' at ' || source"
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
        "it has another date than its version",
        "'change ' || change.id",
        "change JOIN version ON version.id = version_id WHERE change.registry_date != version.registry_date",
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
        "(SELECT 'stops' AS name UNION SELECT 'links') AS key WHERE name NOT IN (SELECT name FROM secret)",
    ),
)


def of_the_rows(history: History) -> Iterator[Fault]:
    """Rows that do not fit together, beyond what the file itself can tell."""
    for what, where, table in _ROWS:
        try:
            with history.clear_errors():
                for row in texts.read(history.connection, f"SELECT {where} FROM {table}"):  # noqa: S608 - no value is in it
                    yield Fault(what, str(row[0]), RESTORE)
        except DatabaseError as error:
            yield Fault(str(error), str(history.path), RESTORE)
