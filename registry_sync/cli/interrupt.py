"""Ctrl-C, heard twice over: as KeyboardInterrupt, and as a wish that jobs look for.

Python drops a KeyboardInterrupt that falls into a destructor or a weak reference's callback; the wish stays.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

wish = threading.Event()


def _heard(_: int, __: FrameType | None) -> None:
    wish.set()
    raise KeyboardInterrupt


def listen() -> None:
    """Hear Ctrl-C from now on; only for the process's own main thread."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _heard)


@contextlib.contextmanager
def heard(number: signal.Signals) -> Iterator[None]:
    """Hear this signal as Ctrl-C while the block runs, unless it is passed over."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(number) is signal.SIG_IGN:
        yield
        return
    before = signal.signal(number, _heard)
    try:
        yield
    finally:
        signal.signal(number, before)


def no_more() -> None:
    """The work is over and its exit code is known: the interpreter's own end is not to be interrupted."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
