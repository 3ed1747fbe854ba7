"""Writes an H.264 mp4 frame by frame, with a time for each frame."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import av.video
import numpy as np
from PIL import Image

_TICKS_PER_SECOND = 90_000
# Each thread of the encoder holds pictures. A hundred threads need tens of gigabytes for large ones.
_MAX_THREADS = 16


class Movie:
    """Writer of an mp4; a context manager. All pictures have the same size. An odd last row or column is cut off."""

    def __init__(self, path: Path) -> None:
        self._container = av.open(path, "w", format="mp4", options={"movflags": "faststart"})
        self._stream: av.video.VideoStream | None = None

    def add(self, picture: Image.Image, timestamp: Fraction) -> None:
        """Append a picture at a time in seconds."""
        # With yuv420p, H.264 needs an even width and height.
        width, height = picture.width // 2 * 2, picture.height // 2 * 2
        frame = av.VideoFrame.from_ndarray(np.asarray(picture.crop((0, 0, width, height))))
        if self._stream is None:
            self._stream = self._container.add_stream("libx264", options={"crf": "23"})
            self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"
            self._stream.codec_context.thread_count = min(_MAX_THREADS, (os.cpu_count() or 1) * 3 // 2)
            self._stream.codec_context.time_base = Fraction(1, _TICKS_PER_SECOND)
        frame.time_base = Fraction(1, _TICKS_PER_SECOND)
        frame.pts = round(timestamp * _TICKS_PER_SECOND)
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> Movie:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self._stream is not None:
                self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()
