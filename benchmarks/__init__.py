"""Figures, each measured as a ratio against something named, in one run: these machines are shared and noisy."""
