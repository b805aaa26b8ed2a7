"""Real days of real trials, told in both voices: every notice is whole, and its subject tells of no disease, title or site."""

from __future__ import annotations

import json
import lzma
import re
from itertools import groupby, pairwise
from pathlib import Path

import msgspec
import pytest

from registry_sync.notices import compose
from registry_sync.notices.interface import Notice, TrialNews
from registry_sync.notices.wording import summary
from registry_sync.sources.ctgov_record import record_from
from registry_sync.trials.changes import KeptChange
from registry_sync.trials.record import Record
from registry_sync.trials.significance import judged


@pytest.fixture(scope="module")
def real_news(shared_data: Path) -> list[TrialNews]:
    with lzma.open(shared_data / "ctgov-days.jsonl.xz") as lines:
        days = [json.loads(line) for line in lines]
    told = []
    for trial, versions in groupby(days, key=lambda day: day["nct"]):
        records = [record_from(json.dumps(version["study"]).encode()) for version in versions]
        told += [_news(trial, before, after) for before, after in pairwise(records)]
    return [news for news in told if news.changes]


def _news(trial: str, before: Record, after: Record) -> TrialNews:
    posted = after.last_update_post_date.date if after.last_update_post_date else None
    seen = "2026-03-01T06:17:04Z"
    changes = tuple(
        KeptChange(**msgspec.structs.asdict(change), id=number, trial=trial, source="ctgov", registry_date=posted, seen_at=seen)
        for number, change in enumerate(judged(before, after), start=1)
    )
    return TrialNews(trial, f"https://clinicaltrials.gov/study/{trial}", posted, seen, changes, after, before)


def notices(news: TrialNews) -> list[Notice]:
    return [
        Notice("n-1", "a@example.org", "email", role, language, "now", news.seen_at, (news,))
        for role in ("reader", "coordinator")
        for language in ("en", "da")
    ]


def test_there_is_news_in_the_days(real_news: list[TrialNews]) -> None:
    assert len(real_news) > 20


def test_every_real_change_has_its_line(real_news: list[TrialNews]) -> None:
    for change in (change for news in real_news for change in news.changes):
        for language in ("en", "da"):
            assert 0 < len(summary(change, language)) <= 300


def test_no_real_subject_tells_of_a_disease_a_title_or_a_site(real_news: list[TrialNews]) -> None:
    for news in real_news:
        sites = [text for site in news.record.locations or () for text in (site.facility, site.city) if text]
        private = [news.record.brief_title, news.record.official_title, *(news.record.conditions or ()), *sites]
        for notice in notices(news):
            subject = compose.subject(notice)
            assert len(subject) <= 120
            assert not [text for text in private if text and len(text) > 4 and re.search(rf"\b{re.escape(text)}\b", subject)], subject


def test_every_real_notice_is_whole(real_news: list[TrialNews]) -> None:
    for news in real_news:
        for notice in notices(news):
            text = compose.text(notice)
            assert news.trial in text
            assert compose.html(notice).rstrip().endswith("</html>")
            assert compose.short(notice)
            assert json.loads(compose.post(notice))["changes"]
