"""Tests of the generator of sample videos."""

from __future__ import annotations

import io
import json
from pathlib import Path

import av
import pytest

from videos import __main__ as command
from videos.bad import BAD
from videos.display import DISPLAY_SAMPLES
from videos.good import GOOD, film
from videos.pictures import moving, number_of, numbered
from videos.times import NTSC_60, changing, irregular, regular
from videos.writer import Codec, Encoding, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    assert command.main(["--out", str(folder)]) == 0
    return folder


def test_the_list_names_exactly_the_files_in_the_folder(folder: Path) -> None:
    entries = json.loads((folder / command.LIST).read_text("utf-8"))
    assert len(entries) == len(GOOD) + len(DISPLAY_SAMPLES) + len(BAD)
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {entry["file"] for entry in entries} | {command.LIST} == files
    assert all((folder / entry["file"]).stat().st_size == entry["bytes"] for entry in entries)


def test_the_samples_have_all_listed_codecs_and_containers(folder: Path) -> None:
    codecs = set()
    for sample in GOOD:
        with av.open(io.BytesIO((folder / "good" / sample.name).read_bytes()), mode="r") as container:
            codecs.add(container.streams.video[0].codec_context.codec.canonical_name)
    assert codecs == {"h264", "hevc", "vp9", "av1", "mpeg4", "mpeg2video", "wmv2"}
    suffixes = {Path(sample.name).suffix for sample in GOOD}
    assert suffixes == {".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".flv", ".wmv", ".mpg"}


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libvpx-vp9", "libsvtav1", "mpeg4"])
def test_keyframes_are_at_the_requested_frames(tmp_path: Path, codec: Codec) -> None:
    path = tmp_path / ("video.webm" if codec == "libvpx-vp9" else "video.mp4")
    write(path, film(50), regular(50, 25), codec, encoding=Encoding(keyframe_every=12))
    with av.open(str(path), mode="r") as container:
        track = container.streams.video[0]
        keys = [
            packet.pts * packet.time_base
            for packet in container.demux(track)
            if packet.is_keyframe and packet.pts is not None
        ]
    assert [round(25 * key) for key in keys] == [0, 12, 24, 36, 48]


def test_the_encrypted_sample_is_encrypted(folder: Path) -> None:
    body = (folder / "bad" / "encrypted.mp4").read_bytes()
    index = body[body.index(b"moov") :]
    # The type of the sample entry is encv. The codec's follows it (ISO/IEC 14496-12, 8.12).
    assert index.index(b"encv") < index.index(b"frma") < index.index(b"avc1") < index.index(b"tenc")


def test_pictures_show_their_number() -> None:
    for number in (0, 1, 2, 511, 1000, 1023):
        assert number_of(numbered(number)) == number
        assert number_of(moving(number, 161, 97)) == number


def test_times_have_the_requested_rates() -> None:
    assert changing([(2, 2), (3, 10)]) == [0, regular(2, 2)[1], 1, 1 + regular(2, 10)[1], 1 + regular(3, 10)[2]]
    assert regular(60_001, NTSC_60)[-1] == 1001
    times = irregular(50, 1)
    assert times == irregular(50, 1)
    assert times != irregular(50, 2)
