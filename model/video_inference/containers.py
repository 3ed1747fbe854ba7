"""FFmpeg's names of containers that are treated in their own way."""

MATROSKA = "matroska,webm"
"""Matroska and WebM."""

DURATION_IS_END_TIME = frozenset({MATROSKA, "asf"})
"""The stated duration is the time of the end. In other containers, it counts from the first picture or sound."""
