"""Runs the command line: `python -m bench`."""

import sys

if __name__ == "__main__":
    # Measured processes import this module, too: whatever stood outside would be counted as theirs.
    from .command import main

    sys.exit(main())
