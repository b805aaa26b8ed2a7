"""The example receiver of the documentation, as a process of its own, and what our own webhooks hear from it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from registry_sync.notices.interface import Notice, Outcome, Refused, Retry, Sent
from registry_sync.notices.webhook import WebhookChannel
from registry_sync.settings import Webhook
from tests.notices.told import change, closing, news, notice
from tests.waiting import PATIENCE

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "receiver.py"
OLD, NEW = "whsec_b2xkZXIgc2VjcmV0IG9mIG91cnM=", "another-secret"


@contextmanager
def receiving(folder: Path, secrets: str = OLD, *options: str) -> Iterator[str]:
    """The address of a receiver that runs meanwhile; its news goes into ``news.txt``."""
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLE), "--port", "0", "--seen", "seen.db", "--file", "news.txt", *options],
        cwd=folder,
        env={**os.environ, "HOOK_SECRET": secrets},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()
            process.wait(PATIENCE)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with receiving(tmp_path) as address:
        yield address


def post(url: str, secrets: str = OLD, *, notice: Notice | None = None, now: Callable[[], float] = time.time, **keys) -> Outcome:
    told = notice or closing("coordinator", sites=0, kind="webhook", address=url, secret_env="S", **keys)
    channel = WebhookChannel(Webhook(allow_private=True), timeout=PATIENCE, now=now, environ={"S": secrets})
    try:
        return channel.send(told)
    finally:
        channel.close()


def had(folder: Path) -> list[str]:
    file = folder / "news.txt"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def test_a_genuine_post_becomes_a_line_for_each_change(url: str, tmp_path: Path) -> None:
    assert post(url, note="We have asked\nthe study team.") == Sent()
    assert had(tmp_path) == [
        "A note from the sender: We have asked the study team.",
        "NCT06805448 2026-02-03 Recruitment status: Recruiting → Active, not recruiting",
    ]


def test_an_id_that_was_had_is_passed_over_even_after_a_restart(tmp_path: Path) -> None:
    with receiving(tmp_path) as url:
        assert post(url) == post(url) == Sent()
        assert len(had(tmp_path)) == 1
    with receiving(tmp_path) as url:
        assert post(url) == Sent()
        assert len(had(tmp_path)) == 1
        assert post(url, id="n-18") == Sent()
        assert len(had(tmp_path)) == 2


@pytest.mark.parametrize(
    ("sender", "receiver"),
    [(f"{OLD} {NEW}", OLD), (f"{OLD} {NEW}", f"{NEW} {OLD}"), (f"{OLD} {NEW}", NEW), (NEW, f"{NEW} {OLD}")],
    ids=["the sender first", "both", "the receiver is through", "the sender is through"],
)
def test_secrets_change_without_a_lost_post(tmp_path: Path, sender: str, receiver: str) -> None:
    with receiving(tmp_path, receiver) as url:
        assert post(url, sender) == Sent()
    assert len(had(tmp_path)) == 1


def test_another_secret_and_an_old_post_are_not_taken(url: str, tmp_path: Path) -> None:
    assert post(url, NEW) == Retry(f"{url} answered 401")
    for seconds in (-301, 310):
        assert post(url, now=lambda apart=seconds: time.time() + apart) == Retry(f"{url} answered 401")
    assert post(url, now=lambda: time.time() - 290) == Sent()
    assert len(had(tmp_path)) == 1


def test_an_unsigned_post_is_not_taken(url: str, tmp_path: Path) -> None:
    assert post(url, notice=closing(sites=0, kind="webhook", address=url)) == Retry(f"{url} answered 401")
    assert had(tmp_path) == []


def test_what_is_too_large_is_refused_and_heard(url: str) -> None:
    channel = WebhookChannel(
        Webhook(allow_private=True), timeout=PATIENCE, now=time.time, environ={"S": OLD}, body=lambda _notice: b"x" * 3_000_000
    )
    assert channel.send(closing(kind="webhook", address=url, secret_env="S")) == Refused(f"{url} answered 413")


def test_the_largest_post_of_ours_is_taken(url: str, tmp_path: Path) -> None:
    many = [change("conditions", None, "\x01" * 100_000, operation="added", id=n) for n in range(1, 30)]
    assert post(url, notice=notice(news(*many), kind="webhook", address=url, secret_env="S")) == Sent()
    assert had(tmp_path)[-1].startswith("and ")
    assert had(tmp_path)[-1].endswith(" more changes: see registry-sync changes --all --json")


def test_its_own_trouble_makes_the_post_come_again(tmp_path: Path) -> None:
    with receiving(tmp_path, OLD, "--file", "missing/news.txt") as url:
        outcome = post(url)
        assert not isinstance(outcome, Sent | Refused)
        (tmp_path / "missing").mkdir()
        assert post(url) == Sent()


@pytest.mark.parametrize("secrets", ["", " ", "whsec_!!", "whsec_", f"{OLD} whsec_x"])
def test_without_a_secret_that_can_be_used_it_does_not_start(tmp_path: Path, secrets: str) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, "HOOK_SECRET": secrets},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2
    assert "HOOK_SECRET has to hold the signing secret" in done.stderr
