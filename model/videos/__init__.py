"""Generates videos for tests, the fuzzer, the benchmark and manual trials: `python -m videos --help`."""
