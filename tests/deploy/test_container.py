"""The container file and the compose file, as far as they can be tried without a container engine.

What its stages run is run in a virtual environment; that the base image has what they call, and that an engine keeps the root read-only, is
not shown here.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from registry_sync import settings
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.deploy.conftest import DEPLOY, ROOT, there_is
from tests.house import House

INSTALLED = "/opt/registry-sync"


def instructions() -> list[tuple[str, str]]:
    """The lines of the container file, joined where they go on."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Containerfile").read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    return [(name, value.strip()) for name, value in re.findall(r"^([A-Z]+) (.*)$", text, re.MULTILINE)]


def stages() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The one that builds, and the one that is kept."""
    found = instructions()
    second = [place for place, (name, _) in enumerate(found) if name == "FROM"][1]
    return found[:second], found[second:]


def of(stage: list[tuple[str, str]], name: str) -> list[str]:
    return [value for instruction, value in stage if instruction == name]


def environment() -> dict[str, str]:
    """What the image sets."""
    return dict(pair.split("=", 1) for value in of(stages()[1], "ENV") for pair in shlex.split(value))


def test_the_image_keeps_no_build_tools_and_no_root() -> None:
    build, kept = stages()
    assert of(build, "FROM")[0].endswith(" AS build")
    assert not [value for value in of(kept, "RUN") if re.search(r"\b(pip|apt-get|apt|gcc|make|venv)\b", value)]
    assert of(kept, "COPY") == [f"--from=build {INSTALLED} {INSTALLED}"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", of(kept, "USER")[-1])
    user = of(kept, "USER")[-1].partition(":")[0]
    assert f"--uid {user} " in of(kept, "RUN")[0]
    names = [name for name, _ in kept]
    assert names.index("USER") > names.index("COPY")  # what is installed belongs to root


def test_all_that_is_written_lies_on_the_one_volume() -> None:
    _, kept = stages()
    assert yaml.safe_load(of(kept, "VOLUME")[0]) == ["/data"]
    assert of(kept, "WORKDIR") == ["/data"]
    assert environment()["REGISTRY_SYNC_DATABASE"].startswith("/data/")
    assert environment()["PYTHONDONTWRITEBYTECODE"] == "1"


def test_what_it_starts_gets_the_signals_itself() -> None:
    _, kept = stages()
    for name in ("ENTRYPOINT", "CMD"):
        assert isinstance(yaml.safe_load(of(kept, name)[-1]), list)  # no shell between
    assert of(kept, "STOPSIGNAL") == ["SIGTERM"]


def test_its_settings_are_settings() -> None:
    assert settings.unknown_in_environment(environment()) == []


@pytest.mark.timeout(240)
def test_what_is_copied_is_enough_to_install_it(tmp_path: Path) -> None:
    """Without the dependencies, which the suite has installed already: those are this environment's."""
    build, kept = stages()
    source, installed = tmp_path / "source", tmp_path / "installed"
    source.mkdir()
    for value in of(build, "COPY"):
        *froms, to = value.split()
        for each in froms:
            there = source / to if to != "./" else source / each
            if (ROOT / each).is_dir():
                shutil.copytree(ROOT / each, there, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / each, there)
    environ = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    for value in of(build, "RUN"):
        words = [word.replace(INSTALLED, str(installed)) for word in shlex.split(value)]
        if words[0] == "pip":
            words = [sys.executable, "-m", *words, "--no-deps"]
        else:
            words[0] = sys.executable
        done = subprocess.run(words, cwd=source, env=environ, capture_output=True, text=True, check=False)
        if "Could not find a version that satisfies the requirement hatchling" in done.stderr:
            pytest.skip("no package index can be reached from here")
        assert done.returncode == 0, done.stderr

    (entry,) = (yaml.safe_load(value) for value in of(kept, "ENTRYPOINT"))
    site = next(installed.glob("lib/python3*/site-packages"))
    theirs = [path for path in sys.path if path.endswith("site-packages")]
    environ["PYTHONPATH"] = os.pathsep.join([str(site), *theirs])
    for words in (["--version"], ["run", "--help"], ["serve", "--help"]):
        done = subprocess.run(
            [installed / "bin" / entry[0], *words], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    where = "import registry_sync, jobs, db; print(registry_sync.__file__)"
    done = subprocess.run(
        [installed / "bin" / "python", "-c", where], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).is_relative_to(installed)


def test_the_health_check_tells_well_from_ill(house: House, shim: Path, environ: dict[str, str]) -> None:
    (check,) = of(stages()[1], "HEALTHCHECK")
    words = yaml.safe_load(check.partition(" CMD ")[2])
    assert words[0] == "python"
    with subprocess.Popen(
        [sys.executable, "-c", ANSWERING], stdout=subprocess.PIPE, text=True
    ) as well:  # fmt: skip
        assert well.stdout is not None
        port = well.stdout.readline().strip()
        here = [word.replace(":8080/", f":{port}/") for word in words[1:]]
        codes = [subprocess.run([sys.executable, *here], capture_output=True, check=False).returncode for _ in range(2)]
        well.kill()
    assert codes == [0, 1]
    assert subprocess.run([sys.executable, *here], capture_output=True, check=False).returncode == 1  # nobody there


ANSWERING = """
import http.server
class Pages(http.server.BaseHTTPRequestHandler):
    answers = iter((200, 503))
    def do_GET(self):
        self.send_response(next(self.answers) if self.path == "/healthz" else 404)
        self.end_headers()
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Pages)
print(server.server_port, flush=True)
server.serve_forever()
"""


# --- compose -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def test_both_services_share_the_volume_and_may_do_little(compose: Any) -> None:
    assert compose["services"].keys() == {"run", "web"}
    for service in compose["services"].values():
        assert service["volumes"] == ["data:/data"]
        assert service["read_only"] is True
        assert service["tmpfs"] == ["/tmp"]  # noqa: S108
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service
        build = service["build"]
        assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Containerfile"
    assert compose["volumes"].keys() == {"data"}
    assert compose["services"]["web"]["ports"] == ["127.0.0.1:8080:8080"]  # a proxy on this machine stands before it


def test_the_pages_are_asked_whether_they_are_well_whatever_form_of_image_the_engine_keeps(compose: Any) -> None:
    """Podman keeps images in the OCI form, which has no health check."""
    (check,) = of(stages()[1], "HEALTHCHECK")
    rhythm, _, command = check.partition(" CMD ")
    options = dict(option.removeprefix("--").split("=") for option in rhythm.split())
    asked = {**{name.replace("-", "_"): value for name, value in options.items()}, "test": ["CMD", *yaml.safe_load(command)]}
    assert compose["services"]["web"]["healthcheck"] == asked
    assert compose["services"]["run"]["healthcheck"] == {"disable": True}  # there is nobody to ask


def test_what_the_services_start_are_commands(compose: Any, house: House, shim: Path, environ: dict[str, str]) -> None:
    there_is(*(service["command"][0] for service in compose["services"].values()))
    program = shim / "registry-sync"
    data = house.folder / "data"
    data.mkdir()
    environ |= {name: value.replace("/data", str(data)) for name, value in environment().items() if name.startswith("REGISTRY_SYNC_D")}
    house.registry.put(record.the_study())
    for words in (["init"], ["watch", "add", TRIAL], ["sync"]):  # as `compose run --rm run ...`
        subprocess.run([program, *words], cwd=data, env=environ, check=True, capture_output=True)
    assert {path.name.partition(".")[0] for path in data.iterdir()} == {"history", "registry-sync"}
