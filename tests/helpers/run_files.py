"""What a run left on disk, read back and compared bit for bit."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import torch
from helpers.training_files import Plugin, with_plugin

from disent_plugins.measuring import trained
from disent_plugins.training import checkpoint
from disent_plugins.training.folder import RunFolder


def losses(folder: Path) -> list[dict]:
    """The records of the epochs without their timings."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in ("seconds", "images_per_second", "data_wait")} for line in lines]


def state(folder: Path, which: str = "last") -> checkpoint.Checkpoint:
    return checkpoint.load(RunFolder(folder).checkpoint(which))


def same(one, other) -> bool:
    """Bit for bit, through dictionaries and lists."""
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return one == other


def assert_same_run(one: Path, other: Path) -> None:
    for which in ("last", "best"):
        a, b = state(one, which), state(other, which)
        assert same(vars(a.progress), vars(b.progress))
        assert same(a.model, b.model)
        assert same(a.optimizers, b.optimizers)
        assert same(a.random, b.random)
    assert losses(one) == losses(other)
    codes = [trained.open_run(with_plugin(), RunFolder(path)).subject().codes for path in (one, other)]
    for name in ("content", "style", "content_logvar", "style_logvar"):
        np.testing.assert_array_equal(*(getattr(found, name) for found in codes))


def stop_at(plugin: Plugin, epoch: int, step: int, number: int = signal.SIGINT) -> Plugin:
    """Send this process a real signal after a batch."""
    plugin.at_batch = lambda e, s: os.kill(os.getpid(), number) if (e, s) == (epoch, step) else None
    return plugin
