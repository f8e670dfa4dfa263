"""What a process does that ``torchrun`` started for a test.

``ranks.py gradients|training FOLDER``: each process leaves ``FOLDER/RANK.pt``. ``ranks.py dying EPOCH STEP run ...``:
the command ``disent``, and the second process dies after a batch.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from helpers import whole_batch_cases as cases
from helpers.training_files import begin, with_plugin

from disent_plugins.cli.main import main
from disent_plugins.errors import DisentError
from disent_plugins.training import session
from disent_plugins.training.folder import RunFolder
from disent_plugins.training.processes import Processes, launched
from disent_plugins.training.settings import RunSettings
from disent_plugins.training.trainer import Trainer
from disent_plugins.whole_batch import add_up, sharing


def gradients(processes: Processes, folder: Path) -> dict:
    """Of all cases, in both modes: terms and gradients before and after they are averaged, and the buffers."""
    left = {}
    for mode in ("rank", "exact"):
        settings = RunSettings(batch_size=cases.BATCH, group_statistics=mode)
        share = processes.share(cases.batches(), settings)
        for case in cases.CASES:
            with sharing(mode == "exact"):
                model, found = cases.results(case, share, exact=mode == "exact")
            averaged = []
            for terms, own in found:
                for parameter, gradient in zip(model.parameters(), own, strict=True):
                    parameter.grad = gradient.clone()
                processes.average_gradients(model.parameters())
                means = processes.average(torch.stack(list(terms.values())), model)
                averaged.append((dict(zip(terms, means, strict=True)), [p.grad for p in model.parameters()]))
            left[mode, case] = {"own": found, "averaged": averaged, "buffers": dict(model.named_buffers())}
    left["no gradient"] = some_without_gradient(processes)
    with sharing():
        left["normalised"] = cases.normalised(torch.arange(processes.rank, cases.BATCH, processes.count))
    return left


def some_without_gradient(processes: Processes) -> list[torch.Tensor | None]:
    """Averaged gradients of three parameters that have one in both processes, in the second and in none."""
    parameters = [torch.nn.Parameter(torch.zeros(2)) for _ in range(3)]
    parameters[0].grad = torch.full((2,), float(processes.rank))
    if not processes.first:
        parameters[1].grad = torch.ones(2)
    processes.average_gradients(parameters)
    return [parameter.grad for parameter in parameters]


def training(processes: Processes, folder: Path) -> dict:
    """Runs of a model with steps and noise of its own: whole, stopped in the second process alone, and gone wrong."""
    left: dict = {}
    flags = {"model": "cycle-vae", "processes": processes}
    left["whole"] = outcome(begin(folder / "whole", **flags))
    stopped = begin(folder / "parts", **flags)
    if not processes.first:
        after(stopped.trainer, 2, 2, signal.SIGTERM)
    left["stopped"] = outcome(stopped)
    add_up(torch.zeros(1))  # the first has saved
    if processes.first:
        shutil.copytree(folder / "parts", folder / "half")
    left["resumed"] = outcome(session.resume(with_plugin(), RunFolder(folder / "parts"), processes=processes))
    wrong = begin(folder / "wrong", model="loss-nan", processes=processes)
    wrong.trainer.model.when = 7 if processes.rank else 0
    left["wrong"] = outcome(wrong)
    return left


def outcome(ready: session.Session) -> tuple[str, str, int, dict]:
    """Which error ended the training and what it said, where, and the model then."""
    error = None
    try:
        ready.fit()
    except DisentError as found:
        error = found
    trainer = ready.trainer
    return type(error).__name__, str(error), trainer.progress.step, dict(trainer.model.state_dict())


def after(trainer: Trainer | type[Trainer], epoch: int, step: int, number: int) -> None:
    """Send this process a signal in a batch."""
    inner: Callable = trainer._add  # called at the end of every batch

    def signalled(*arguments):
        found, progress = inner(*arguments), (arguments[0] if len(arguments) > 2 else trainer).progress
        if (progress.epoch, progress.step + 1) == (epoch, step):
            os.kill(os.getpid(), number)
        return found

    trainer._add = signalled


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "dying":
        epoch, step, *sys.argv[1:] = rest
        if launched().rank == 1:
            after(Trainer, int(epoch), int(step), signal.SIGKILL)
        main()
    else:
        folder = Path(rest[0])
        with launched() as processes:
            left = {"gradients": gradients, "training": training}[what](processes, folder)
        torch.save(left, folder / f"{processes.rank}.pt")
        os._exit(0)  # as ``main`` does
