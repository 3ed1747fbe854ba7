"""Draws results on videos: reading a result, drawing on a frame, writing films and stills."""
