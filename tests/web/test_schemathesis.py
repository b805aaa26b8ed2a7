"""The JSON answers under schemathesis: what the OpenAPI file allows is answered as it says, and what it does not allow is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import DAYS
from tests.web.conftest import Site

_PROGRAM = Path(sys.executable).with_name("schemathesis")
_CONFIGURED = """\
[[operations]]
include-path = "/api/trials/{trial}/diff"
checks.positive_data_acceptance.expected-statuses = [200, 304, 400, 404]
"""
"""A pair of versions may be wrong together, though each of them is right: no schema says that."""


@pytest.mark.timeout(240)
def test_every_answer_is_as_the_openapi_file_says(site: Site, tmp_path: Path) -> None:
    pytest.importorskip("schemathesis")
    house = site.house
    house.watch(TRIAL, pages=(house.listing.url_of(TRIAL),))
    for day in DAYS:
        house.at = day.at
        day.apply(house.registry, house.listing)
        house.sync(days=0)
    (tmp_path / "schemathesis.toml").write_text(_CONFIGURED, encoding="utf-8")
    tried = subprocess.run(
        [_PROGRAM, "run", f"{site.url}/api/openapi.json", "--max-examples=30", "--generation-deterministic", "--no-color"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert tried.returncode == 0, tried.stdout[-6000:] + tried.stderr[-2000:]
    assert "9 selected / 9 total" in tried.stdout
