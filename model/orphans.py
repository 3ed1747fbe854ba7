"""Ends a process together with the one that started it, so that none stays behind."""

from __future__ import annotations

import ctypes
import os
import signal

# <linux/prctl.h>
_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, even if it hangs in native code by then.

    Parameters
    ----------
    parent
        Process id of the parent. Its thread that started this process must live as long as the parent does, because the
        kernel counts that thread's end as the parent's (prctl(2), PR_SET_PDEATHSIG).

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        # The parent ended before the kernel was told.
        os._exit(1)
