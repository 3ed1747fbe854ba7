"""Fuzzer: sends damaged videos to a process that runs the handler, and monitors it: `python -m fuzz --help`."""
