"""The telephone numbers of real records, sought in every text of all of them: what is taken out is such a number, and nothing beside it."""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry_sync.trials import people
from registry_sync.trials.people import GONE, People


@pytest.fixture(scope="module")
def studies(shared_data: Path) -> list[Any]:
    with lzma.open(shared_data / "ctgov-records.jsonl.xz") as lines:
        return [json.loads(line) for line in lines]


def texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, list | dict):
        for key, inner in value.items() if isinstance(value, dict) else ((name, each) for each in value):
            yield from texts(inner, key)


def taken(text: str, left: str) -> tuple[str, ...]:
    match = re.fullmatch("(.+?)".join(map(re.escape, left.split(GONE))), text, re.DOTALL)
    assert match is not None
    return match.groups()


def test_only_numbers_that_are_listed_go_and_no_other_text(studies: list[Any]) -> None:
    everybody = People(phones=frozenset(number for study in studies for number in people.listed(study).phones))
    last = {number[-7:] for number in everybody.phones}
    found = {"": 0, "phone": 0}
    for study in studies:
        for name, text in texts(study):
            left = people.text_without(text, everybody)
            if left != text:
                found["phone" if name.startswith("phone") else ""] += 1
                for part in taken(text, left):
                    assert re.fullmatch(r"[\d\s()（）+./-]+", part), text
                    assert re.sub(r"\D", "", part)[-7:] in last, text
    assert found["phone"] > 1500
    assert 0 < found[""] < 100  # of ids, days and numbers of all kinds there are hundreds of thousands


def test_no_number_of_its_own_is_left_in_a_field(studies: list[Any]) -> None:
    for study in studies:
        mine = people.listed(study)
        for name, text in texts(study):
            if name == "phone" and mine.phones:
                assert not re.search(r"\d{4}", re.sub(r"(?:ext|x)\d+$", "", people.text_without(text, mine))), text
