"""Real texts in the two ways in which the registry marks them: its version history, and where it meets the records of API v2."""

from __future__ import annotations

import html
import json
import lzma
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from registry_sync.sources.ctgov_html import markdown
from registry_sync.sources.ctgov_record import differing, record_from
from registry_sync.sources.markup import html_lines, markdown_lines
from registry_sync.trials.criteria import parse
from registry_sync.trials.significance import judged
from tests.real import patching, test_version_patches

MARKUP = {"eligibilityCriteria", "briefSummary", "detailedDescription", "studyPopulation", "description"}
ENTITIES = {"'": "&#x27;", "/": "&#x2F;", '"': "&quot;"}


class Dialect:
    """A study as the version history writes it, by another program's reading of its Markdown (CommonMark)."""

    def __init__(self) -> None:
        self._reader = MarkdownIt("commonmark", {"html": False})

    def of(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: self.of(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.of(inner, key) for inner in value]
        if isinstance(value, str):
            return self._marked(value) if key in MARKUP else _entities(html.escape(value, quote=False))
        return value

    def _marked(self, text: str) -> str:
        rendered = self._reader.render(text.replace("<!-- -->", ""))
        rendered = re.sub(r"(?<=>)[^<]+(?=<)", lambda run: _entities(run[0]) if run[0].strip() else "", rendered).strip()
        alone = re.fullmatch(r"<p>((?:(?!</?p>).)*)</p>", rendered, re.DOTALL)
        return alone[1] if alone else rendered  # one paragraph has no tags there


def _entities(text: str) -> str:
    return re.sub("['/\"]", lambda sign: ENTITIES[sign[0]], text)


def studies(shared_data: Path) -> Iterator[dict[str, Any]]:
    with lzma.open(shared_data / "ctgov-records.jsonl.xz") as lines:
        for line in lines:
            row = json.loads(line)
            yield row.get("study", row)


def test_a_version_of_the_history_reads(shared_data: Path) -> None:
    answer = json.loads((shared_data / "history" / "NCT04280705-version-0-abridged.json").read_bytes())
    read = record_from(json.dumps(answer["study"]).encode(), "html")
    assert (read.trial, read.overall_status, read.has_results) == ("NCT04280705", "NOT_YET_RECRUITING", False)
    assert {one.group for one in read.criteria or ()} == {"inclusion", "exclusion"}
    assert not any("<" in one.text and ">" in one.text for one in read.criteria or ())


def test_no_record_changes_where_history_and_live_meet(shared_data: Path, report: list[str]) -> None:
    dialect = Dialect()
    compared = same = 0
    told: dict[str, list[str]] = {}
    for study in studies(shared_data):
        if "protocolSection" not in study or "overallStatus" not in study["protocolSection"].get("statusModule", {}):
            continue  # partial
        live = json.dumps(study).encode()
        past = json.dumps(dialect.of(study)).encode()
        compared += 1
        same += record_from(past, "html") == record_from(live)
        pair = differing(past, live, ("html", "markdown"))
        changes = judged(*pair) if pair else ()
        if changes:
            told[study["protocolSection"]["identificationModule"]["nctId"]] = [change.field for change in changes]
    report.append(f"version history: of {compared} records {same} read letter for letter as in API v2, {len(told)} would tell a change")
    assert compared > 850
    assert told == {}


def test_an_edit_where_history_and_live_meet_is_told_as_between_two_records_of_the_api(shared_data: Path, report: list[str]) -> None:
    dialect = Dialect()
    compared = edits = 0
    for study in list(studies(shared_data))[::3]:
        protocol = study.get("protocolSection", {})
        criteria = protocol.get("eligibilityModule", {}).get("eligibilityCriteria")
        if not criteria or "overallStatus" not in protocol.get("statusModule", {}):
            continue  # partial
        past, as_it_was = json.dumps(dialect.of(study)).encode(), json.dumps(study).encode()
        lines = criteria.split("\n")
        edited = next(number for number in range(len(lines) // 2, len(lines)) if lines[number].strip())
        lines[edited] += " zebra 7"
        protocol["eligibilityModule"]["eligibilityCriteria"] = "\n".join(lines)
        live = json.dumps(study).encode()
        pairs = differing(past, live, ("html", "markdown")), differing(as_it_was, live)
        assert None not in pairs
        told, as_told = (judged(*pair) for pair in pairs if pair)
        assert told == as_told
        compared += 1
        edits += bool(told)  # what stands in the middle may be a heading
    report.append(
        f"version history: a criterion edited where it meets API v2 is told as within API v2, in {compared} of {compared} records"
    )
    assert compared > 250
    assert edits > 0.9 * compared


@pytest.mark.parametrize("key", test_version_patches.ELIGIBILITY, ids=str)
def test_an_edit_of_the_historys_text_is_told_as_a_reader_would(shared_data: Path, key: test_version_patches.Key) -> None:
    step = patching.read_steps(shared_data / "history" / "version-patches.jsonl.xz")[key]
    texts = step.of(patching.CRITERIA)
    assert texts is not None
    for text in texts:
        assert parse(markdown_lines(markdown(text))) == parse(html_lines(text))
    versions = [_version(key[0], text) for text in texts]
    pair = differing(*versions, ("html", "html"))
    assert pair is not None
    assert judged(*pair) == patching.eligibility_changes(step)


def _version(trial: str, criteria: str) -> bytes:
    protocol = {
        "identificationModule": {"nctId": trial},
        "statusModule": {"overallStatus": "RECRUITING"},
        "eligibilityModule": {"eligibilityCriteria": criteria},
    }
    return json.dumps({"protocolSection": protocol}).encode()
