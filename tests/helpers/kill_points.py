"""A program: kills a run before every file it puts in place, lets it go on, and compares it with one left alone.

Usage: ``python kill_points.py FOLDER here|behind``; behind, a thread writes the checkpoints, as with a GPU. Prints one
JSON document: how many points there were, and what went wrong.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import torch
from helpers.run_files import losses, same, state
from helpers.training_files import Plugin, begin, with_plugin

from disent_plugins import hookimpl
from disent_plugins.files import write_text
from disent_plugins.measuring import trained
from disent_plugins.measuring.results import add_results
from disent_plugins.training import session, trainer
from disent_plugins.training.folder import RunFolder
from disent_plugins.training.saving import Writer

KILLED, WRONG = 9, 3


class Told(Plugin):
    """Writes down which epochs it was told of, as an outsider's logger does."""

    @hookimpl
    def disent_epoch_ended(self, run, epoch, losses):
        with (run.folder.path / "told").open("a") as file:
            file.write(f"{epoch}\n")


def train_and_measure(path: Path) -> None:
    """What ``disent run`` does, new or resumed, with a small measurement."""
    if RunFolder(path).config.exists():
        session.resume(with_plugin(Told()), RunFolder(path)).fit()
    else:
        begin(path, Told(), epochs=2).fit()
    subject = trained.open_run(with_plugin(), RunFolder(path)).subject()
    write_text(subject.out / "picture", "drawn")
    add_results(path, {"small": {"of": subject.of, "values": {"a": float(subject.codes.content.sum())}}})


def kill_before(point: int) -> None:
    """End this process without a word before it moves file number ``point``, from 1, into place."""
    done, replace = 0, os.replace

    def counted(source: Path, target: Path) -> None:
        nonlocal done
        done += 1
        if done == point:
            os._exit(KILLED)
        replace(source, target)

    os.replace = counted


def compare(path: Path, whole: Path) -> None:
    """The same files with the same content, nothing unfinished, every epoch told."""
    assert names(path) == names(whole), names(path) ^ names(whole)
    for which in ("last", "best"):
        a, b = state(path, which), state(whole, which)
        assert same(vars(a.progress), vars(b.progress))
        assert same([a.model, a.optimizers, a.random], [b.model, b.optimizers, b.random])
    assert losses(path) == losses(whole)
    assert (path / "results.json").read_text() == (whole / "results.json").read_text()
    assert set((path / "told").read_text().split()) == {"1", "2"}


def names(path: Path) -> set[str]:
    return {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()}


def forked(call: Callable[[], object]) -> int:
    """Exit code of a child process that does it."""
    child = os.fork()
    if child == 0:
        try:
            call()
        except BaseException:
            traceback.print_exc()
            os._exit(WRONG)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(folder: Path) -> None:
    torch.set_num_threads(1)  # a fork of a process with worker threads would wait for them for ever
    train_and_measure(folder / "whole")
    point, wrong = 0, []
    while True:
        point += 1
        path = folder / str(point)
        left = forked(lambda path=path, point=point: (kill_before(point), train_and_measure(path)))
        if left == 0:
            break
        if left != KILLED or forked(lambda path=path: (train_and_measure(path), compare(path, folder / "whole"))):
            wrong.append(point)
    print(json.dumps({"points": point - 1, "wrong": wrong}))


if __name__ == "__main__":
    if sys.argv[2] == "behind":
        trainer.Writer = lambda behind: Writer(behind=True)
    main(Path(sys.argv[1]))
