"""Watches trial records and tells people what changed in them."""

__version__ = "0.1.0"
READING = 2
"""Of how a record is read, and what is found between two of them: one more whenever any of that becomes another thing than before.

What an earlier reading has left in a history is no damage (``check``); see tests/corpus/test_reading.py.
"""
PROGRAM = f"{__version__} reading {READING}"
"""What is noted with each version that is kept."""
