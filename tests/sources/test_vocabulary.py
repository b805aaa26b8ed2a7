"""The words of pages are read in many threads."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys, threading
sys.setswitchinterval(1e-6)
from registry_sync.sources import vocabulary
together = threading.Barrier(8)
def read():
    together.wait()
    vocabulary.common()
threads = [threading.Thread(target=read) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_many_threads_may_ask_for_the_words_at_once() -> None:
    """Two that took in a type of msgspec's at the same time ended the process with a segmentation fault, every sixth time or so."""
    for _ in range(12):
        done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
