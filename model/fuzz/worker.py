"""Worker process of the fuzzer: runs the handler on each body, and sends the outcome and its resource usage."""

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
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import av
import torch

import inference
from artifact.contents import contents
from artifact.weights import find_weights
from request_context import RequestContext
from video_inference.artifact_files import CARD_FILE, WEIGHTS_FILE
from video_inference.errors import ClientError
from video_inference.video import Video

from .answer import Answer

OPTIONS = ("", "fps=5;score=0.05;masks=rle", "fps=0.5;max_side=200;encoding=gzip")
"""CustomAttributes of the requests. Each file gets one of them."""

SAMPLE_FPS = Fraction(5)
"""Sampled frames per second of videos whose samples are compared."""

SAMPLE_THREADS = 2
"""Number of decoder threads for these videos."""

_Outcome = tuple[int, str, tuple[tuple[Fraction, int], ...]]
"""HTTP status, traceback and samples."""


class _Traces(logging.Handler):
    """Log handler that collects the tracebacks that the handler logs."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Collect the traceback of a record, if it has one."""
        if record.exc_info:
            self.text += logging.Formatter().formatException(record.exc_info)


def _run_handler(model: inference.Model, body: bytes) -> _Outcome:
    # The options depend on the body, so that a file that is sent again gets the same ones.
    context = RequestContext(OPTIONS[zlib.crc32(body) % len(OPTIONS)])
    traces = _Traces()
    logging.getLogger().addHandler(traces)
    try:
        inference.transform_fn(model, body, "video/mp4", "application/json", context)
    finally:
        logging.getLogger().removeHandler(traces)
    return context.status, traces.text, ()


def sample(body: bytes) -> _Outcome:
    """Sample a video as the handler does, and return checksums of its pictures."""
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
    # Return freed memory to the system, because memory that the C library caches looks like growth.
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
    """Load the model, send a message, then answer each body until the connection ends.

    Parameters
    ----------
    bodies
        Connection for bodies and answers.
    log
        Path of the file for all output, including the stacks after a crash in native code.
    """
    _write_to(log)
    model = load()
    # A second thread is of no use for such small frames, and uses a core while it waits.
    torch.set_num_threads(1)
    _answer_all(bodies, partial(_run_handler, model))


def serve_samples(bodies: Connection, log: str) -> None:
    """Sample each video without a network; answers have the samples. The parameters are those of `serve`."""
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
