"""A data set of 16x16 images and models that misbehave, as the plugin of an outsider."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import torch

from disent_plugins import DatasetInfo, DatasetSpec, Factor, ImageSpec, Loss, ModelSpec, hookimpl
from disent_plugins.data_adapters.adapter import RawFile, RawTable
from disent_plugins.models.gmvae import GMVAE
from disent_plugins.registry.host import Registry
from disent_plugins.training import session
from disent_plugins.training.checkpoint import load, save
from disent_plugins.training.parts import resolve
from disent_plugins.training.processes import ALONE, Processes

TRAIN, VALIDATION, TEST = 40, 12, 12


class Squares:
    """Grey squares whose place tells the class, on noise."""

    info = DatasetInfo(
        name="squares",
        image=ImageSpec(1, 16, 16),
        factors=(Factor("place", 4), Factor("grey", 2)),
        content="place",
        groups_are_distinct=True,
        preprocessing="none",
        licence="none",
        reference="",
    )
    files: tuple[RawFile, ...] = ()

    def read(self, source: Path | None) -> RawTable:
        n = TRAIN + VALIDATION + TEST
        place, grey = np.arange(n) % 4, np.arange(n) // 4 % 2
        images = np.random.default_rng(0).integers(0, 40, (n, 16, 16, 1), dtype=np.uint8)
        for image, p, g in zip(images, place, grey, strict=True):
            image[8 * (p // 2) :, 8 * (p % 2) :][:8, :8] += np.uint8(80 + 80 * g)
        split = np.repeat([0, 1, 2], [TRAIN, VALIDATION, TEST]).astype(np.uint8)
        return RawTable(np.stack([place, grey], axis=1), split, [images], {"made": "here"})


class Counting(GMVAE):
    """GM-VAE that counts its training batches; ``bad`` says what happens in the one numbered ``when``."""

    when = 8

    def loss(self, batch):
        found = super().loss(batch)
        if not self.training:
            return found
        self.seen = getattr(self, "seen", 0) + 1
        return self.bad(found) if self.seen == self.when else found

    def bad(self, found: Loss) -> Loss:
        return found


class LossTurnsNaN(Counting):
    """In the third batch of the second epoch."""

    def bad(self, found: Loss) -> Loss:
        return Loss(found.total * float("nan"), found.terms)


class WeightsTurnNaN(Counting):
    """The loss of the epoch's last batch is fine, its gradient is not."""

    when = 10

    def bad(self, found: Loss) -> Loss:
        return Loss(_NaNGradient.apply(found.total), found.terms)


class FillsMemory(Counting):
    def bad(self, found: Loss) -> Loss:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has ...")


class _NaNGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * float("nan")


class Plugin:
    """The hooks, and a note of every call of the run hooks."""

    def __init__(self) -> None:
        self.calls: list[tuple] = []
        self.at_batch = lambda epoch, step: None

    @hookimpl
    def disent_datasets(self):
        return [DatasetSpec(name="squares", summary="Squares.", target="helpers.training_files:Squares")]

    @hookimpl
    def disent_models(self):
        kinds = {"loss-nan": LossTurnsNaN, "weights-nan": WeightsTurnNaN, "memory": FillsMemory}
        return [ModelSpec(name=n, summary=n, target=f"helpers.training_files:{c.__name__}") for n, c in kinds.items()]

    @hookimpl
    def disent_run_started(self, run):
        self.calls.append(("started", run.first_epoch))

    @hookimpl
    def disent_batch_ended(self, run, epoch, step):
        self.calls.append(("batch", epoch, step))
        self.at_batch(epoch, step)

    @hookimpl
    def disent_epoch_ended(self, run, epoch, losses):
        self.calls.append(("epoch", epoch, dict(losses)))


SMALL = {"batch_size": 8, "epochs": 3, "device": "cpu", "lr": 1e-3}
OPTIONS = {"width": 0.125, "content_size": 3, "style_size": 3}
ADA_OPTIONS = {"width": 0.125, "size": 6}


class Noting(Plugin):
    """The same, with the notes."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    @hookimpl
    def disent_run_noted(self, run, note):
        self.notes.append(note)


def begin(
    out: Path,
    plugin: Plugin | None = None,
    *,
    model: str = "gmvae",
    processes: Processes = ALONE,
    **flags: object,
) -> session.Session:
    """A session of five batches an epoch on the squares, in the folder ``out``."""
    registry = with_plugin(plugin)
    options = {**(ADA_OPTIONS if model.startswith("ada-") else OPTIONS), **flags.pop("options", {})}
    parts, settings = resolve(
        registry, model=model, data="squares", file={}, flags={**SMALL, **flags, "options": options}
    )
    return session.start(
        parts, settings, source=None, out=out, report=lambda done, total, what: None, processes=processes
    )


def with_plugin(plugin: Plugin | None = None) -> Registry:
    """Our plugins and this one."""
    registry = Registry(third_party=False)
    registry.add(plugin or Plugin(), name="squares", distribution="test-squares", version="1")
    return registry


def fill(disk: Path, free: int) -> None:
    """Leave no more than ``free`` bytes on a small disk."""
    amount = shutil.disk_usage(disk).free - free
    (disk / "filler").write_bytes(bytes(amount))


def change_checkpoint(path: Path, weight: float = 0.0, **progress: float) -> None:
    """Change a weight in a checkpoint by so much, and where its training stands."""
    content = load(path)
    next(iter(content.model.values())).view(-1)[0] += weight
    vars(content.progress).update(progress)
    save(path, content)


def other_run(trained: Path, path: Path, **settings: object) -> Path:
    """A copy of a run that says to be another, and its checkpoints with it."""
    other = shutil.copytree(trained, path)
    for file in (other / "checkpoints").glob("*.pt"):
        content = load(file)
        content.run["settings"] |= settings
        save(file, content)
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | settings))
    return other
