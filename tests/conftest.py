"""What every test may use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hypothesis
import pytest

hypothesis.settings.register_profile(
    "patient", hypothesis.settings(), deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")

REPORT = pytest.StashKey[list[str]]()
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real records and pages beside the checkout; tests that need it are skipped where it is not."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no real data beside this checkout (../shared/data)")
    return SHARED_DATA


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> list[str]:
    """Lines that are printed below the results of the run: what was measured on real data."""
    return pytestconfig.stash.setdefault(REPORT, [])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where several processes share the tests, each hands over its lines."""
    handed_over = getattr(session.config, "workeroutput", None)
    if handed_over is not None:
        handed_over["report"] = session.config.stash.get(REPORT, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """One of these processes has ended."""
    node.config.stash.setdefault(REPORT, []).extend(getattr(node, "workeroutput", {}).get("report", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what the tests had to report."""
    for line in config.stash.get(REPORT, []):
        terminalreporter.write_line(line)
