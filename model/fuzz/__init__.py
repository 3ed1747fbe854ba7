"""Throws damaged videos at one process that runs the handler, and watches it from outside: `python -m fuzz --help`."""
