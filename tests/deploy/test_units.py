"""The systemd units: sound, hardened, and what they start starts."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.deploy.conftest import DEPLOY, there_is
from tests.house import House
from tests.waiting import PATIENCE, free_port, line_with

UNITS = DEPLOY / "systemd"
PROGRAM = "/opt/registry-sync/bin/registry-sync"
STATE = "/var/lib/registry-sync"
SERVICES = sorted(UNITS.glob("*.service"))
TIMERS = sorted(UNITS.glob("*.timer"))
MOST_EXPOSED = 20
"""Tenths: a service of systemd's own with no hardening has 96; two and less is what it calls OK."""
WHAT_EACH_HAS_OF_ITS_OWN = {"Type", "ExecStart", "Restart", "RestartSec", "TimeoutStopSec", "TimeoutStartSec"}

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here")


def told(unit: Path, section: str = "Service") -> list[tuple[str, str]]:
    """The settings of a section, in their order."""
    (text,) = re.findall(rf"^\[{section}\]\n(.*?)(?=^\[|\Z)", unit.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [(name, value) for name, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)]


def started(unit: Path, job: str = "") -> list[str]:
    """What a unit starts, word by word."""
    (line,) = [value for name, value in told(unit) if name == "ExecStart"]
    return shlex.split(line.replace("%i", job))


@needs_systemd
def test_systemd_finds_nothing_amiss(tmp_path: Path, shim: Path) -> None:
    for unit in (*SERVICES, *TIMERS):
        text = unit.read_text(encoding="utf-8").replace(PROGRAM, str(shim / "registry-sync"))
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    for job in ("sync", "deliver", "backup"):
        (tmp_path / f"registry-sync-job@{job}.service").write_bytes((tmp_path / "registry-sync-job@.service").read_bytes())
    names = [str(path) for path in sorted(tmp_path.glob("*.service")) + sorted(tmp_path.glob("*.timer")) if "@." not in path.name]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names],
        capture_output=True, text=True, check=False, env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_service_may_do_little_beside_its_work(unit: Path) -> None:
    call = ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}", str(unit)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_all_services_are_hardened_alike() -> None:
    shared = [[pair for pair in told(unit) if pair[0] not in WHAT_EACH_HAS_OF_ITS_OWN] for unit in SERVICES]
    assert len(SERVICES) == 3
    assert all(each == shared[0] for each in shared)


def test_each_timer_starts_a_job_that_there_is() -> None:
    jobs = {dict(told(timer, "Timer"))["Unit"] for timer in TIMERS}
    assert jobs == {f"registry-sync-job@{job}.service" for job in ("sync", "deliver", "backup")}
    for timer in TIMERS:
        assert dict(told(timer, "Timer"))["Persistent"] == "yes"


def here(house: House, environ: dict[str, str], unit: Path) -> dict[str, str]:
    """The environment of a unit, in the test's own folder."""
    given = dict(value.split("=", 1) for name, value in told(unit) if name == "Environment")
    assert given["REGISTRY_SYNC_DATABASE"].startswith(f"{STATE}/")
    settings = house.folder / Path(given["REGISTRY_SYNC_CONFIG"]).name
    settings.write_text("# nothing set\n", encoding="utf-8")
    database = given["REGISTRY_SYNC_DATABASE"].replace(STATE, str(house.folder))
    return {**environ, "REGISTRY_SYNC_CONFIG": str(settings), "REGISTRY_SYNC_DATABASE": database}


def ready(house: House, shim: Path, environ: dict[str, str]) -> str:
    """A program that watches one trial."""
    program = str(shim / "registry-sync")
    house.registry.put(record.the_study())
    for words in (("init",), ("watch", "add", TRIAL)):
        subprocess.run([program, *words], env=environ, cwd=house.folder, check=True, capture_output=True)
    return program


@pytest.mark.parametrize("job", ["sync", "deliver", "backup"])
def test_a_job_does_its_work_and_ends_well(house: House, shim: Path, environ: dict[str, str], job: str) -> None:
    there_is(job)
    unit = UNITS / "registry-sync-job@.service"
    environ = here(house, environ, unit)
    ready(house, shim, environ)
    first, *words = started(unit, job)
    assert first == PROGRAM
    done = subprocess.run([shim / "registry-sync", *words], env=environ, cwd=house.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_scheduler_works_until_it_is_asked_to_stop(house: House, shim: Path, environ: dict[str, str]) -> None:
    unit = UNITS / "registry-sync.service"
    environ = here(house, environ, unit)
    program = ready(house, shim, environ)
    first, *words = started(unit)
    assert (first, words) == (PROGRAM, ["run"])
    process = subprocess.Popen([program, *words], env=environ, cwd=house.folder, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        line_with(process.stderr, "sync")  # what it never did is done at its start
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait(PATIENCE)


def test_the_web_pages_answer_until_they_are_asked_to_stop(house: House, shim: Path, environ: dict[str, str]) -> None:
    unit = UNITS / "registry-sync-web.service"
    port = free_port()
    environ = {**here(house, environ, unit), "REGISTRY_SYNC_WEB_LISTEN": f"127.0.0.1:{port}"}
    program = ready(house, shim, environ)
    subprocess.run([program, "sync"], env=environ, cwd=house.folder, check=True, capture_output=True)
    _, *words = started(unit)
    process = subprocess.Popen([program, *words], env=environ, cwd=house.folder, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("serving at ")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait(PATIENCE)


def test_the_pages_come_back_once_trouble_that_passes_has_passed(house: House, shim: Path, environ: dict[str, str]) -> None:
    unit = UNITS / "registry-sync-web.service"
    with socket.create_server(("127.0.0.1", 0)) as another:
        environ = {**here(house, environ, unit), "REGISTRY_SYNC_WEB_LISTEN": f"127.0.0.1:{another.getsockname()[1]}"}
        program = ready(house, shim, environ)
        _, *words = started(unit)
        done = subprocess.run([program, *words], env=environ, cwd=house.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1  # in the journal, each time
    for name in ("registry-sync.service", "registry-sync-web.service"):
        rules = dict(told(UNITS / name))
        assert rules["Restart"] == "on-failure"
        assert not {"RestartPreventExitStatus", "SuccessExitStatus"} & rules.keys()
        assert dict(told(UNITS / name, "Unit"))["StartLimitIntervalSec"] == "0"  # and not for a while only
    assert dict(told(UNITS / "registry-sync.service"))["RestartSec"] == "2min"


def test_the_user_of_the_services_is_made() -> None:
    (made,) = (UNITS / "registry-sync.sysusers.conf").read_text(encoding="utf-8").splitlines()
    assert shlex.split(made)[:2] == ["u", dict(told(SERVICES[0]))["User"]]
    assert shlex.split(made)[-1] == STATE
