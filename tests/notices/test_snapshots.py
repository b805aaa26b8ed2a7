"""Mails as they are sent, kept beside the tests: a change of wording or looks is seen as what it is, by who reviews it.

``python -m tests.notices.test_snapshots --write`` keeps them anew.
"""

from __future__ import annotations

import email
import email.policy
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage, MIMEPart
from pathlib import Path
from typing import Any

import pytest

from registry_sync.notices import access, confirm, operator
from registry_sync.notices.interface import Notice
from registry_sync.notices.wire import Writer
from tests.notices.told import SITE, change, closing, news, notice, record

FOLDER = Path(__file__).parent / "snapshots"
TOKEN = "17.AAAAAAAAAAAAAAAAAAAAAAAAAAA"
OPERATOR = "operator@example.org"
PAGE = "https://example.org/trials/1"


def _rule(**more: Any) -> Notice:
    text = "Has smoked tobacco within {} months before the screening visit"
    return notice(news(change("criteria", text.format(6), text.format(12), group="exclusion")), stop_token=TOKEN, **more)


def _dates(**more: Any) -> Notice:
    later = change("completion_date", {"date": "2026-12", "type": "ESTIMATED"}, {"date": "2027-12", "type": "ESTIMATED"}, id=2)
    fewer = change("enrollment", {"count": 40, "type": "ESTIMATED"}, {"count": 30, "type": "ESTIMATED"}, id=3)
    return notice(news(later, fewer), stop_token=TOKEN, **more)


def _digest(**more: Any) -> Notice:
    other = news(
        change("overall_status", "NOT_YET_RECRUITING", "RECRUITING"),
        trial="NCT00000001",
        url="https://clinicaltrials.gov/study/NCT00000001",
        after=record(trial="NCT00000001", brief_title="Another Trial"),
    )
    return notice(*_rule().news, other, every="day", stop_token=TOKEN, **more)


def _site(**more: Any) -> Notice:
    return notice(news(change("locations", None, SITE, operation="added")), stop_token=TOKEN, **more)


def _listing(**more: Any) -> Notice:
    told = change(
        "page", "agrees", "fell behind", source=PAGE, topic="listing", registry_date=None,
        detail={"fields": [
            {"field": "overall_status", "registry": "COMPLETED", "listing": "RECRUITING", "verdict": "outdated", "since": "2026-01-02"},
        ]},
    )  # fmt: skip
    return notice(news(told), role="coordinator", stop_token=TOKEN, **more)


def _parked() -> operator.OperatorNotice:
    bulletin = operator.Bulletin("parked.1", "parked", "2026-02-03T06:17:05Z")
    refused = operator.Parked("n-17", "gone@example.org", "mail server localhost:25 refused the recipient: 550 5.1.1 No such user here")
    return operator.parked(bulletin, [refused], ["gone@example.org"], OPERATOR)


def _weekly() -> operator.OperatorNotice:
    state = operator.State(
        trials=12, pages=3, subscriptions=40, changes=5, sent=61, last_sync="2026-02-09T06:17:00Z", waiting=0, held=0, parked=0, troubles=()
    )
    return operator.weekly(operator.Bulletin("well.1", "well", "2026-02-09T07:00:00Z"), state, OPERATOR)


def _stuck() -> operator.OperatorNotice:
    error = "3 not delivered, the oldest due since 2026-02-03T06:17:05Z"
    return operator.opening(operator.Incident(7, "delivery", "2026-02-03T13:00:00Z", 1, error), OPERATOR)


def _to(language: str) -> dict[str, Any]:
    return {"id": "0" * 32, "address": "reader@example.org", "language": language, "created_at": "2026-02-02T06:17:00Z"}


def _confirm(language: str) -> confirm.ConfirmNotice:
    web_url = ON_THE_WEB["web_url"]
    link = f"{web_url}/confirm/{'0' * 32}.{'A' * 27}"
    return confirm.ConfirmNotice(**_to(language), link=link, until="2026-02-09T06:17:00Z", web_url=web_url)


def _access(language: str, *, already: bool) -> access.AccessNotice:
    web_url = ON_THE_WEB["web_url"]
    link = f"{web_url}/manage/{'0' * 32}.{'A' * 27}"
    return access.AccessNotice(**_to(language), link=link, web_url=web_url, already=already)


def _merged(**more: Any) -> Notice:
    old, into = "NCT01000003", "NCT01000005"
    told = (
        change("registry", "present", "merged", trial=old, topic="registry", registry_date=None),
        change(
            "overall_status", "WITHDRAWN", "ENROLLING_BY_INVITATION", id=2, trial=old, registry_date=None, detail={"entries": [old, into]}
        ),
    )
    return notice(news(*told, trial=old, url=f"https://clinicaltrials.gov/study/{old}", into=into), stop_token=TOKEN, **more)


MAILS: dict[str, Callable[[], Notice]] = {
    "reader-closed": lambda: closing(stop_token=TOKEN),
    "reader-closed-da": lambda: closing(language="da", stop_token=TOKEN),
    "reader-rule": _rule,
    "reader-dates-da": lambda: _dates(language="da"),
    "reader-site-noted": lambda: _site(note="We asked the team: the first visit is in March."),
    "reader-digest": _digest,
    "reader-merged": _merged,
    "reader-merged-da": lambda: _merged(language="da"),
    "coordinator-merged": lambda: _merged(role="coordinator"),
    "coordinator-closed": lambda: closing(role="coordinator", stop_token=TOKEN),
    "coordinator-dates": lambda: _dates(role="coordinator"),
    "coordinator-digest-da": lambda: _digest(role="coordinator", language="da"),
    "coordinator-listing": _listing,
    "confirm": lambda: _confirm("en"),
    "confirm-da": lambda: _confirm("da"),
    "access": lambda: _access("en", already=False),
    "access-da": lambda: _access("da", already=False),
    "access-already": lambda: _access("en", already=True),
    "operator-parked": _parked,
    "operator-weekly": _weekly,
    "operator-stuck": _stuck,
}
PLACES = {"unsubscribe": "stop@example.org", "web_url": ""}
ON_THE_WEB = {"unsubscribe": "stop@example.org", "web_url": "https://alerts.example.org"}


def mail(name: str) -> EmailMessage:
    """A mail as a mail program reads it from the wire."""
    places = ON_THE_WEB if name.startswith("reader") else PLACES
    writer = Writer(sender="Trial alerts <alerts@example.org>", reply_to="team@example.org", now=datetime(2026, 2, 3, tzinfo=UTC), **places)
    parsed = email.message_from_bytes(writer.write(MAILS[name]()).octets, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def parts(name: str) -> dict[str, str]:
    """What is kept of a mail: its headers and its text in one file, its HTML in another."""
    message = mail(name)
    headers = "".join(f"{key}: {value}\n" for key, value in message.items() if key not in ("Content-Type", "MIME-Version"))
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    kept = {f"{name}.txt": f"{headers}\n{_lines(text)}"}
    return kept if html is None else {**kept, f"{name}.html": _lines(html)}


def _lines(part: MIMEPart) -> str:
    return str(part.get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize("name", MAILS)
def test_the_mail_is_as_it_was_kept(name: str) -> None:
    for file, words in parts(name).items():
        assert words == (FOLDER / file).read_text(encoding="utf-8"), f"{file}: look at it, then keep it with --write"


def test_nothing_is_kept_of_mails_that_are_not_sent() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {file for name in MAILS for file in parts(name)}


@pytest.mark.parametrize("name", [name for name in MAILS if not name.startswith(("operator", "confirm", "access"))])
def test_what_every_mail_has(name: str) -> None:
    message = mail(name)
    assert len(str(message["Subject"])) <= 120
    assert message["Reply-To"] == "team@example.org"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == "<trial-alerts.example.org>"
    assert f"mailto:stop@example.org?subject=unsubscribe%20{TOKEN}>" in str(message["List-Unsubscribe"])
    assert ("https://alerts.example.org/stop/" in str(message["List-Unsubscribe"])) == name.startswith("reader")
    assert message["List-Unsubscribe-Post"] == ("List-Unsubscribe=One-Click" if name.startswith("reader") else None)
    html = message.get_body(("html",))
    assert html is not None
    assert not any(word in html.get_content() for word in ("<img", "<script", "<link", "@import", "url("))


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    for path in FOLDER.iterdir():
        path.unlink()
    for each in MAILS:
        for file, words in parts(each).items():
            (FOLDER / file).write_text(words, encoding="utf-8")
