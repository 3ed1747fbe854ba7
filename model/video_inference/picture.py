"""Converts decoded pictures to RGB as players show them: upright, square pixels, deinterlaced, without HDR."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, cast

import av
import av.filter
import av.video
import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import SideDataContainer, Type
from av.video.reformatter import Colorspace, ColorTrc

from .errors import NotAVideoError
from .opening import MAX_SIDE, reason_of
from .tone_mapping import HdrTransfer, tone_map

Rgb = npt.NDArray[np.uint8]
Rotation = Literal[0, 90, 180, 270]

_UNSPECIFIED = 2
_HD_WIDTH, _SD_HEIGHT = 1280, 576
_MAX_PIXEL_ASPECT = 10
# FFmpeg's names (libavutil/pixdesc.c).
_TRANSFERS: dict[int, str] = {
    ColorTrc.BT709: "bt709",
    ColorTrc.GAMMA22: "bt470m",
    ColorTrc.GAMMA28: "bt470bg",
    ColorTrc.SMPTE170M: "smpte170m",
    ColorTrc.SMPTE240M: "smpte240m",
    ColorTrc.LINEAR: "linear",
    ColorTrc.LOG: "log100",
    ColorTrc.LOG_SQRT: "log316",
    ColorTrc.IEC61966_2_4: "iec61966-2-4",
    ColorTrc.BT1361_ECG: "bt1361e",
    ColorTrc.IEC61966_2_1: "iec61966-2-1",
    ColorTrc.BT2020_10: "bt2020-10",
    ColorTrc.BT2020_12: "bt2020-12",
    ColorTrc.SMPTE2084: "smpte2084",
    ColorTrc.SMPTE428: "smpte428",
    ColorTrc.ARIB_STD_B67: "arib-std-b67",
}
_HDR: dict[int, HdrTransfer] = {ColorTrc.SMPTE2084: "smpte2084", ColorTrc.ARIB_STD_B67: "arib-std-b67"}


@dataclass(frozen=True)
class Orientation:
    """Orientation of stored pictures: players mirror them left to right, then rotate them clockwise by degrees."""

    mirrored: bool
    rotation: Rotation


def orientation_of(picture: av.VideoFrame) -> Orientation:
    """Read the orientation from a picture's display matrix, rounded to quarter turns."""
    matrix = _display_matrix(picture)
    if matrix is None:
        quarters: tuple[Rotation, ...] = (0, 90, 180, 270)
        return Orientation(mirrored=False, rotation=quarters[round(-picture.rotation / 90) % 4])
    # x' = a x + c y, y' = b x + d y (ISO/IEC 14496-12, 8.3.2). FFmpeg stores a b u c d v x y w.
    a, b, _, c, d = struct.unpack_from("=5i", matrix)
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    is_turned = abs(a) + abs(d) < abs(b) + abs(c)
    turns: tuple[Rotation, Rotation] = (90, 270) if is_turned else (0, 180)
    return Orientation(mirrored, turns[(b - c if is_turned else a + d) < 0])


def _display_matrix(picture: av.VideoFrame) -> bytes | None:
    """Return a picture's display matrix; None if it has none, or has side data of a type that PyAV does not know."""
    try:
        found = _side_data(picture)
    except ValueError:
        # PyAV 18 raises ValueError for types that FFmpeg added later, such as the views of MV-HEVC.
        return None
    return bytes(found[Type.DISPLAYMATRIX]) if Type.DISPLAYMATRIX in found else None


def _side_data(picture: av.VideoFrame) -> SideDataContainer:
    # PyAV's type annotation names another class.
    return cast("SideDataContainer", picture.side_data)


def transfer_of(picture: av.VideoFrame) -> str | None:
    """Return FFmpeg's name of a picture's transfer characteristic, such as "bt709"; None without a tag."""
    return _TRANSFERS.get(picture.color_trc)


def square_width(width: int, height: int, pixel_aspect: Fraction, max_pixels: int) -> int:
    """Compute the width of a stored picture in square pixels, as players show it.

    The stored width is returned if the aspect ratio is not plausible, or the picture would be too large.

    Parameters
    ----------
    width, height
        Stored size in pixels.
    pixel_aspect
        Width of a pixel divided by its height; 0 if unknown.
    max_pixels
        Maximum number of pixels of the result.
    """
    if not Fraction(1, _MAX_PIXEL_ASPECT) <= pixel_aspect <= _MAX_PIXEL_ASPECT:
        return width
    wide = max(1, round(width * pixel_aspect))
    return wide if wide <= MAX_SIDE and wide * height <= max_pixels else width


def to_rgb(picture: av.VideoFrame, width: int) -> Rgb:
    """Convert a picture to RGB as displayed: shape (height, width, 3), upright.

    Parameters
    ----------
    picture
        Decoded picture.
    width
        Width of the stored picture in square pixels.

    Raises
    ------
    NotAVideoError
        If the pixel format has no colours.
    """
    hdr = _HDR.get(picture.color_trc)
    upright = orientation_of(picture)
    try:
        if picture.interlaced_frame:
            picture = _deinterlaced(picture)
        pixels = picture.to_ndarray(
            format="rgb24" if hdr is None else "rgb48le", width=width, src_colorspace=_matrix(picture, hdr)
        )
    except (av.FFmpegError, ValueError) as error:
        raise NotAVideoError(f"The video's pictures cannot be converted to RGB: {reason_of(error)}.") from error
    if hdr is not None:
        pixels = tone_map(np.asarray(pixels, dtype=np.uint16), hdr)
    if upright.mirrored:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(np.rot90(np.asarray(pixels, dtype=np.uint8), -upright.rotation // 90))


def _matrix(picture: av.VideoFrame, hdr: HdrTransfer | None) -> Colorspace | None:
    """Choose the colour matrix of a picture without a tag, as players do; None if FFmpeg's choice is correct."""
    if picture.colorspace != _UNSPECIFIED:
        return None
    if hdr is not None:
        return Colorspace.BT2020
    # mpv's rule (mp_csp_guess_colorspace). FFmpeg uses BT.601 for any size.
    is_hd = picture.width >= _HD_WIDTH or picture.height > _SD_HEIGHT
    return Colorspace.ITU709 if is_hd else None


def _deinterlaced(picture: av.VideoFrame) -> av.VideoFrame:
    """Replace the second field of a picture with rows interpolated from the first one.

    The filter needs only this picture, so its neighbours are not decoded.
    """
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=picture.width,
        height=picture.height,
        format=picture.format,
        time_base=picture.time_base or Fraction(1, 25),
    )
    graph.link_nodes(source, graph.add("estdif", "mode=frame:interp=2p"), graph.add("buffersink")).configure()
    graph.vpush(picture)
    graph.vpush(None)
    return graph.vpull()
