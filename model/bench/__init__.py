"""Benchmark of the handler against the blog's design with the same weights and frames: `python -m bench --help`."""
