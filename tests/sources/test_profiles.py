"""What is known of a site is data: one file each, an operator's own first, and a broken one is named in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry_sync.errors import SettingsError
from registry_sync.sources import vocabulary
from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found
from registry_sync.sources.labels import label_key, status_key
from registry_sync.sources.profiles import UNKNOWN, Profile, load_profiles
from registry_sync.trials.listing import Listing, Subject
from registry_sync.trials.record import BY_NAME
from tests.sources.finder_pages import TRIAL, URL, whole

START = f"<p>{TRIAL}</p><p>Phase: Phase 2</p>"


def listing(content: str, profile: Profile) -> Listing:
    found = read_page(Subject(TRIAL), URL, whole(START + content), None, profile)
    assert isinstance(found, Found), found
    assert found.listing is not None
    return found.listing


# the files


def test_the_known_sites_are_known() -> None:
    assert {profile.name for profile in load_profiles().known} == {
        "ClinConnect", "MedDataX", "TrialX", "CenterWatch", "ICH GCP", "MedPath", "Power", "Veeva CTV", "ClinicalTrials.gov (classic)",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://clinconnect.io/trials/NCT01234567", "ClinConnect"),
        ("https://www.clinconnect.io./x", "ClinConnect"),
        ("https://TRIAL.medpath.com/clinical-trial/1", "MedPath"),
        ("https://www.withpower.com:443/trial/x", "Power"),
        ("https://ctv.veeva.com/study/x", "Veeva CTV"),
        ("https://classic.clinicaltrials.gov/ct2/show/NCT01234567", "ClinicalTrials.gov (classic)"),
        ("https://veeva.com/", ""),
        ("https://notclinconnect.io/", ""),
        ("https://clinconnect.io.example.org/", ""),
        ("https://[broken", ""),
        ("", ""),
    ],
)
def test_a_profile_is_found_by_its_host_and_for_sub_domains(url: str, name: str) -> None:
    assert load_profiles().of(url).name == name


def test_every_word_is_written_as_it_is_looked_up_and_means_one_thing() -> None:
    words = vocabulary.common()
    labels = [wording for same in words.labels.values() for wording in same]
    assert [wording for wording in labels if label_key(wording) != wording] == []
    assert sorted(labels) == sorted(set(labels))
    several = [wording for one in words.several for wording in one.words]
    statuses = [wording for table in (words.statuses, words.statuses_beside_a_label) for same in table.values() for wording in same]
    assert [wording for wording in (*several, *statuses) if status_key(wording) != wording] == []
    assert sorted((*several, *statuses)) == sorted({*several, *statuses})
    assert all(one.tokens for one in words.several)


def test_every_field_that_a_page_can_state_is_one_of_the_record() -> None:
    assert set(vocabulary.VALUES) <= BY_NAME.keys()


def test_an_operators_own_profiles_win(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('name = "Mine"\nhosts = ["clinconnect.io", "finder.example.org:8080"]\n')
    (tmp_path / "notes.txt").write_text("no profile")
    profiles = load_profiles(tmp_path)
    assert profiles.of("https://clinconnect.io/x").name == "Mine"
    assert profiles.of("http://finder.example.org:8080/x").name == "Mine"
    assert profiles.of("http://finder.example.org/x") is UNKNOWN
    assert profiles.of("https://meddatax.com/x").name == "MedDataX"


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ('hosts = ["example.org"]', "name", "the site's name"),
        ('name = "A"', "hosts", "a list of host names"),
        ('name = "A"\nhosts = "example.org"', "hosts", "a list of host names"),
        ('name = "A"\nhosts = ["https://example.org/x"]', "hosts", "a host name"),
        ('name = "A"\nhosts = ["example.org"]\ncolour = 1', "colour", "unknown key"),
        ('name = "A"\nhosts = ["example.org"]\nday_first = "yes"', "day_first", "true or false"),
        ('name = "A"\nhosts = ["example.org"]\n[labels]\n"posted" = "postdate"', 'labels."posted"', "one of"),
        ('name = "A"\nhosts = ["example.org"]\n[labels]\n"posted" = ["none"]', 'labels."posted"', "one of"),
        ('name = "A"\nhosts = ["example.org"]\n[dates]\n"posted" = "sex"', 'dates."posted"', "refreshed"),
        ('name = "A"\nhosts = ["example.org"]\n[statuses]\n"off" = "OFF"', 'statuses."off"', "RECRUITING"),
        ('name = "A"\nhosts = ["example.org"]\n[statuses]\n"off" = ["COMPLETED", 3]', 'statuses."off"', "one or more of"),
        ('name = "A"\nhosts = ["example.org"]\ntruncates = ["summary"]', "truncates", "criteria"),
        ('name = "A"\nhosts = ["example.org"]\nparaphrases = "criteria"', "paraphrases", "a list"),
        ('name = "A"\nhosts = ["example.org"]\nlabels = 3', "labels", "a table"),
        ('name = "A', "", "TOML"),
    ],
)
def test_a_broken_profile_is_one_line_that_names_file_key_and_what_is_expected(tmp_path: Path, text: str, key: str, expected: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(SettingsError) as raised:
        load_profiles(tmp_path)
    message = str(raised.value)
    assert str(tmp_path / "mine.toml") in message
    assert key in message
    assert expected in message
    assert "\n" not in message


def test_every_mistake_of_a_profile_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('hosts = []\nx = 1\n[dates]\n"a" = "b"\n')
    with pytest.raises(SettingsError) as raised:
        load_profiles(tmp_path)
    assert all(key in str(raised.value) for key in ("name:", "hosts:", "x:", 'dates."a":'))


def test_a_file_that_is_no_text_and_a_missing_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="expected a folder"):
        load_profiles(tmp_path / "none")
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match=r"mine\.toml: expected text in UTF-8"):
        load_profiles(tmp_path)


# what they do


def test_a_sites_label_means_what_its_profile_says() -> None:
    site = Profile(name="Site", labels={"Group": "sex", "gender": "none", "Runs at": "locations"})
    said = listing("<p>Group: Female</p><p>Gender: Male</p><h2>Runs at</h2><p>Oslo, Norway</p>", site)
    assert said.record.sex == "FEMALE"
    assert said.record.locations is not None
    assert said.site == "Site"
    assert listing("<p>Gender: Male</p>", UNKNOWN).site is None


def test_a_sites_word_for_the_status_means_what_its_profile_says() -> None:
    site = Profile(name="Site", statuses={"Live": "RECRUITING", "Dormant": ["SUSPENDED", "UNKNOWN"]})
    assert listing("<p>Status: Live</p>", site).record.overall_status == "RECRUITING"
    dormant = listing("<p>Status: dormant</p>", site)
    assert (dormant.record.overall_status, dormant.statuses) == (None, ("SUSPENDED", "UNKNOWN"))


def test_a_sites_dates_are_what_its_profile_says() -> None:
    site = Profile(
        name="Site", dates={"Last updated": "refreshed", "Up since": "first_submit_date", "Study start": "none", "launched by": "none"}
    )
    said = listing(
        "<p>Last updated: 2025-07-01</p><p>Up since Jan 2, 2025</p><p>Study start: 2025-01-01</p><p>Launched by A Clinic · Jan 9, 2025</p>",
        site,
    )
    assert said.refreshed == "2025-07-01"
    assert said.record.first_submit_date == "2025-01-02"
    assert said.record.start_date is None
    assert said.record.lead_sponsor == "A Clinic"


@pytest.mark.parametrize(("kind", "how"), [("truncates", "cut_off"), ("paraphrases", "paraphrased"), ("run_together", "run_together")])
def test_what_a_site_cuts_or_rewrites_without_saying_so_is_no_value(kind: str, how: str) -> None:
    site = Profile(name="Site", **{kind: ["conditions", "criteria", "sex"]})  # type: ignore[arg-type]
    said = listing("<p>Condition: Dry Eye</p><h2>Inclusion criteria</h2><ul><li>Adults</li></ul>", site)
    assert (said.record.conditions, said.record.criteria) == (None, None)
    assert said.how == {"conditions": how, "criteria": how}


def test_what_a_site_says_nothing_of_stays_so() -> None:
    site = Profile(name="Site", paraphrases=["criteria", "lead_sponsor"])
    said = listing("<h2>Eligibility criteria</h2><p>Not reported</p><p>Sponsor: N/A</p>", site)
    assert said.how == {"criteria": "not_reported", "lead_sponsor": "not_reported"}


def test_what_a_site_shows_without_labels_is_read_above_its_first_label_only() -> None:
    site = Profile(name="Site", bare=["ages", "sex"])
    found = read_page(
        Subject(TRIAL),
        URL,
        whole(f"<h1>Some Drops for Eyes ({TRIAL})</h1><p>18 years and older</p><p>All</p><p>Recruiting</p>"),
        None,
        site,
    )
    assert isinstance(found, Found)
    assert (found.record.minimum_age, found.record.sex, found.record.overall_status) == ("18 Years", "ALL", "RECRUITING")
    assert listing("<h2>Keywords</h2><p>All</p>", site).record.sex is None


def test_the_dates_of_clinconnect() -> None:
    said = listing(
        "<p>Launched by A CLINIC · Jan 27, 2025</p><p>Current as of July 01, 2025</p><p>Non Recruiting</p>"
        "<h2>Timeline</h2><p>First submit</p>"
        "<p>Jan 27, 2025</p><p>Trial launched</p><p>Jan 21, 2025</p><p>Trial updated</p><p>Jul 1, 2025</p>"
        "<p>Estimated completion</p><p>Dec 31, 2025</p>",
        load_profiles().of("https://clinconnect.io/x"),
    )
    assert said.refreshed == "2025-07-01"
    assert said.record.first_submit_date == "2025-01-27"
    assert said.record.start_date is None
    assert said.record.completion_date is not None
    assert len(said.statuses) == 13


def test_what_power_writes_is_no_text_of_the_record() -> None:
    said = listing(
        "<h1>Drops for Dry Eyes of Grown People</h1><p>Recruiting</p><h2>Eligibility Criteria</h2><h3>Inclusion Criteria</h3>"
        "<p>Dry eyes for a year.</p>",
        load_profiles().of("https://www.withpower.com/trial/x"),
    )
    assert said.record.overall_status == "RECRUITING"
    assert said.how == {"brief_title": "paraphrased", "criteria": "paraphrased"}
