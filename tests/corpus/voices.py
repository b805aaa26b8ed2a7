"""A case told to people: the notices that its changes make for a reader and a coordinator, in each language."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as read_policy
from functools import cached_property

import msgspec

from registry_sync.notices import compose
from registry_sync.notices.i18n import languages
from registry_sync.notices.interface import Notice, Role, TrialNews
from registry_sync.notices.route import Subscription, wants
from registry_sync.notices.story import Story, story
from registry_sync.notices.wording import summary
from registry_sync.trials.changes import Change, KeptChange
from registry_sync.trials.record import TOPICS
from registry_sync.trials.significance import judged
from tests.corpus.loader import Case

_NOW = datetime(2026, 2, 3, 6, 17, 9, tzinfo=UTC)
_DAY, _MOMENT = "2026-02-03", "2026-02-03T06:17:04Z"
_ROLES: tuple[Role, ...] = ("reader", "coordinator")
_TOPICS: tuple[frozenset[str], ...] = (frozenset(), frozenset(TOPICS))
"""What the role hears when nothing is chosen, and everything that one can ask for, housekeeping too."""


class Told:
    """A notice to one recipient, in all the forms in which it leaves the program."""

    def __init__(self, notice: Notice) -> None:
        self.notice = notice
        self.role, self.language = notice.role, notice.language
        self.news = notice.news[0]

    def __repr__(self) -> str:
        return f"to a {self.role} in {self.language}: {[(change.field, change.operation) for change in self.news.changes]}"

    @cached_property
    def subject(self) -> str:
        """The subject as the mail carries it."""
        return str(self._mail["Subject"])

    @cached_property
    def story(self) -> Story:
        """The first sentences and the changes one by one."""
        return story(self.news, self.role, self.language)

    @cached_property
    def plain(self) -> str:
        """The mail's text, its blanks folded."""
        return folded(self._part("plain"))

    @cached_property
    def html(self) -> str:
        """What the mail's HTML shows, its blanks folded."""
        body = re.sub(r"<(head|style)\b.*?</\1>", " ", self._part("html"), flags=re.DOTALL)
        inline = re.sub(r"</?(?:ins|del|b|strong|em|span|a|mark|s|u)\b[^>]*>", "", body)
        return folded(html.unescape(re.sub(r"<[^>]+>", " ", inline)))

    @cached_property
    def short(self) -> str:
        """The news for chat, push and SMS."""
        return folded(compose.short(self.notice))

    @cached_property
    def summaries(self) -> list[str]:
        """The changes as the terminal and ``summary`` show them."""
        return [summary(change, self.language) for change in self.news.changes]

    @property
    def sent(self) -> str:
        """All that is sent to a person: the mail's subject and both parts, and the text for chat."""
        return "\n".join((self.subject, self.plain, self.html, self.short))

    @property
    def everything(self) -> str:
        """All that a person may see, lists of changes too."""
        return "\n".join((self.sent, *self.summaries))

    @cached_property
    def _mail(self) -> EmailMessage:
        settings = {"sender": "Trial alerts <alerts@example.org>", "reply_to": "", "unsubscribe": "", "web_url": ""}
        read = message_from_bytes(compose.mail(self.notice, **settings, now=_NOW).as_bytes(), policy=read_policy)
        assert isinstance(read, EmailMessage)
        return read

    def _part(self, kind: str) -> str:
        body = self._mail.get_body((kind,))
        assert body is not None
        return str(body.get_content())


def told(case: Case) -> list[Told]:
    """Every notice that follows from a case, as routing makes them: to each role, in each language, with few topics and with all."""
    before, after = case.record("before"), case.record("after")
    kept = [_kept(change, before.trial, number) for number, change in enumerate(judged(before, after), start=1)]
    found = []
    for role in _ROLES:
        choices = [tuple(change for change in kept if wants(_subscription(role, topics), change)) for topics in _TOPICS]
        for changes in choices[: 1 if choices[0] == choices[1] else 2]:
            if changes:
                url = f"https://clinicaltrials.gov/study/{before.trial}"
                news = TrialNews(before.trial, url, _DAY, _MOMENT, changes=changes, record=after, before=before)
                found += [Told(_notice(news, role, language)) for language in languages()]
    return found


def folded(text: str) -> str:
    """The text on one line."""
    return " ".join(text.split())


def _kept(change: Change, trial: str, number: int) -> KeptChange:
    beside = {"id": number, "trial": trial, "source": "ctgov", "registry_date": _DAY, "seen_at": _MOMENT}
    return KeptChange(**msgspec.structs.asdict(change), **beside)


def _subscription(role: Role, topics: frozenset[str]) -> Subscription:
    return Subscription(id=1, address="a@example.org", kind="email", role=role, topics=topics)


def _notice(news: TrialNews, role: Role, language: str) -> Notice:
    return Notice("n-1", "a@example.org", "email", role, language, "now", _MOMENT, (news,))
