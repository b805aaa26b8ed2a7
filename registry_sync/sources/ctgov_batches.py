"""The ids that are asked for together, which of them are answered, and what their silence proves."""

from __future__ import annotations

import hashlib
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

import msgspec

from registry_sync.sources import ctgov_wire as wire
from registry_sync.sources.folding import fold
from registry_sync.sources.interface import CTGOV, Failed, Glanced, Gone, Moved
from registry_sync.sources.trouble import place

FIELDS = "ProtocolSection|AnnotationSection|DocumentSection|HasResults"
"""The parts of a study that a record needs: without results and without what the registry derives, which changes every day."""
GLANCE_FIELDS = "NCTId|NCTIdAlias|StatusModule|HasResults"
"""What tells most changes of a study at a small price: its status and all dates; not what the registry corrects in silence elsewhere."""

_NCT_ID = re.compile(r"NCT[0-9]{8}")
_ids_decoder = msgspec.json.Decoder(wire.OnlyIds)
_glance_decoder = msgspec.json.Decoder(wire.GlanceStudy)
_encoder = msgspec.json.Encoder()
_log = logging.getLogger(__name__)
_Said = TypeVar("_Said", covariant=True)


class Sent(msgspec.Struct, frozen=True):
    """A study that is proved to be of this trial and not read yet: nearly all say what they said before, and reading is the dear part.

    ``payload``: UTF-8 JSON of the one study.
    """

    trial: str
    payload: bytes
    source: str = CTGOV


class Batch(ABC, Generic[_Said]):
    """See the module."""

    def __init__(self, url: str, asked: Sequence[str]) -> None:
        self.unanswered = dict.fromkeys(asked)
        self._asked = frozenset(asked)
        self._place = place(url)
        self._doubt = ""

    @abstractmethod
    def read(self, page: wire.Page) -> Iterator[_Said]:
        """What the studies of a page say of the trials asked for."""

    @abstractmethod
    def failed(self, error: str) -> Iterator[_Said]:
        """What is to be said of the trials without an answer when no more will come."""

    @abstractmethod
    def absent(self) -> Iterator[_Said]:
        """What is to be said of the trials without an answer when all pages came, whole."""

    def _ours(self, study: bytes) -> tuple[str | None, list[str]]:
        """The id of a study, ``None`` when it is not one that was asked for; and which of its aliases were."""
        trial, aliases = ids_of(study)
        if trial is None:
            self._note("sent a record whose NCT id cannot be read")
            return None, []
        ours = [alias for alias in aliases if alias in self._asked and alias != trial]
        if trial not in self._asked and not ours:
            self._note(f"sent {trial}, which was not asked for")
            return None, []
        return trial, ours

    def _note(self, doubt: str) -> None:
        self._doubt = f"{self._place} {doubt}"
        _log.info("%s", self._doubt)


class WholeBatch(Batch["Sent | Moved | Gone | Failed"]):
    """Whole studies."""

    def __init__(self, url: str, asked: Sequence[str]) -> None:
        super().__init__(url, asked)
        self._moved: dict[str, Moved] = {}

    def read(self, page: wire.Page) -> Iterator[Sent]:
        """See Batch."""
        for raw in page.studies:
            payload = bytes(raw)
            trial, aliases = self._ours(payload)
            if trial is None:
                continue
            self._moved |= {alias: Moved(alias, CTGOV, trial, payload) for alias in aliases}
            if trial in self.unanswered:
                del self.unanswered[trial]
                yield Sent(trial, payload)

    def failed(self, error: str) -> Iterator[Moved | Failed]:
        """See Batch: an alias that came is one all the same."""
        for trial in self.unanswered:
            yield self._moved.get(trial) or Failed(trial, CTGOV, error)

    def absent(self) -> Iterator[Moved | Gone | Failed]:
        """See Batch: Gone, or Failed when the answer is not fit to prove that."""
        for trial in self.unanswered:
            unproved = Failed(trial, CTGOV, self._doubt, absent=True) if self._doubt else Gone(trial, CTGOV)
            yield self._moved.get(trial) or unproved


class GlanceBatch(Batch["Glanced | Gone | Failed"]):
    """Glances, a page at a time."""

    def read(self, page: wire.Page) -> Iterator[Glanced]:
        """See Batch. A study whose status cannot be read is left unanswered: its whole record will tell."""
        shown: dict[str, bytes] = {}
        for raw in page.studies:
            trial, seen = glance_at(raw)
            if trial in self.unanswered and seen:
                del self.unanswered[trial]
                shown[trial] = seen
        yield Glanced(shown)

    def failed(self, error: str) -> Iterator[Failed]:
        """See Batch."""
        for trial in self.unanswered:
            yield Failed(trial, CTGOV, error)

    def absent(self) -> Iterator[Gone]:
        """See Batch: only the whole record can tell."""
        for trial in self.unanswered:
            yield Gone(trial, CTGOV)


def glance_at(study: bytes | msgspec.Raw) -> tuple[str, bytes]:
    """The id of a study (``""`` when it says no well-formed one), and what a glance at it shows, in 8 bytes (``b""``: it cannot be read).

    The status with everything that the registry dates, and whether there are results: the same for a whole study and for one cut to
    ``GLANCE_FIELDS``.
    """
    try:
        glance = _glance_decoder.decode(study)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ids_of(study)[0] or "", b""
    protocol = glance.protocol_section
    if protocol is None or protocol.identification_module is None:
        return "", b""
    trial = protocol.identification_module.nct_id or ""
    shown = hashlib.blake2b(_encoder.encode((protocol.status_module, glance.has_results)), digest_size=8).digest()
    return (trial, shown) if _NCT_ID.fullmatch(trial) else (ids_of(study)[0] or "", shown)


def ids_of(payload: bytes | msgspec.Raw) -> tuple[str | None, tuple[str, ...]]:
    """The id of a study and its aliases, whatever the rest of it is like; ``None`` when it says no well-formed one."""
    try:
        protocol = _ids_decoder.decode(payload).protocol_section
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None, ()
    identification = (protocol and protocol.identification_module) or wire.OnlyIdentification()
    trial = fold(identification.nct_id or "")
    if not _NCT_ID.fullmatch(trial):
        return None, ()
    aliases = (fold(alias or "") for alias in identification.nct_id_aliases or ())
    return trial, tuple(alias for alias in aliases if _NCT_ID.fullmatch(alias))
