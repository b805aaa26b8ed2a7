"""Chat through the real Apprise, to a receiver on loopback (its ``json://`` destination is a plain POST)."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from registry_sync.cli import run
from registry_sync.errors import MissingExtra
from registry_sync.notices import compose
from registry_sync.notices.chat import ChatChannel, supported, unusable
from registry_sync.notices.interface import Notice, Outcome, Refused, Retry, Sent
from registry_sync.settings import Webhook
from tests.notices.receiver import Answer, Receiver
from tests.notices.told import TRIAL, change, closing, news, notice, record

LINK = f"https://clinicaltrials.gov/study/{TRIAL}"


@pytest.fixture
def without_apprise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    pytest.importorskip("apprise")
    with Receiver() as server:
        yield server


def send(address: str, *, allow_private: bool = True, told: Notice | None = None) -> Outcome:
    channel = ChatChannel(Webhook(allow_private=allow_private))
    try:
        return channel.send(told or closing(kind="chat", address=address))
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


def test_notices_go_side_by_side_each_with_its_own_reason(receiver: Receiver, capfd: pytest.CaptureFixture[str]) -> None:
    filters = warnings.filters[:]
    with Receiver() as other, ThreadPoolExecutor(4) as threads:
        receiver.answer, other.answer = Answer(500), Answer(403)
        ports = [receiver.port, other.port] * 20
        outcomes = list(threads.map(lambda port: send(f"json://127.0.0.1:{port}/x"), ports))
        assert [("500" in str(outcome), "403" in str(outcome)) for outcome in outcomes] == [(True, False), (False, True)] * 20
    assert warnings.filters == filters
    assert "".join(capfd.readouterr()) == ""


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


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("wish", ["", "?redirect=yes"])
def test_a_redirect_is_not_followed_whatever_the_address_asks(receiver: Receiver, status: int, wish: str) -> None:
    with Receiver() as inside:
        receiver.answer = Answer(status, {"Location": f"http://127.0.0.1:{inside.port}/"})
        assert isinstance(send(f"json://127.0.0.1:{receiver.port}/x{wish}"), Retry)
        assert inside.posts == []


def stopped(address: str, why: str = "Slow recruitment. " * 60, **keys: Any) -> Notice:
    after = record(overall_status="SUSPENDED", why_stopped=why)
    return notice(news(change("overall_status", "RECRUITING", "SUSPENDED"), after=after), kind="chat", address=address, **keys)


def digest(address: str, trials: int = 40) -> Notice:
    each = [
        news(change("criteria", "12 months", "6 months", group="exclusion"), trial=f"NCT{n:08}", url=f"{LINK[:-11]}NCT{n:08}")
        for n in range(1, trials + 1)
    ]
    return notice(*each, every="day", kind="chat", address=address)


def limited(monkeypatch: pytest.MonkeyPatch, text: int, title: int, **more: Any) -> None:
    """Let the service on loopback take no more than another one does."""
    from apprise.plugins.custom_json import NotifyJSON

    for name, value in {"body_maxlen": text, "title_maxlen": title, **more}.items():
        monkeypatch.setattr(NotifyJSON, name, value)


def received(receiver: Receiver) -> tuple[str, str]:
    """Title and text of the one message."""
    (post,) = receiver.posts
    message = json.loads(post.body)
    return message["title"], message["message"]


@pytest.mark.parametrize("wish", ["", "?overflow=split"])
@pytest.mark.parametrize(("text", "title"), [(160, 0), (140, 0), (280, 0), (512, 50), (1000, 250)])
def test_what_a_service_takes_in_one_message_is_not_exceeded_and_the_link_stays(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, text: int, title: int, wish: str
) -> None:
    limited(monkeypatch, text, title)
    address = f"json://127.0.0.1:{receiver.port}/x{wish}"
    for told in (stopped(address), stopped(address, note="The team has confirmed this. " * 40)):
        receiver.posts.clear()
        assert send(address, told=told) == Sent()
        heading, message = received(receiver)
        assert len(heading) <= title
        assert len(message) <= text
        assert message.endswith(LINK)
        assert title or message.startswith("A trial you follow has paused")


@pytest.mark.parametrize(("text", "title"), [(160, 0), (280, 0), (1000, 250)])
def test_a_digest_names_what_fits_and_the_number_of_the_rest(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, text: int, title: int
) -> None:
    limited(monkeypatch, text, title)
    address = f"json://127.0.0.1:{receiver.port}/x"
    assert send(address, told=digest(address)) == Sent()
    _, message = received(receiver)
    assert len(message) <= text
    named = message.count("https://clinicaltrials.gov/study/NCT")
    assert named >= 1
    assert message.endswith(f"And news about {40 - named} more trials.")


def test_title_and_text_that_are_one_to_a_service_fit_together(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, 400, 250, overflow_amalgamate_title=True)
    address = f"json://127.0.0.1:{receiver.port}/x"
    assert send(address, told=stopped(address)) == Sent()
    heading, message = received(receiver)
    assert len(heading) + len(message) <= 400
    assert message.endswith(LINK)


@pytest.mark.parametrize(("lines", "title"), [(2, 250), (2, 0), (10, 250)])
def test_a_service_of_a_few_lines_gets_the_link_in_the_last(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, lines: int, title: int
) -> None:
    limited(monkeypatch, 2000, title, body_max_line_count=lines)
    address = f"json://127.0.0.1:{receiver.port}/x"
    assert send(address, told=stopped(address, note="One.\nTwo.\nThree.")) == Sent()
    _, message = received(receiver)
    assert len(message.splitlines()) <= lines
    assert message.endswith(LINK)


def test_what_makes_a_text_inert_does_not_make_it_too_long(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, 500, 250)
    address = f"json://127.0.0.1:{receiver.port}/x"
    assert send(address, told=stopped(address, why="@everyone @here @all " * 60)) == Sent()
    _, message = received(receiver)
    assert len(message) <= 500
    assert message.endswith(LINK)
    assert "@everyone" not in message


def test_a_service_whose_library_is_missing_is_tried_again(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    from apprise.plugins.custom_json import NotifyJSON

    monkeypatch.setattr(NotifyJSON, "enabled", False)
    outcome = send(f"json://127.0.0.1:{receiver.port}/s3cr3t-t0ken")
    assert isinstance(outcome, Retry)
    assert "is not installed on this machine" in outcome.reason
    assert "is not installed on this machine" in (unusable("json://localhost/x") or "")
    assert "s3cr3t" not in outcome.reason


def subscribed(folder: Path, capsys: pytest.CaptureFixture[str], address: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run(["--database", str(folder / "history.db"), "subscribe", address, TRIAL])
    return code, *capsys.readouterr()


def test_subscribe_says_that_the_service_will_learn_what_is_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("apprise")
    code, out, err = subscribed(tmp_path, capsys, "ntfy://s3cr3t-t0pic")
    assert code == 0
    assert out == f"ntfy://***: will be told of {TRIAL}\n"
    assert err.startswith("the service behind ntfy://*** will learn what is sent to it, and so which trial is followed\n")


@pytest.mark.parametrize("address", ["nosuchservice://s3cr3t-t0pic", "tgram://s3cr3t-t0pic"])
def test_subscribe_refuses_in_one_line_what_apprise_cannot_use(tmp_path: Path, capsys: pytest.CaptureFixture[str], address: str) -> None:
    pytest.importorskip("apprise")
    code, out, err = subscribed(tmp_path, capsys, address)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "no address that Apprise can use" in err
    assert "s3cr3t" not in err


@pytest.mark.usefixtures("without_apprise")
def test_subscribe_without_the_extra_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = subscribed(tmp_path, capsys, "ntfy://topic")
    assert (code, out) == (2, "")
    assert err == 'registry-sync: chat and push addresses need an optional part: pip install "registry-sync[chat]"\n'


@pytest.mark.usefixtures("without_apprise")
def test_without_the_extra_the_command_that_installs_it_is_named() -> None:
    with pytest.raises(MissingExtra, match=r'pip install "registry-sync\[chat\]"'):
        supported("ntfy://topic")
    outcome = send("ntfy://topic")
    assert isinstance(outcome, Retry)
    assert outcome.channel_down
    assert "pip install" in outcome.reason
