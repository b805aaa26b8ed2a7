"""Every error that this program raises on purpose.

    RegistrySyncError                 a sentence for the person at the terminal, and an exit code
    ├── CannotStart           exit 2  what the operator can mend: nothing was done
    │   ├── SettingsError             the settings file or the environment
    │   ├── UsageError                an argument: a malformed trial id, an address, a date
    │   ├── DatabaseError             missing, not ours, newer than this program, locked, read-only, full
    │   │   ├── NoHistory             there is no such file, or it is empty
    │   │   ├── OlderSchema           asked for what the file does not have yet: it is only looked at, not brought up to date
    │   │   └── Damaged               something that is kept does not come back as it was put in
    │   └── MissingExtra              an optional dependency is not installed
    ├── AlreadyRunning        exit 1  another process holds the lock of this job
    ├── NotPublished          exit 1  a page cannot be made as a file: what was published before stays
    ├── FetchError            exit 1  a request brought no usable answer
    │   ├── Refused                   no connection
    │   ├── TooSlow                   the deadline passed
    │   ├── TooLarge                  more decompressed bytes than a record can have
    │   ├── BadStatus                 an HTTP status that is no success (carries it, and Retry-After)
    │   ├── BadRedirect               a loop, too many, or to another scheme
    │   ├── Unwelcome                 a redirect to what its site does not want to be asked for
    │   └── BadContent                cut short, another encoding, another type, not what was asked for
    └── Stopped               exit 0  the process was asked to stop and this work ends early

Each one knows what it is ``about`` (a file, a key, a trial, a URL) so that a report can group by it.
"""

from __future__ import annotations

INTERRUPTED = 130
"""The exit code of a process that Ctrl-C ended, as shells count it (128 and the number of SIGINT)."""


class RegistrySyncError(Exception):
    """The root: ``str(error)`` is one line for a person; ``about`` names the thing that failed."""

    exit_code = 1

    def __init__(self, message: str, *, about: str = "") -> None:
        super().__init__(" ".join(message.split()))
        self.about = about


class CannotStart(RegistrySyncError):
    """Something that the operator can mend; nothing was done."""

    exit_code = 2


class SettingsError(CannotStart):
    """A settings file or an environment variable that cannot be used."""


class UsageError(CannotStart):
    """An argument that cannot be used."""


class DatabaseError(CannotStart):
    """The history file cannot be used."""


class NoHistory(DatabaseError):
    """There is no such file, or nobody has filled it: a history may begin there."""


class OlderSchema(DatabaseError):
    """What was asked for came with a step that the file has not taken, and it is open for looking alone."""


class Damaged(DatabaseError):
    """Something that is kept does not come back as it was put in; the rest of the file may be sound."""


class MissingExtra(CannotStart):
    """An optional dependency is needed and not installed."""


def install(extra: str) -> str:
    """The command that brings an optional part of this program, such as ``web``."""
    return f'pip install "registry-sync[{extra}]"'


class AlreadyRunning(RegistrySyncError):
    """Another process holds the lock of this job."""


class NotPublished(RegistrySyncError):
    """A page cannot be made as a file: what was published before stays."""


class FetchError(RegistrySyncError):
    """A request brought no usable answer."""


class Refused(FetchError):
    """No connection could be made, or it broke before an answer came."""


class TooSlow(FetchError):
    """The whole answer did not come within the deadline."""


class TooLarge(FetchError):
    """The answer, decompressed, is larger than the cap."""


class BadStatus(FetchError):
    """An HTTP status that is no success.

    ``retry_after``: seconds that the server asks to wait, when it does.
    """

    def __init__(self, message: str, *, about: str = "", status: int, retry_after: float | None = None) -> None:
        super().__init__(message, about=about)
        self.status = status
        self.retry_after = retry_after


class BadRedirect(FetchError):
    """A redirect that leads nowhere: a loop, too many, another scheme."""


class Unwelcome(FetchError):
    """A redirect to an address that its site does not want to be asked for by programs (robots.txt): it was not."""


class BadContent(FetchError):
    """An answer that is cut short, or not what was asked for."""


class Stopped(RegistrySyncError):
    """The process was asked to stop; what was stored so far is whole."""

    exit_code = 0
