"""The sites on a page, in whatever layout it lists them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found
from registry_sync.trials.audit import Past, audit
from registry_sync.trials.listing import Listing, Subject
from registry_sync.trials.record import Location, Record
from tests.sources.finder_pages import TRIAL, URL, whole
from tests.sources.place_pages import LAYOUTS, WITHOUT_TOWNS, Layout

TITLE = "A Study of Eye Drops Against Dryness in Grown People"
HEAD = "<h2>Locations</h2>"
SITES = (
    Location(facility="Harbour Hospital", city="Copenhagen", zip="2100", country="Denmark", status="RECRUITING"),
    Location(facility="Fjord Clinic", city="Bergen", state="Vestland", zip="5021", country="Norway", status="COMPLETED"),
    Location(facility="Bayou Medical Center", city="Houston", state="Texas", zip="77030", country="United States", status="RECRUITING"),
)


def listing(content: str) -> Listing:
    found = read_page(
        Subject(TRIAL), URL, whole(f"<h1>{TITLE}</h1><p>{TRIAL}</p><p>Sex: All</p>{content}<h2>Sponsor</h2><p>Firm</p>"), None
    )
    assert isinstance(found, Found), found
    assert found.listing is not None
    return found.listing


def places(content: str) -> list[str]:
    """The places read, each as its parts."""
    sites = listing(content).record.locations or ()
    return [" / ".join(part or "-" for part in (site.facility, site.city, site.state, site.country)) for site in sites]


def word(content: str, *sites: Location, before: tuple[Location, ...] = ()) -> str:
    """The audit's verdict on the places of a page, where the registry has these sites, and had others before."""
    versions = [
        Past(day, f"{day}T06:00:00Z", Record(trial=TRIAL, overall_status="ENROLLING_BY_INVITATION", locations=own))
        for day, own in (("2026-01-01", before or sites), ("2026-02-01", sites))
    ]
    return next(row.verdict for row in audit(listing(content), versions) if row.field == "locations")


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_every_layout_of_the_right_sites_agrees_and_a_wrong_town_shows(layout: Layout) -> None:
    assert word(layout(SITES), *SITES) == "agrees"
    elsewhere = Location(facility="Fjord Clinic", city="Tromso", state="Troms", zip="9038", country="Norway", status="COMPLETED")
    wrong = (SITES[0], elsewhere, SITES[2])
    assert word(layout(wrong), *SITES) in (("agrees", "contradicts") if layout in WITHOUT_TOWNS else ("contradicts", "incomparable"))
    assert word(layout(wrong), *SITES, before=wrong) == ("agrees" if layout in WITHOUT_TOWNS else "outdated")


HEADS = {"facility": "Facility", "city": "City", "state": "State/Province", "country": "Country", "status": "Recruitment status"}
HEADS |= {"contact": "Contact", "own": "Opening hours"}


@given(columns=st.permutations(sorted(HEADS)), without=st.sets(st.sampled_from(["state", "status", "contact", "own"])))
def test_the_columns_of_a_table_stand_in_any_order(columns: list[str], without: set[str]) -> None:
    shown = [column for column in columns if column not in without]
    head = "".join(f"<th>{HEADS[column]}</th>" for column in shown)
    cells = {"contact": "Contact A", "own": "8 to 16"}
    rows = "".join("<tr>" + "".join(f"<td>{cells.get(one) or getattr(site, one) or ''}</td>" for one in shown) + "</tr>" for site in SITES)
    assert word(f"{HEAD}<table><tr>{head}</tr>{rows}</table>", *SITES) == "agrees"


def test_a_table_of_the_sponsor_s_addresses_is_none_of_sites() -> None:
    table = "<table><tr><th>Institution</th><th>City</th><th>Country</th></tr><tr><td>Firm</td><td>Paris</td><td>France</td></tr></table>"
    assert places(f"<h3>Sponsor contact</h3>{table}") == []
    assert places(f"<h3>Study sites</h3>{table}") == ["Firm / Paris / - / France"]


def test_a_table_may_have_its_countries_between_its_rows() -> None:
    rows = "<tr><td colspan=2>{}</td></tr><tr><td>{}</td><td>{}</td></tr>"
    table = f"<table><tr><th>Site</th><th>City</th></tr>{rows.format('Denmark', 'A', 'Odense')}{rows.format('Norway', 'B', 'Oslo')}"
    assert places(f"{HEAD}{table}</table>") == ["A / Odense / - / Denmark", "B / Oslo / - / Norway"]
    assert listing(f"{HEAD}{table}</table><p>See all 12 locations</p>").how["locations"] == "cut_off"


def test_a_heading_that_counts_more_than_it_shows_heads_a_part_of_the_list() -> None:
    below = "<h4>Harbour Hospital</h4><p>Copenhagen, Denmark</p>"
    assert places(f"<h2>Locations (1)</h2>{below}") == ["Harbour Hospital / Copenhagen / - / Denmark"]
    for heading in ("Locations (5)", "5 Locations", "Study sites [5 sites]"):
        assert listing(f"<h2>{heading}</h2>{below}").how["locations"] == "cut_off"


@pytest.mark.parametrize(
    ("line", "state", "country"),
    [
        ("Houston, Texas, United States", "Texas", "United States"),
        ("Houston, TX", "Texas", "United States"),
        ("Houston, TX, US", "Texas", "US"),
        ("Houston, TX 77030", "Texas", "United States"),
        ("Houston, Texas 77030, USA", "Texas", "USA"),
        ("Houston, Texas, United States 77030", "Texas", "United States"),
        ("Houston, ON, CA", "Ontario", "Canada"),
        ("Houston, ON K1A 0B1, Canada", "Ontario", "Canada"),
        ("Houston, CA", "California", "United States"),
    ],
)
def test_states_are_read_in_full_and_by_their_signs(line: str, state: str, country: str) -> None:
    assert places(f"{HEAD}<p>{line}</p>") == [f"- / Houston / {state} / {country}"]


def test_a_state_alone_is_no_town() -> None:
    houston = Location(facility="A", city="Houston", state="Texas", country="United States")
    assert word(f"{HEAD}<p>Texas, United States</p>", houston) == "agrees"
    assert word(f"{HEAD}<p>Utah, United States</p>", houston) == "contradicts"


def test_georgia_is_a_state_below_its_country_and_a_country_beside_it() -> None:
    page = "<h3>United States</h3><h4>Georgia</h4><p>Peach Clinic, Atlanta</p><h3>Georgia</h3><p>River Clinic, Tbilisi</p>"
    assert places(HEAD + page) == ["Peach Clinic / Atlanta / Georgia / United States", "River Clinic / Tbilisi / - / Georgia"]


@pytest.mark.parametrize(
    "form",
    [
        "<p>{0} ({1})</p>", "<p>{0} – {1}</p>", "<p>{0} | {1}</p>", "<p>{0}</p><p>{1}</p>", "<p>{1}: {0}</p>",
        "<p>{0}</p><p>Status: {1}</p>", "<p>{0} <span>{1}</span></p>", "<h4>{0}</h4><p>{1}</p>", "<ul><li>{0}<br>{1}</li></ul>",
        "<p>{1}</p><p>{0}</p>",
    ],
)  # fmt: skip
def test_the_status_of_a_site_is_compared_where_the_page_states_it(form: str) -> None:
    places = ("Harbour Hospital, Copenhagen, Denmark", "Fjord Clinic, Bergen, Norway")
    right = HEAD + form.format(places[0], "Recruiting") + form.format(places[1], "Completed")
    wrong = HEAD + form.format(places[0], "Recruiting") + form.format(places[1], "Recruiting")
    assert word(right, *SITES[:2]) == "agrees"
    assert word(wrong, *SITES[:2]) == "contradicts"
    was = (SITES[0], Location(facility="Fjord Clinic", city="Bergen", country="Norway", status="RECRUITING"))
    assert word(wrong, *SITES[:2], before=was) == "outdated"


def test_a_status_that_page_or_registry_does_not_give_for_each_site_is_not_compared() -> None:
    lines = "<p>Harbour Hospital, Copenhagen, Denmark{}</p><p>Fjord Clinic, Bergen, Norway (Suspended)</p>"
    assert word(HEAD + lines.format(""), *SITES[:2]) == "agrees"
    silent = tuple(Location(facility=site.facility, city=site.city, country=site.country) for site in SITES[:2])
    assert word(HEAD + lines.format(" (Suspended)"), *silent) == "agrees"
    of_the_trial = lines.replace("Suspended", "Enrolling by invitation").format(" (Enrolling by invitation)")
    assert word(HEAD + of_the_trial, *SITES[:2]) == "agrees"


@pytest.mark.parametrize(
    "line", ["Show map", "Ask your doctor, or us", "Contact A, MD", "Contact A, PhD", "+45 555 0111", "See the map below.", "Choose a site"]
)
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_a_line_that_is_no_site_never_contradicts(layout: Layout, line: str) -> None:
    page = layout(SITES)
    heading = page[: page.index("</h2>") + 5]
    for content in (f"{page}<p>{line}</p>", f"{heading}<p>{line}</p>{page.removeprefix(heading)}"):
        assert word(content, *SITES) in ("agrees", "incomparable")


@pytest.mark.parametrize(
    ("own", "line"),
    [
        (Location(facility="Island Hospital", city="Singapore", country="Singapore"), "Island Hospital, Singapore"),
        (Location(facility="Lake Hospital", city="Sarajevo", country="Bosnia and Herzegovina"), "Sarajevo, Bosnia & Herzegovina"),
        (Location(facility="Lake Clinic - North", city="Phoenix", country="United States"), "Lake Clinic - North, Phoenix, United States"),
        (
            Location(facility="Lake Clinic, PA", city="Phoenix", state="Arizona", country="United States"),
            "Lake Clinic, PA – Phoenix, AZ, US",
        ),
    ],
)
def test_a_name_with_signs_in_it_is_one_name(own: Location, line: str) -> None:
    assert word(f"{HEAD}<p>{line}</p>", own) == "agrees"
    assert word(f"{HEAD}<p>{line}</p>", SITES[0]) == "contradicts"
