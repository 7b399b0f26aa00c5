"""Worker processes that end with their parent, however it ends, and what they do before an end.

A parent that is killed (SIGKILL, out of memory) cannot tell its workers; left alone they would go
on answering on the port. Two watches, because each has a gap: the kernel's signal exists on Linux
only and follows the thread that forked; the watching thread needs the interpreter to be running.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.util import Finalize

__all__ = ["before_the_end", "end_with_parent"]

_PR_SET_PDEATHSIG = 1
_PAUSE = 0.25


def before_the_end(call: Callable[[], None]) -> None:
    """Have something called when this process ends in order.

    The standard library's ``atexit`` does nothing in workers that multiprocessing has started.
    """
    Finalize(None, call, exitpriority=1)


def end_with_parent(pid: int | None = None) -> None:
    """End this process when its parent is gone.

    Parameters
    ----------
    pid
        The parent. By default the process that started this one through ``multiprocessing``, as
        granian does; where there is none (gunicorn, uWSGI, a script) nothing happens.
    """
    if pid is None:
        parent = multiprocessing.parent_process()
        if parent is None or parent.pid is None:
            return
        pid = parent.pid
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    threading.Thread(target=_watch, args=(pid,), name="lifeline", daemon=True).start()
    # The parent may have gone before the signal was asked for.
    _end_without(pid)


def _watch(pid: int) -> None:
    handle = _handle(pid)
    _end_without(pid)
    if handle is not None:
        select.select([handle], [], [])
        os._exit(1)
    while True:
        time.sleep(_PAUSE)
        _end_without(pid)


def _handle(pid: int) -> int | None:
    """Return a descriptor that becomes readable when the process ends, where there is such."""
    try:
        return os.pidfd_open(pid) if sys.platform == "linux" else None
    except OSError:
        return None


def _end_without(pid: int) -> None:
    if os.getppid() != pid:
        os._exit(1)
