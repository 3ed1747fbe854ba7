"""Compares the handler with the blog's design on the same weights and frames: `python -m bench --help`."""
