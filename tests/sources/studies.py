"""Invented studies in the shape of API v2, and a registry on loopback that answers for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from tests.sources.site import Answer, Visit, answer, redirect

Study = dict[str, Any]


def study(trial: str, *, status: str = "RECRUITING", aliases: Sequence[str] = (), **modules: Any) -> Study:
    """A small study; ``modules`` are merged into its protocol section, module by module."""
    protocol: dict[str, Any] = {
        "identificationModule": {"nctId": trial, "briefTitle": f"Study {trial}"},
        "statusModule": {"overallStatus": status, "lastUpdatePostDateStruct": {"date": "2026-02-03", "type": "ACTUAL"}},
    }
    if aliases:
        protocol["identificationModule"]["nctIdAliases"] = list(aliases)
    for name, module in modules.items():
        protocol[name] = {**protocol.get(name, {}), **module} if isinstance(module, dict) else module
    return {"protocolSection": protocol, "hasResults": False}


def page(studies: Sequence[Any], token: str | None = None) -> Answer:
    return answer(json.dumps({"studies": list(studies)} | ({"nextPageToken": token} if token else {})))


def registry(*studies: Study, at_most: int = 1000, empty_pages: Sequence[int] = ()) -> Callable[[Visit], None]:
    """Answers as the API does: by id or alias, ``at_most`` studies a page, with empty pages where the test wants some; or one study."""

    def reply(visit: Visit) -> None:
        query = visit.asked.query
        if "filter.ids" not in query:
            one_study(*studies)(visit)
            return
        wanted = set(query["filter.ids"].split("|"))
        found = [one for one in studies if wanted & set(_ids(one))]
        number, begin = (int(part) for part in query.get("pageToken", "0-0").split("-"))
        size = 0 if number in empty_pages else min(at_most, int(query.get("pageSize", "10")))
        end = begin + size
        page(found[begin:end], f"{number + 1}-{end}" if end < len(found) else None)(visit)

    return reply


def one_study(*studies: Study) -> Answer:
    """Answers for a single study as the API does: the study, 301 for an alias, 404 for what it does not know."""

    def reply(visit: Visit) -> None:
        trial = visit.asked.path.rpartition("/")[2]
        for one in studies:
            current, *aliases = _ids(one)
            if trial == current:
                answer(json.dumps(one))(visit)
                return
            if trial in aliases:
                redirect(visit.asked.path.replace(trial, current), status=301)(visit)
                return
        answer(f"NCT number {trial} not found", status=404, content_type="text/plain")(visit)

    return reply


def _ids(one: Study) -> list[str]:
    identification = one["protocolSection"]["identificationModule"]
    return [identification["nctId"], *identification.get("nctIdAliases", [])]
