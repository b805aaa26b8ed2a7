"""The black-box run: everything through the command line, in processes of their own, as a coordinator would do it."""

from __future__ import annotations

from registry_sync.demo import record
from registry_sync.demo.hook import payload
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import SMOKE_FREE_AFTER, SMOKE_FREE_BEFORE, first_listing
from tests.cli.conftest import Terminal


def test_from_the_registry_and_a_listing_page_to_the_inbox(terminal: Terminal) -> None:
    house = terminal.house
    house.registry.put(record.the_study())
    house.listing.put(TRIAL, first_listing())
    page = house.listing.url_of(TRIAL)
    hook = f"{house.hook.url}/in/secret-path"

    # 1 init, 2 watch with page, 3 two subscriptions
    assert terminal.shell("init").code == 0
    assert terminal.shell("watch", "add", f" {TRIAL.lower()} ", "--page", page).code == 0
    assert terminal.shell("subscribe", "reader@example.org", TRIAL, "--confirmed").code == 0
    assert terminal.shell("subscribe", hook, TRIAL).code == 0

    # 4 the baseline: recorded, and nobody is told
    first = terminal.shell("sync", "--json")
    assert (first.code, first.err) == (0, "")
    assert [source["checked"] for source in first.json["sources"]] == [1, 1]
    assert (first.json["changes"], first.json["notices"], first.json["delivered"]) == (0, 0, 0)
    assert not house.mailbox.messages

    # 5 the record changes, 6 sync
    study = record.with_status(house.registry.study(TRIAL), "ACTIVE_NOT_RECRUITING", posted="2026-02-03")
    study = record.with_completion(study, "2026-06-30")
    house.registry.put(record.with_criterion(study, SMOKE_FREE_BEFORE, SMOKE_FREE_AFTER))
    second = terminal.shell("sync", "--json")
    assert (second.code, second.err) == (0, "")
    assert (second.json["changes"], second.json["notices"], second.json["delivered"]) == (4, 2, 2)  # and the page fell behind

    # 7 mail and POST with exactly the changes made
    (mail,) = house.mailbox.messages
    assert list(mail.recipients) == ["reader@example.org"]
    assert str(mail.message["Subject"]) == f"A trial you follow is no longer recruiting ({TRIAL})"
    assert "June 2026" in mail.text("plain")
    assert "12" in mail.text("plain")
    (post,) = house.hook.posts
    told = payload(post)["changes"]
    assert [(change["field"], change["operation"]) for change in told] == [
        ("overall_status", "changed"),
        ("completion_date", "changed"),
        ("criteria", "changed"),
    ]
    assert told[1]["after"] == {"date": "2026-06-30", "type": "ESTIMATED"}
    *changes, news = reversed(terminal.shell("changes", TRIAL, "--json").json)
    assert told == changes
    assert (news["topic"], news["source"], news["after"]) == ("listing", page, "fell behind")

    # and a second sync with nothing changed sends nothing and leaves everything as it was
    before = house.counts()
    third = terminal.shell("sync", "--json")
    assert (third.json["changes"], third.json["notices"], third.json["delivered"]) == (0, 0, 0)
    after = house.counts()
    assert {name: after[name] for name in after if name != "run"} == {name: before[name] for name in before if name != "run"}
    assert len(house.mailbox.messages) == 1
    assert len(house.hook.posts) == 1

    # what was said of the webhook never shows its secret
    for command in (["subscriptions"], ["outbox"], ["subscriptions", "--json"], ["outbox", "--json"]):
        said = terminal.shell(*command)
        assert said.code == 0
        assert "secret-path" not in said.out
