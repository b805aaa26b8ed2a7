"""Registry text is anybody's: what it holds is shown as text in every medium, and is never obeyed by one.

The same hostile text goes through the whole tool, from the registry to the mailbox, the webhook, the chat and the terminal.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from registry_sync.cli import run
from registry_sync.demo import record as demo
from registry_sync.demo.record import TRIAL
from registry_sync.notices import compose
from registry_sync.notices.chat import ChatChannel, inert
from registry_sync.notices.interface import Notice, Role, Sent
from registry_sync.notices.wording import summary
from registry_sync.settings import Webhook
from tests.house import House, open_house
from tests.notices.receiver import Receiver
from tests.notices.told import change, news, notice, record

OLD = "Smoke-free for 12 months"
ATTACKS = {
    "html": "Smoke-free for <script>alert(1)</script><img src=x onerror=alert(2)> months",
    "attribute": "Smoke-free for \" onmouseover='alert(1)' x=\" months",
    "comment": "Smoke-free --></td></table></body><h1>months</h1>",
    "markdown": "Smoke-free ![x](https://example.org/pixel) [months](javascript:alert(1)) ```code```",
    "mentions": "Smoke-free @everyone <!channel> <@U123|you> <https://example.org|here> months, or write to a@example.org",
    "terminal": "Smoke-free \x1b[2J\x1b]0;title\x07\x9b31m for \x08\x08 months",
    "direction": "Smoke-free \u202efor 6\u202c \u2066months\u2069 \u200b",
    "template": "Smoke-free {{ 7 * 7 }} {trial} %s {0} months",
    "marks": "Smoke-free for [-12-] {+6+} months",
    "headers": "Smoke-free\r\nBcc: b@example.org\r\n\r\nmonths",
    "nothing": "Smoke-free \ufffd months \x00",
    "no characters": "Smoke-free \ufffe for \uffff\ufdd0\ufdef \U0001fffe\U0010ffff months",
    "long": "Smoke-free for 6 months " + "<b>@here</b> [a](b) " * 500,
}
NOT_SHOWN = ("Cc", "Cf", "Cs", "Zl", "Zp")


@pytest.fixture(params=list(ATTACKS))
def attack(request: pytest.FixtureRequest) -> str:
    return ATTACKS[request.param]


def notices(attack: str) -> Iterator[Notice]:
    """News of every kind that quote registry text, in both voices."""
    site = {"facility": attack, "city": attack, "country": attack, "status": "RECRUITING"}
    outcome = {"measure": attack, "time_frame": attack, "description": attack}
    told = (
        change("criteria", OLD, attack, group="exclusion"),
        change("criteria", None, attack, group="inclusion", operation="added"),
        change("why_stopped", None, attack),
        change("overall_status", "RECRUITING", "SUSPENDED"),
        change("overall_status", "RECRUITING", attack),
        change("locations", None, site, operation="added"),
        change("primary_outcomes", {**outcome, "description": OLD}, outcome),
        change("brief_summary", OLD, attack),
        change("keywords", None, attack, operation="added"),
        change("responsible_party", None, {"type": attack, "name": attack}),
        change("page", attack, attack, topic="listing", source="https://finder.example.org/" + attack[:40]),
    )
    roles: tuple[Role, ...] = ("reader", "coordinator")
    for each in told:
        after = record(brief_title=attack, why_stopped=attack, overall_status="SUSPENDED")
        for role in roles:
            yield notice(news(each, after=after), role=role)


class Elements(HTMLParser):
    """What a browser makes of a page: elements with their attributes, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.links: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name == "href"}

    def handle_data(self, data: str) -> None:
        self.text += data


def unshown(text: str) -> set[str]:
    return {character for character in text if unicodedata.category(character) in NOT_SHOWN and character != "\n"}


def test_html_mail_has_our_elements_only(attack: str) -> None:
    for told in notices(attack):
        page = Elements()
        page.feed(compose.html(told))
        assert set(page.tags) <= set("html head meta title body div p br h3 table tr th td del ins span hr a".split())
        assert page.attributes <= set("lang charset name content style role scope href".split())
        assert page.links == {f"https://clinicaltrials.gov/study/{TRIAL}"}
        assert page.tags.count("body") == page.tags.count("hr") == 1
        assert not unshown(page.text)


def test_text_mail_and_subject_have_no_sign_that_is_not_seen(attack: str) -> None:
    for told in notices(attack):
        assert not unshown(compose.text(told))
        assert not unshown(compose.subject(told))
        assert "\n" not in compose.subject(told)
        assert "49" not in compose.text(told)


def test_chat_takes_nothing_for_a_command(attack: str) -> None:
    for told in notices(attack):
        for text in (inert(compose.short(told)), inert(compose.subject(told))):
            assert not unshown(text)
            assert len(text) < 2000
            for command in ("@everyone", "@here", "@U123", "<!", "<@", "<b", "<h", "<script", "](", "```"):
                assert command not in text, told


def test_what_is_harmless_stays_as_it_is_in_chat() -> None:
    text = "Aged < 18 or <18, see https://example.org/a or a.b@example.org (x) [y], 5 @ 3: ACTIVE_NOT_RECRUITING → RECRUITING"
    assert inert(text) == text


def test_one_line_for_the_terminal(attack: str) -> None:
    for told in notices(attack):
        line = summary(told.news[0].changes[0])
        assert not unshown(line)
        assert "\n" not in line
        assert 0 < len(line) <= 300


def test_the_webhook_has_the_text_as_it_is(attack: str) -> None:
    for told in notices(attack):
        body = compose.post(told)
        assert json.loads(body)["changes"][0]["after"] == told.news[0].changes[0].after
        assert not {byte for byte in body if byte < 0x20}


def test_the_chat_service_gets_it_inert() -> None:
    pytest.importorskip("apprise")
    suspended = record(overall_status="SUSPENDED", why_stopped=ATTACKS["mentions"])
    told = news(change("overall_status", "RECRUITING", "SUSPENDED"), after=suspended)
    with Receiver() as receiver:
        channel = ChatChannel(Webhook(allow_private=True))
        assert channel.send(notice(told, kind="chat", address=f"json://127.0.0.1:{receiver.port}/x")) == Sent()
        message = json.loads(receiver.posts[0].body)["message"]
    assert "@ everyone ‹!channel> ‹@ U123|you> ‹https://example.org|here> months, or write to a@example.org" in message


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("name", ["html", "markdown", "terminal", "direction", "long"])
def test_from_the_registry_to_mailbox_hook_and_terminal(
    name: str, house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = demo.the_study()
    house.registry.put(study)
    house.watch(TRIAL)
    house.subscribe("a@example.org")
    house.subscribe(house.hook.url, kind="webhook")
    house.sync(days=0)
    hostile = demo.with_status(study, "SUSPENDED", posted="2026-02-02", why_stopped=ATTACKS[name])
    hostile["protocolSection"]["eligibilityModule"]["eligibilityCriteria"] += f"\n5. {ATTACKS[name]}\n"
    house.registry.put(hostile)
    house.sync(then_deliver=False)
    assert house.deliver().sent == 2
    (mail,) = house.mailbox.messages
    page = Elements()
    page.feed(mail.text("html"))
    assert not {"script", "img", "h1", "b"} & set(page.tags)
    assert not unshown(mail.text())
    assert not unshown(page.text)
    monkeypatch.chdir(house.folder)
    (post,) = house.hook.posts
    assert {each["field"] for each in json.loads(post.body)["changes"]} >= {"criteria", "why_stopped"}
    capsys.readouterr()
    assert run(["--database", house.settings.database, "changes"]) == 0
    out, _ = capsys.readouterr()
    assert "Smoke-free" in out
    assert not unshown(out)
