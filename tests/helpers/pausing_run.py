"""The command ``disent``, which says ``paused`` on stderr after a batch and goes on when it gets a line on stdin.

Usage: ``python pausing_run.py EPOCH STEP run ...``.
"""

from __future__ import annotations

import sys

from disent_plugins import hookimpl
from disent_plugins.cli import state
from disent_plugins.cli.main import main


class Pause:
    def __init__(self, epoch: int, step: int) -> None:
        self.where = (epoch, step)

    @hookimpl
    def disent_batch_ended(self, run, epoch, step):
        if (epoch, step) == self.where:
            sys.stderr.write("paused\n")
            sys.stderr.flush()
            sys.stdin.readline()


if __name__ == "__main__":
    pause = Pause(int(sys.argv[1]), int(sys.argv[2]))
    sys.argv[1:] = sys.argv[3:]
    state.registry().add(pause, name="pause")
    main()
