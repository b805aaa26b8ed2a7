from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry_sync.notices import compose
from registry_sync.notices.interface import Notice
from tests.notices.told import SITE, TITLE, TRIAL, change, closing, news, notice, record

NOW = datetime(2026, 2, 3, 6, 17, 9, tzinfo=UTC)
TOKEN = "t0k3n-" * 12
RULE = change("criteria", "Smoke-free for 12 months", "Smoke-free for 6 months", group="exclusion", id=2)


def mailed(told: Notice, **keys: str) -> EmailMessage:
    settings = {"sender": "Trial alerts <alerts@example.org>", "reply_to": "", "unsubscribe": "", "web_url": "", **keys}
    return compose.mail(told, **settings, now=NOW)


def received(told: Notice, **keys: str) -> EmailMessage:
    """The mail as the other side reads it."""
    return message_from_bytes(mailed(told, **keys).as_bytes(), policy=default)


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return body.get_content()


def test_the_headers_that_users_rely_on() -> None:
    message = received(closing(stop_token=TOKEN), unsubscribe="stop@example.org", reply_to="help@example.org")
    assert message["From"] == "Trial alerts <alerts@example.org>"
    assert message["To"] == "a@example.org"
    assert message["Reply-To"] == "help@example.org"
    assert message["Subject"] == f"A trial you follow is no longer recruiting ({TRIAL})"
    assert message["Date"].datetime == NOW
    assert message["Message-ID"] == "<notice.n-17@example.org>"
    assert message["In-Reply-To"] == message["References"] == f"<trial.{TRIAL}@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == "<trial-alerts.example.org>"
    assert message["List-Unsubscribe"] == f"<mailto:stop@example.org?subject=unsubscribe%20{TOKEN}>"
    assert [each.get_content_type() for each in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_a_long_unsubscribe_url_stays_on_one_line() -> None:
    raw = mailed(closing(stop_token=TOKEN), unsubscribe="stop@example.org").as_bytes()
    assert f"List-Unsubscribe: <mailto:stop@example.org?subject=unsubscribe%20{TOKEN}>\r\n".encode() in raw
    assert all(len(line) <= 998 for line in raw.splitlines())


def test_a_repeat_differs_in_the_date_alone() -> None:
    first = mailed(closing()).as_bytes()
    later = compose.mail(
        closing(), sender="Trial alerts <alerts@example.org>", reply_to="", unsubscribe="", web_url="", now=NOW.replace(hour=9)
    )
    assert first.replace(b"06:17:09", b"09:17:09") == later.as_bytes()


def test_without_a_mailbox_or_a_token_there_is_no_list_unsubscribe() -> None:
    assert mailed(closing(stop_token=TOKEN))["List-Unsubscribe"] is None
    assert mailed(closing(), unsubscribe="stop@example.org")["List-Unsubscribe"] is None
    assert "To stop these mails, write to alerts@example.org." in part(received(closing()), "plain")


def test_a_digest_of_several_trials_is_in_no_trials_thread() -> None:
    told = notice(news(RULE), news(RULE, trial="NCT00000001"), every="day")
    assert mailed(told)["References"] is None
    text = part(received(told), "plain")
    assert text.count("Who may take part has changed in a trial you follow") == 2


def test_each_change_has_before_and_after_with_the_changed_words_marked() -> None:
    message = received(notice(news(RULE)))
    assert "Before: Smoke-free for [-12-] months" in part(message, "plain")
    assert "Now: Smoke-free for {+6+} months" in part(message, "plain")
    assert ">12</del> months" in part(message, "html")
    assert ">6</ins> months" in part(message, "html")


def test_the_first_lines_tell_of_no_disease_and_the_title_comes_after_them() -> None:
    text = part(received(notice(news(RULE))), "plain")
    assert text.startswith("The registry ClinicalTrials.gov says as of 3 February 2026:")
    assert TITLE not in text[:200]
    assert f"Trial: {TITLE} ({TRIAL})" in text


def test_readers_get_the_footer_and_coordinators_theirs() -> None:
    reader = " ".join(part(received(closing()), "plain").split())
    assert "This comes from the public registry ClinicalTrials.gov, checked on 3 February 2026." in reader
    assert "We do not know whether a trial suits you. Talk to your doctor or the study team." in reader
    coordinator = " ".join(part(received(closing("coordinator")), "plain").split())
    assert "From the public registry ClinicalTrials.gov, checked on 2026-02-03." in coordinator
    assert "suits you" not in coordinator


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_html_fetches_nothing_and_links_to_the_registry_as_it_is() -> None:
    tags = Tags()
    tags.feed(part(received(closing(stop_token=TOKEN), unsubscribe="stop@example.org"), "html"))
    assert not {tag for tag, _ in tags.found} & {"img", "script", "link", "iframe", "style", "object"}
    assert not [attrs for _, attrs in tags.found if "src" in attrs or "url(" in (attrs.get("style") or "")]
    links = [attrs["href"] for tag, attrs in tags.found if tag == "a"]
    assert links == [f"https://clinicaltrials.gov/study/{TRIAL}", f"mailto:stop@example.org?subject=unsubscribe%20{TOKEN}"]


def test_registry_text_is_text_in_html() -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=y>"
    told = notice(news(change("criteria", "a", hostile), after=record(brief_title=hostile, why_stopped=hostile)))
    html = part(received(told), "html")
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;" in html


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://", "ftp://example.org/x", "https://example.org/a\r\nb", "http://[", "", None]
)
def test_only_web_addresses_become_links(url: str | None) -> None:
    told = notice(news(RULE, url=url))
    assert "<a href" not in part(received(told), "html").split("To stop these mails")[0].rpartition("<p")[0]
    assert json.loads(compose.post(told))["url"] is None


def test_the_html_names_its_language() -> None:
    assert '<html lang="da">' in part(received(closing(language="da")), "html")


def test_danish_mails_are_danish_throughout() -> None:
    text = part(received(closing(language="da")), "plain")
    assert text.startswith("Registret ClinicalTrials.gov oplyser pr. 3. februar 2026")
    assert "What changed" not in text
    assert "Tal med din" in text


def test_a_mail_with_thousands_of_changes_stays_small_and_says_what_is_missing() -> None:
    many = [change("conditions", None, "A disease " * 30, operation="added", id=n) for n in range(3000)]
    message = mailed(notice(news(*many)))
    assert len(message.as_bytes()) < 500_000
    assert "And 2900 more changes: see the registry entry." in message.get_body(("plain",)).get_content()


def test_a_digest_of_thousands_of_trials_names_the_rest_by_their_subjects() -> None:
    told = notice(*(news(RULE, trial=f"NCT{n:08}") for n in range(1, 701)), every="week")
    text = part(received(told), "plain")
    assert "* Who may take part has changed in a trial you follow (NCT00000051)" in " ".join(text.split())
    assert "And news about 150 more trials." in text


HOSTILE = st.text(st.sampled_from("\r\n\x00\x85\u2028\u202e:<>@, aB\ud800é"), max_size=30).map(
    lambda text: f"{text}\r\nBcc: b@example.org\r\n\r\n{text}"
)


@settings(max_examples=40)
@given(HOSTILE, HOSTILE, st.sampled_from(["reader", "coordinator"]))
def test_no_registry_text_gets_into_the_headers(one: str, other: str, role) -> None:
    changes = (
        change("overall_status", "RECRUITING", "X"),
        change("locations", None, {"country": "X", "status": "RECRUITING"}, operation="added"),
        change("why_stopped", "X", "Y"),
    )
    fields = {"brief_title": one, "why_stopped": other, "completion_date": None}
    for told in changes:
        swapped = msgspec.structs.replace(told, before=one if isinstance(told.before, str) else None, after=_with(told.after, other))
        heard = notice(news(swapped, after=record(**fields), trial=TRIAL), role=role)
        raw = mailed(heard).as_bytes()
        parsed = message_from_bytes(raw, policy=default)
        assert parsed["Bcc"] is None
        assert set(parsed.keys()) == {
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "In-Reply-To",
            "References",
            "Auto-Submitted",
            "List-Id",
            "Content-Language",
            "MIME-Version",
            "Content-Type",
        }
        assert len(parsed["Subject"]) <= 120


def _with(value, text: str):
    return {**value, "country": text} if isinstance(value, dict) else text


@pytest.mark.parametrize("identity", ["n 1\r\nBcc: b@example.org", "a@b>", "..", "é"])
def test_a_message_id_is_well_formed_whatever_the_id(identity: str) -> None:
    message = message_from_bytes(mailed(notice(news(RULE), id=identity)).as_bytes(), policy=SMTP)
    assert message["Message-ID"].isascii()
    assert message["Message-ID"].count("@") == 1
    assert message["Bcc"] is None


def test_a_sender_with_a_name_beyond_ascii() -> None:
    assert received(closing(), sender="Forsøgsnyt <alerts@example.org>")["From"] == "Forsøgsnyt <alerts@example.org>"


def test_the_post_is_what_interface_promises() -> None:
    body = json.loads(compose.post(closing(sites=1, kind="webhook")))
    assert list(body) == ["id", "trial", "title", "url", "changes"]
    assert body["id"] == "n-17"
    assert body["trial"] == TRIAL
    assert body["title"] == TITLE
    assert body["url"] == f"https://clinicaltrials.gov/study/{TRIAL}"
    assert body["changes"][0] == {
        "id": 1,
        "trial": TRIAL,
        "source": "ctgov",
        "field": "overall_status",
        "topic": "status",
        "operation": "changed",
        "before": "RECRUITING",
        "after": "ACTIVE_NOT_RECRUITING",
        "group": None,
        "significance": "major",
        "reader_significance": "major",
        "summary": "Recruitment status: Recruiting → Active, not recruiting",
        "registry_date": "2026-02-03",
        "seen_at": "2026-02-03T06:17:04Z",
    }


def test_a_post_of_several_trials_names_the_trial_in_each_change() -> None:
    body = json.loads(
        compose.post(notice(news(RULE), news(msgspec.structs.replace(RULE, trial="NCT00000001"), trial="NCT00000001"), every="day"))
    )
    assert (body["trial"], body["title"], body["url"]) == (None, None, None)
    assert [each["trial"] for each in body["changes"]] == [TRIAL, "NCT00000001"]


def test_the_short_text_has_the_news_and_where_to_read_on() -> None:
    short = compose.short(closing())
    assert short.startswith("The registry ClinicalTrials.gov says as of 3 February 2026: the trial goes on")
    assert short.endswith(f"https://clinicaltrials.gov/study/{TRIAL}")


def test_the_short_text_stays_short() -> None:
    many = notice(*(news(RULE, trial=f"NCT{n:08}") for n in range(1, 40)), every="day")
    assert len(compose.short(many)) < 1600
    assert "more trials." in compose.short(many)
    wordy = notice(
        news(change("overall_status", "RECRUITING", "SUSPENDED"), after=record(overall_status="SUSPENDED", why_stopped="why " * 900))
    )
    assert len(compose.short(wordy)) <= 1500


@pytest.mark.parametrize("limit", [*range(-3, 70), 100, 160, 300, 1500])
def test_the_short_text_keeps_to_any_limit_and_breaks_no_link(limit: int) -> None:
    several = notice(*(news(RULE, trial=f"NCT{n:08}", url=f"https://example.org/NCT{n:08}") for n in range(1, 9)), every="day")
    for told in (closing(), closing(note="Words. " * 30), several, msgspec.structs.replace(several, note="Words. " * 30, more=3)):
        text = compose.short(told, limit)
        assert 1 <= len(text) <= max(1, limit)
        for link in re.findall(r"http\S*", text):
            assert link in {each.url for each in told.news}


def test_a_note_and_the_news_share_the_short_text() -> None:
    text = compose.short(closing(note="Words. " * 400))
    assert text.startswith("A note from the sender: Words. ")
    assert "the trial goes on, but takes no new participants" in text
    assert text.endswith(f"https://clinicaltrials.gov/study/{TRIAL}")
    assert len(text) <= 1500


def test_a_site_with_other_contacts_says_that_it_is_the_contacts() -> None:
    told = notice(news(change("locations", SITE, msgspec.structs.replace(SITE, contacts=()))), role="coordinator")
    assert "(changed: contacts)" in " ".join(compose.text(told).split())
    moved = notice(news(change("locations", SITE, msgspec.structs.replace(SITE, zip="2100"))), role="coordinator")
    assert "postal code: 2100" in " ".join(compose.text(moved).split())
