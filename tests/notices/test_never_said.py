"""Every kind of news in both voices and all languages, searched for what is never said."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from registry_sync.notices import compose
from registry_sync.notices.i18n import ENGLISH, LOCALE_FOLDER, languages
from registry_sync.notices.interface import Notice, Role, TrialNews
from registry_sync.notices.reader_words import DATES
from registry_sync.trials.dates import Slips
from registry_sync.trials.record import BY_NAME, FIELDS, Dated, Enrollment
from tests.notices.test_i18n import in_the_sources
from tests.notices.told import SITE, TITLE, TRIAL, change, news, notice, record

TEMPLATES = Path(compose.__file__).parent / "templates"
STATUSES = (
    "ACTIVE_NOT_RECRUITING",
    "COMPLETED",
    "ENROLLING_BY_INVITATION",
    "NOT_YET_RECRUITING",
    "RECRUITING",
    "SUSPENDED",
    "TERMINATED",
    "WITHDRAWN",
    "AVAILABLE",
    "NO_LONGER_AVAILABLE",
    "TEMPORARILY_NOT_AVAILABLE",
    "APPROVED_FOR_MARKETING",
    "WITHHELD",
    "UNKNOWN",
    None,
)

NEVER = {
    "en": (
        r"you can join|you qualify|you may join|places are free|free places|apply now|\bact (soon|now)|hurry|last chance|don't miss",
        r"good news|bad news|sadly|happily|unfortunately|great|exciting|worr",
        r"\bworks\b|\bcure|breakthrough|\bhope|promising|effective",
        r"\bfail|unsafe|danger|\bdeleted?\b|breaks the law|illegal|violat",
        r"reduced|cut from|people took part: |new trial",
        r"you should|take the|stop taking|start taking",
    ),
    "da": (
        r"du kan deltage|du kan være med|du opfylder|ledige pladser|tilmeld dig|skynd dig|sidste chance|meld dig",
        r"gode nyheder|dårlige nyheder|desværre|heldigvis|glædelig|spændende",
        r"\bvirker\b|helbred|gennembrud|\bhåb|lovende|effektiv\b",
        r"mislyk|fejlet|usikker|farlig|\bslettet|lovbrud|ulovlig",
        r"nedsat|reduceret|nyt forsøg",
        r"du bør|du skal|tag din",
    ),
}
TO_READERS = {"en": r"overdue|\blate\b|breaks", "da": r"overskredet|forsinket|for sent"}
STOPPED = {"en": r"\bstopped\b", "da": r"\bstandset\b|\bstoppet\b"}
NOT_STOPPED = {"en": "This does not mean that the trial stopped.", "da": "Det betyder ikke, at forsøget er standset."}


def kinds() -> list[tuple]:
    """Changes that tell every kind of news, told alone."""
    told = [(change("overall_status", before, after),) for before, after in itertools.permutations(STATUSES, 2)]
    dates = (None, Dated("2025-12-31", "ESTIMATED"), Dated("2026-06", "ESTIMATED"), Dated("2026-01-02", "ACTUAL"))
    dated = [field.name for field in FIELDS if field.kind == "dated"]
    told += [(change(name, before, after),) for name in dated for before, after in itertools.permutations(dates, 2)]
    counts = (None, Enrollment(40, "ESTIMATED"), Enrollment(60, "ESTIMATED"), Enrollment(37, "ACTUAL"))
    told += [(change("enrollment", before, after),) for before, after in itertools.permutations(counts, 2)]
    for group, operation in itertools.product((None, "inclusion", "exclusion"), ("added", "removed", "changed", "moved")):
        before, after = (None if operation == "added" else "rule a"), (None if operation == "removed" else "rule b")
        told += [
            (change("criteria", before, after, group=group, operation=operation, reader_significance=weight),)
            for weight in ("major", "minor")
        ]
    for field in FIELDS:
        if field.is_list and field.name != "criteria":
            item = "thing" if field.kind == "strings" else {"name": "thing", "type": "OTHER"}
            told += [(change(field.name, None, item, operation="added"),), (change(field.name, item, None, operation="removed"),)]
        elif field.kind not in ("dated", "items") and field.name not in ("overall_status", "enrollment"):
            told += [(change(field.name, before, after),) for before, after in ((None, True), ("a", "b"), (True, False), ("a", None))]
    told += [(change("locations", SITE, {"country": "Denmark", "status": status}),) for status in ("COMPLETED", "RECRUITING", None)]
    told += [(change("expanded_access", None, {"trial": TRIAL, "status": status}),) for status in STATUSES]
    states = {
        "registry": ("present", "absent", "merged", "found"),
        "listing": ("agrees again", "fell behind", "contradicts", "unreadable", "gone"),
        "deadlines": ("due soon", "overdue", "met"),
    }
    told += [(change(topic, None, state, topic=topic),) for topic, all_of_them in states.items() for state in all_of_them]
    return told


def everything(notice: Notice) -> str:
    subject = compose.subject(notice)
    return "\n".join((subject, compose.text(notice), re.sub(r"<[^>]+>", " ", compose.html(notice)), compose.short(notice)))


@pytest.fixture(scope="module")
def all_news() -> list[tuple[Role, str, tuple, Notice]]:
    return [
        (role, language, changes, notice(told, role=role, language=language))
        for changes in kinds()
        for told in all_tellings(changes)
        for role in ("reader", "coordinator")
        for language in languages()
    ]


SLIPS = (
    Slips(first="2025-04", last="2026-06", later=3, earlier=1, since="2024-03-11"),
    Slips(first="2026-06", last="2026-06", later=1, earlier=1),
    Slips(first="2025-04", last="2025-04", put_back=True),
)


def all_tellings(changes: tuple) -> list[TrialNews]:
    """The news of these changes; of a date also with each way in which it may have moved before."""
    head = changes[0]
    after = record(overall_status=_status(changes))
    histories = ({}, *({head.field: slips} for slips in SLIPS)) if head.field in DATES else ({},)
    return [news(*changes, after=after, slips=slips) for slips in histories]


def _status(changes: tuple) -> str | None:
    head = changes[0]
    return head.after if head.field == "overall_status" else "RECRUITING"


def test_nothing_is_said_that_is_never_said(all_news) -> None:
    patterns = {language: [re.compile(pattern, re.IGNORECASE) for pattern in NEVER[language]] for language in languages()}
    for role, language, changes, told in all_news:
        text = everything(told)
        found = [pattern.search(text) for pattern in patterns[language]]
        assert not any(found), (role, language, changes, [match.group() for match in found if match])


def test_readers_never_hear_that_something_is_overdue(all_news) -> None:
    for role, language, changes, told in all_news:
        if role == "reader":
            assert not re.search(TO_READERS[language], everything(told), re.IGNORECASE), (language, changes)


def test_nothing_stopped_that_goes_on_or_is_unknown(all_news) -> None:
    for role, language, changes, told in all_news:
        if role == "reader" and _status(changes) in ("ACTIVE_NOT_RECRUITING", "UNKNOWN", "COMPLETED"):
            before = changes[0].before
            if before in ("SUSPENDED", "TERMINATED", "WITHDRAWN"):
                continue
            text = re.sub(r"\s+", " ", everything(told)).replace(NOT_STOPPED[language], "")
            assert not re.search(STOPPED[language], text, re.IGNORECASE), (language, changes)


def test_no_planned_number_is_told_as_people_who_took_part(all_news) -> None:
    for _role, _language, changes, told in all_news:
        head = changes[0]
        if head.field == "enrollment" and head.after and head.after["type"] == "ESTIMATED":
            assert not re.search(r"60 \((people|personer)|40 \((people|personer)", everything(told)), changes


def test_subjects_and_headers_tell_of_no_disease_title_or_site(all_news) -> None:
    secrets = (TITLE, "Sjögren", "Rigshospitalet", "Copenhagen", "rule a", "rule b", "thing")
    for _role, _language, changes, told in all_news:
        subject = compose.subject(told)
        assert 0 < len(subject) <= 120
        assert "\n" not in subject
        assert "{" not in subject
        assert TRIAL in subject
        assert not [secret for secret in secrets if secret in subject], changes


def test_every_reader_story_names_its_source_and_date_first(all_news) -> None:
    for role, language, changes, told in all_news:
        if role == "reader":
            first = compose.story(told.news[0], role, language).sentences[0]
            listing = changes[0].topic == "listing"
            assert ("2026" in first) or listing, first
            assert ("ClinicalTrials.gov" in first) != listing, first


def test_no_placeholder_is_left_open(all_news) -> None:
    for _role, _language, changes, told in all_news:
        assert not re.search(r"\{[a-z]+\}", everything(told)), changes


def test_no_reader_sees_a_bare_token(all_news) -> None:
    for role, _language, changes, told in all_news:
        if role == "reader":
            text = compose.text(told)
            assert not re.search(r"\b[A-Z]{4,}_[A-Z_]+\b|\bRECRUITING\b|\bESTIMATED\b|\bACTUAL\b", text), changes


def messages(language: str) -> list[str]:
    """Everything that this language can say: the sources' own messages in English, the catalogue's translations elsewhere."""
    if language == ENGLISH:
        return [text for _context, message in in_the_sources() for text in (message if isinstance(message, tuple) else (message,))]
    with (LOCALE_FOLDER / language / "LC_MESSAGES" / "registry_sync.po").open("rb") as file:
        kept = read_po(file, locale=language)
    return [text for message in kept if message.id for text in (message.string if message.pluralizable else (message.string,))]


@pytest.mark.parametrize("language", languages())
def test_no_message_says_any_of_it(language: str) -> None:
    said = messages(language)
    assert len(said) > 500
    for pattern in NEVER[language]:
        found = [text for text in said if re.search(pattern, text, re.IGNORECASE)]
        assert not found, pattern


def test_english_and_danish_say_as_much() -> None:
    assert len({len(messages(language)) for language in languages()}) == 1


@pytest.mark.parametrize("template", sorted(TEMPLATES.iterdir()), ids=lambda path: path.name)
def test_no_template_says_any_of_it(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    for pattern in NEVER[ENGLISH]:
        assert not re.search(pattern, text, re.IGNORECASE), pattern


@pytest.mark.parametrize("template", sorted(TEMPLATES.iterdir()), ids=lambda path: path.name)
def test_no_template_has_words_of_its_own(template: Path) -> None:
    """What is not a message is not translated, and nothing above reads it."""
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", " ", template.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not re.findall(r"[^\W\d_]+", text)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "Places are free."),
        ("en", "This trial works."),
        ("en", "You should act soon."),
        ("da", "Du bør melde dig."),
        ("da", "Det virker."),
    ],
)
def test_the_patterns_find_what_they_are_for(language: str, sentence: str) -> None:
    assert any(re.search(pattern, sentence, re.IGNORECASE) for pattern in NEVER[language])


def test_all_fields_are_among_the_kinds() -> None:
    assert {changes[0].field for changes in kinds()} >= set(BY_NAME)
