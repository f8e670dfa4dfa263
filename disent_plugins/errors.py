"""The errors a user sees: what happened, why, and what to type next, each with its exit code.

0 done, 1 the work failed, 2 usage or configuration, 3 data missing or unreachable, 4 plugin failure, 130 interrupted.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any


class DisentError(Exception):
    """An expected failure. ``str()`` gives the three parts on lines of their own.

    Args:
        what: One sentence, what could not be done.
        why: The cause, as exactly as it is known.
        hint: The next command or step to try.
    """

    exit_code = 1

    def __init__(self, what: str, why: str = "", hint: str = "") -> None:
        super().__init__(what, why, hint)
        self.what, self.why, self.hint = str(what), str(why), str(hint)  # plugins raise it too

    def __str__(self) -> str:
        return "\n".join(part for part in (self.what, self.why, self.hint) if part)


class WorkFailed(DisentError):
    """Training, measuring or writing went wrong (exit code 1)."""


class UsageError(DisentError):
    """The request itself is wrong: an unknown name, a value out of bounds, unusable input (exit code 2)."""

    exit_code = 2


class DataMissing(DisentError):
    """Data is absent, unreachable, damaged or not what it should be (exit code 3)."""

    exit_code = 3


class PluginFailure(DisentError):
    """A plugin broke its contract or failed (exit code 4)."""

    exit_code = 4


class Interrupted(DisentError):
    """Stopped by Ctrl-C or SIGTERM after the state was saved (exit code 130)."""

    exit_code = 130


def suggestion(name: str, known: Iterable[str]) -> str:
    """``Did you mean 'gmvae'?`` where a known name is close to ``name``, otherwise the list of known names."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"Did you mean '{close[0]}'?"
    return f"Known: {', '.join(known)}." if known else "None is available."


def shown(value: Any, as_text: Callable[[Any], str] = repr) -> str:
    """A value as a message shows it: short, whatever it is, also where it cannot be asked."""
    try:
        text = as_text(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


_LONGEST = 60
