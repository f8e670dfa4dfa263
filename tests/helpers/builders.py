"""Data sets whose building is killed or slow, for processes of their own."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from helpers import data_files

from disent_plugins.data_adapters.store import prepare


class Dies(data_files.Tiny):
    """Kills its own process, as ``kill -9`` would, in the middle of a build."""

    def read(self, source):
        table = super().read(source)

        def slabs():
            yield self.images[:4]
            os.kill(os.getpid(), 9)

        return dataclasses.replace(table, slabs=slabs())


class Slow(data_files.Tiny):
    """Builds only after the other process was seen waiting; notes that it was read."""

    def __init__(self, notes: Path, waiting) -> None:
        self.notes, self.waiting = notes, waiting

    def read(self, source):
        with self.notes.open("a") as file:
            file.write("read\n")
        assert self.waiting.wait(60)
        return super().read(source)


def prepare_and_note(adapter: Slow) -> None:
    def report(done, total, what):
        if what.startswith("waiting for another process"):
            with adapter.notes.open("a") as file:
                file.write(what + "\n")
            adapter.waiting.set()

    table = prepare(adapter, report=report)
    assert (table.images == adapter.images).all()
