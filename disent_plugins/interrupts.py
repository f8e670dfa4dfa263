"""Ctrl-C and SIGTERM while a command runs, whatever becomes of the exception that they raise.

In the middle of an import a ``KeyboardInterrupt`` comes out as nearly anything: NumPy says that it is badly installed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

_received = False


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """A context in which either signal raises ``KeyboardInterrupt``, and is remembered."""
    global _received
    numbers = (signal.SIGINT, signal.SIGTERM)
    before, hook = [signal.signal(number, _interrupt) for number in numbers], sys.unraisablehook

    def once_more(what: Any) -> None:
        """Python drops what a callback or destructor raises; a signal must not be lost so."""
        if what.exc_type is KeyboardInterrupt:
            again = threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT))  # in here it would be dropped as well
            again.daemon = True
            again.start()
        else:
            hook(what)

    sys.unraisablehook = once_more
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
        sys.unraisablehook, _received = hook, False


def received() -> bool:
    """Whether a signal came in this context: an error after it is a consequence and no news."""
    return _received


def _interrupt(number: int, frame: FrameType | None) -> None:
    global _received
    _received = True
    raise KeyboardInterrupt
