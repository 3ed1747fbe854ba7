"""Runs the command line: `python -m bench`."""

import sys

if __name__ == "__main__":
    # Imported here, because the measured processes import this module too, and their memory counts.
    from .command import main

    sys.exit(main())
