"""Many mails with the same news are composed once, and are the octets that composing each would give."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry_sync.errors import UsageError
from registry_sync.notices import compose
from registry_sync.notices.tokens import IN_A_MAIL, read_stop_token, stop_token
from registry_sync.notices.wire import Writer
from tests.notices.told import change, closing, news, notice

WITH: dict[str, Any] = {"sender": "Trial alerts <alerts@example.org>", "reply_to": "", "now": datetime(2026, 2, 3, tzinfo=UTC)}
KEY = "00" * 32


@settings(deadline=None)  # the first of each form loads templates
@given(
    st.lists(st.tuples(st.integers(1, 10**7), st.from_regex(r"[A-Za-z0-9]{1,20}[._+-]?[a-z]{1,9}@[a-z]{1,12}\.example", fullmatch=True))),
    st.sampled_from(["", "stop@example.org"]),
    st.sampled_from(["", "https://alerts.example.org", "https://example.org/a%20very/long/path/to/the/pages/"]),
    st.sampled_from(["en", "da"]),
    st.sampled_from([None, "We asked the team.\nÆøå = 100 %."]),
    st.booleans(),
)
def test_each_mail_is_as_composed_for_itself(
    readers: list[tuple[int, str]], unsubscribe: str, web_url: str, language: str, note: str | None, stops: bool
) -> None:
    writer = Writer(unsubscribe=unsubscribe, web_url=web_url, **WITH)
    told = news(change("completion_date", {"date": "2026-12", "type": "ESTIMATED"}, {"date": "2027-12", "type": "ESTIMATED"}))
    for number, address in readers:
        one = notice(told, language=language)
        token = stop_token(KEY, number) if stops else None
        one = msgspec.structs.replace(one, id=f"n{number}", address=address, note=note, stop_token=token)
        written = writer.write(one)
        assert written.recipient == address
        assert not written.utf8
        assert written.octets == compose.mail(one, unsubscribe=unsubscribe, web_url=web_url, **WITH).as_bytes(policy=compose.WIRE)


def test_an_address_beyond_ascii_or_that_is_none_is_not_taken_for_a_plain_one() -> None:
    writer = Writer(unsubscribe="", web_url="", **WITH)
    assert writer.write(closing(address="søren@example.org")).utf8
    with pytest.raises(UsageError):
        writer.write(closing(address="https://example.org/"))


def test_a_token_names_its_subscription_and_nobody_else_can_make_one() -> None:
    token = stop_token(KEY, 4711)
    assert read_stop_token(KEY, token) == 4711
    assert read_stop_token("11" * 32, token) is None
    assert re.findall(IN_A_MAIL, f"Re: unsubscribe {token}") == [token]


@given(st.text(max_size=60), st.integers(0, 10**9), st.integers(0, 40), st.characters())
def test_no_other_text_is_a_token(text: str, number: int, position: int, character: str) -> None:
    assert read_stop_token(KEY, text) is None
    token = stop_token(KEY, number)
    garbled = token[:position] + character + token[position + 1 :]
    assert garbled == token or read_stop_token(KEY, garbled) in (None, number)
