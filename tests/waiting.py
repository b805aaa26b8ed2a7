"""How tests wait: long for what must come, which costs nothing where it comes at once; and never for a machine to be quick."""

from __future__ import annotations

import atexit
import contextlib
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TypeVar

PATIENCE = 60.0
"""Seconds in which must come what has to come, on a machine with much else to do."""

T = TypeVar("T")

_NOTHING = threading.Event()

_KEPT = contextlib.ExitStack()
atexit.register(_KEPT.close)


def until(holds: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait in small steps for what happens elsewhere; fails when it takes too long."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        _NOTHING.wait(0.02)


def line_with(lines: Iterable[str], words: str) -> str:
    """The next line that holds these words; fails when there is none to the end."""
    before = []
    for line in lines:
        if words in line:
            return line
        before.append(line)
    raise AssertionError(f"it ended without a word of {words!r}: {''.join(before)}")


def finish(*threads: threading.Thread) -> None:
    """Let threads come to their end; fails when one does not."""
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), f"{thread.name} does not end"


def beside(work: Callable[[], T]) -> Future[T]:
    """Do something in a thread of its own, which no failing test waits for; what comes of it is asked for with ``result(PATIENCE)``."""
    coming: Future[T] = Future()

    def run() -> None:
        try:
            coming.set_result(work())
        except BaseException as error:
            coming.set_exception(error)

    threading.Thread(target=run, name="beside the test", daemon=True).start()
    return coming


def free_port() -> int:
    """A port at which nobody serves, and which the system gives to nobody until these tests end: only who asks for it by its number."""
    with contextlib.ExitStack() as stack:
        holding = stack.enter_context(socket.socket())
        holding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holding.bind(("127.0.0.1", 0))
        if sys.platform == "linux":  # elsewhere it could then not be bound a second time
            _KEPT.enter_context(stack.pop_all())
        return int(holding.getsockname()[1])


def costs_its_share(work: Callable[[int], object], small: int, large: int) -> bool:
    """Does ``work`` on more take but so much longer? In this thread's own time: what else the machine does is not counted.

    What is quadratic would take ``large / small`` times as long as it may.
    """
    times = large / small
    return _own_time(work, large) < 3 * times * _own_time(work, small) + 1


def _own_time(work: Callable[[int], object], size: int) -> float:
    began = time.thread_time()
    work(size)
    return time.thread_time() - began


_IGNORED = re.compile(r"^Exception ignored .*\n(?:Traceback \(most recent call last\):\n(?:[ \t].*\n)*(?:\S.*(?:\n|\Z))?)?", re.MULTILINE)


def of_its_own(err: str) -> str:
    """What a process complained of, without what Python itself grumbles of an interrupt that falls into a destructor."""
    return _IGNORED.sub("", err)
