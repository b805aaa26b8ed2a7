"""The versions of the loopback registry's records, and how its history shows them."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from typing import Any

from registry_sync.demo.as_html import as_html
from registry_sync.demo.search import Study


class Past:
    """What each record was before; the record as it stands is the registry's own and not kept here twice."""

    def __init__(self) -> None:
        self._versions: dict[str, list[bytes]] = defaultdict(list)
        self._in_silence: set[str] = set()

    def replace(self, nct: str, old: Study | None, new: Study) -> None:
        """Note that a record is replaced.

        What comes with the dates of the record before it (when submitted, when posted) is no version: the registry changed it in silence.
        """
        if old is None:
            return
        if nct not in self._in_silence:
            self._versions[nct].append(zlib.compress(json.dumps(old, ensure_ascii=False).encode(), 1))
        dates = _dates(new)
        if any(dates) and dates == _dates(old):
            self._in_silence.add(nct)
        else:
            self._in_silence.discard(nct)

    def forget(self, nct: str) -> None:
        """Let go of what a record was."""
        self._versions.pop(nct, None)
        self._in_silence.discard(nct)

    def changes(self, nct: str, now: Study) -> list[dict[str, Any]]:
        """The list of versions as the history gives it; ``now`` is the record as it stands."""
        listed = [_listed(number, _unpacked(packed)) for number, packed in enumerate(self._versions.get(nct, ()))]
        return listed if nct in self._in_silence else [*listed, _listed(len(listed), now)]

    def version(self, nct: str, number: int, now: Study) -> dict[str, Any] | None:
        """One version: its texts HTML, its derived section today's; ``None`` when there is none of this number."""
        past = self._versions.get(nct, [])
        if number < len(past):
            study = _unpacked(past[number])
        elif number == len(past) and nct not in self._in_silence:
            study = now
        else:
            return None
        return {"studyVersion": number, "study": {**as_html(study), "derivedSection": now.get("derivedSection", {})}}


def _unpacked(packed: bytes) -> Study:
    study: Study = json.loads(zlib.decompress(packed))
    return study


def _dates(study: Study) -> tuple[str | None, str | None]:
    module = study.get("protocolSection", {}).get("statusModule", {})
    return module.get("lastUpdateSubmitDate"), module.get("lastUpdatePostDateStruct", {}).get("date")


def _listed(number: int, study: Study) -> dict[str, Any]:
    submitted, posted = _dates(study)
    status = study.get("protocolSection", {}).get("statusModule", {}).get("overallStatus")
    return {"version": number, "date": submitted or posted, "status": status, "moduleLabels": []}
