"""Settings: where they come from, and how each mistake is named."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest

from registry_sync.cli.settings_file import TEXT
from registry_sync.errors import SettingsError
from registry_sync.settings import Settings, load, unknown_in_environment


def written(folder: Path, text: str, name: str = "registry-sync.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    settings = load(None, {}, tmp_path)
    assert settings.database == str(tmp_path / "history.db")
    assert settings.ctgov.url == "https://clinicaltrials.gov"
    assert (settings.http.requests_per_minute, settings.http.attempts) == (50, 4)
    assert settings.path is None


def test_the_file_of_init_names_every_key_with_its_default() -> None:
    defaults = msgspec.to_builtins(Settings())
    del defaults["path"]
    assert tomllib.loads(TEXT) == msgspec.json.decode(msgspec.json.encode(defaults))


def test_a_named_file_wins_over_the_environments_and_over_the_one_here(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    written(here, 'database = "here.db"')
    named = written(tmp_path, 'database = "named.db"', "named.toml")
    other = written(tmp_path, 'database = "other.db"', "other.toml")
    assert load(None, {}, here).database == str(here / "here.db")
    assert load(None, {"REGISTRY_SYNC_CONFIG": str(other)}, here).database == str(tmp_path / "other.db")
    assert load(str(named), {"REGISTRY_SYNC_CONFIG": str(other)}, here).database == str(tmp_path / "named.db")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    written(tmp_path, "[smtp]\nport = 2500\npassword = 'file'\n[webhook]\nallow_private = false")
    environ = {
        "REGISTRY_SYNC_SMTP_PASSWORD": "secret",
        "REGISTRY_SYNC_SMTP_PORT": "2525",
        "REGISTRY_SYNC_WEBHOOK_ALLOW_PRIVATE": "true",
        "REGISTRY_SYNC_HTTP_TIMEOUT": "2.5",
        "REGISTRY_SYNC_WEB_TRUSTED_PROXIES": "10.0.0.1, 10.0.0.2",
        "REGISTRY_SYNC_DATABASE": "elsewhere.db",
    }
    settings = load(None, environ, tmp_path)
    assert (settings.smtp.password, settings.smtp.port, settings.webhook.allow_private) == ("secret", 2525, True)
    assert settings.http.timeout == 2.5
    assert settings.web.trusted_proxies == ("10.0.0.1", "10.0.0.2")
    assert settings.database == str(tmp_path / "elsewhere.db")


def test_paths_in_the_file_are_relative_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    path = written(folder, 'database = "../data/history.db"\n[smtp]\nca_file = "ca.pem"')
    settings = load(str(path), {}, tmp_path)
    assert Path(settings.database) == folder / "../data/history.db"
    assert settings.smtp.ca_file == str(folder / "ca.pem")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("databse = 'x'", "unknown key databse"),
        ("database = 3", "database: expected a path, not 3"),
        ("[smpt]\nport = 1", "unknown key smpt"),
        ("smtp = 3", "smtp: expected a section [smtp]"),
        ("[smtp]\nprot = 1", "unknown key smtp.prot: expected one of host, port"),
        ("[smtp]\nport = '25'", "smtp.port: expected a port from 1 to 65535, not '25'"),
        ("[smtp]\nport = 70000", "smtp.port: expected a port from 1 to 65535, not 70000"),
        ("[smtp]\nport = true", "smtp.port: expected a port from 1 to 65535, not true"),
        ("[smtp]\nsecurity = 'ssl'", "smtp.security: expected one of none, starttls, tls, not 'ssl'"),
        ("[smtp]\nsender = 'nobody'", "smtp.sender: expected a mail address"),
        ('[smtp]\nsender = "A <a@example.org>\\nBcc: b@example.org"', "smtp.sender: expected a mail address"),
        ("[smtp]\noperator = 'a b'", "smtp.operator: expected a mail address, or empty"),
        ('[smtp]\nsender = "a@example.org\\n"', "smtp.sender: expected a mail address"),
        ('[smtp]\nreply_to = "a@example.org\\n"', "smtp.reply_to: expected a mail address, or empty"),
        ('[web]\nlisten = "127.0.0.1:8080\\n"', "web.listen: expected HOST:PORT"),
        ("[http]\nrequests_per_minute = 0", "http.requests_per_minute: expected a whole number from 1 to 600000, not 0"),
        ("[http]\ntimeout = 0", "http.timeout: expected seconds, more than 0"),
        ("[http]\nattempts = 2.5", "http.attempts: expected a whole number from 1 to 20"),
        ("[ctgov]\nurl = 'clinicaltrials.gov'", "ctgov.url: expected an http or https URL"),
        ("[ctgov]\nurl = 'file:///etc/passwd'", "ctgov.url: expected an http or https URL"),
        ("[webhook]\nallow_private = 'yes'", "webhook.allow_private: expected true or false, not 'yes'"),
        ("[schedule]\nsync = '17 */6 * *'", "schedule.sync: expected a cron line of five fields"),
        ("[schedule]\nsync = '61 * * * *'", "minute: '61' is not within 0 to 59"),
        ("[schedule]\ntimezone = 'Mars/Olympus'", "schedule.timezone: expected a time zone"),
        ("[schedule]\nweek_ends = 'someday'", "schedule.week_ends: expected one of monday"),
        ("[retention]\nbackups = -1", "retention.backups: expected a number of days"),
        ("[web]\nlisten = 'localhost'", "web.listen: expected HOST:PORT"),
        ("[web]\nlisten = 'localhost:99999'", "web.listen: expected HOST:PORT with a port"),
        ("[web]\ntrusted_proxies = 'all'", "web.trusted_proxies: expected a list of addresses"),
        ("[web]\ntrusted_proxies = ['10.0.0.1', 'proxy']", "such as 127.0.0.1 or 10.0.0.0/8, not 'proxy'"),
        ("[web]\ntrusted_proxies = ['10.0.0.1/8']", "not '10.0.0.1/8': 10.0.0.1/8 has host bits set"),
        ("[web]\ntrusted_proxies = ['::ffff:0.0.0.0/96']", "is everybody"),
        ("[web]\noperator_header = 'Remote User'", "web.operator_header: expected the name of a header, or empty"),
        ("[web]\noperator_header = 'Cookie'", "expected a header that the proxy's login alone sets, such as Remote-User, not 'Cookie'"),
        ("[schedule]\nsync = '0 0 31 2,4 *'", "no such day ever comes"),
        ('database = "a\\u0000b"', "database: expected a path"),
        ("database = ", "is not TOML"),
    ],
)
def test_a_mistake_is_one_line_with_file_key_and_expectation(tmp_path: Path, text: str, expected: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load(None, {}, tmp_path)
    message = str(caught.value)
    assert str(path) in message
    assert expected in message
    assert "\n" not in message
    assert caught.value.exit_code == 2


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    written(tmp_path, "[smtp]\nport = 0\nhots = 'x'\n[http]\nattempts = 0")
    with pytest.raises(SettingsError) as caught:
        load(None, {"REGISTRY_SYNC_WEB_URL": "nowhere"}, tmp_path)
    assert all(name in str(caught.value) for name in ("smtp.port", "smtp.hots", "http.attempts", "REGISTRY_SYNC_WEB_URL"))


def test_a_database_that_is_a_link_is_the_file_that_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "history.db").symlink_to("data/real.db")
    (tmp_path / "other.db").symlink_to("history.db")
    (tmp_path / "registry-sync.toml").write_text('database = "other.db"\n', encoding="utf-8")
    real = str(tmp_path / "data" / "real.db")
    assert load(None, {"REGISTRY_SYNC_DATABASE": "history.db"}, tmp_path).database == real
    assert load(None, {}, tmp_path).database == real
    (tmp_path / "registry-sync.toml").unlink()
    assert load(None, {}, tmp_path).database == real


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    written(tmp_path, "[smtp]\npassword = 12345")
    with pytest.raises(SettingsError) as caught:
        load(None, {}, tmp_path)
    assert "12345" not in str(caught.value)


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no such settings file"):
        load("missing.toml", {}, tmp_path)
    with pytest.raises(SettingsError, match="REGISTRY_SYNC_CONFIG names it"):
        load(None, {"REGISTRY_SYNC_CONFIG": "missing.toml"}, tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'database = "\xe9.db"')
    with pytest.raises(SettingsError, match="is not UTF-8"):
        load("latin.toml", {}, tmp_path)
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(SettingsError, match="cannot be read"):
        load("folder.toml", {}, tmp_path)


def test_a_variable_that_is_nearly_a_keys_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="SMTP_PASWORD: unknown key in the environment: expected REGISTRY_SYNC_SMTP_PASSWORD"):
        load(None, {"REGISTRY_SYNC_SMTP_PASWORD": "x"}, tmp_path)
    load(None, {"REGISTRY_SYNC_WEBHOOK_SECRET": "x", "REGISTRY_SYNC_SOMETHING": "x"}, tmp_path)


def test_a_misspelt_variable_is_found() -> None:
    environ = {"REGISTRY_SYNC_SMTP_PASWORD": "x", "REGISTRY_SYNC_SMTP_PORT": "25", "REGISTRY_SYNC_CONFIG": "x", "OTHER": "x"}
    assert unknown_in_environment(environ) == ["REGISTRY_SYNC_SMTP_PASWORD"]
