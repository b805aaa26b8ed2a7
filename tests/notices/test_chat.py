"""Chat through the real Apprise, to a receiver on loopback (its ``json://`` destination is a plain POST)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest

from registry_sync.errors import MissingExtra
from registry_sync.notices import compose
from registry_sync.notices.chat import ChatChannel, supported
from registry_sync.notices.interface import Outcome, Refused, Retry, Sent
from registry_sync.settings import Webhook
from tests.notices.receiver import Answer, Receiver
from tests.notices.told import closing


@pytest.fixture
def without_apprise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    pytest.importorskip("apprise")
    with Receiver() as server:
        yield server


def send(address: str, *, allow_private: bool = True) -> Outcome:
    channel = ChatChannel(Webhook(allow_private=allow_private))
    try:
        return channel.send(closing(kind="chat", address=address))
    finally:
        channel.close()


def test_the_news_arrives_in_short(receiver: Receiver) -> None:
    assert send(f"json://127.0.0.1:{receiver.port}/t0ken") == Sent()
    message = json.loads(receiver.posts[0].body)
    assert message["title"] == compose.subject(closing())
    assert message["message"].replace("\r\n", "\n") == compose.short(closing())


def test_a_private_host_is_refused_unless_the_settings_allow_it(receiver: Receiver) -> None:
    for scheme in ("json", "xml", "form"):
        outcome = send(f"{scheme}://localhost:{receiver.port}/t0ken", allow_private=False)
        assert isinstance(outcome, Refused)
        assert "allow_private" in outcome.reason
    assert not receiver.posts


def test_a_refusal_is_tried_again_with_the_reason_that_was_logged(receiver: Receiver, capfd: pytest.CaptureFixture[str]) -> None:
    receiver.answer = Answer(500)
    outcome = send(f"json://127.0.0.1:{receiver.port}/s3cr3t-t0ken")
    assert isinstance(outcome, Retry)
    assert "500" in outcome.reason
    assert "s3cr3t" not in outcome.reason
    assert not outcome.channel_down
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


def test_an_address_that_apprise_cannot_use_is_refused() -> None:
    pytest.importorskip("apprise")
    outcome = send("nosuchservice://s3cr3t-t0ken")
    assert isinstance(outcome, Refused)
    assert "s3cr3t" not in outcome.reason


@pytest.mark.parametrize(
    ("url", "known"), [("json://localhost/x", True), ("ntfy://topic", True), ("nosuchservice://x", False), ("tgram://", False), ("", False)]
)
def test_which_addresses_are_supported(url: str, known: bool) -> None:
    pytest.importorskip("apprise")
    assert supported(url) is known


@pytest.mark.usefixtures("without_apprise")
def test_without_the_extra_the_command_that_installs_it_is_named() -> None:
    with pytest.raises(MissingExtra, match=r'pip install "registry-sync\[chat\]"'):
        supported("ntfy://topic")
    outcome = send("ntfy://topic")
    assert isinstance(outcome, Retry)
    assert outcome.channel_down
    assert "pip install" in outcome.reason
