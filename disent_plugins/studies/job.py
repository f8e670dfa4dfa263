"""A cell as a process: exactly ``disent run``, gone on with where its folder stands; its log and exit code are kept.

No torch in here: the processes of a cluster import it as well.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from disent_plugins.files import append_line, clear_disk_errors, write_json
from disent_plugins.measuring.kept import epochs_of
from disent_plugins.studies.ends import NOTES, read_end

PATIENCE = 60.0
"""Seconds to wait for a process of an earlier sweep that is still leaving a cell."""

LOOK = 0.1
"""Seconds between two looks at processes."""

_LEASH = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored in the background of a script, and so by the cells
try:
    import ctypes
    ctypes.CDLL(None).prctl(1, 15)  # PR_SET_PDEATHSIG, SIGTERM
except Exception:
    pass
if os.getppid() != int(sys.argv[1]):
    sys.exit(143)
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Has the system send SIGTERM to what it becomes when its parent, be it by SIGKILL, is gone; and hears SIGINT again."""


@dataclass(frozen=True)
class Job:
    """A cell that is to be run.

    Attributes:
        path: Its run folder.
        settings: Of the run, as ``--config`` reads them.
        measure: As ``--measure`` takes it.
        epochs: Epochs in all.
        flags: Global flags of the command.
        here: The folder that paths are seen from.
    """

    path: Path
    settings: Mapping[str, Any]
    measure: str
    epochs: int
    flags: tuple[str, ...]
    here: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def device(self) -> str:
        """As ``--device`` takes it."""
        return str(self.settings["device"])

    @property
    def log(self) -> Path:
        """What its processes said on stderr, one after another."""
        return self._note(".log")

    @property
    def config(self) -> Path:
        return self._note(".json")

    @property
    def end(self) -> Path:
        """How its last process ended."""
        return self._note(".end.json")

    def _note(self, suffix: str) -> Path:
        return self.path.parent / NOTES / f"{self.name}{suffix}"

    def command(self) -> list[str]:
        """What to run: a new run, or one that goes on."""
        begun = (self.here / self.path / "config.json").is_file()
        where = ["--resume", str(self.path)] if begun else ["--config", str(self.config), "--out", str(self.path)]
        run = ["run", *where, "--measure", self.measure, "--device", self.device]
        return [sys.executable, "-m", "disent_plugins", *self.flags, *run]


class Running:
    """A job's process.

    Its log is locked as long as any process writes to it, so that no two train one cell, be they of two sweeps of which
    one was killed.

    Args:
        job: The job; its folder of notes is there.
        environment: What the process finds in its environment beyond ours.
    """

    def __init__(self, job: Job, environment: Mapping[str, str]) -> None:
        self.job, self.began = job, time.monotonic()
        self._process: subprocess.Popen[bytes] | None = None
        with clear_disk_errors(job.log), (job.here / job.log).open("ab") as log:
            if not _locked(log, time.monotonic() + PATIENCE):
                append_line(job.here / job.log, "error: A process of another sweep is still running this cell.")
                return
            write_json(job.here / job.config, dict(job.settings))
            command = job.command()
            log.write(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')} {shlex.join(command[1:])}\n".encode())
            log.flush()
            if sys.platform == "linux":
                command = [sys.executable, "-I", "-S", "-c", _LEASH, str(os.getpid()), *command]
            # In a session of its own: Ctrl-C at the terminal is for the sweep, which passes it on once.
            self._process = subprocess.Popen(
                command, cwd=job.here, env=os.environ | environment, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip

    def poll(self) -> int | None:
        """The exit code once it has ended, which is then kept."""
        code = 2 if self._process is None else self._process.poll()
        if code is not None:
            before = read_end(self.job.here / self.job.end)
            seconds = time.monotonic() - self.began + (before.seconds if before else 0.0)
            found = {"exit_code": code, "measure": self.job.measure, "seconds": round(seconds, 2)}
            write_json(self.job.here / self.job.end, found)
        return code

    def signal(self, number: int) -> None:
        """Send it a signal, if it is still there."""
        if self._process is not None:
            self._process.send_signal(number)


def run_job(job: Job, environment: Mapping[str, str], goes_on: Callable[[], bool]) -> int:
    """Run a job to its end, on whatever machine this is called.

    Args:
        job: The job.
        environment: See ``Running``.
        goes_on: Asked now and then; once it says no, the process is asked to leave with its checkpoint.

    Returns:
        The exit code.
    """
    running, asked = Running(job, environment), False
    while (code := running.poll()) is None:
        if not asked and not goes_on():
            running.signal(signal.SIGINT)
            asked = True
        time.sleep(LOOK)
    return code


def await_leaving(jobs: Iterable[Job]) -> None:
    """Wait until no process writes to the logs of jobs, as far as locks tell."""
    until = time.monotonic() + PATIENCE
    for job in jobs:
        with (job.here / job.log).open("ab") as log:
            _locked(log, until)


def last_epoch(path: Path) -> dict[str, Any] | None:
    """The last whole line of a run's ``metrics.jsonl``; none if there is none."""
    with contextlib.suppress(OSError):
        return max(epochs_of(path), key=lambda epoch: epoch["epoch"], default=None)
    return None


def _locked(log: IO[bytes], until: float) -> bool:
    """Whether the log is ours by that time; the lock goes on to the process that inherits it."""
    while True:
        try:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(LOOK)
        except OSError:  # a network file system without locks
            return True
