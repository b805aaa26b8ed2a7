"""The history: one SQLite file. This package is the only one that knows SQLite; it decides nothing."""
