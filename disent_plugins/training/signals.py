"""Ctrl-C and SIGTERM as a request that the training loop answers at the next step; a second one stops at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class StopRequest:
    """Context in which the first SIGINT or SIGTERM only sets ``requested``. Does nothing outside the main thread.

    Args:
        repeated: One request may come twice, as Ctrl-C does from the terminal and from ``torchrun``: no later signal
            stops at once then.
    """

    def __init__(self, *, repeated: bool = False) -> None:
        self.requested, self.repeated = "", repeated
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.repeated and self._before and kind is not None:
            # torchrun sends SIGTERM to the others when one process has failed; what this one has to tell comes first.
            self._before[signal.SIGTERM] = signal.SIG_IGN
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested and not self.repeated:
            raise KeyboardInterrupt
        self.requested = self.requested or signal.Signals(number).name
