"""Ends a process together with its parent, so that no orphan stays."""

from __future__ import annotations

import ctypes
import os
import signal

# <linux/prctl.h>
_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Let the kernel kill this process when its parent ends, even if it hangs in native code.

    Parameters
    ----------
    parent
        Process id of the parent. The parent's thread that started this process must live as long as the parent, because
        the kernel sends the signal when that thread ends (prctl(2), PR_SET_PDEATHSIG).

    Raises
    ------
    OSError
        If the kernel refuses the request.
    """
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        # The parent ended before the call of prctl.
        os._exit(1)
