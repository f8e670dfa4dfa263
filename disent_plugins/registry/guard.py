"""The one place where code of plugins runs: whatever it raises, it leaves the process as it found it."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any

from disent_plugins import interrupts
from disent_plugins.together import Together

LONGEST = 500
"""Letters of a foreign message that are shown."""


def guarded(function: Callable[[], Any]) -> tuple[BaseException | None, Any]:
    """What a foreign function raised, or None, and what it returned; the current folder is put back.

    Only a person's Ctrl-C passes through; a ``KeyboardInterrupt`` that no signal asked for is an error like any other.
    """
    here = _folder()
    with _signals() as seen:
        try:
            # stdout is the result: what a plugin prints is for people.
            with _QUIET:
                return None, function()
        except KeyboardInterrupt as error:
            if seen or interrupts.received():
                raise
            return error, None
        except BaseException as error:  # SystemExit included: a plugin must not end the command
            if interrupts.received():  # and this is what a library made of a signal
                raise KeyboardInterrupt from error
            return error, None
        finally:
            if here and _folder() != here:
                os.chdir(here)


_QUIET = Together(lambda: contextlib.redirect_stdout(sys.stderr))


def told(error: BaseException) -> str:
    """Type and message of an exception in one line; its ``str`` is foreign code as well."""
    failed, line = guarded(lambda: _line(error))
    return f"{type(error).__name__}, whose message cannot be read" if failed is not None else line


def own_copy(value: Any) -> Any:
    """Mappings, lists and dataclasses anew, all the way down; what lies in them and is none of these is the same."""
    if isinstance(value, Mapping):
        return {key: own_copy(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([own_copy(part) for part in value]) if type(value) in (list, tuple) else value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        made = copy.copy(value)
        for field in dataclasses.fields(value):
            object.__setattr__(made, field.name, own_copy(getattr(value, field.name)))  # frozen ones too
        return made
    return value


def _line(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"it called sys.exit({error.code!r})"
    text = " ".join(str(error).split())
    text = text if len(text) <= LONGEST else text[:LONGEST] + "..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return ""


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
    """The numbers of the signals that came in the context; whoever handled them before still does."""
    seen: list[int] = []
    before: dict[int, Any] = {}

    def note(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        before[number](number, frame)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.getsignal(number)
            if callable(handler):
                before[number] = handler
                signal.signal(number, note)
    try:
        yield seen
    finally:
        for changed, handler in before.items():
            signal.signal(changed, handler)
