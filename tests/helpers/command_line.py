"""The command ``disent``: called in this process where that is enough, as a process of its own elsewhere."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from disent_plugins.cli import state
from disent_plugins.cli.main import command

TINY = ("--limit", "64", "--batch-size", "32", "--set", "width=0.25")
"""A run on the digits that takes a second."""


PATIENCE = 280
"""Seconds for several processes on a crowded machine: fewer than they wait for one that is lost."""


@dataclass
class Outcome:
    """What a command left: exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout as the one JSON document that it has to be; NaN is none."""
        return json.loads(self.out, parse_constant=_refuse)


def call(*arguments: object) -> Outcome:
    """Run a command in this process and in the current folder."""
    before, handler = sys.argv, signal.getsignal(signal.SIGTERM)
    sys.argv = ["disent", *map(str, arguments)]
    state.registry.cache_clear()
    code: Any = 0
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            command()
        except SystemExit as done:
            code = done.code
        finally:
            sys.argv = before
            signal.signal(signal.SIGTERM, handler)
    return Outcome(code or 0, out.getvalue(), err.getvalue())


def begin(
    folder: Path, cache: Path, *arguments: object, program: Sequence[object] = ("-m", "disent_plugins.cli.main")
) -> subprocess.Popen[str]:
    """Start a command as a process, with one thread as in ``call``."""
    environment = os.environ | {"DISENT_CACHE": str(cache), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
    command = [sys.executable, *map(str, program), *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, **pipes)


def finish(process: subprocess.Popen[str], typed: str = "", seconds: float = 120) -> Outcome:
    """Type something into a process and wait for its end."""
    out, err = process.communicate(typed, timeout=seconds)
    return Outcome(process.returncode, out, err)


def torchrun(folder: Path, cache: Path, *program: object) -> Outcome:
    """Run a program (``-m module``, or a path below ``tests``) as two processes of one thread each."""
    first, *rest = program
    first = first if first == "-m" else Path(__file__).parents[1] / str(first)
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2)
    process = begin(folder, cache, first, *rest, program=launcher)
    try:
        return finish(process, seconds=PATIENCE)
    finally:
        process.terminate()  # where it has not ended: its processes end with it


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
