"""The tests of the handler and of the tools around it."""
