"""Implementation of the handler: decodes and samples a video, detects objects, writes the result document."""

VERSION = "1.0.0"
"""Version of the handler, written into results. Increase it if results for the same video change."""
