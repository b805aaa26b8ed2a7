"""The card by which a trial is found: always that of its newest version, whatever happens to the versions."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from sqlite_utils import Database

from db import aliases, catalogue, migrations, watches
from db.catalogue import Wanted
from db.connection import APPLICATION_ID, History, open_history
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.notices.i18n import countries
from registry_sync.trials.countries import country_key
from tests.db.past import keep_study

NOW = "2026-02-02T06:17:00Z"
OTHER = "NCT00000001"


def found(history: History, **wanted: str) -> list[str]:
    return catalogue.found(history, Wanted(**wanted))


def test_a_new_version_is_found_by_what_it_says_now(history: History) -> None:
    watches.add(history, [TRIAL], [], NOW)
    keep_study(history, record.a_study(TRIAL, conditions=("Dry Eye",)), posted="2026-02-02", seen="2026-02-02")
    keep_study(history, record.a_study(TRIAL, conditions=("Dry Mouth",)), posted="2026-02-03", seen="2026-02-03")
    assert found(history, condition="dry mouth") == [TRIAL]
    assert found(history, condition="dry eye") == []
    assert len(history.rows("SELECT * FROM card")) == 1


def test_what_is_loaded_from_before_leaves_the_card_as_it_is(history: History) -> None:
    watches.add(history, [TRIAL], [], NOW)
    keep_study(history, record.a_study(TRIAL, conditions=("Dry Mouth",)), posted="2026-02-02", seen="2026-02-02")
    keep_study(history, record.a_study(TRIAL, conditions=("Dry Eye",)), posted="2025-02-02", seen="", registry_version=0)
    assert found(history, words="eye") == []
    assert len(history.rows("SELECT * FROM card")) == 1


def test_a_merged_trial_is_found_under_the_id_that_it_has_now(history: History) -> None:
    watches.add(history, [OTHER], [], NOW)
    keep_study(history, record.a_study(OTHER, conditions=("Dry Eye",)), posted="2026-02-02", seen="2026-02-02", trial=OTHER)
    with history.write():
        aliases.merge(history, OTHER, TRIAL, NOW)
    assert found(history, condition="eye") == [TRIAL]
    assert catalogue.cards(history, [TRIAL])[0]["conditions"] == ["Dry Eye"]


def of_an_earlier_program(history: History, path: Path) -> None:
    """What a history holds of trials in a file whose schema is that before the step that brought the cards."""
    earlier = sqlite3.connect(path, isolation_level=None)
    migrations.STEPS.apply(Database(earlier, execute_plugins=False), stop_before="m0008_cards")
    earlier.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    earlier.execute("ATTACH ? AS later", (str(history.path),))
    for table in ("trial", "watch", "version"):
        columns = ", ".join(f'"{row[1]}"' for row in earlier.execute(f"PRAGMA main.table_info({table})"))
        earlier.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM later.{table}")
    earlier.close()


def test_a_file_of_an_earlier_program_gets_a_card_of_each_trial(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_history(path, create=True) as history:
        watches.add(history, [TRIAL, OTHER], [], NOW)
        for trial in (TRIAL, OTHER):
            keep_study(history, record.a_study(trial, conditions=("Dry Eye",)), posted="2026-02-02", seen="2026-02-02", trial=trial)
        history.connection.execute("UPDATE version SET record = X'00' WHERE trial = ?", (OTHER,))
        earlier = path.with_name("earlier.db")
        of_an_earlier_program(history, earlier)
    with open_history(earlier) as history:
        assert found(history, condition="Dry Eye") == [TRIAL]
        assert set(found(history)) == {TRIAL, OTHER}, "what is damaged is still in the list"
        assert json.loads(history.rows("SELECT countries FROM card")[0]["countries"]) == ["Denmark"]
        assert Database(history.connection, execute_plugins=False)["card"].count == 1
        assert not migrations.STEPS.pending(history.db)


@pytest.mark.parametrize("name", ["Türkiye", "turkey", "TURKEY"])
def test_a_country_is_one_under_all_its_names(history: History, name: str) -> None:
    watches.add(history, [TRIAL], [], NOW)
    keep_study(history, record.a_study(TRIAL, places=(("Ankara", "Turkey"),)), posted="2026-02-02", seen="2026-02-02")
    assert found(history, country=name) == [TRIAL]
    assert catalogue.countries(history) == ["Turkey"]


@pytest.mark.parametrize(
    ("listed", "chosen"),
    [
        ("Saint Lucia", "St. Lucia"),
        ("Antigua and Barbuda", "Antigua & Barbuda"),
        ("Bosnia and Herzegovina", "Bosnia & Herzegovina"),
        ("Congo, The Democratic Republic of the", "Congo - Kinshasa"),
        ("Hong Kong", "Hong Kong SAR China"),
    ],
)
def test_a_country_that_is_chosen_from_the_list_is_the_registrys(listed: str, chosen: str) -> None:
    assert chosen in countries()
    assert country_key(chosen) == country_key(listed)
