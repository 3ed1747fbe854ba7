"""What the handler is made of: frames out of a video, objects out of frames, and the result document."""

VERSION = "1.0.0"
"""Of the handler, as results state it; it changes with what results say of the same video."""
