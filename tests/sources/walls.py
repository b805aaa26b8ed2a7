"""What sites show in place of a page (``walls.toml``), and pages that say the same words and are whole."""

from __future__ import annotations

import tomllib
from pathlib import Path


def page(body: str, title: str = "Trial Harbour", head: str = "") -> str:
    """A whole page."""
    return (
        f"<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>{title}</title>{head}</head>\n"
        f"<body>{body}\n<footer>Trial Harbour, Example Street 1. All rights reserved.</footer></body></html>\n"
    )


MENU = "".join(f"<div>{item}</div>" for item in ("Search", "Conditions", "Locations", "Sponsors", "Phases", "About us"))
"""A menu that is no ``nav``: words of trials, with nothing beside them."""


def _walls() -> tuple[tuple[str, str], ...]:
    cases = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["wall"]
    return tuple(
        (case["kind"], page(case["body"].strip().replace("{menu}", MENU), case.get("title", "Trial Harbour"), case.get("head", "")))
        for case in cases
    )


WALLS = _walls()
"""Kinds and pages."""

TRIAL = """
<div><h1>Eye Drops Against Dryness in Grown People</h1><p>Trial NCT01234567</p>
<h3>Recruitment Status</h3><p>{status}</p>
<h3>Sponsor</h3><p>Example Hospital</p>
<h3>Gender</h3><p>All</p>
<h3>Inclusion Criteria</h3><ul><li>Dry eyes for at least 6 months</li><li>Signed informed consent</li></ul>
<h3>Exclusion Criteria</h3><ul><li>Contact lenses</li><li>{exclusion}</li></ul></div>
"""
PLAIN = TRIAL.format(status="Recruiting", exclusion="Eye surgery within 12 months")
PROSE = """
<article><h1>Drops that may help dry eyes</h1>
<p>Dry eyes are a burden for many people, and the drops that can be bought today help for a short time only. In this trial, doctors at a
hospital look at a new kind of drops that stay on the eye for longer. Half of the people who join get the new drops, and the other half get
the usual ones, and nobody knows which until the end.</p>
<p>You may be able to join if you are grown up and have had dry eyes for half a year. You cannot join if you wear contact lenses or have had
an operation on the eye within a year. Ask your doctor whether this trial may be something for you.</p></article>
"""
COOKIES = """
<div role='dialog'><h2>We value your privacy</h2>
<p>We use cookies to improve your experience. By clicking accept, you consent to the use of all cookies.</p>
<button>Accept all</button><button>Reject all</button></div>
"""

GOOD: tuple[str, ...] = (
    page(PLAIN),
    page(PROSE),
    page(COOKIES + PLAIN),
    page(PLAIN + COOKIES),
    page(COOKIES + PROSE),
    page("<noscript>You need to enable JavaScript to run this app.</noscript>" + PLAIN),
    page("<p>Please enable JavaScript for the map.</p>" + PLAIN),
    page(PLAIN + "<h4>Not found what you need?</h4><p>Write to us when the page you are looking for could not be found.</p>"),
    page(TRIAL.format(status="No longer available", exclusion="Not able to verify that you are human tissue donor")),
    page("<h1>This expanded access is no longer available</h1>" + TRIAL.format(status="No longer available", exclusion="None")),
    page(TRIAL.format(status="Temporarily not available", exclusion="Access denied to medical records")),
    page(
        TRIAL.format(status="Suspended", exclusion="Under maintenance therapy")
        + "<p>The study is on hold while the site is closed for maintenance.</p>"
    ),
    page(PLAIN, "Maintenance treatment with eye drops - Trial Harbour"),
    page("<div class='banner'>Scheduled maintenance: our site is down for maintenance on Sunday night.</div>" + PLAIN),
    page("<div class='banner'>We are experiencing technical difficulties with the map.</div>" + PROSE),
    page("<form><input name='q'><input type='password'><button>Sign in</button></form>" + PLAIN),
    page("<p>Log in to save this trial.</p>" + PROSE),
    page("<div>Sign in to continue</div>" + PLAIN),
    page(PLAIN + "<p>Loading map...</p><p>Loading...</p>"),
    page(PLAIN + "<script src='https://captcha.example.org/api.js'></script><div class='g-recaptcha'></div>"),
    page(PLAIN + "<form><p>Please verify you are human.</p></form>"),
    page(PLAIN + "<script>(function(){var s='/cdn-cgi/challenge-platform/scripts/jsd/main.js'})()</script>"),
    page(PLAIN, head="<meta http-equiv='refresh' content='1800; url=/trials/NCT01234567'>"),
    page(PLAIN + "<script>function go() { window.location.href = '/login'; }</script>"),
    page("<div id='modal-root'></div><div id='app'>" + PLAIN + "</div><script src='/app.js'></script>"),
    page(PLAIN, "Loading..."),
    page(PLAIN, "Sign in | Trial Harbour"),
    page("<p>Too many requests for places: the waiting list is closed.</p>" + PLAIN),
    page("<h2>Are you a healthcare professional?</h2><p>See the page for professionals.</p>" + PLAIN),
    page("<h2>0 results</h2><p>No results found have been posted for this study.</p>" + PLAIN),
    page(PROSE + "<p>This page uses cookies, and our partners do.</p><p>Read the cookie policy.</p>"),
    # short, and about what walls are about
    page("<h1>Maintenance therapy with eye drops</h1><p>Status: Completed</p><p>NCT01234567</p>"),
    page("<h1>A Study of Access Denied: Barriers to Care in Eye Clinics</h1><p>Recruiting</p>"),
    page("<h1>Tolerance to Cookies in Children With Nut Allergy</h1><p>Children eat cookies.</p><p>Parents' consent</p>"),
    page("<h1>Human Verification of Machine Reading in Eye Clinics</h1><p>Recruiting</p>"),
    page("<h1>Drops</h1><p>NCT01234567</p><p>Expanded access: No longer available</p><p>Temporarily not available</p>"),
    page("<h1>Drops</h1><p>Recruiting</p><p>Loading dose of 300 mg</p><p>Log in</p><p>Enrollment</p><p>404</p>"),
    page("<h1>Drops</h1><p>Recruiting</p><p>Please check back later for updates.</p>"),
    # whole, in the ways in which pages are written
    "<!doctype html><title>Drops</title><meta charset=utf-8><h1>Drops</h1><p>Recruiting<p>NCT01234567<h3>Sponsor</h3><p>Example",
    "<!doctype html><html lang=en><title>Drops</title><body class=x><h1>Drops</h1><p>Recruiting<ul><li>Dry eyes<li>Consent</ul>",
    PLAIN,
    "<HTML><BODY>" + PLAIN + "</BODY></HTML>",
    "<?xml version='1.0'?><!DOCTYPE html><html xmlns='http://www.w3.org/1999/xhtml'><body>"
    + PLAIN
    + "<br /><img src='x>y' /></body></html>",
    page(PLAIN) + "<!-- served in 12 ms --><script>track('<div>')</script>",
    page(PLAIN + "<script>print('<html><body><p>'); print('</body></html>'); if (a < b) { c(); }</script><!-- <div> -->"),
    page(PLAIN) + "<div>A dialogue behind the end</div>",
    page(PLAIN + "<a title='a > b' href=x?a=b>more</a> 3 < 4 <3 and so on"),
    "Trial NCT01234567\nStatus: Recruiting\nSponsor: Example Hospital\nAge < 65",
)
