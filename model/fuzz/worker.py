"""The process that is watched: runs the handler on each body it is sent and says how it went and what it holds."""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import logging
import os
import tempfile
import time
import traceback
import zlib
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import av
import torch

import inference
from artifact.contents import contents
from artifact.weights import find_weights
from video_inference.artifact_files import CARD_FILE, WEIGHTS_FILE
from video_inference.errors import ClientError
from video_inference.video import Video

from .answer import Answer

OPTIONS = ("", "fps=5;score=0.05;masks=rle", "fps=0.5;max_side=200;encoding=gzip")
"""What callers ask for, in CustomAttributes; each file meets one of these."""

SAMPLE_FPS = Fraction(5)
SAMPLE_THREADS = 2
"""How videos are sampled whose samples are compared."""

_Outcome = tuple[int, str, tuple[tuple[Fraction, int], ...]]
"""Status, trace and samples."""


class _Context:
    """What a server hands to the handler, as far as the handler uses it."""

    def __init__(self, attributes: str) -> None:
        self.status = 200
        self._attributes = attributes

    def get_all_request_header(self, _idx: int) -> Mapping[str, object]:
        """Give the header with the caller's options."""
        return {"X-Amzn-SageMaker-Custom-Attributes": self._attributes}

    def set_response_status(self, code: int, _phrase: str) -> None:
        self.status = code


class _Traces(logging.Handler):
    """Keeps the traces that the handler logs: no caller gets them."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record's trace, if it has one."""
        if record.exc_info:
            self.text += logging.Formatter().formatException(record.exc_info)


def _run_handler(model: inference.Model, body: bytes) -> _Outcome:
    # By the body, so that a file that is sent again meets the same.
    context = _Context(OPTIONS[zlib.crc32(body) % len(OPTIONS)])
    traces = _Traces()
    logging.getLogger().addHandler(traces)
    try:
        inference.transform_fn(model, body, "video/mp4", "application/json", context)
    finally:
        logging.getLogger().removeHandler(traces)
    return context.status, traces.text, ()


def sample(body: bytes) -> _Outcome:
    """Sample a video as the handler does, and reduce its pictures to checksums."""
    try:
        with Video(body, threads=SAMPLE_THREADS) as video:
            frames = video.samples(SAMPLE_FPS)
            return 200, "", tuple((frame.timestamp, zlib.crc32(frame.rgb().tobytes())) for frame in frames)
    except ClientError as error:
        return error.status, "", ()
    except Exception:
        return 500, traceback.format_exc(), ()


def _answer(process: Callable[[bytes], _Outcome], body: bytes) -> Answer:
    started = time.perf_counter()
    status, trace, samples = process(body)
    seconds = time.perf_counter() - started
    gc.collect()
    # Without it, freed memory that the C library keeps for later looks like growth.
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return Answer(
        status,
        seconds,
        memory=pages * os.sysconf("SC_PAGE_SIZE"),
        files=sum(1 for _ in Path("/proc/self/fd").iterdir()),
        threads=sum(1 for _ in Path("/proc/self/task").iterdir()),
        trace=trace,
        samples=samples,
    )


def load() -> inference.Model:
    """Load the small model as a container does."""
    entries = contents(find_weights("small"))
    with tempfile.TemporaryDirectory() as folder:
        for name in (CARD_FILE, WEIGHTS_FILE):
            Path(folder, name).write_bytes(entries[name])
        return inference.model_fn(folder)


def serve(bodies: Connection, log: str) -> None:
    """Say that the model is loaded, then answer each body until there are no more.

    Parameters
    ----------
    bodies
        Gives bodies and takes answers.
    log
        The file for whatever libraries print, and for the trace of a crash in native code.
    """
    _write_to(log)
    model = load()
    # Frames this small gain nothing from a second thread, which on a busy machine burns a core while it waits.
    torch.set_num_threads(1)
    _answer_all(bodies, partial(_run_handler, model))


def serve_samples(bodies: Connection, log: str) -> None:
    """Like `serve`, but sample each video only: its answer has the samples, and no network is needed."""
    _write_to(log)
    av.logging.set_level(None)
    _answer_all(bodies, sample)


def _write_to(log: str) -> None:
    with Path(log).open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    faulthandler.enable()


def _answer_all(bodies: Connection, process: Callable[[bytes], _Outcome]) -> None:
    bodies.send(None)
    while True:
        try:
            body: bytes = bodies.recv()
        except EOFError:
            return
        bodies.send(_answer(process, body))
