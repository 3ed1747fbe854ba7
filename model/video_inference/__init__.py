"""What the handler is made of: frames out of a video, objects out of frames, and the result document."""
