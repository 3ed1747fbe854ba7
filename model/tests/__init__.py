"""Tests of the handler and its tools."""
