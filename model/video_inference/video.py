"""Decodes the frames of a video, or samples of them, with their times."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import av
import av.video

from .damage import MAX_ERRORS_IN_A_ROW, Damage, Truncation, owner_by_time
from .errors import NotAVideoError
from .frame import Appearance, Frame, VideoInfo, appearance_of
from .opening import Body
from .part import WHOLE, Part
from .picture import square_width
from .plan import DecodeSegment, NoPlanError, Sampled, Timeline, make_plan
from .reader import Reader, SegmentPackets
from .sampling import sample_by_time
from .seeking import Numbered
from .track_errors import BrokenVideoError, LateError
from .windows import read_windows

DEFAULT_MAX_PIXELS = 36_000_000
"""Default of the maximum number of pixels of a picture, slightly more than 8192x4320."""

_log = logging.getLogger(__name__)


class Video:
    """A video for one pass over its frames or over samples of them; a context manager.

    Parameters
    ----------
    body
        Content of the file. It is not copied and must not change until the video is closed.
    threads
        Number of processor threads of the decoder.
    max_pixels
        Maximum number of pixels of a picture.

    Raises
    ------
    EmptyBodyError, NotAVideoError, NoVideoTrackError, TooLargePictureError
        If the body has no track that can be decoded.
    """

    def __init__(self, body: Body, threads: int = 1, max_pixels: int = DEFAULT_MAX_PIXELS) -> None:
        self._body = body
        self._threads = threads
        self._max_pixels = max_pixels
        self._deadline = float("inf")
        self._info: VideoInfo | None = None
        self._shown: Appearance | None = None
        self._timeline: Timeline | None = None
        self._part = WHOLE
        self._start = 0
        # Time of the last frame that the data has, as far as it was read.
        self._last = Fraction(0)
        self._reached = Fraction(0)
        self._reader = Reader(body, threads, max_pixels)
        self._decoded = 0

    def __enter__(self) -> Video:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.track.close()

    @property
    def pixels(self) -> int:
        """Number of pixels of a displayed picture that the container states; at least 1."""
        stream = self._reader.track.stream
        return max(1, self._square_width(stream.width, stream.height) * stream.height)

    @property
    def duration(self) -> float | None:
        """Duration in seconds that the container states; None if it states none. Known before a frame is decoded."""
        return self._reader.track.duration

    @property
    def decoded(self) -> int:
        """Number of frames that the decoder has returned."""
        return self._decoded + self._reader.decoded

    @property
    def info(self) -> VideoInfo:
        """Properties of the video, also of a part. Known after the first frame, because frames have the rotation."""
        if self._info is None:
            raise RuntimeError("No frame of this video was decoded yet: decode one before you read info.")
        return self._info

    @property
    def numbers_frames(self) -> bool:
        """True if the samples of a part have the numbers that their frames have in the whole video."""
        return not self._reader.track.is_matroska

    @property
    def truncation(self) -> Truncation | None:
        """Why the frames end before the stated end or the part's; None if they do not. Known after the last frame."""
        reason = self._reader.ended_by
        if reason is None or (
            reason != "deadline" and self._part.ends_by(self._last + self._reader.track.frame_seconds)
        ):
            return None
        return Truncation(reason, self._reached)

    @property
    def damage(self) -> Damage:
        """Damage in the video; complete after the last frame."""
        return self._reader.log.summary(self._start, self._reader.tick)

    def frames(self) -> Iterator[Frame]:
        """Decode the frames in display order, one at a time. Skip frames that cannot be decoded.

        Raises
        ------
        NotAVideoError, EncryptedVideoError, TooLargePictureError
            If no frame can be decoded.
        """
        ticks = -1
        for frame in self._frames():
            ticks = frame.ticks
            yield frame
        if self._reader.threads > 1 and self._reader.log.undelivered > 1:
            # If a frame is damaged, PyAV drops the frames that other threads still hold.
            self._reopen(threads=1)
            for frame in self._frames():
                if frame.ticks > ticks:
                    yield frame
        if self._shown is None:
            raise NotAVideoError(f"No frame of the video can be decoded: {self._reader.reason}.")

    def samples(
        self, fps: Fraction, deadline: float | None = None, *, sampling: Sampled = "exact", part: Part = WHOLE
    ) -> Iterator[Frame]:
        """Decode the frames nearest to the times 0, 1/fps, 2/fps and so on, and as few others as possible.

        The frames are those that `sample_by_time` chooses from all frames. If the packets do not show the times of the
        frames, all frames are decoded.

        Parameters
        ----------
        fps
            Sampled frames per second, above 0.
        deadline
            Time of `time.monotonic` in seconds at which the iteration ends, even before the first frame. None for no
            deadline.
        sampling
            With `keyframe`, a keyframe within half an interval of a target replaces the nearest frame, if the packets
            show the times of the frames.
        part
            Part of the video whose samples are needed. They equal those of the whole video. It may have none.

        Raises
        ------
        NotAVideoError, EncryptedVideoError, TooLargePictureError
            If no frame can be decoded.
        """
        self._deadline = float("inf") if deadline is None else deadline
        self._reader.track.deadline = self._deadline
        self._part = part
        own = part.numbers(fps)
        last, ticks = -1, -1
        try:
            if not part.is_whole:
                self._decode_first_frame()
            for number, frame in self._numbered_samples(fps, sampling):
                if number >= own.stop:
                    break
                if number > last and frame.ticks > ticks:
                    last, ticks = number, frame.ticks
                    self._reached = frame.timestamp
                    if number in own:
                        yield replace(frame, k=number)
            self._note_info()
        except LateError:
            self._reader.ended_by, self._reached = "deadline", max(0, ticks) * self._reader.tick

    def _numbered_samples(self, fps: Fraction, sampling: Sampled) -> Iterator[tuple[int, Frame]]:
        """Decode samples by a plan, or else from all frames. Yield each with the number of its target."""
        problem: Exception | None = None
        for samples in self._plans(fps, sampling):
            if problem is not None:
                _log.info("Another plan is made: %s.", problem)
            found = False
            try:
                for sample in samples:
                    found = True
                    yield sample
                # Another part may have the samples that can be decoded.
                if found or not self._part.is_whole:
                    return
                problem = NoPlanError("no planned frame can be decoded")
            except (NoPlanError, BrokenVideoError) as error:
                problem = error
            self._reopen()
        _log.info("Every frame is decoded: %s.", problem)
        yield from sample_by_time(self.frames(), self._reader.tick, fps)

    def _plans(self, fps: Fraction, sampling: Sampled) -> Iterator[Iterator[tuple[int, Frame]]]:
        """Yield the samples of the best plan and, if that fails, of others. They raise its errors.

        The errors are those of `read_windows` and `Reader.planned`.
        """
        track = self._reader.track
        if not (track.has_tables or track.counts_times):
            if track.is_matroska and not self._part.is_whole:
                yield self._windowed_samples(fps, sampling, seeks=True)
            yield self._windowed_samples(fps, sampling, seeks=False)
            if self._timeline is None or not self._timeline.times_are_dts:
                # A window has not all frames, so it does not number them.
                self._timeline = None
                return
        yield self._scanned_samples(fps, sampling)

    def _scanned_samples(self, fps: Fraction, sampling: Sampled) -> Iterator[tuple[int, Frame]]:
        """Decode the samples by a plan that is made from all packets."""
        track = self._reader.track
        self._timeline = None
        self._timeline = timeline = Timeline(track.scan(), reorders=track.reorders, times_are_dts=track.counts_times)
        self._start = timeline.start
        plan = make_plan(timeline, track.tick, fps, sampling, self._part)
        ends_early = track.ends_early
        if not track.can_rewind:
            self._reopen()
        yield from self._planned(plan, timeline, Numbered(self._reader.track, timeline.packets), fps)
        self._end(early=ends_early)

    def _windowed_samples(self, fps: Fraction, sampling: Sampled, *, seeks: bool) -> Iterator[tuple[int, Frame]]:
        """Decode the samples by plans that are made from the packets of one window after another."""
        track = self._reader.track
        for window in read_windows(track, self._part, fps, sampling, seeks=seeks):
            self._timeline, self._start = window.timeline, window.timeline.start
            plan = make_plan(window.timeline, track.tick, fps, sampling, window.part)
            yield from self._planned(plan, window.timeline, window, fps, window.first_index)
            if self._reader.log.errors_in_a_row >= MAX_ERRORS_IN_A_ROW:
                break
        self._end(early=track.ends_early)

    def _planned(
        self,
        plan: Sequence[DecodeSegment],
        timeline: Timeline,
        numbered: SegmentPackets,
        fps: Fraction,
        first_index: int = 0,
    ) -> Iterator[tuple[int, Frame]]:
        track = self._reader.track
        self._last = (timeline.times[-1] - timeline.start) * track.tick
        max_distance = 1 / (2 * fps * track.tick)
        for target, picture in self._reader.planned(plan, timeline.packets, numbered, max_distance):
            time = target.pts if picture.pts is None else picture.pts
            index = first_index + bisect_left(timeline.times, time)
            yield target.number, self._frame(index, time - timeline.start, picture, target.sampled)

    def _end(self, *, early: bool) -> None:
        """Note the end of the planned samples, and that the packets end early if they do."""
        if self._part.ends_by(self._last) and self._reader.log.errors_in_a_row < MAX_ERRORS_IN_A_ROW:
            # If the decoder refuses the packets that follow, the next part reports it.
            return
        self._reader.end(early=early)
        if self._reader.ended_by != "damage":
            self._reached = self._last

    def _frames(self) -> Iterator[Frame]:
        """Decode all frames in display order in one pass."""
        reader = self._reader
        if self._timeline is not None and self._timeline.times_are_dts:
            reader.times = self._timeline.times
        step = reader.step
        index, ticks = -1, -step
        reader.owns_damage = owner_by_time(self._part, reader.log, reader.tick)
        reader.track.expect_all()
        for picture, time, lost in reader.pictures():
            if index < 0 and self._timeline is None:
                # Frames that are lost before the first one count too.
                self._start = reader.log.earliest if lost and time is not None else time or 0
            # Some programs repeat a time, and damage can change the order. Such a frame gets the next possible time, so
            # that the times of later frames stay correct.
            now = ticks + step * (1 + lost) if time is None else max(time - self._start, ticks + 1, 0)
            if time is None and lost:
                reader.log.add_gap(ticks + step, now)
            index, ticks = self._index_of(time, index, lost), now
            self._reached = self._last = ticks * reader.tick
            yield self._frame(index, ticks, picture)

    def _reopen(self, threads: int | None = None) -> None:
        """Open the file again from the beginning, with a new decoder."""
        # If the deadline passes while the file is opened, the result still needs the properties of this reader's track.
        reader = Reader(self._body, threads or self._threads, self._max_pixels)
        reader.track.deadline = self._deadline
        self._decoded += self._reader.decoded
        self._reader.track.close()
        self._reader = reader

    def _frame(self, index: int, ticks: int, picture: av.VideoFrame, sampled: Sampled = "exact") -> Frame:
        if self._shown is None:
            self._shown = appearance_of(picture, self._square_width(picture.width, picture.height))
        self._note_info()
        width = self._square_width(picture.width, picture.height)
        return Frame(index, ticks, self._reader.tick, picture, width, self._start + ticks, sampled)

    def _decode_first_frame(self) -> None:
        """Decode the first frame, whose properties are those of the video, for a part that does not have it.

        Raises
        ------
        NotAVideoError, EncryptedVideoError, TooLargePictureError, LateError
            If no frame can be decoded.
        """
        reader = Reader(self._body, 1, self._max_pixels)
        reader.track.deadline = self._deadline
        try:
            picture = next((picture for picture, _, _ in reader.pictures()), None)
            self._decoded += reader.decoded
            if picture is None:
                raise NotAVideoError(f"No frame of the video can be decoded: {reader.reason}.")
            self._shown = appearance_of(picture, self._square_width(picture.width, picture.height))
        finally:
            reader.track.close()

    def _note_info(self) -> None:
        if self._info is None and self._shown is not None:
            start = 0 if self._reader.track.is_avi else self._start
            self._info = self._reader.info(self._shown, start)

    def _square_width(self, width: int, height: int) -> int:
        return square_width(width, height, self._reader.track.pixel_aspect, self._max_pixels)

    def _index_of(self, time: int | None, before: int, lost: int) -> int:
        """Return a frame's number in display order: by its time if all times are known, else by counting."""
        counted = before + 1 + lost
        if self._timeline is None or time is None:
            return counted
        index = bisect_left(self._timeline.times, time)
        is_known = index < len(self._timeline.times) and self._timeline.times[index] == time
        return max(index, before) if is_known else counted
