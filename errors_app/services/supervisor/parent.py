"""Not outliving one's parent."""

import ctypes
import os
import signal
from typing import Final

PR_SET_PDEATHSIG: Final = 1


class ParentGone(Exception):
    """The parent died before this process could ask to be told."""


def die_with(parent: int) -> None:
    """Have the kernel kill this process when `parent`, its parent, dies in whatever way.

    By SIGKILL: what was accepted survives it, and nothing can delay it. The kernel watches the
    parent's thread that started this process: parents start their children in the main thread.
    """
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise ParentGone(f"process {parent}, which started this one, has gone")
