"""A trial's news -> one story: a subject, first sentences, and the changes in order, in the voice of who hears it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from registry_sync.notices import coordinator, english, folding, mergers, reader
from registry_sync.notices.clean import block, cut, one_line
from registry_sync.notices.fitting import LONGEST_TITLE
from registry_sync.notices.i18n import Translator, translator
from registry_sync.notices.interface import Notice, Role, TrialNews
from registry_sync.notices.items import Item, item
from registry_sync.notices.said import At, Said
from registry_sync.trials.changes import KeptChange
from registry_sync.trials.dates import Slips
from registry_sync.trials.record import BY_NAME

LONGEST_SUBJECT = 120
_LONGEST_SENTENCE = 4_000
_NAMED = 3
MOST_ITEMS = 100
"""Changes of one trial shown in a mail: one with thousands would be refused by mail servers; the rest is told as a number."""


@dataclass(frozen=True)
class Story:
    """What is told of one trial. ``heading``: that of the changes; ``more`` counts those that are left out because there are too many.

    ``own``: words in title and sentences that are the registry's (see ``english``).
    """

    trial: str
    url: str | None
    title: str
    subject: str
    sentences: tuple[str, ...]
    heading: str
    items: tuple[Item, ...]
    more: int = 0
    own: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The first sentences as one paragraph."""
        return " ".join(self.sentences)


def story(news: TrialNews, role: Role, language: str, *, most_items: int = MOST_ITEMS) -> Story:
    """The story of one trial's news, headed by the most significant change."""
    t = translator(language)
    told = folding.told(news, role)
    heard = _said(news, role, told, t)
    shown = told[:most_items]
    title = cut(one_line(news.named or ""), LONGEST_TITLE)
    return Story(
        trial=news.trial,
        url=safe_url(news.url),
        title=title,
        subject=cut(one_line(heard.subject), LONGEST_SUBJECT),
        sentences=tuple(cut(block(sentence), _LONGEST_SENTENCE) for sentence in heard.sentences),
        heading=mergers.heading_of_all(told, t) or t.gettext("What changed"),
        items=tuple(_dated(item(change, role, t, _slips_of(change, news, told)), change, told, role, t) for change in shown),
        more=len(told) - len(shown),
        own=english.own(t, title, news.record.why_stopped, *((change.before, change.after, change.detail) for change in shown)),
    )


def subject(notice: Notice) -> str:
    """A notice's subject: at most 120 characters, and never a condition, a title or a site."""
    t = translator(notice.language)
    if not notice.news:
        return t.gettext("News about trials you follow")
    if len(notice.news) == 1:
        return story(notice.news[0], notice.role, notice.language, most_items=0).subject
    n = len(notice.news) + notice.more
    if notice.role == "reader":
        return t.ngettext("{n} trial you follow has news", "{n} trials you follow have news", n).format(n=n)
    ids = ", ".join(news.trial for news in notice.news[:_NAMED])
    text = t.ngettext("{n} trial changed: {trials}", "{n} trials changed: {trials}", n).format(n=n, trials=ids)
    return cut(one_line(f"{text}, …" if n > _NAMED else text), LONGEST_SUBJECT)


def safe_url(url: str | None) -> str | None:
    """The URL when it is an http(s) one without blanks or control characters; ``None`` otherwise: it becomes a link."""
    if not url or one_line(url) != url or " " in url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None


def _dated(entry: Item, change: KeptChange, told: tuple[KeptChange, ...], role: Role, t: Translator) -> Item:
    """An entry with its day, where several steps of one value stand in a digest: else nobody could tell which holds."""
    field = BY_NAME.get(change.field)
    steps = [other for other in told if (other.field, other.source) == (change.field, change.source)]
    if field is None or field.is_list or len(steps) == 1:
        return entry
    day = change.registry_date or change.seen_at[:10]
    return replace(entry, heading=f"{entry.heading} ({t.date(day) if role == 'reader' else day})")


def _slips_of(change: KeptChange, news: TrialNews, told: tuple[KeptChange, ...]) -> Slips | None:
    """How this date has moved before, with its newest change; the first sentences tell it of the head."""
    newest = max(other.id for other in told if other.field == change.field)
    return news.slips.get(change.field) if change.id == newest and change.field != told[0].field else None


def _said(news: TrialNews, role: Role, told: tuple[KeptChange, ...], t: Translator) -> Said:
    if not told:
        nothing = t.gettext("News about a trial you follow ({trial})").format(trial=news.trial)
        return Said(nothing, (t.gettext("There is nothing new in this entry."),))
    at = At(news, told[0], told, folding.followed(news))
    return reader.said(at, t) if role == "reader" else coordinator.said(at, t)
