"""Pages that show their own markup, numbers before their places, or facilities where others have towns."""

from __future__ import annotations

import pytest

from registry_sync.sources.finder import read_page
from registry_sync.sources.finder_values import location
from registry_sync.sources.interface import Found
from registry_sync.trials.listing import Subject
from registry_sync.trials.record import Location, Record
from tests.sources.finder_pages import TRIAL, URL, whole


def record(content: str) -> Record:
    found = read_page(Subject(TRIAL), URL, whole(f"<p>{TRIAL}</p><p>Status: Recruiting</p>{content}"), None)
    assert isinstance(found, Found), found
    return found.record


def criteria(*texts: str) -> list[str]:
    items = "".join(f"<li>{text}</li>" for text in texts)
    return [one.text for one in record(f"<h2>Eligibility</h2><h3>Inclusion Criteria</h3><ul>{items}</ul>").criteria or ()]


@pytest.mark.parametrize(
    ("shown", "meant"),
    [
        ("Dry&amp;nbsp;eyes for 6 months", "Dry eyes for 6 months"),
        ("Drops &amp;amp; ointment", "Drops & ointment"),
        ("Drops &amp;amp;amp; ointment", "Drops & ointment"),
        ("Pressure &amp;lt; 21 mmHg", "Pressure < 21 mmHg"),
        ("Pressure &amp;gt;= 21 mmHg", "Pressure >= 21 mmHg"),
        ("Dry eyes&lt;br&gt;for 6 months", "Dry eyes for 6 months"),
        ("Dry eyes&lt;br/&gt;for 6 months", "Dry eyes for 6 months"),
        ("&lt;p&gt;Dry eyes for 6 months&lt;/p&gt;", "Dry eyes for 6 months"),
        ("&amp;lt;p&amp;gt;Dry eyes for 6 months&amp;lt;/p&amp;gt;", "Dry eyes for 6 months"),
        ("Cells over 10&lt;sup&gt;9&lt;/sup&gt;/L", "Cells over 109/L"),
        ("Sj&amp;ouml;gren&amp;#39;s &amp;ge; 2 years", "Sj\u00f6gren's \u2265 2 years"),
        ("Pressure &lt; 21 and &gt; 5 mmHg", "Pressure < 21 and > 5 mmHg"),
    ],
)
def test_markup_that_the_page_shows_is_no_text(shown: str, meant: str) -> None:
    assert criteria(shown, "Signed consent") == [meant, "Signed consent"]


def test_a_list_that_the_page_shows_as_markup_is_a_list() -> None:
    text = "&lt;ul&gt;&lt;li&gt;Dry eyes&lt;/li&gt;&lt;li&gt;Signed consent&lt;/li&gt;&lt;/ul&gt;"
    said = record(f"<h2>Eligibility</h2><h3>Inclusion Criteria</h3><div>{text}</div>")
    assert [one.text for one in said.criteria or ()] == ["Dry eyes", "Signed consent"]


SITE = Location(facility="Aalborg University Hospital", city="Aalborg", country="Denmark")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("1. Aalborg University Hospital, Aalborg, Denmark", SITE),
        ("12) Aalborg University Hospital, Aalborg, Denmark", SITE),
        ("#1 Aalborg University Hospital, Aalborg, Denmark", SITE),
        ("#1: Aalborg University Hospital, Aalborg, Denmark", SITE),
        ("Site 3: Aalborg University Hospital, Aalborg, Denmark", SITE),
        ("• 1. Aalborg University Hospital, Aalborg, Denmark", SITE),
        ("- Aalborg University Hospital, Aalborg, Denmark", SITE),
        ("Rigshospitalet, Copenhagen, Denmark", Location(facility="Rigshospitalet", city="Copenhagen", country="Denmark")),
        ("Universitetssjukhuset, Lund, Sweden", Location(facility="Universitetssjukhuset", city="Lund", country="Sweden")),
        ("CHU de Nantes, Nantes, France", Location(facility="CHU de Nantes", city="Nantes", country="France")),
        ("Research Site, Boston, United States", Location(facility="Research Site", city="Boston", country="United States")),
        ("Boston, Massachusetts, United States", Location(city="Boston", state="Massachusetts", country="United States")),
        ("Princeton, New Jersey, United States", Location(city="Princeton", state="New Jersey", country="United States")),
        ("Chula Vista, California, United States", Location(city="Chula Vista", state="California", country="United States")),
        ("Copenhagen, , Denmark", Location(city="Copenhagen", country="Denmark")),
        ("8000 Aarhus, Denmark", Location(city="8000 Aarhus", country="Denmark")),
    ],
)  # fmt: skip
def test_a_place_with_a_number_or_with_its_facility(text: str, place: Location) -> None:
    assert location(text) == place
    for markup in ("<ul><li>{}</li><li>Oslo, Norway</li></ul>", "<p>{}</p><p>Oslo, Norway</p>"):
        assert record(f"<h2>Locations</h2>{markup.format(text)}").locations == (place, Location(city="Oslo", country="Norway"))
