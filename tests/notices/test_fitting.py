"""Posts of a size that receivers take, whatever a record or a digest holds, and nothing left out in silence."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry_sync.notices import compose
from registry_sync.notices.compose import change_json
from registry_sync.notices.fitting import LONGEST_SIDE, MOST_BYTES
from registry_sync.trials.changes import KeptChange
from tests.notices.told import RECORD, change, news, notice, record

ROOM = MOST_BYTES + 100_000


def posted(*changes: KeptChange, **keys: Any) -> Any:
    body = compose.post(notice(news(*changes, **keys)))
    assert len(body) < ROOM
    return json.loads(body)


def test_an_ordinary_change_is_as_in_the_list_of_changes() -> None:
    told = change("brief_summary", "a" * 40_000, "b" * 40_000)
    body = posted(told)
    assert body["changes"] == [change_json(told)]
    assert list(body) == ["id", "trial", "title", "url", "changes"]


@pytest.mark.parametrize("sign", ["a", "å", "界", "😀", "\x01", '"'])
def test_a_text_of_megabytes_is_cut_and_said_to_be(sign: str) -> None:
    told = change("brief_summary", sign * 1_000_000, "short")
    (sent,) = posted(told)["changes"]
    assert sent["cut"] is True
    assert sent["before"].endswith("…")
    assert sent["before"][:1000] == sign * 1000
    assert len(sent["before"]) <= LONGEST_SIDE
    assert sent["after"] == "short"
    assert {key: sent[key] for key in sent if key not in ("before", "cut")} == {
        key: value for key, value in change_json(told).items() if key != "before"
    }


def test_both_sides_of_the_most_costly_signs_still_fit() -> None:
    (sent,) = posted(change("criteria", "\x01" * 300_000, "\x02" * 300_000))["changes"]
    assert len(sent["before"]) == len(sent["after"]) == 20_000
    assert sent["cut"] is True


def test_a_long_list_ends_early_and_its_keys_stay() -> None:
    contacts = [{"name": f"Contact {n}", "role": None, "phone": "1" * 50, "email": None} for n in range(20_000)]
    site = {"facility": "A", "city": "B", "state": None, "zip": None, "country": "C", "status": None, "contacts": contacts}
    (sent,) = posted(change("locations", site, {**site, "contacts": []}))["changes"]
    assert sent["cut"] is True
    assert list(sent["before"]) == list(site)
    shown = sent["before"]["contacts"]
    assert 500 < len(shown) < 2000
    assert shown[:100] == contacts[:100]
    empty = {**site, "contacts": [{}] * 1_000_000}
    assert posted(change("locations", empty, None, operation="removed"))["changes"][0]["cut"] is True


def test_of_thousands_of_changes_the_number_that_is_left_out_is_told() -> None:
    many = [change("conditions", None, f"Condition {n} {'x' * 300}", operation="added", id=n) for n in range(1, 5001)]
    body = posted(*many)
    assert [each["id"] for each in body["changes"]] == list(range(1, len(body["changes"]) + 1))
    assert len(body["changes"]) + body["more"] == 5000
    assert len(compose.post(notice(news(*many)))) > 0.9 * MOST_BYTES
    assert not [each for each in body["changes"] if "cut" in each]


def test_a_digest_of_thousands_of_trials_has_one_bound_too() -> None:
    each = [news(change("why_stopped", None, "x" * 2000, id=n, trial=f"NCT{n:08}"), trial=f"NCT{n:08}") for n in range(1, 2001)]
    raw = compose.post(notice(*each, every="week"))
    body = json.loads(raw)
    assert len(raw) < ROOM
    assert len(body["changes"]) + body["more"] == 2000


def test_what_fits_exactly_has_no_more() -> None:
    assert "more" not in posted(*[change("conditions", None, "x" * 2000, operation="added", id=n) for n in range(1, 350)])


def test_a_title_or_a_note_of_megabytes_is_cut_and_said_to_be() -> None:
    long = "word " * 100_000
    body = posted(change("sex", "ALL", "FEMALE"), after=record(brief_title=long))
    assert body["title"].endswith("word…")
    assert (len(body["title"]) <= 1000, body["cut"]) == (True, True)
    noted = json.loads(compose.post(notice(news(change("sex", "ALL", "FEMALE")), note=long)))
    assert (len(noted["note"]) <= 10_000, noted["cut"]) == (True, True)
    assert "cut" not in posted(change("sex", "ALL", "FEMALE"), after=RECORD)


def test_half_a_pair_of_code_units_holds_up_no_post() -> None:
    told = msgspec.structs.replace(change("brief_summary", "x", "y"), before="a\ud800b", after={"x\udfff": ["\ud800"]})
    (sent,) = posted(told)["changes"]
    assert (sent["before"], sent["after"]) == ("a?b", {"x?": ["?"]})


def test_a_repeat_is_the_same_to_the_letter() -> None:
    told = notice(news(*[change("brief_summary", "x" * 200_000, "y" * 200_000, id=n) for n in range(1, 9)]))
    assert compose.post(told) == compose.post(told)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)


@settings(max_examples=25, deadline=None)
@given(JSON, st.sampled_from([1, 3000]))
def test_any_value_is_posted_whole_or_said_to_be_cut(value: Any, times: int) -> None:
    told = change("detailed_description", [value] * times, None)
    (sent,) = posted(told)["changes"]
    if "cut" in sent:
        assert len(sent["before"]) < times or "…" in json.dumps(sent["before"], ensure_ascii=False)
    else:
        assert sent == change_json(told)
