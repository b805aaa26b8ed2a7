"""A command that kills itself with SIGKILL at a named step: ``python -m tests.cli.dying STEP TIMES COMMAND...``.

``STEP``: the name of a function and ``before`` or ``after``; ``TIMES``: at which of its calls.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

STEPS = (
    "db.history.add_version after",
    "db.history.add_changes after",
    "db.outbox.queue before",
    "db.outbox.queue after",
    "db.runs.end before",
    "db.runs.end after",
    "db.outbox.claim before",
    "db.outbox.claim after",
    "jobs.writing.WritingDesk.notice after",
    "registry_sync.notices.email.MailChannel.send before",
    "registry_sync.notices.email.MailChannel.send after",
    "registry_sync.notices.webhook.WebhookChannel.send before",
    "registry_sync.notices.webhook.WebhookChannel.send after",
    "db.outbox.sent before",
    "db.outbox.sent after",
    "db.outbox.again before",
    "db.outbox.again after",
)
"""From the change that is recorded to the note that a server took its notice."""


def die_at(step: str, times: int) -> None:
    """Let this process die at this step."""
    name, when = step.split()
    holder, attribute = _holder(name)
    real = getattr(holder, attribute)
    left = times

    def dying(*arguments: Any, **more: Any) -> Any:
        nonlocal left
        left -= 1
        if when == "before" and not left:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*arguments, **more)
        if when == "after" and not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(holder, attribute, dying)


def _holder(name: str) -> tuple[Any, str]:
    """Where a function is looked up by those who call it: its module, or its class."""
    path, attribute = name.rsplit(".", 1)
    try:
        return importlib.import_module(path), attribute
    except ModuleNotFoundError:
        module, kind = path.rsplit(".", 1)
        return getattr(importlib.import_module(module), kind), attribute


def main(run: Callable[[list[str]], int]) -> None:
    """Die, or end as the command ends."""
    die_at(sys.argv[1], int(sys.argv[2]))
    sys.exit(run(sys.argv[3:]))


if __name__ == "__main__":
    from registry_sync.cli import run

    main(run)
