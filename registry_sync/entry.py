"""The first lines that run: Ctrl-C is heard from here on, while the rest of the program is still being loaded.

The collector of reference cycles is told to look less often: loading modules and reading records makes many objects, hardly any
of which is ever part of a cycle, and at Python's own pace its looks are a fifteenth of a run that has nothing to do.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from types import FrameType

from registry_sync.errors import INTERRUPTED

ALLOCATIONS_BETWEEN_LOOKS = 100_000


def _at_once(_: int, __: FrameType | None) -> None:
    """Nothing was begun: say so and end, without the traceback of an import."""
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, b"registry-sync: interrupted before anything was done\n")
    os._exit(INTERRUPTED)


def main() -> None:
    """``registry-sync`` as a process."""
    gc.set_threshold(ALLOCATIONS_BETWEEN_LOOKS, 20, 20)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # a shell's background jobs ignore it, and so do we then
        signal.signal(signal.SIGINT, _at_once)
    from registry_sync.cli import main as command_line

    command_line()
