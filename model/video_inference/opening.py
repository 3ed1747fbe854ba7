"""Opens a video that lies in memory, without copying it, and refuses what is none."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import av
import av.container
import av.stream
import av.video

from .errors import EmptyBodyError, NotAVideoError, NoVideoTrackError, TooLargePictureError
from .mp4_limits import MAX_DECLARED_SAMPLES, max_declared_samples

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Body = bytes | bytearray | memoryview

# FFmpeg's demuxers. None of them opens other files.
_CONTAINERS = "mov,mp4,matroska,webm,avi,mpegts,flv,asf,mpeg,ogg"
_PADDING = 1 << 16
MAX_SIDE = 65_536
"""The longest side of a picture, in pixels, that a result can state (result.schema.json)."""
# FFmpeg's names of decoders. It has hundreds more, for formats of old games and of screen recorders, that few people
# use or test: a hostile video would choose one of them.
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
    "VP8, VP9 and WMV"
)
# HEIF and AVIF pictures lie in MP4's container (ISO/IEC 23008-12, AV1 Image File Format); sequences of them are videos.
_PICTURE_BRANDS = {"avif", "heic", "heix", "heim", "heis", "mif1", "mif2"}
# To FFmpeg, the cover of a song, a preview for each chapter and a picture in the file are video streams, too.
_STILL_PICTURES = (
    av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails | av.stream.Disposition.still_image
)


class MemoryFile(io.RawIOBase):
    """Reads from a buffer that stays where it is; `io.BytesIO` would copy the bytearray that a server hands over.

    Parameters
    ----------
    body
        It must stay as it is until the file is closed.

    Raises
    ------
    EmptyBodyError
        If there are no bytes.
    """

    def __init__(self, body: Body) -> None:
        if len(body) == 0:
            raise EmptyBodyError("The request's body is empty: send a video.")
        super().__init__()
        self._view = memoryview(body).cast("B")
        self._position = 0

    def declared_samples(self) -> int:
        """Count what an MP4's tables claim: see `max_declared_samples`."""
        return max_declared_samples(self._view)

    def readable(self) -> bool:
        """Say that bytes can be read."""
        return True

    def seekable(self) -> bool:
        """Say that the position can be set."""
        return True

    def readinto(self, target: WriteableBuffer) -> int:
        """Copy bytes from the position on; fewer than asked for at the end."""
        into = memoryview(target).cast("B")
        piece = self._view[self._position : self._position + len(into)]
        into[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position, in bytes from the start, the position or the end."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: len(self._view)}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def close(self) -> None:
        """Let go of the buffer."""
        self._view.release()
        super().close()


def open_container(file: MemoryFile, max_pixels: int) -> av.container.InputContainer:
    """Open the container that a file holds.

    Parameters
    ----------
    file
        It stays the caller's to close.
    max_pixels
        Decoders that look at the first frames to find out what they are refuse much larger ones.

    Raises
    ------
    NotAVideoError
        If there is none, or it is not one of videos.
    """
    options = {
        # Playlists name files and addresses that FFmpeg would open: let in only containers that hold their pictures.
        "format_whitelist": _CONTAINERS,
        "protocol_whitelist": "none",
    } | decoder_options(max_pixels)
    declared = file.declared_samples()
    if declared > MAX_DECLARED_SAMPLES:
        raise NotAVideoError(f"The body claims {declared} samples: at most {MAX_DECLARED_SAMPLES} are accepted.")
    try:
        container = av.open(file, mode="r", options=options, metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, av.ArgumentError):
            raise NotAVideoError(f"The body is in another format than {_SUPPORTED}.") from error
        raise NotAVideoError(f"The body is not a video ({_SUPPORTED}): {reason_of(error)}.") from error
    brand = container.metadata.get("major_brand", "").strip()
    if brand in _PICTURE_BRANDS:
        container.close()
        raise NotAVideoError(f"The body is a picture ({brand}), not a video: send {_SUPPORTED}.")
    return container


def decoder_options(max_pixels: int) -> dict[str, str]:
    """Open no decoder but those of the list, and make them refuse large pictures before they get memory for them.

    They count the padding of their buffers, too: `check_size` is the exact limit.
    """
    return {"codec_whitelist": ",".join(_DECODERS), "max_pixels": str(2 * max_pixels + _PADDING)}


def choose_track(container: av.container.InputContainer, max_pixels: int) -> av.video.VideoStream:
    """Choose the main track of moving pictures: the default one, or else the one with the largest pictures.

    Raises
    ------
    NoVideoTrackError, NotAVideoError, TooLargePictureError
        If there is none that can be decoded within the limit.
    """
    tracks = [stream for stream in container.streams.video if not stream.disposition & _STILL_PICTURES]
    if not tracks:
        raise NoVideoTrackError("The body holds no video track: send a file with moving pictures.")
    # PyAV's types do not say so, but a stream whose codec FFmpeg does not know has no context.
    known = [stream for stream in tracks if getattr(stream, "codec_context", None) is not None]
    if not known:
        raise NotAVideoError("The video's codec is not known.")
    chosen = max(known, key=_rank)
    name = chosen.codec_context.name
    if name not in _DECODERS:
        raise NotAVideoError(f"The video's codec is {name}: {_CODECS} are decoded.")
    check_size(chosen.width, chosen.height, max_pixels)
    return chosen


def _rank(stream: av.video.VideoStream) -> tuple[bool, bool, int]:
    """Order tracks by how likely each is the main one; of equals, `max` takes the first."""
    # Some writers store a thumbnail as a track with one picture, without a flag for it.
    is_film = stream.frames != 1
    return is_film, bool(stream.disposition & av.stream.Disposition.default), stream.width * stream.height


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Refuse pictures of too many pixels.

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
    """Put FFmpeg's words for an error in one line without a full stop."""
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(text.split()).rstrip(".")
