"""docs/webhook.schema.json against what is really posted: everything that is sent is described, and what is not so is refused."""

from __future__ import annotations

import copy
import json
import re
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from registry_sync.demo import record as demo
from registry_sync.notices import compose, fitting
from registry_sync.notices.interface import Notice
from registry_sync.trials import presence, standing
from registry_sync.trials.audit import Verdict
from registry_sync.trials.changes import Change, KeptChange
from registry_sync.trials.record import FIELDS, TOPICS, Record
from tests.corpus.loader import all_cases
from tests.corpus.voices import told as told_of_case
from tests.house import open_house
from tests.notices.told import RECORD, TRIAL, change, closing, news, notice

DOCS = Path(__file__).resolve().parents[2] / "docs"
SCHEMA: dict[str, Any] = json.loads((DOCS / "webhook.schema.json").read_text(encoding="utf-8"))
LATER = "2026-02-05T06:17:04Z"


def strict(schema: Any) -> Any:
    """The schema without room for keys that it does not describe: for readers there is, for us there is not."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(value) for key, value in schema.items()}
    return {**closed, "additionalProperties": False} if "object" in schema.get("type", ()) and "properties" in schema else closed


OURS, THEIRS = Draft202012Validator(strict(SCHEMA)), Draft202012Validator(SCHEMA)


def posted(notice: Notice) -> Any:
    """The post, once it is found to be as described."""
    body = json.loads(compose.post(notice))
    for validator in (OURS, THEIRS):
        assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)] == []
    return body


def kept(change: Change, number: int = 1, source: str = "https://finder.example.org/1") -> KeptChange:
    beside = {"id": number, "trial": TRIAL, "source": source, "registry_date": None, "seen_at": LATER}
    return KeptChange(**msgspec.structs.asdict(change), **beside)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_it_describes_every_field_topic_and_key() -> None:
    described = SCHEMA["$defs"]["change"]
    named = [name for rule in described["allOf"] for name in rule["if"]["properties"].get("field", {}).get("enum", ())]
    assert sorted(named) == sorted([*(field.name for field in FIELDS), "registry", "page", "deadline"])
    assert described["properties"]["topic"]["enum"] == list(TOPICS)
    assert set(described["required"]) == set(described["properties"]) - {"detail", "cut"}
    assert SCHEMA["properties"]["title"]["maxLength"] == fitting.LONGEST_TITLE
    assert SCHEMA["properties"]["note"]["maxLength"] == fitting.LONGEST_NOTE


def test_every_case_is_posted_as_it_says() -> None:
    told = [one for case in all_cases().values() if case.changes for one in told_of_case(case)]
    operations = {each["operation"] for one in told for each in posted(one.notice)["changes"]}
    assert operations == {"changed", "added", "removed", "moved"}


def full(kind: Any) -> Any:
    """A value of this type with something in each of its parts."""
    if isinstance(kind, types.UnionType):
        return full(next(each for each in typing.get_args(kind) if each is not type(None)))
    if typing.get_origin(kind) is tuple:
        return (full(typing.get_args(kind)[0]),)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind)
        return kind(**{name: full(hints[name]) for name in kind.__struct_fields__})
    return {str: "x", int: 1, bool: True}[kind]


def of_every_field() -> Iterator[KeptChange]:
    hints = typing.get_type_hints(Record)
    for number, field in enumerate(FIELDS, start=1):
        value = "x" if field.name == "criteria" else full(hints[field.name])
        if field.is_list and field.name != "criteria":
            (value,) = value
        sides = [("changed", value, value), ("added", None, value), ("removed", value, None)]
        for operation, before, after in sides if field.is_list else [("changed", value, None), ("changed", None, value)]:
            yield change(field.name, before, after, operation=operation, id=number)


@pytest.mark.parametrize("told", list(of_every_field()), ids=lambda told: f"{told.field} {told.operation}")
def test_every_field_is_posted_as_it_says_and_nothing_else_in_its_place(told: KeptChange) -> None:
    body = posted(notice(news(told)))
    assert body["changes"][0]["after"] == told.after
    side = "before" if told.before is not None else "after"
    body["changes"][0][side] = {"of another": "shape"} if isinstance(told.before or told.after, str | bool | list) else "a word"
    assert not OURS.is_valid(body)


def verdicts(*rows: tuple[str, str]) -> list[Verdict]:
    return [Verdict(field=field, verdict=verdict, registry="A", listing="B") for field, verdict in rows]  # type: ignore[arg-type]


def test_news_of_listings_is_posted_with_what_it_is_about() -> None:
    known, _ = standing.compared(standing.Standing(), verdicts(("overall_status", "agrees")), "2026-02-03T06:17:04Z")
    known, behind = standing.compared(known, verdicts(("overall_status", "outdated"), ("conditions", "contradicts")), LATER)
    for _ in range(standing.RUNS):
        known, lost = standing.not_read(known, "answered 503", LATER)
    assert behind is not None
    assert lost is not None
    body = posted(notice(news(kept(behind), kept(lost, 2))))
    assert [each["detail"].keys() for each in body["changes"]] == [{"fields"}, {"reason", "since"}]


def test_news_of_the_record_as_a_whole_is_posted() -> None:
    found = presence.found(RECORD)
    gone = change("registry", "present", "absent", id=2)
    assert [each["after"] for each in posted(notice(news(kept(found, source="ctgov"), gone)))["changes"]] == ["found", "absent"]


def test_a_note_a_digest_and_a_trial_without_a_title_are_as_described() -> None:
    assert posted(closing(note="We have asked."))["note"] == "We have asked."
    several = posted(notice(news(change("sex", "ALL", "FEMALE")), news(change("sex", "ALL", None, id=2)), every="week"))
    assert (several["trial"], several["title"], several["url"]) == (None, None, None)
    assert posted(notice(news(change("sex", "ALL", "FEMALE"), after=Record(trial=TRIAL), url="")))["title"] is None


def test_what_does_not_fit_is_posted_as_described() -> None:
    text = "word " * 60_000
    many = [change("brief_summary", text, f"{text}{n}", id=n) for n in range(1, 40)]
    body = posted(notice(news(*many, after=msgspec.structs.replace(RECORD, brief_title=text)), note=text))
    assert body["cut"] is body["changes"][0]["cut"] is True
    assert len(body["changes"]) + body["more"] == 39


def test_what_a_sync_posts_is_as_described(tmp_path: Path) -> None:
    study = demo.the_study()
    with open_house(tmp_path) as house:
        house.registry.put(study)
        house.watch(TRIAL)
        house.subscribe(house.hook.url, kind="webhook", role="coordinator", topics=frozenset(TOPICS))
        house.sync(days=0)
        house.registry.put(demo.with_status(study, "COMPLETED", posted="2026-02-02"))
        house.sync(then_deliver=False)
        assert house.deliver().sent == 1
        (post,) = house.hook.posts
    assert [error.message for error in OURS.iter_errors(json.loads(post.body))] == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body.pop("id"),
        lambda body: body.pop("changes"),
        lambda body: body.update(changes=[]),
        lambda body: body.update(trial="6805448"),
        lambda body: body.update(url="javascript:alert(1)"),
        lambda body: body.update(more=0),
        lambda body: body.update(cut=False),
        lambda body: body["changes"][0].pop("seen_at"),
        lambda body: body["changes"][0].update(topic="weather"),
        lambda body: body["changes"][0].update(operation="moved"),
        lambda body: body["changes"][0].update(operation="added"),
        lambda body: body["changes"][0].update(group="inclusion"),
        lambda body: body["changes"][0].update(significance="huge"),
        lambda body: body["changes"][0].update(seen_at="yesterday"),
        lambda body: body["changes"][0].update(id="1"),
        lambda body: body["changes"][0].update(detail="text"),
    ],
)
def test_what_is_not_as_described_is_refused(spoil: Callable[[Any], object]) -> None:
    body = copy.deepcopy(posted(closing(sites=0)))
    spoil(body)
    assert not THEIRS.is_valid(body)


def test_the_documentation_shows_a_post_as_described_and_links_the_schema() -> None:
    text = (DOCS / "notices.md").read_text(encoding="utf-8")
    (shown,) = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL) if '"changes"' in block]
    assert [error.message for error in OURS.iter_errors(shown)] == []
    assert "(webhook.schema.json)" in text
    assert "(examples/receiver.py)" in text
