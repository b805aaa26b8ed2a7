"""The same sites in the layouts in which trial-finder pages list them."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from registry_sync.trials.record import Location

Sites = Sequence[Location]
Layout = Callable[[Sites], str]
STATES = {"Texas": "TX", "California": "CA", "New York": "NY", "Florida": "FL", "Ontario": "ON", "Quebec": "QC", "Georgia": "GA"}
"""States that a page may shorten; of the others it writes the name."""


def lines_of_towns(sites: Sites) -> str:
    """Town, state, country: an item each."""
    return _heading() + _list(_town(site) for site in sites)


def lines_with_facilities(sites: Sites) -> str:
    """Facility, town, state, country: a paragraph each."""
    return _heading() + "".join(f"<p>{_text(_whole(site))}</p>" for site in sites)


def lines_with_codes(sites: Sites) -> str:
    """The same with the postal code before the country."""
    return _heading() + _list(_joined(site.facility, site.city, site.state, site.zip, site.country) for site in sites)


def codes_behind(sites: Sites) -> str:
    """Town and state, postal code behind them, country."""
    return _heading() + _list(
        _joined(site.facility, site.city, f"{site.state} {site.zip}" if site.state and site.zip else site.state, site.country)
        for site in sites
    )


def table(sites: Sites) -> str:
    """A column for each part, and the status."""
    return _heading() + _table(("Facility", "City", "Country", "Status"), ((s.facility, s.city, s.country, _status(s)) for s in sites))


def table_in_another_order(sites: Sites) -> str:
    """The columns otherwise, named otherwise, with a contact, below a heading that names nothing."""
    rows = ((_status(s), s.country, s.state, s.city, s.facility, "Contact A") for s in sites)
    head = ("Recruitment status", "Country", "State/Province", "City", "Study site", "Contact")
    return "<h2>Where the trial runs</h2>" + _table(head, rows)


def table_of_facility_and_place(sites: Sites) -> str:
    """Two columns: the facility, and where it is."""
    return _heading() + _table(("Site", "Location"), ((s.facility, _town(s)) for s in sites))


def table_with_countries_once(sites: Sites) -> str:
    """The country reaches over the rows of its sites."""
    head = "<tr><th>Country</th><th>Facility</th><th>City</th></tr>"
    rows = []
    for country, own in _by_country(sites):
        for place, site in enumerate(own):
            first = "" if place else f"<td rowspan='{len(own)}'>{_text(country)}</td>"
            rows.append(f"<tr>{first}<td>{_text(site.facility)}</td><td>{_text(site.city)}</td></tr>")
    return _heading() + f"<table>{head}{''.join(rows)}</table>"


def table_of_divs(sites: Sites) -> str:
    """Boxes that are a table to who hears the page only."""

    def row(cells: Iterable[str | None], role: str) -> str:
        return f"<div role=row>{''.join(f'<div role={role}>{_text(cell)}</div>' for cell in cells)}</div>"

    head = row(("Facility", "City", "Country", "Status"), "columnheader")
    body = "".join(row((s.facility, s.city, s.country, _status(s)), "cell") for s in sites)
    return _heading() + f"<div role=table><div role=rowgroup>{head}</div>{body}</div>"


def table_without_head(sites: Sites) -> str:
    """Rows alone."""
    return _heading() + _table((), ((s.facility, s.city, s.country) for s in sites))


def headings(sites: Sites) -> str:
    """How many there are, and a heading for each facility."""
    return f"<h2>Locations ({len(sites)})</h2>" + "".join(f"<h4>{_text(s.facility)}</h4><p>{_text(_town(s))}</p>" for s in sites)


def headings_with_more_below(sites: Sites) -> str:
    """Below each facility its address in lines, its status and a contact."""
    return f"<h2>Study Locations ({len(sites)})</h2>" + "".join(
        f"<h3>{_text(s.facility)}</h3><p>{_text(_town(s))}</p><p>Status: {_status(s)}</p><p>Contact: Contact A</p><p>555 0111</p>"
        for s in sites
    )


def items_with_breaks(sites: Sites) -> str:
    """The facility in bold, the rest on the next line."""
    return _heading() + f"<ul>{''.join(f'<li><strong>{_text(s.facility)}</strong><br>{_text(_town(s))}</li>' for s in sites)}</ul>"


def items_with_runs(sites: Sites) -> str:
    """The facility, the place and the status as runs of a line."""
    return _heading() + "".join(
        f"<div><b>{_text(s.facility)}</b><span>{_text(_town(s))}</span><i>{_text(_status(s))}</i></div>" for s in sites
    )


def definitions(sites: Sites) -> str:
    """Terms and their definitions."""
    return _heading() + f"<dl>{''.join(f'<dt>{_text(s.facility)}</dt><dd>{_text(_town(s))}</dd>' for s in sites)}</dl>"


def labelled_parts(sites: Sites) -> str:
    """A label before each part."""
    return _heading() + "".join(
        f"<div><p>Facility: {_text(s.facility)}</p><p>City: {_text(s.city)}</p><p>Country: {_text(s.country)}</p></div>" for s in sites
    )


def boxes(sites: Sites) -> str:
    """Facility and place as two lines of a box, with the status on a third."""
    return _heading() + "".join(
        f"<div><div>{_text(s.facility)}</div><div>{_text(_town(s))}</div><div>{_text(_status(s))}</div></div>" for s in sites
    )


def addresses(sites: Sites) -> str:
    """Facility, town and country on a line each."""
    return _heading() + f"<ul>{''.join(f'<li>{_text(s.facility)}<br>{_text(s.city)}<br>{_text(s.country)}</li>' for s in sites)}</ul>"


def status_in_brackets(sites: Sites) -> str:
    """The status behind the place."""
    return _heading() + _list(f"{_whole(site)} ({_status(site)})" for site in sites)


def status_behind_a_dash(sites: Sites) -> str:
    """The status behind the place and a dash."""
    return _heading() + _list(f"{_whole(site)} – {_status(site)}" for site in sites)


def status_behind_a_bar(sites: Sites) -> str:
    """The status behind the place and a bar."""
    return _heading() + "".join(f"<p>{_text(_whole(site))} | {_status(site)}</p>" for site in sites)


def status_below(sites: Sites) -> str:
    """The status on a line of its own."""
    return _heading() + "".join(f"<p>{_text(_whole(site))}</p><p>{_status(site)}</p>" for site in sites)


def by_country(sites: Sites) -> str:
    """A heading for each country, a list below it."""
    return _heading() + "".join(
        f"<h3>{_text(country)}</h3>{_list(_joined(s.facility, s.city) for s in own)}" for country, own in _by_country(sites)
    )


def by_country_with_counts(sites: Sites) -> str:
    """The same with how many there are, and the facilities with their towns on two lines."""
    return _heading() + "".join(
        f"<h3>{_text(country)} ({len(own)} sites)</h3>"
        + "".join(f"<div><p>{_text(s.facility)}</p><p>{_text(_joined(s.city, s.state))}</p></div>" for s in own)
        for country, own in _by_country(sites)
    )


def by_country_in_nested_lists(sites: Sites) -> str:
    """A list of countries with lists in it."""
    return _heading() + "".join(
        f"<ul><li>{_text(country)}{_list(_joined(s.facility, s.city) for s in own)}</li></ul>" for country, own in _by_country(sites)
    )


def states_shortened(sites: Sites) -> str:
    """American states as two letters, without the country."""
    return _heading() + _list(
        _joined(s.city, _shortened(s)) if _shortened(s) != s.state and s.country in ("United States", "Canada") else _town(s) for s in sites
    )


def states_shortened_with_codes(sites: Sites) -> str:
    """The same with facility, postal code and a short name for the country."""

    def line(site: Location) -> str:
        if site.state not in STATES:
            return _whole(site)
        country = "US" if site.country == "United States" else site.country
        return _joined(site.facility, site.city, " ".join(filter(None, (_shortened(site), site.zip))), country)

    return _heading() + "".join(f"<p>{_text(line(site))}</p>" for site in sites)


def by_country_and_town(sites: Sites) -> str:
    """A heading for each country, one for each town below it, and the facilities as a list."""
    return _heading() + "".join(
        f"<h3>{_text(country)}</h3>"
        + "".join(
            f"<h4>{_text(town)}</h4>{_list(site.facility or '' for site in here)}"
            for town, here in groupby(sorted(own, key=lambda site: site.city or ""), key=lambda site: site.city or "")
        )
        for country, own in _by_country(sites)
    )


def by_town(sites: Sites) -> str:
    """A heading for each town with its country, and the facilities as a list."""
    towns = groupby(sorted(sites, key=lambda site: _joined(site.city, site.country)), key=lambda site: _joined(site.city, site.country))
    return _heading() + "".join(f"<h3>{_text(town)}</h3>{_list(site.facility or '' for site in here)}" for town, here in towns)


def by_country_the_towns_alone(sites: Sites) -> str:
    """A heading for each country, and its towns as a list."""
    return _heading() + "".join(f"<h3>{_text(country)}</h3>{_list(s.city or '' for s in own)}" for country, own in _by_country(sites))


def by_country_the_facilities_alone(sites: Sites) -> str:
    """A heading for each country, and its facilities as a list."""
    return _heading() + "".join(f"<h3>{_text(country)}</h3>{_list(s.facility or '' for s in own)}" for country, own in _by_country(sites))


def countries_alone(sites: Sites) -> str:
    """The countries."""
    return _heading() + _list(country for country, _ in _by_country(sites))


def bars_between(sites: Sites) -> str:
    """Bars between the parts."""
    return _heading() + _list(" | ".join((s.facility or "", s.city or "", s.country or "")) for s in sites)


def dash_behind_the_facility(sites: Sites) -> str:
    """A dash behind the facility."""
    return _heading() + _list(f"{s.facility} – {_town(s)}" for s in sites)


def place_in_brackets(sites: Sites) -> str:
    """The place in brackets behind the facility."""
    return _heading() + _list(f"{s.facility} ({_town(s)})" for s in sites)


def country_first(sites: Sites) -> str:
    """From the country down to the facility."""
    return _heading() + _list(_joined(s.country, s.city, s.facility) for s in sites)


def status_before(sites: Sites) -> str:
    """The status before the place."""
    return _heading() + _list(f"{_status(s)}: {_whole(s)}" for s in sites)


def place_before_the_facility(sites: Sites) -> str:
    """The town above, the facility below."""
    return _heading() + "".join(f"<div><p>{_text(_town(s))}</p><p>{_text(s.facility)}</p></div>" for s in sites)


def items_with_much_below(sites: Sites) -> str:
    """A street, a telephone, a button and a person among the lines of each item."""
    return _heading() + "<ul>" + "".join(
        f"<li><a>{_text(s.facility)}</a><br>12 Harbour Street<br>{_text(_joined(s.zip, s.city))}, {_text(s.country)}<br>"
        "+45 555 0111<br>Contact A, MD<br><button>Get directions</button></li>" for s in sites
    ) + "</ul>"  # fmt: skip


def boxes_with_a_person(sites: Sites) -> str:
    """A line with a person among those of each box, and lines above and below the list."""
    return (
        _heading()
        + "<p>Find a location near you</p>"
        + "".join(f"<div><p>{_text(s.facility)}</p><p>{_text(_town(s))}</p><p>Contact A, MD</p></div>" for s in sites)
        + "<p>Ask your doctor</p>"
    )


def lines_among_others(sites: Sites) -> str:
    """Town and country, with lines above and below."""
    return _heading() + "<p>This trial runs at these places.</p>" + _list(_town(s) for s in sites) + "<p>Ask your doctor, or us</p>"


def by_country_among_others(sites: Sites) -> str:
    """A heading for each country, and lines that are no site."""
    return _heading() + "<p>Choose a country, then a site</p>" + "".join(
        f"<h3>{_text(country)}</h3>{_list(_joined(s.facility, s.city) for s in own)}<p>Show map</p><p>Ask your doctor, or us</p>"
        for country, own in _by_country(sites)
    )  # fmt: skip


def numbered(sites: Sites) -> str:
    """Numbers before the places."""
    return _heading() + "".join(f"<p>{n}. {_text(_whole(s))}</p>" for n, s in enumerate(sites, start=1))


def breaks_alone(sites: Sites) -> str:
    """Facility and place on lines of one paragraph."""
    return _heading() + "<p>" + "<br>".join(f"{_text(s.facility)}<br>{_text(_town(s))}" for s in sites) + "</p>"


OF_TODAY: tuple[Layout, ...] = (lines_of_towns, lines_with_facilities, lines_with_codes, table_without_head)
LAYOUTS: tuple[Layout, ...] = (
    *OF_TODAY, codes_behind, table, table_in_another_order, table_of_facility_and_place, table_with_countries_once, table_of_divs, headings,
    headings_with_more_below, items_with_breaks, items_with_runs, definitions, labelled_parts, boxes, addresses, status_in_brackets,
    status_behind_a_dash, status_behind_a_bar, status_below, by_country, by_country_with_counts, by_country_in_nested_lists,
    states_shortened, states_shortened_with_codes, by_country_and_town, by_town, by_country_the_towns_alone,
    by_country_the_facilities_alone, countries_alone, bars_between, dash_behind_the_facility, place_in_brackets,
    country_first, status_before, place_before_the_facility,
    items_with_much_below, boxes_with_a_person, lines_among_others, by_country_among_others, numbered, breaks_alone,
)  # fmt: skip

WITHOUT_TOWNS = frozenset((by_country_the_facilities_alone, countries_alone))
"""Layouts that do not say in which town a site is."""


def _heading() -> str:
    return "<h2>Locations</h2>"


def _table(head: Sequence[str], rows: Iterable[Iterable[str | None]]) -> str:
    top = f"<thead><tr>{''.join(f'<th>{name}</th>' for name in head)}</tr></thead>" if head else ""
    body = "".join(f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{top}<tbody>{body}</tbody></table>"


def _list(lines: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{_text(line)}</li>' for line in lines)}</ul>"


def _by_country(sites: Sites) -> list[tuple[str, list[Location]]]:
    ordered = sorted(sites, key=lambda site: site.country or "")
    return [(country, list(own)) for country, own in groupby(ordered, key=lambda site: site.country or "")]


def _whole(site: Location) -> str:
    return _joined(site.facility, site.city, site.state, site.country)


def _town(site: Location) -> str:
    return _joined(site.city, site.state, site.country)


def _shortened(site: Location) -> str | None:
    return STATES.get(site.state or "", site.state)


def _joined(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def _status(site: Location) -> str:
    return (site.status or "RECRUITING").replace("_", " ").capitalize()


def _text(text: str | None) -> str:
    return html.escape(text or "")
