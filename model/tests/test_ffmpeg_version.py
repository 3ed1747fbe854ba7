"""Test that the audit of vulnerabilities checks the FFmpeg version in use."""

from __future__ import annotations

import json
from pathlib import Path

import av

AUDITED = Path(__file__).resolve().parents[2] / "tools" / "osv-scanner" / "ffmpeg.json"


def test_the_audit_checks_the_ffmpeg_version_of_pyav() -> None:
    (result,) = json.loads(AUDITED.read_text("utf-8"))["results"]
    (entry,) = result["packages"]
    package = entry["package"]
    assert package["version"] == f"n{av.ffmpeg_version_info}", (
        f"PyAV has FFmpeg {av.ffmpeg_version_info}: put this version and its tag's commit into {AUDITED}."
    )
    assert len(package["commit"]) == 40
