"""What is asked side by side, each lane in a thread of its own, and taken in by the one thread that holds the history."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from jobs.pull import Desk, Task
from jobs.surroundings import Surroundings
from registry_sync.errors import Stopped

_LOOK_FOR_STOP = 0.2
_TOGETHER = 0.5
"""Seconds for which one transaction may last."""
_SIDE_BY_SIDE = 16
"""Sites that are asked at the same time."""
_HANDED_OVER = 400
"""How many studies may wait to be taken in: a few megabytes."""
_TO_END = 1.0
"""Seconds in which threads end whose client is closed, but for one that looks up a name, which nothing can cut short."""


class Lane(msgspec.Struct):
    """What is asked one thing after the other: the registry, or the pages of one host. ``take``: in the thread of the history."""

    tasks: Iterator[Task]
    take: Callable[[Any], None]


class _End:
    """A task has said all that it had to say."""


class Intake:
    """Runs lanes, and takes in what they yield. Who made it calls ``abandon`` and ``let_end`` at last, however that ended."""

    def __init__(self, around: Surroundings, desk: Desk) -> None:
        self._around = around
        self._desk = desk
        self._seen: queue.Queue[tuple[Lane, Any]] = queue.Queue(maxsize=_HANDED_OVER)
        self._abandoned = threading.Event()
        self._threads: list[threading.Thread] = []

    def run(self, lanes: Sequence[Lane]) -> bool:
        """Run the lanes side by side, each task in a thread, until all have ended; ``False``: this was asked to stop before.

        What has come is taken in together, so that the disk is not waited for once for each trial; each is whole or nothing all the same.
        """
        waiting = list(reversed(lanes))
        running = 0
        while True:
            while waiting and running < _SIDE_BY_SIDE:
                running += self._begin_next(waiting.pop())
            if not running:
                return True
            if self._around.stop.is_set():
                return False
            try:
                lane, item = self._seen.get(timeout=_LOOK_FOR_STOP)
            except queue.Empty:
                continue
            if not isinstance(item, _End | BaseException):
                lane, item = self._take_together(lane, item)
            if isinstance(item, BaseException):
                raise item
            if isinstance(item, _End):
                running -= not self._begin_next(lane)

    def abandon(self) -> None:
        """Nothing is taken in any more: who waits to hand something over need not."""
        self._abandoned.set()

    def let_end(self) -> None:
        """Wait for the end of the threads, once nothing holds them up."""
        until = time.monotonic() + _TO_END
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _take_together(self, lane: Lane, item: Any) -> tuple[Lane, Any]:
        """Take in this and what else has come by now, for a moment; then, if that came, the end of a task or its fault, and its lane."""
        until = time.monotonic() + _TOGETHER
        with self._desk.together():
            while True:
                lane.take(item)
                if self._around.stop.is_set() or time.monotonic() > until:
                    return lane, None
                try:
                    lane, item = self._seen.get_nowait()
                except queue.Empty:
                    return lane, None
                if isinstance(item, _End | BaseException):
                    return lane, item

    def _begin_next(self, lane: Lane) -> bool:
        """Begin the next task of a lane; was there one?"""
        task = next(lane.tasks, None)
        if task is None:
            return False
        thread = threading.Thread(target=self._fetch, args=(lane, task), name="fetch", daemon=True)
        self._threads = [*(each for each in self._threads if each.is_alive()), thread]
        thread.start()
        return True

    def _fetch(self, lane: Lane, task: Task) -> None:
        """Run in a thread: hand over what a source says, and that it has said all."""
        try:
            for observation in task:
                if not self._hand_over(lane, observation):
                    return
        except Stopped:
            pass
        except BaseException as error:
            self._hand_over(lane, error)
        finally:
            self._hand_over(lane, _End())

    def _hand_over(self, lane: Lane, item: Any) -> bool:
        """Wait until there is room for it; ``False``: nobody takes it in any more."""
        while not self._abandoned.is_set():
            with contextlib.suppress(queue.Full):
                self._seen.put((lane, item), timeout=_LOOK_FOR_STOP)
                return True
        return False
