"""Watches trial records and tells people what changed in them."""

__version__ = "0.1.0"
