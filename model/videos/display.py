"""Defines sample videos that players do not show as stored: mirrored, several tracks, interlaced, HDR and others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from av.video.reformatter import Colorspace

from .boxes import turned
from .good import film
from .hdr import Curve, to_hdr
from .pictures import HEIGHT, WIDTH, Rgb, moving
from .remux import overwritten, packets_of, spliced, with_tracks
from .sample import MadeSample
from .times import regular
from .writer import Codec, Encoding, Field, write

PICTURES = 100
RATE = 25
_TIMES = regular(PICTURES, RATE)
_GROUPS = Encoding(keyframe_every=12)
INTERLACED_STEP = 4
"""Number of pictures between the two fields of an interlaced picture, so that combing is visible."""


def _film(encoding: Encoding = _GROUPS, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Callable[[Path], bytes]:
    return lambda path: write(path, film(PICTURES, *size), _TIMES, encoding=encoding)


def _turned(clockwise: int) -> Callable[[Path], bytes]:
    return lambda path: turned(_film()(path), clockwise, mirrored=True)


def _parts(path: Path, *films: tuple[Sequence[Rgb], Codec]) -> list[Path]:
    parts = [path.with_name(f"part-{number}{path.suffix}") for number in range(len(films))]
    for part, (pictures, codec) in zip(parts, films, strict=True):
        encoding = Encoding(pixel_format="yuvj420p") if codec == "mjpeg" else _GROUPS
        write(part, pictures, _TIMES[: len(pictures)], codec, encoding=encoding)
    return parts


def _two_tracks(path: Path) -> bytes:
    parts = _parts(path, (film(PICTURES, 80, 48), "libx264"), (film(PICTURES), "libx264"))
    return with_tracks(path, parts, default=1)


def _thumbnail(path: Path) -> bytes:
    parts = _parts(path, (film(1, 320, 192), "mjpeg"), (film(PICTURES), "libx264"))
    return with_tracks(path, parts)


def _grows(path: Path) -> bytes:
    half = PICTURES // 2
    # VP9 has the size in each keyframe. H.264 in Matroska has it once in the file.
    parts = _parts(path, (film(half), "libvpx-vp9"), (film(PICTURES, 640, 384)[half:], "libvpx-vp9"))
    return spliced(path, parts[0], parts[1], milliseconds=1000 * half // RATE)


def _hdr(curve: Curve) -> Callable[[Path], bytes]:
    transfer = {"pq": "smpte2084", "hlg": "arib-std-b67"}[curve]
    encoding = Encoding(
        options={"x265-params": f"colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc:keyint=12"},
        pixel_format="yuv420p10le",
        matrix=Colorspace.BT2020,
    )
    return lambda path: write(
        path, [to_hdr(picture, curve) for picture in film(PICTURES)], _TIMES, "libx265", encoding=encoding
    )


def interleaved(number: int, first_field: Field) -> Rgb:
    """Paint an interlaced picture. Even rows are the top field, and the second field shows a later picture."""
    picture = moving(2 * INTERLACED_STEP * number).copy()
    second = 1 if first_field == "top" else 0
    picture[second::2] = moving(2 * INTERLACED_STEP * number + INTERLACED_STEP)[second::2]
    return picture


def _interlaced(first_field: Field) -> Callable[[Path], bytes]:
    # With yuv422p, the fields do not share chroma.
    options = {"x264-params": "interlaced=1:keyint=12", "crf": "10"}
    encoding = Encoding(options=options, pixel_format="yuv422p", first_field=first_field)
    return lambda path: write(
        path, [interleaved(number, first_field) for number in range(PICTURES)], _TIMES, encoding=encoding
    )


def _damaged(path: Path) -> bytes:
    body = _film()(path)
    # The packet is the first one that refers to the keyframe of the fifth group. The header of its slice is kept.
    return overwritten(body, packets_of(path)[49], skip=60)


_BT709 = "colorprim=bt709:transfer=bt709:colormatrix=bt709:keyint=12"

DISPLAY_SAMPLES: tuple[MadeSample, ...] = (
    MadeSample("mirrored.mp4", "mirrored, like selfies", _turned(0)),
    MadeSample("flipped.mp4", "mirrored and rotated by 180 degrees", _turned(180)),
    MadeSample("mirrored-turned.mp4", "mirrored and rotated by 270 degrees", _turned(270)),
    MadeSample("two-tracks.mp4", "a small track, then the default one", _two_tracks),
    MadeSample("thumbnail.mp4", "the track of a thumbnail, then the video", _thumbnail),
    MadeSample("grows.webm", "pictures of 160 x 96, then of 640 x 384", _grows),
    MadeSample("wide-pixels.mp4", "pixels of 64:45", _film(Encoding(options={"x264-params": "sar=64/45:keyint=12"}))),
    MadeSample(
        "hd-untagged.mp4",
        "HD without a tag for its colours",
        _film(Encoding(12, matrix=Colorspace.ITU709), (1280, 720)),
    ),
    MadeSample(
        "hd-tagged.mp4",
        "HD that is tagged as BT.709",
        _film(Encoding(options={"x264-params": _BT709}, matrix=Colorspace.ITU709), (1280, 720)),
    ),
    MadeSample("pq.mp4", "HDR with PQ", _hdr("pq")),
    MadeSample("hlg.mov", "HDR with HLG", _hdr("hlg")),
    MadeSample("interlaced.mp4", "interlaced, bottom field first", _interlaced("bottom")),
    MadeSample("interlaced-top.mp4", "interlaced, top field first", _interlaced("top")),
    MadeSample("damaged-packet.mp4", "one packet is damaged", _damaged),
)
