"""What a reader agrees to is what was ticked, word for word; it is said for how long it is kept, and the yes comes from its own page."""

from __future__ import annotations

from html import unescape

import pytest

from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.notices.i18n import translator
from registry_sync.sources.ctgov_search import search_from
from registry_sync.web.forms import GROUPS, OF_READERS
from tests.house import House
from tests.web.conftest import Site
from tests.web.filling import ask, managed, newest_link
from tests.web.reading import Page, is_sound, words


@pytest.fixture
def watched(site: Site, house: House) -> House:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.sync(days=0)
    return house


def listed(page: Page, after: str) -> list[str]:
    """The list that follows this heading, or this term."""
    (head,) = [each for each in page.soup.find_all(["h2", "dt"]) if words(each) == after]
    return [words(each) for each in head.find_next("ul").find_all("li")]


@pytest.mark.parametrize("language", ["en", "da"])
@pytest.mark.parametrize("ticked", [["open"], ["sites", "who"], ["rest"], list(OF_READERS)])
def test_the_form_the_page_that_asks_and_the_one_to_manage_say_the_same(
    site: Site, watched: House, ticked: list[str], language: str
) -> None:
    form = Page(site.get(f"/subscribe?trial={TRIAL}&lang={language}"))
    labels = {name: words(form.soup.find("label", attrs={"for": f"about-{name}"})) for name in OF_READERS}
    expected = [labels[name] for name in OF_READERS if name in ticked]
    assert ask(site, about=ticked, language=language).status_code == 303
    link = newest_link(site, 1)
    what = translator(language).gettext("What about")
    page = Page(site.get(link))
    assert listed(page, what) == expected
    site.post(link)
    manage = Page(site.get(f"{managed(site, 2)}?lang={language}"))
    assert listed(manage, what) == expected


def test_what_no_choice_of_the_form_stands_for_is_said_in_its_own_words(site: Site, watched: House) -> None:
    page = Page(site.get(site.asked(topics=frozenset({"registry", "identity", "listing", "housekeeping"}))))
    assert listed(page, "What about") == [
        "whether its entry leaves the registry, or comes back",
        "its conditions, and who runs it",
        GROUPS["listing"][0],
        "the registry's own dates",
    ]


def test_what_matters_most_is_said_where_it_can_be_chosen_and_where_it_was(site: Site, watched: House) -> None:
    most = "that it opens, pauses, closes or ends"
    form = Page(site.get(f"/subscribe?trial={TRIAL}"))
    hint = form.soup.find(id=form.soup.find(id="least")["aria-describedby"])
    assert most in words(hint)
    page = Page(site.get(site.asked(least="major")))
    is_sound(page)
    assert f"Only what matters most: {most}" in page.text
    assert most not in Page(site.get(site.asked(every="week", address="other@example.org"))).text


def test_a_title_of_a_megabyte_is_cut_where_it_asks_for_consent(site: Site, house: House) -> None:
    house.registry.put(record.a_study(TRIAL, title="Long " * 200_000))
    house.watch(TRIAL)
    house.sync(days=0)
    assert len(site.get(site.asked()).content) < 20_000
    assert len(site.get(site.asked(search=search_from([f"cond={'long ' * 200}"]), address="other@example.org")).content) < 20_000


# --- who says yes ---


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example.org"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_no_page_of_another_site_says_yes(site: Site, watched: House, headers: dict[str, str]) -> None:
    link = site.asked()
    answer = site.post(link, headers=headers)
    assert (answer.status_code, site.states) == (403, ["pending"])
    assert "This was not sent from here" in answer.text
    assert site.post(link, headers={"Origin": site.url, "Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert site.states == ["active"]


def test_the_page_with_the_button_lets_a_browser_say_where_it_is_sent_from(site: Site, watched: House) -> None:
    assert site.get(site.asked()).headers["Referrer-Policy"] == "strict-origin"


# --- for how long ---


def test_it_is_said_for_how_long_what_is_kept(site: Site, watched: House) -> None:
    page = Page(site.get("/privacy"))
    is_sound(page)
    for said in (
        "for 30 days after you have stopped",
        "never confirmed: for 30 days",
        "stays for 14 days more",
        "for 30 days after it has taken them down",
        "If somebody else typed your address",
    ):
        assert said in page.text
    danish = unescape(site.get("/privacy?lang=da").text)
    for said in ("i 30 dage efter, at du har stoppet", "aldrig bekræftet: i 30 dage", "i 14 dage til", "en anden har skrevet din adresse"):
        assert said in danish


def test_the_danish_page_has_one_word_for_erasing(site: Site) -> None:
    text = unescape(site.get("/privacy?lang=da").text)
    assert "slettes" in text
    assert "fjern" not in text
