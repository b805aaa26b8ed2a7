"""Kinds that the engine is known to tell wrongly, each with the reason: what is in this table may fail, and has to."""

from __future__ import annotations

KNOWN: dict[str, str] = {}
"""Put a kind in with its reason when the engine tells it wrongly; a test says when to take it out again."""
