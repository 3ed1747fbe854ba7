"""Lists the codecs that plans and skipping support, and reads properties of their packets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import av.packet

# Names of decoders whose packets each have the time of one shown frame.
PLANNED_CODECS = {"h264", "hevc", "vp9", "libvpx-vp9", "av1", "libdav1d", "mpeg4"}
# Names of decoders that can skip frames that no other frame refers to. VP9 and AV1 adapt to every frame.
SKIPPING_CODECS = {"h264", "hevc", "mpeg4"}
UNKNOWN_OR_PROGRESSIVE = {0, 1}
# DivX 5 and Xvid put a B-frame into the packet of the previous frame. FFmpeg also recognises such streams by this user
# data (decode_user_data in libavcodec/mpeg4videodec.c). Its start code is in ISO/IEC 14496-2, 6.2.1.
PACKED = re.compile(rb"\x00\x00\x01\xb2DivX[0-9]+(Build|b)[0-9]+p")


def side_data(packet: av.packet.Packet[Any]) -> list[str]:
    """List the types of a packet's side data. PyAV's `has_sidedata` takes ten times as long."""
    return [one.data_type for one in packet.iter_sidedata()]


def has_one_layer(configuration: bytes | None) -> bool:
    """Tell whether HEVC's configuration record states a single temporal layer.

    With several layers, FFmpeg would skip frames that only a higher layer refers to.
    """
    # ISO/IEC 14496-15, 8.3.2.1.2: a record starts with 1, unlike a bit stream. Bits 3 to 5 of byte 21 are
    # numTemporalLayers.
    if configuration is None or len(configuration) < 23 or configuration[0] != 1:
        return False
    return configuration[21] >> 3 & 7 == 1
