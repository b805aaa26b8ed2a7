"""Ctrl-C, heard twice over: as KeyboardInterrupt, and as a wish that jobs look for.

Python drops a KeyboardInterrupt that falls into a destructor or a weak reference's callback; the wish stays.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType

wish = threading.Event()


def _heard(_: int, __: FrameType | None) -> None:
    wish.set()
    raise KeyboardInterrupt


def listen() -> None:
    """Hear Ctrl-C from now on; only for the process's own main thread."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _heard)


def no_more() -> None:
    """The work is over and its exit code is known: the interpreter's own end is not to be interrupted."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
