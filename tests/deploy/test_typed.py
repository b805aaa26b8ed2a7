"""``trials``, by which the operator types commands: the passwords reach the program as systemd reads them, and nothing in them is executed.

``runuser`` is played by a script that stays who it is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.conftest import DEPLOY

NAME = "REGISTRY_SYNC_SMTP_PASSWORD"
RUNUSER = '#!/bin/sh\n[ "$1 $2 $3" = "-u registry-sync --" ] && shift 3 && exec "$@"\n'
PROGRAM = f"#!{sys.executable}\nimport json, os, sys\nprint(json.dumps([dict(os.environ), sys.argv[1:]]))\n"


class Typed:
    """What is typed on a server whose settings lie in a folder of the test's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = folder / "etc" / "secrets.env"
        self.secrets.parent.mkdir()
        text = (DEPLOY / "systemd" / "trials").read_text(encoding="utf-8")
        for there, here in (("/etc/registry-sync", self.secrets.parent), ("/opt/registry-sync/bin", folder)):
            assert f"{there}/" in text
            text = text.replace(f"{there}/", f"{here}/")
        for name, content in (("trials", text), ("runuser", RUNUSER), ("registry-sync", PROGRAM)):
            (folder / name).write_text(content, encoding="utf-8")
            (folder / name).chmod(0o755)

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}"}
        return subprocess.run([self.folder / "trials", *words], cwd=self.folder, env=environ, capture_output=True, text=True, check=False)

    def given(self, secrets: str) -> dict[str, str]:
        """The environment in which the program is started."""
        self.secrets.write_text(secrets, encoding="utf-8", newline="")
        done = self("doctor", "two words")
        assert (done.returncode, done.stderr) == (0, "")
        environ, words = json.loads(done.stdout)
        assert words == ["doctor", "two words"]
        return dict(environ)


@pytest.fixture
def trials(tmp_path: Path) -> Typed:
    return Typed(tmp_path)


@pytest.mark.parametrize(
    ("written", "password"),
    [
        ("plain", "plain"),
        ("a$b", "a$b"),
        ("$HOME", "$HOME"),
        ("a&b|c<d>e(f)", "a&b|c<d>e(f)"),
        ("it's", "it's"),
        ("ab cd", "ab cd"),
        ("  ab  cd \t ", "ab  cd"),
        ("ab#cd # ef", "ab#cd # ef"),
        ("a=b==", "a=b=="),
        ("*?[a-z]~", "*?[a-z]~"),
        ("`id`$(id)", "`id`$(id)"),
        ("sm\u00f8rrebr\u00f8d", "sm\u00f8rrebr\u00f8d"),
        ("a'b\"c", "a'b\"c"),
        ("'a$b'", "a$b"),
        ("' blanks stay '  ", " blanks stay "),
        ("'a\\b\"c`d'", 'a\\b"c`d'),
        ('"it\'s $5"', "it's $5"),
        ("''", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_a_password_is_what_stands_there(trials: Typed, written: str, password: str) -> None:
    assert trials.given(f"{NAME}={written}\n")[NAME] == password
    assert trials.given(f"{NAME}={written}\r\nOTHER=1\r\n")[NAME] == password
    assert trials.given(f"{NAME}={written}")[NAME] == password  # the last line does not end


def test_nothing_in_it_is_executed(trials: Typed) -> None:
    found = trials.given(f"{NAME}=a;touch made\nOTHER='$(touch made)' \nMORE=`touch made`\n; touch made\n")
    assert found[NAME] == "a;touch made"
    assert not (trials.folder / "made").exists()


def test_comments_blank_lines_and_blanks_around_names_are_passed_over(trials: Typed) -> None:
    found = trials.given(f"# {NAME}=one\n\n  ;{NAME}=two\n \t \n  {NAME} = three\nHOOK_SECRET=four\n")
    assert (found[NAME], found["HOOK_SECRET"]) == ("three", "four")


def test_it_uses_the_settings_of_the_service(trials: Typed) -> None:
    for found in (trials.given("# none yet\n"), trials.given("REGISTRY_SYNC_WEB_URL=https://example.org\n")):
        assert found["REGISTRY_SYNC_CONFIG"] == str(trials.secrets.with_name("registry-sync.toml"))
        assert found["REGISTRY_SYNC_DATABASE"] == "/var/lib/registry-sync/history.db"
    trials.secrets.unlink()
    assert trials("doctor").returncode == 0  # as for the service: who has no password needs no file


@pytest.mark.parametrize(
    "line",
    ["export A=b", "only words", "=b", "2A=b", "A='b", "A='b'c", "A='it's'", 'A="b', 'A="b"c"', 'A="b\\"c"', "A=b\\c", "A=b\\", "A='"],
)
def test_what_systemd_would_take_otherwise_than_it_stands_there_is_refused(trials: Typed, line: str) -> None:
    trials.secrets.write_text(f"# one\n{line}\n", encoding="utf-8")
    done = trials("doctor")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"trials: {trials.secrets}, line 2: ")
    assert done.stderr.count("\n") == 1
