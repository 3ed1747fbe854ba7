"""Opens a video, in memory without copying it or in another source, and refuses bodies that are not videos."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import av
import av.container
import av.stream
import av.video

from .errors import EmptyBodyError, NotAVideoError, NoVideoTrackError, TooLargePictureError
from .mp4_limits import MAX_DECLARED_SAMPLES, MAX_TABLE_BYTES, Declarations, Declared, movie_of
from .source import Source, SourceFile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Body = bytes | bytearray | memoryview | Source

# Names of FFmpeg's demuxers. None of them opens other files.
_CONTAINERS = "mov,mp4,matroska,webm,avi,mpegts,flv,asf,mpeg,ogg"
_PADDING = 1 << 16
MAX_SIDE = 65_536
"""Maximum length of a picture's side in pixels (result.schema.json)."""
# FFmpeg's names of decoders. Its other decoders, for example for old games, are rarely used and tested, so a malicious
# video would choose one of them.
_DECODERS = (
    "av1",
    "dnxhd",
    "dvvideo",
    "ffv1",
    "flv",
    "h263",
    "h264",
    "hevc",
    "libdav1d",
    "libvpx",
    "libvpx-vp9",
    "mjpeg",
    "mpeg1video",
    "mpeg2video",
    "mpeg4",
    "msmpeg4",
    "msmpeg4v2",
    "prores",
    "rawvideo",
    "theora",
    "vc1",
    "vp8",
    "vp9",
    "wmv1",
    "wmv2",
    "wmv3",
)
_SUPPORTED = "mp4, mov, mkv, webm, avi, ts, flv, wmv, mpg or ogv"
_CODECS = (
    "AV1, DNxHD, DV, FFV1, FLV, H.263, H.264, HEVC, MJPEG, MPEG-1, MPEG-2, MPEG-4, ProRes, raw pictures, Theora, VC-1, "
    "VP8, VP9 or WMV"
)
# HEIF and AVIF pictures use MP4's container (ISO/IEC 23008-12, AV1 Image File Format). Sequences of them are videos.
_PICTURE_BRANDS = {"avif", "heic", "heix", "heim", "heis", "mif1", "mif2"}
# FFmpeg also reports album covers, chapter previews and embedded pictures as video streams.
_STILL_PICTURES = (
    av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails | av.stream.Disposition.still_image
)


class MemoryFile(io.RawIOBase):
    """A file that reads from a buffer without copying it. `io.BytesIO` would copy a bytearray.

    Parameters
    ----------
    body
        The buffer. It must not change until the file is closed.

    Raises
    ------
    EmptyBodyError
        If the body is empty.
    """

    def __init__(self, body: bytes | bytearray | memoryview) -> None:
        if len(body) == 0:
            raise EmptyBodyError("The request's body is empty: send a video.")
        super().__init__()
        self.view = memoryview(body).cast("B")
        """The buffer as bytes."""
        self._position = 0

    def readable(self) -> bool:
        """Return True: the file can be read."""
        return True

    def seekable(self) -> bool:
        """Return True: the position can be set."""
        return True

    def readinto(self, target: WriteableBuffer) -> int:
        """Copy bytes from the current position; fewer than requested at the end of the buffer."""
        into = memoryview(target).cast("B")
        piece = self.view[self._position : self._position + len(into)]
        into[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position, in bytes from the start, the current position or the end."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: len(self.view)}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def close(self) -> None:
        """Release the buffer."""
        self.view.release()
        super().close()


def open_body(body: Body) -> MemoryFile | SourceFile:
    """Return a file that reads a body.

    Raises
    ------
    EmptyBodyError
        If the body is empty.
    """
    return MemoryFile(body) if isinstance(body, bytes | bytearray | memoryview) else SourceFile(body)


def open_container(file: MemoryFile | SourceFile, max_pixels: int) -> av.container.InputContainer:
    """Open the container of a file.

    Parameters
    ----------
    file
        The file. The caller closes it.
    max_pixels
        Maximum number of pixels of a picture, for the decoders that probe the first frames. They refuse pictures that
        are much larger.

    Raises
    ------
    NotAVideoError
        If the file is not a container for videos, or is a picture.
    """
    options = {
        # FFmpeg would open the files and addresses of a playlist. Allow only containers that include their pictures.
        "format_whitelist": _CONTAINERS,
        "protocol_whitelist": "none",
    } | decoder_options(max_pixels)
    movie = movie_of(file.view)
    if movie is not None and isinstance(file, SourceFile):
        file.expect(*movie.tables)
    declarations = Declarations(file.view)
    if isinstance(file, SourceFile):
        # The fragments are in all of the file, so they are counted when FFmpeg reads them.
        file.before_read = lambda stop: _check(declarations.before(min(stop, len(file.view))))
    else:
        _check(declarations.before(len(file.view)))
    try:
        container = av.open(file, mode="r", options=options, metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, av.ArgumentError):
            raise NotAVideoError(f"The body has an unsupported format: send {_SUPPORTED}.") from error
        raise NotAVideoError(f"The body is not a video ({_SUPPORTED}): {reason_of(error)}.") from error
    brand = container.metadata.get("major_brand", "").strip()
    if brand in _PICTURE_BRANDS:
        container.close()
        raise NotAVideoError(f"The body is a picture ({brand}), not a video: send {_SUPPORTED}.")
    return container


def _check(declared: Declared) -> None:
    if declared.samples > MAX_DECLARED_SAMPLES:
        raise NotAVideoError(
            f"The body declares {declared.samples} samples: at most {MAX_DECLARED_SAMPLES} are accepted."
        )
    if declared.table_bytes > MAX_TABLE_BYTES:
        raise NotAVideoError(
            f"The body has tables of {declared.table_bytes} bytes: at most {MAX_TABLE_BYTES} are accepted."
        )


def decoder_options(max_pixels: int) -> dict[str, str]:
    """Return FFmpeg's options that allow only the listed decoders and limit pictures before memory is allocated.

    FFmpeg counts the padding of its buffers too, so its limit is higher. `check_size` checks the exact limit.
    """
    return {"codec_whitelist": ",".join(_DECODERS), "max_pixels": str(2 * max_pixels + _PADDING)}


def choose_track(container: av.container.InputContainer, max_pixels: int) -> av.video.VideoStream:
    """Choose the main video track: the default one, or else the one with the largest pictures.

    Raises
    ------
    NoVideoTrackError, NotAVideoError, TooLargePictureError
        If there is no track that can be decoded within the limit.
    """
    tracks = [stream for stream in container.streams.video if not stream.disposition & _STILL_PICTURES]
    if not tracks:
        raise NoVideoTrackError("The body holds no video track: send a file with moving pictures.")
    # Unlike PyAV's types state, a stream has no context if FFmpeg does not know its codec.
    known = [stream for stream in tracks if getattr(stream, "codec_context", None) is not None]
    if not known:
        raise NotAVideoError(f"The video's codec is unknown: send {_CODECS}.")
    chosen = max(known, key=_rank)
    name = chosen.codec_context.name
    if name not in _DECODERS:
        raise NotAVideoError(f"The video's codec is {name}: send {_CODECS}.")
    check_size(chosen.width, chosen.height, max_pixels)
    return chosen


def _rank(stream: av.video.VideoStream) -> tuple[bool, bool, int]:
    """Return the sort key of a track. The main track has the highest key; among equals, it is the first one."""
    # Some programs store a thumbnail as a track of one picture and do not mark it.
    is_video = stream.frames != 1
    return is_video, bool(stream.disposition & av.stream.Disposition.default), stream.width * stream.height


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Check that pictures do not have too many pixels.

    Raises
    ------
    TooLargePictureError
        If they have more than `max_pixels`, or more than 65,536 on a side.
    """
    if max(width, height) > MAX_SIDE:
        raise TooLargePictureError(
            f"The video's pictures have {width}x{height} pixels: at most {MAX_SIDE} on a side are accepted."
        )
    if width * height > max_pixels:
        raise TooLargePictureError(
            f"The video's pictures have {width}x{height} pixels: at most {max_pixels} in all are accepted."
        )


def reason_of(error: Exception) -> str:
    """Return FFmpeg's message for an error in one line, without a full stop."""
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(text.split()).rstrip(".")
