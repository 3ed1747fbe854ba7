"""Defines files that are not valid videos. The handler must refuse each with a 4xx and a reason in one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from .boxes import of_unknown_codec, without_fragments, without_index, without_pictures
from .frame_size import with_frame_size
from .good import film
from .pictures import moving
from .sample import MadeSample
from .times import regular
from .writer import Codec, Encoding, write, write_sound

_KEY = {
    "encryption_scheme": "cenc-aes-ctr",
    "encryption_key": "000102030405060708090a0b0c0d0e0f",
    "encryption_kid": "0f0e0d0c0b0a09080706050403020100",
}


@dataclass(frozen=True)
class Bad(MadeSample):
    """A file that the handler must refuse.

    Attributes
    ----------
    reason
        Regular expression that the handler's reason must match, case-insensitive.
    """

    reason: str


def _bytes(body: bytes) -> Callable[[Path], bytes]:
    return lambda _path: body


def _video(codec: Codec = "libx264", encoding: Encoding | None = None) -> Callable[[Path], bytes]:
    return lambda path: write(path, film(50), regular(50, 25), codec, encoding=encoding)


def _edited(make: Callable[[Path], bytes], edit: Callable[[bytes], bytes]) -> Callable[[Path], bytes]:
    return lambda path: edit(make(path))


def _picture(path: Path) -> bytes:
    pictures = [Image.fromarray(moving(number)) for number in range(3)]
    # The handler also refuses animated GIFs as pictures.
    pictures[0].save(path, None, **({"save_all": True, "append_images": pictures[1:]} if path.suffix == ".gif" else {}))
    return path.read_bytes()


_NO_VIDEO = "not a video|unsupported format"
_PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n"
_INDEX_LAST = Encoding(fast_start=False)
_WEBM = _video("libvpx-vp9")

BAD: tuple[Bad, ...] = (
    Bad("empty.mp4", "no bytes", _bytes(b""), "empty"),
    Bad("text.mp4", "text", _bytes(b"This is no video.\n" * 40), _NO_VIDEO),
    Bad(
        "error-page.mp4",
        "a web page",
        _bytes(b"<!doctype html><title>Not found</title>\n"),
        _NO_VIDEO,
    ),
    Bad("zeros.mp4", "zeros", _bytes(bytes(10_000)), _NO_VIDEO),
    Bad("noise.mp4", "noise", _bytes(np.random.default_rng(7).bytes(20_000)), _NO_VIDEO),
    Bad("playlist.mp4", "a playlist that names an address", _bytes(_PLAYLIST), _NO_VIDEO),
    Bad(
        "file-list.mp4",
        "a list of files",
        _bytes(b"ffconcat version 1.0\nfile rate-25.mp4\n"),
        _NO_VIDEO,
    ),
    Bad("picture.png", "a PNG", _picture, _NO_VIDEO),
    Bad("picture.jpg", "a JPEG", _picture, _NO_VIDEO),
    Bad("picture.gif", "an animated GIF", _picture, _NO_VIDEO),
    Bad("sound.mp4", "only sound", write_sound, "no video track"),
    Bad("sound.mkv", "only sound, in Matroska", write_sound, "no video track"),
    Bad(
        "no-frames.mp4",
        "an MP4 of zero length",
        _edited(_video(encoding=Encoding(fragmented=True)), without_fragments),
        ".",
    ),
    Bad("no-index.mp4", "an MP4 whose recorder lost power", _edited(_video(encoding=_INDEX_LAST), without_index), "."),
    Bad("header-only.mp4", "the first 40 bytes of an MP4", _edited(_video(), lambda body: body[:40]), "."),
    Bad("header-only.mkv", "the first 400 bytes of a Matroska", _edited(_video(), lambda body: body[:400]), "."),
    Bad("encrypted.mp4", "Common Encryption", _video(encoding=Encoding(container_options=_KEY)), "."),
    Bad("unknown-codec.mp4", "an unknown codec", _edited(_video(), of_unknown_codec), "codec"),
    Bad("damaged.mp4", "every packet is damaged", _edited(_video(), without_pictures), "no frame"),
    Bad(
        "absurd.webm",
        "pictures of 16000 x 16000",
        _edited(_WEBM, lambda body: with_frame_size(body, 16_000, 16_000)),
        ".",
    ),
    Bad(
        "absurd-wide.webm",
        "pictures of 65536 x 16",
        _edited(_WEBM, lambda body: with_frame_size(body, 65_536, 16)),
        ".",
    ),
)
