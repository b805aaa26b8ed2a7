"""The scheduled workflow: its steps, run in their order as a code host would, twice, against the registry on this machine.

What its actions do (check out, set up Python, keep artefacts, publish) is the host's; ``gh`` is played by a script over a folder.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from registry_sync import cron, settings
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.deploy.conftest import DEPLOY, ROOT, there_is
from tests.house import House
from tests.test_docs import understood

SITE = "https://example.org/trials"
GH = """\
#!/bin/sh
# gh run list ..., gh run download ID --name history --dir DIR
case "$2" in
  list) [ -f "$KEPT/history.db.gpg" ] && echo 4711; exit 0 ;;
  download) [ "$3" = 4711 ] && mkdir -p "$7" && cp "$KEPT/history.db.gpg" "$7/" ;;
esac
"""


@pytest.fixture(scope="module")
def workflow() -> Any:
    return yaml.safe_load((DEPLOY / "publish.yml").read_text(encoding="utf-8"))


def steps(workflow: Any) -> list[Any]:
    return list(workflow["jobs"]["publish"]["steps"])


def commands(workflow: Any) -> list[str]:
    """Every call of the program in the steps."""
    runs = "\n".join(step["run"] for step in steps(workflow) if "run" in step)
    return re.findall(r"registry-sync ([^|<>\n]*)", runs)


def test_it_is_a_workflow(workflow: Any) -> None:
    on = workflow[True]  # "on" is a word for true in YAML 1.1
    assert cron.problem(on["schedule"][0]["cron"]) is None
    assert workflow["permissions"] == {"actions": "read", "contents": "read", "id-token": "write", "pages": "write"}
    assert workflow["concurrency"] == {"group": "publish", "cancel-in-progress": False}  # two would each keep a history of their own
    for step in steps(workflow):
        assert ("uses" in step) != ("run" in step)
        assert "uses" not in step or re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])


def test_what_it_sets_are_settings(workflow: Any) -> None:
    assert settings.unknown_in_environment(workflow["env"]) == []


def test_each_step_types_what_the_program_understands(workflow: Any) -> None:
    found = commands(workflow)
    assert {call.split()[0] for call in found} == {"init", "watch", "sync", "publish", "export", "backup"}
    there_is(*(call.split()[0] for call in found))
    for call in found:
        understood(call.replace('"${trials[@]}"', TRIAL).rstrip("; "))


def test_the_database_is_neither_published_nor_kept_in_the_clear(workflow: Any) -> None:
    kept = [step["with"] for step in steps(workflow) if step.get("uses", "").startswith("actions/upload-")]
    assert [each["path"] for each in kept] == ["history.db.gpg", "site"]
    assert [call for call in commands(workflow) if call.startswith("export") and "--public" not in call] == []


def test_what_is_secret_is_neither_made_in_the_clone_nor_committed_from_it() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    for place in re.findall(r"\S*history-passphrase\b", page):
        assert place.startswith("~/")
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("this is no clone")
    for name in ("history-passphrase", "registry-sync.toml", "deploy/registry-sync.env", "history.db", "history.db-wal", "history.db.gpg"):
        done = subprocess.run(["git", "check-ignore", "--no-index", name], cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0, name


@dataclass
class Host:
    """A code host that starts the workflow anew each time, in an empty folder."""

    house: House
    shim: Path
    environ: dict[str, str]
    workflow: Any
    trials: str = f"{TRIAL}\n"
    contact: str = "operator@example.org"
    number: int = 0
    said: str = ""
    """What the steps of the last run printed."""

    @property
    def kept(self) -> Path:
        return self.house.folder / "kept"

    def start(self, *, begin: str = "false", passphrase: str = "correct horse") -> Path:  # noqa: S107 - a test's
        """Run the workflow; where it ran. Raises CalledProcessError for a step that fails."""
        self.number += 1
        where = self.house.folder / f"run{self.number}"
        (where / "deploy").mkdir(parents=True)
        self.kept.mkdir(exist_ok=True)
        (where / "deploy" / "trials.txt").write_text(self.trials, encoding="utf-8", newline="")
        self.said = ""
        with tempfile.TemporaryDirectory() as home:  # a path that is short enough for the socket of gpg's agent
            self._run(where, Path(home), begin, passphrase)
        shutil.copy(where / "history.db.gpg", self.kept)
        return where

    def _run(self, where: Path, home: Path, begin: str, passphrase: str) -> None:
        values = {
            "vars.CONTACT": self.contact,
            "inputs.begin": begin,
            "github.token": "token",
            "secrets.HISTORY_PASSPHRASE": passphrase,
            "steps.pages.outputs.base_url": SITE,
        }
        for step in steps(self.workflow):
            if "run" not in step or step["name"] == "Install":
                continue
            given = {**self.workflow["env"], **step.get("env", {})}
            given = {name: re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda found: values[found[1]], value) for name, value in given.items()}
            environ = {
                **self.environ,
                **given,
                "PATH": f"{self.shim}{os.pathsep}{os.environ['PATH']}",
                "KEPT": str(self.kept),
                "HOME": str(home),
            }
            call = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
            done = subprocess.run(call, cwd=where, env=environ, capture_output=True, text=True, check=False)
            subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=environ, capture_output=True, check=False)
            self.said += done.stdout + done.stderr
            assert done.returncode == 0, f"{step['name']}: {done.stdout}{done.stderr}"


@pytest.fixture
def host(house: House, shim: Path, environ: dict[str, str], workflow: Any) -> Host:
    for tool in ("gpg", "gpgconf", "bash"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed here")
    there_is("export", "backup")
    (shim / "gh").write_text(GH, encoding="utf-8")
    (shim / "gh").chmod(0o755)
    house.registry.put(record.the_study())
    return Host(house, shim, environ, workflow)


def test_what_changed_between_two_runs_is_on_the_site_and_the_history_goes_on(host: Host) -> None:
    first = host.start()
    assert "No change seen here yet" in (first / "site" / "index.html").read_text(encoding="utf-8")

    host.house.registry.put(record.with_status(host.house.registry.study(TRIAL), "ACTIVE_NOT_RECRUITING", posted="2026-02-03"))
    second = host.start()
    page = (second / "site" / "trials" / TRIAL / "index.html").read_text(encoding="utf-8")
    assert "Recruiting (looking for participants)" in page  # before
    assert "from-1_to-2.html" in (second / "site" / "trials" / TRIAL / "versions" / "index.html").read_text(encoding="utf-8")
    assert (second / "site" / "trials.csv").stat().st_size
    assert (second / "site" / "history.jsonl").stat().st_size
    assert f"{SITE}/trials/{TRIAL}" in (second / "site" / "feed.atom").read_text(encoding="utf-8")
    published = {path.suffix for path in (second / "site").rglob("*") if path.is_file()}
    assert published == {".html", ".css", ".atom", ".ics", ".json", ".csv", ".jsonl"}
    assert b"SQLite format 3" not in (host.kept / "history.db.gpg").read_bytes()


def test_a_history_that_cannot_be_restored_ends_the_run_and_is_not_replaced(host: Host) -> None:
    host.start()
    kept = (host.kept / "history.db.gpg").read_bytes()
    with pytest.raises(AssertionError, match="Restore the history"):
        host.start(passphrase="wrong")
    assert (host.kept / "history.db.gpg").read_bytes() == kept
    host.start(begin="true")
    assert (host.kept / "history.db.gpg").read_bytes() != kept


def watched(host: Host, where: Path) -> list[str]:
    call = [host.shim / "registry-sync", "--database", where / "history.db", "watch", "list", "--json"]
    done = subprocess.run(call, env=host.environ, cwd=where, capture_output=True, text=True, check=True)
    return [row["trial"] for row in json.loads(done.stdout)]


def test_a_line_of_the_list_is_an_id_in_any_case_or_a_comment(host: Host) -> None:
    host.trials = f"# Sjögren\r\n\r\n  {TRIAL.lower()} \t\r\n \t# NCT00000002, ended\r\n{TRIAL}"
    where = host.start()
    assert watched(host, where) == [TRIAL]
    assert "::" not in host.said


@pytest.mark.parametrize(
    "line", ["NCT068054481", "- NCT00000003", "NCT0000003", "NCT00000003 NCT00000004", "NCT00000003 # mine", "--help", "Sjögren"]
)
def test_anything_else_on_the_list_fails_the_run_and_is_named(host: Host, line: str) -> None:
    host.trials = f"{TRIAL}\n{line}\n"
    with pytest.raises(AssertionError, match="Watch what is listed") as failed:
        host.start()
    assert f"{line!r} is not a trial id" in str(failed.value)
    assert "::error::" in str(failed.value)


@pytest.mark.parametrize("text", ["", "\n \n", f"# {TRIAL}\n"])
def test_a_list_of_no_trial_is_one_clear_line(host: Host, text: str) -> None:
    host.trials = text
    with pytest.raises(AssertionError, match="Look at what was set up: ::error::") as failed:
        host.start()
    assert str(failed.value).splitlines()[0].endswith("deploy/trials.txt lists no trial: write an NCT id into it, one a line")


def test_without_a_contact_the_run_warns(host: Host) -> None:
    host.contact = ""
    host.start()
    assert [line for line in host.said.splitlines() if line.startswith("::warning::there is no variable CONTACT: ")]


def test_without_a_passphrase_the_run_fails_before_anything_is_made(host: Host) -> None:
    with pytest.raises(AssertionError, match="Look at what was set up: ::error::there is no secret HISTORY_PASSPHRASE"):
        host.start(passphrase="")
