"""Nothing is offered in the form that no mail tells: each thing that a choice names is a field of its topics that readers hear of."""

from __future__ import annotations

import re

import pytest

from registry_sync.notices.route import READER_TOPICS
from registry_sync.trials.record import BY_NAME, TOPICS
from registry_sync.trials.significance import TABLE
from registry_sync.web.forms import GROUPS, OF_READERS
from registry_sync.web.wishes import TOPIC_WORDS

NAMED = {
    "opens or closes to new participants": ("overall_status",),
    "open to new participants": ("overall_status",),
    "leaves the registry": ("registry",),
    "comes back": ("registry",),
    "who may take part": ("criteria", "minimum_age"),
    "when it starts": ("start_date",),
    "when its last visit is": ("completion_date",),
    "its results": ("has_results", "publications"),
    "its sites": ("locations",),
    "contacts": ("central_contacts",),
    "what is done in it": ("arms", "interventions", "masking"),
    "its conditions": ("conditions",),
    "who runs it": ("lead_sponsor", "responsible_party"),
}
"""What stands in the words of a choice, and what it is in a record."""


def is_mailed(field: str) -> bool:
    """Is there a change of this field that readers are told of?"""
    return any(rule.reader in ("minor", "major") for rule in TABLE if field in rule.fields.split())


def holds(words: str, topics: frozenset[str]) -> None:
    left = words
    for name, fields in NAMED.items():
        if name in left:
            left = left.replace(name, "")
            for field in fields:
                assert (BY_NAME[field].topic if field in BY_NAME else field) in topics, (words, field)
                assert is_mailed(field), (words, field)
    assert set(re.findall(r"\w+", left)) <= {"and", "or", "whether", "it", "is", "its", "entry"}, f"{left!r} is in no record"


@pytest.mark.parametrize("group", OF_READERS)
def test_each_thing_that_is_offered_is_told(group: str) -> None:
    holds(*GROUPS[group])


@pytest.mark.parametrize("topic", [each for each in TOPICS if each in READER_TOPICS])
def test_so_is_each_that_the_page_names_which_asks_for_consent(topic: str) -> None:
    holds(TOPIC_WORDS[topic], frozenset({topic}))


def test_what_is_not_told_is_noticed() -> None:
    assert not is_mailed("brief_title")
    assert not is_mailed("brief_summary")
    assert not is_mailed("primary_outcomes")
    with pytest.raises(AssertionError):
        holds("its title", frozenset({"identity"}))
