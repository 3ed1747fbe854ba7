"""The weekly audit asks about the FFmpeg that is used."""

from __future__ import annotations

import json
from pathlib import Path

import av

AUDITED = Path(__file__).resolve().parents[2] / "tools" / "osv-scanner" / "ffmpeg.json"


def test_the_audit_asks_about_the_ffmpeg_that_pyav_carries() -> None:
    (result,) = json.loads(AUDITED.read_text("utf-8"))["results"]
    (entry,) = result["packages"]
    package = entry["package"]
    assert package["version"] == f"n{av.ffmpeg_version_info}", (
        f"PyAV carries FFmpeg {av.ffmpeg_version_info}: put it and its tag's commit into {AUDITED}."
    )
    assert len(package["commit"]) == 40
