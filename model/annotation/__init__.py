"""Draws results on videos: reads a result, draws on frames, writes videos and stills."""
