"""A program: kills processes with SIGKILL while they write checkpoints, again and again, and checks what is left.

Usage: ``python checkpoint_writer.py FILE ATTEMPTS``. It goes on, up to five times as often, until one was killed within
a write: how long a write takes depends on what else the machine does.
"""

from __future__ import annotations

import os
import signal
import sys
from itertools import count
from pathlib import Path

import torch

from disent_plugins.training.checkpoint import Checkpoint, Progress, load, save


def write_for_ever(path: Path, first: int, acknowledge: int) -> None:
    for number in count(first):
        save(path, Checkpoint({"weight": torch.full((50_000,), float(number))}, Progress(epoch=number)))
        os.write(acknowledge, b".")


def main(path: Path, attempts: int) -> None:
    torch.set_num_threads(1)  # a fork of a process with worker threads would wait for them for ever
    last = 0
    for attempt in range(5 * attempts):
        if attempt >= attempts and any(path.parent.glob(".*.partial")):
            break
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            write_for_ever(path, last + 1, writing)
        os.close(writing)
        acknowledged = len(os.read(reading, 1)) + last
        # So that every attempt is killed at another moment of the next write.
        for _ in range(1500 * (attempt % attempts)):
            pass
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = load(path)
        last = found.progress.epoch
        assert last >= acknowledged, f"checkpoint {acknowledged} was written, {last} is left"
        assert (found.model["weight"] == last).all()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
