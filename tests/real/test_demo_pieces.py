"""The loopback registry beside the registry's own description, and with real records in it."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from registry_sync.demo.pieces import PIECES
from registry_sync.demo.registry import Registry
from registry_sync.demo.search import STATUSES

DEEP = ("protocolSection", "annotationSection", "documentSection")
BEYOND_PIECES = {
    ("annotationSection", "annotationModule", "violationAnnotation", "violationEvents"),
    ("protocolSection", "contactsLocationsModule", "locations", "geoPoint"),
}
"""Nodes that can only be asked for whole here."""


@pytest.fixture(scope="module")
def schemas(shared_data: Path) -> Any:
    return yaml.safe_load((shared_data / "ctgov-openapi-2.0.5.yaml").read_text(encoding="utf-8"))["components"]["schemas"]


def places(schemas: Any, name: str, at: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for key, value in schemas[name].get("properties", {}).items():
        found.add((*at, key))
        child = (value.get("$ref") or value.get("items", {}).get("$ref", "")).rpartition("/")[2]
        if child in schemas and (*at, key) not in BEYOND_PIECES:
            found |= places(schemas, child, (*at, key))
    return found


def pages(http: requests.Session, url: str) -> Iterator[Any]:
    """All studies, page by page."""
    parameters = {"pageSize": "500"}
    while True:
        page = http.get(url, params=parameters, timeout=30).json()
        yield from page["studies"]
        if "nextPageToken" not in page:
            return
        parameters["pageToken"] = page["nextPageToken"]


def test_every_piece_is_a_place_of_the_description(schemas: Any) -> None:
    assert set(PIECES.values()) <= places(schemas, "Study")


def test_every_place_of_the_sections_that_count_has_a_piece(schemas: Any) -> None:
    assert {place for place in places(schemas, "Study") if place[0] in DEEP} <= set(PIECES.values())


def test_the_statuses_are_those_of_the_description(schemas: Any) -> None:
    assert set(schemas["Status"]["enum"]) == STATUSES


def test_real_records_come_back_as_they_went_in(shared_data: Path) -> None:
    with lzma.open(shared_data / "ctgov-records.jsonl.xz", "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    studies = [record.get("study", record) for record in records]
    whole = [study for study in studies if study.get("derivedSection", {}).get("miscInfoModule", {}).get("versionHolder")]
    assert len(whole) > 800
    with Registry() as registry, requests.Session() as http:
        http.trust_env = False
        for study in whole:
            registry.put(study)
        seen = list(pages(http, registry.url + "/api/v2/studies"))
    for study in [*whole, *seen]:
        del study["derivedSection"]["miscInfoModule"]["versionHolder"]
    assert seen == whole
