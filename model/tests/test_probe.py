"""Tests of probe.py, which checks a video before a run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import probe
from tests.conftest import MODULE


def test_a_video_is_opened_and_its_duration_printed(street: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert probe.main([str(street)]) == 0
    assert json.loads(capsys.readouterr().out) == {"duration": 12.0}


def test_a_file_with_only_the_start_of_a_video_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = tmp_path / "notes.mp4"
    notes.write_bytes(b"\0\0\0\x20ftypisom" + b"These are notes, not a video.\n" * 100)
    assert probe.main([str(notes)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"{notes}: The body is not a video")
    assert printed.err.count("\n") == 1


def test_a_missing_file_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert probe.main([str(tmp_path / "none.mp4")]) == 1
    assert capsys.readouterr().err == f"{tmp_path / 'none.mp4'}: No such file or directory\n"


def test_no_torch_is_imported(street: Path) -> None:
    blocked = f"import sys; sys.modules['torch'] = None; import probe; probe.main([{str(street)!r}])"
    done = subprocess.run([sys.executable, "-c", blocked], cwd=MODULE, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, '{"duration": 12.0}\n'), done.stderr
