"""What a visitor finds: the demo's two weeks, some trials more in all kinds of states, and the pages over a real socket."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jobs.surroundings import Surroundings
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import DAYS
from registry_sync.web.server import listen, serve
from tests.house import open_house
from tests.waiting import finish
from tests.web.conftest import Site
from tests.web.filling import managed

READER, COORDINATOR = "advocate@example.org", "coordinator@example.org"
ARABIC, GONE, LONG, OPEN, SOON, STOPPED, UNREAD, DONE = (f"NCT0000000{number}" for number in range(1, 9))
HEBREW = ("גיל 18 ומעלה (או יותר)",)
LONGEST_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3
"""Without a place at which a line may break."""


@dataclass
class World:
    """The pages, the house behind them, and the links that mails had, by what they lead to."""

    site: Site
    links: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.site.url

    def mails(self) -> dict[str, str]:
        """What mails to readers and coordinators have as pages, by their subjects."""
        return {str(mail.message["Subject"]): mail.text("html") for mail in self.site.house.mailbox.messages}


def studies() -> list[record.Study]:
    """Trials on the demo's day: open, still to open, stopped, done, in another script, with a title that has no end."""
    dry_mouth, sjogren = ("Xerostomia", "Radiotherapy Side Effect"), ("Sjögren's Disease", "Dry Eye")
    copenhagen, lund, hamburg, oslo = ("Copenhagen", "Denmark"), ("Lund", "Sweden"), ("Hamburg", "Germany"), ("Oslo", "Norway")
    make = record.a_study
    return [
        make(
            ARABIC,
            title="دراسة عن جفاف الفم وعلاجه بالخلايا (صفحة 2)",
            conditions=("جفاف الفم",),
            places=(("القاهرة", "Egypt"),),
            inclusion=HEBREW,
        ),
        make(GONE, title="A Saliva Substitute in People Who Sleep Badly", conditions=dry_mouth, places=(copenhagen,)),
        make(LONG, title=LONGEST_WORD, conditions=(LONGEST_WORD,), places=((LONGEST_WORD, "Denmark"),), inclusion=(LONGEST_WORD,)),
        make(OPEN, title="Acupuncture Against a Dry Mouth After Radiotherapy", conditions=dry_mouth, places=(copenhagen, lund, hamburg)),
        make(SOON, title="Eye Drops Twice or Four Times a Day", status="NOT_YET_RECRUITING", conditions=sjogren, places=(oslo, lund)),
        make(STOPPED, title="A Mouth Rinse With Malic Acid", status="WITHDRAWN", conditions=dry_mouth, places=(hamburg,)),
        record.with_completion(
            make(DONE, title="Warm Compresses in Dry Eye", status="COMPLETED", conditions=("Dry Eye",)),
            "2026-01-10",
            primary="2025-11-28",
            type_="ACTUAL",
        ),
    ]


@contextmanager
def open_world(folder: Path) -> Iterator[World]:
    """A world in a folder; its servers stop with the block."""
    with open_house(folder) as house, listen("127.0.0.1:0") as listener:
        site = Site(house, f"http://127.0.0.1:{listener.getsockname()[1]}")
        house.set("web", url=site.url)
        for study in studies():
            house.registry.put(study)
        for day in DAYS:
            day.apply(house.registry, house.listing)
            house.at = day.at
            if day is DAYS[0]:
                house.watch(TRIAL, pages=(house.listing.url_of(TRIAL),))
                house.watch(ARABIC, GONE, LONG, OPEN, SOON, STOPPED, DONE)
                house.subscribe(READER)
                house.subscribe(COORDINATOR, role="coordinator")
            house.sync(days=0)
        _go_on(site)
        world = World(site)
        around = Surroundings(house.settings, now=lambda: house.at, stop=threading.Event())
        thread = threading.Thread(target=serve, args=(around, listener), name="web pages")
        thread.start()
        try:
            _write(world)
            yield world
        finally:
            around.stop.set()
            finish(thread)


def _go_on(site: Site) -> None:
    """What comes after the two weeks: one trial pauses, one ends early, one leaves the registry, one is not there yet."""
    registry = site.house.registry
    registry.put(record.with_completion(registry.study(OPEN), "2027-06-30", primary="2027-03-31", posted="2026-02-15"))
    stopped = record.with_status(registry.study(STOPPED), "TERMINATED", posted="2026-02-15", why_stopped="Too few people took part")
    registry.put(stopped)
    registry.remove(GONE)
    site.house.sync()
    registry.put(record.with_status(registry.study(OPEN), "SUSPENDED", posted="2026-02-16", why_stopped="No material until April"))
    site.house.sync()
    registry.put(record.with_status(registry.study(OPEN), "RECRUITING", posted="2026-02-17"))
    site.house.sync()
    site.house.watch(UNREAD)


def _write(world: World) -> None:
    """Mails with links: one that stops, one that confirms, one that was used."""
    site = world.site
    world.links["stop"] = stop_link(site, READER)
    used = site.asked(OPEN, address="used@example.org")
    assert site.post(used).status_code == 200
    world.links["used"] = used
    managed = asked_to_manage(site, READER)
    its = managed + f"/{next(row['id'] for row in site.rows() if row['address'] == READER)}"
    more = {"manage": managed, "manage stop": f"{managed}/stop", "manage erase": f"{managed}/erase"}
    world.links |= {**more, "manage one": its, "manage one stop": f"{its}/stop"}
    world.links["confirm"] = site.asked(TRIAL, OPEN, address="new@example.org")


def asked_to_manage(site: Site, address: str) -> str:
    """Ask for the link to all that an address is told, and take it from the mail."""
    return managed(site, len(site.house.mailbox.messages) + 1, address)


def stop_link(site: Site, address: str) -> str:
    """The link that stops, in the newest mail to an address that has one."""
    for mail in reversed(site.house.mailbox.messages):
        found = re.search(r"http\S+/stop/\S+", mail.text("plain"))
        if found and mail.recipients == (address,):
            return found[0]
    raise AssertionError("no mail has a link that stops")
