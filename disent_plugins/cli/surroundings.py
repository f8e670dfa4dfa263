"""What a process finds around it: streams that are closed or know few letters, settings and warnings of libraries."""

from __future__ import annotations

import logging
import os
import re
import sys
import warnings
from collections.abc import Sequence
from typing import TextIO

from disent_plugins.cli import state
from disent_plugins.errors import UsageError


def prepare() -> None:
    """Make the process one in which nothing but the work can fail. Once, before the command is looked at."""
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # an arrow that a terminal does not know is no reason to fail
            stream.reconfigure(errors="replace")
    if not sys.warnoptions:  # otherwise somebody wants to see them
        warnings.simplefilter("ignore")
        os.environ["PYTHONWARNINGS"] = "ignore"  # in processes that libraries start
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
    os.environ["MPLBACKEND"] = "agg"  # no window is ever opened, and an unknown name fails at import


def refuse_empty(arguments: Sequence[str]) -> None:
    """An empty text is no name and no file: as a path it would mean the current folder.

    Raises:
        UsageError: One of the arguments is empty.
    """
    for before, argument in zip(["", *arguments], arguments, strict=False):
        if not argument or re.fullmatch(r"--[\w-]+=", argument):
            name = argument[:-1] or before if argument or before.startswith("-") else "An argument"
            raise UsageError(f"{name} is empty.", "Was it a variable that is not set?", "Leave it out, or name one.")


def _open_closed_streams() -> None:
    """Python has None for a stream that was closed when it started, and the next file would get its number."""
    closed = [number for number in range(3) if not _is_open(number)]
    for number in closed:
        os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
        stream: TextIO = os.fdopen(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False)
        setattr(sys, ("stdin", "stdout", "stderr")[number], stream)
    if 1 in closed:
        state.say("warning: stdout is closed, so the result is not printed; what is kept in files is.")


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
