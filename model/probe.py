"""Opens a video as the handler does, and prints its duration or why the handler would refuse it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from annotate import limit_memory
from video_inference.errors import ClientError
from video_inference.video import Video


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Prints a JSON object with the duration in seconds; null if the container states none. Decodes no "
        "frame. The exit status is 1 if the handler would refuse the video, else 0.",
    )
    parser.add_argument("video", type=Path, help="video file")
    options = parser.parse_args(arguments)
    try:
        with Video(options.video.read_bytes()) as video:
            print(json.dumps({"duration": video.duration}))
    except (ClientError, OSError) as error:
        print(f"{options.video}: {error.strerror if isinstance(error, OSError) else error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    limit_memory()
    sys.exit(main())
