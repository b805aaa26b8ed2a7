"""How often something that is shown was written anew, or has left; the schema itself notes it (``m0013_revisions``), but for ``note``.

By it an answer is known to be another one than before, also where nothing that is newer than before is in it: by the number in its tag,
by the time in its date.
"""

from __future__ import annotations

import os

from db.connection import Connection, History

_FILE = "*"
"""The row of the file itself: another one came into its place."""


def columns(these: str = "''") -> str:
    """What a question about some trials is to ask, too, or about everything; ``these``: their ids in SQL."""
    of_these = f"FROM revision WHERE trial IN ({these}{' UNION ALL SELECT' if these.startswith('SELECT') else ','} '{_FILE}')"
    return f"(SELECT sum(number) {of_these}) AS revision, (SELECT nullif(max(at), '') {of_these}) AS revised_at"


def note(connection: Connection, trial: str, now: str) -> None:
    """Something is shown of this trial that has no time of its own, or is shown no more, inside the caller's transaction."""
    connection.execute("INSERT INTO revision (trial, number, at) VALUES (?, 0, '') ON CONFLICT (trial) DO NOTHING", (trial,))
    connection.execute("UPDATE revision SET number = number + 1, at = max(at, ?) WHERE trial IN (?, '')", (now, trial))


def note_another_file(connection: Connection, now: str) -> None:
    """The file is to be put into another's place, inside the caller's transaction: whatever was given before is old."""
    connection.execute("UPDATE revision SET number = number + 1, at = ? WHERE trial = ?", (now, _FILE))


def settle(history: History) -> None:
    """See whether this is the file that stood here before, and note it where another one was put in its place by hand."""
    try:
        found = os.stat(history.path)  # noqa: PTH116 - as everywhere where a file is told from another
    except OSError:
        return  # it was taken away just now, which whoever asks next says
    place = f"{found.st_dev}:{found.st_ino}"
    row = history.one("SELECT place FROM revision WHERE trial = ?", (_FILE,))
    if row is None or row["place"] == place:
        return
    with history.write() as connection:
        if row["place"] is not None:
            note_another_file(connection, connection.execute("SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now')").fetchone()[0])
        connection.execute("UPDATE revision SET place = ? WHERE trial = ?", (place, _FILE))
