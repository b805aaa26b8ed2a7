"""Labelled edits of raw registry studies: what was done to them, and therefore what must be told.

An edit finds its place by the raw text's own structure and never asks the engine what it sees, so that the expectation
is independent of what is tested. ``python -m tests.edits --help`` runs them over the real records.
"""
