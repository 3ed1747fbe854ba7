"""Builds the model artifact: collects weights, handler and wheels, and writes the archive."""
