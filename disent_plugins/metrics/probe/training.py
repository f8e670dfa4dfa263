"""Training the probe of the paper's appendix D under two named budgets.

The tuned budget's network is given levelled and whitened codes, and has to be right on more validation rows than every
linear classifier is; otherwise the best of those answers, so that no leak is missed that a straight line finds.

Several probes of the same input width train side by side in one stack: every one has its own weights, statistics, order
of batches and noise, so nothing passes between them; only the overhead of the steps is shared.

P probes, N samples, D input width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from disent_plugins.metrics.probe.linear import Answers, best_line
from disent_plugins.metrics.probe.network import Networks
from disent_plugins.metrics.probe.views import Views
from disent_plugins.metrics.statistics.cores import one_blas_thread
from disent_plugins.metrics.statistics.seeds import derived, stream

VALIDATION_SHARE = 0.1


@dataclass(frozen=True)
class Preset:
    """A budget.

    Attributes:
        learning_rate: Of Adam.
        epochs: Passes over the training rows, at least.
        batch: Largest batch.
        minimum_steps: Smaller sets get smaller batches (down to 16), then more epochs, until this many steps are taken.
        tuned: Level and whiten the input (see ``views``), let the learning rate fall to 0 along a cosine, and keep the
            best on validation of all epochs and linear classifiers; otherwise raw input, constant rate, last step.
    """

    learning_rate: float
    epochs: int
    batch: int
    minimum_steps: int
    tuned: bool

    def schedule(self, n: int) -> tuple[int, int]:
        """(epochs, batch size) for ``n`` training rows.

        >>> PRESETS["paper"].schedule(50_000), PRESETS["strong"].schedule(50_000), PRESETS["strong"].schedule(1_000)
        ((8, 128), (20, 512), (20, 31))
        """
        if not self.minimum_steps:
            return self.epochs, min(self.batch, n)
        batch = min(max(16, n * self.epochs // self.minimum_steps), self.batch, n)
        return max(self.epochs, math.ceil(self.minimum_steps / _steps(n, batch))), batch


PRESETS = {
    "paper": Preset(learning_rate=1e-5, epochs=8, batch=128, minimum_steps=0, tuned=False),
    "strong": Preset(learning_rate=1e-3, epochs=20, batch=512, minimum_steps=640, tuned=True),
}


@dataclass(frozen=True)
class Inputs:
    """What a probe reads of N samples.

    Attributes:
        value: [N, D].
        sigma: [N, D] standard deviation of the noise to add: drawn anew for every epoch of training, once otherwise.
            None for no noise.
    """

    value: np.ndarray
    sigma: np.ndarray | None = None

    def take(self, rows: np.ndarray | slice) -> Inputs:
        """The samples at ``rows``."""
        return Inputs(self.value[rows], None if self.sigma is None else self.sigma[rows])


@dataclass(frozen=True)
class ProbeFit:
    """A trained probe's answers.

    Attributes:
        predicted: [N] predicted labels of the test samples.
        correct: [N] bool.
        steps: Optimiser steps taken.
        batch: Batch size.
        epoch: The epoch of the network that was evaluated, or would have been, from 1.
        rival: The linear classifier whose answers these are, in words, as it was right on more validation rows; None
            for the network's.
    """

    predicted: np.ndarray
    correct: np.ndarray
    steps: int
    batch: int
    epoch: int
    rival: str | None = None

    @property
    def accuracy(self) -> float:
        """Share of correct answers."""
        return float(self.correct.mean())


def probe(
    train_x: np.ndarray | Inputs,
    train_y: np.ndarray,
    test_x: np.ndarray | Inputs,
    test_y: np.ndarray,
    *,
    preset: str = "strong",
    seed: int = 0,
    validation: tuple[np.ndarray | Inputs, np.ndarray] | None = None,
) -> ProbeFit:
    """Train one probe and test it. The caller's random state is left alone; same arguments, same bits.

    Args:
        train_x, test_x: [N, D], or ``Inputs`` where noise is to be drawn.
        train_y, test_y: [N] labels; every label of the test set occurs in training.
        preset: A name in ``PRESETS``.
        seed: Weights, batches, noise and the validation rows.
        validation: Rows to choose the answers by; a seeded tenth of the training rows if None. ``paper`` uses none.

    Raises:
        ValueError: Fewer than two training rows, or a label that training lacks.

    >>> x = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    >>> probe(x[:100], x[:100, 0] > 0, x[100:], x[100:, 0] > 0).accuracy > 0.9
    True
    """
    train, test = _inputs(train_x), _inputs(test_x)
    if validation is not None:
        judged, judged_y = _inputs(validation[0]), validation[1]
    else:
        kept, held = hold_out(train_y, seed) if PRESETS[preset].tuned else (slice(None), slice(0))
        judged, judged_y = train.take(held), train_y[held]
        train, train_y = train.take(kept), train_y[kept]
    return probes([train], train_y, [test], test_y, preset=preset, seeds=[seed], validation=([judged], judged_y))[0]


def hold_out(labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions (kept, held out) of a seeded tenth of the training rows to validate on.

    No class is held out as a whole. Where that leaves nothing to hold out, the kept rows serve for both.
    """
    held = np.zeros(len(labels), dtype=bool)
    order = stream(seed, "validation").permutation(len(labels))
    held[order[: max(1, round(VALIDATION_SHARE * len(labels)))]] = True
    held &= np.isin(labels, labels[~held])
    kept = np.flatnonzero(~held)
    return kept, np.flatnonzero(held) if held.any() else kept


def probes(
    train: Sequence[Inputs],
    train_y: np.ndarray,
    test: Sequence[Inputs],
    test_y: np.ndarray,
    *,
    preset: str,
    seeds: Sequence[int],
    validation: tuple[Sequence[Inputs], np.ndarray],
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> list[ProbeFit]:
    """Train P independent probes of equal input width on the same labels, as ``probe`` does one.

    Args:
        train, test: P inputs.
        train_y, test_y: [N] labels.
        preset: A name in ``PRESETS``.
        seeds: P seeds.
        validation: P inputs and their labels, which only a tuned preset looks at.
        tick: Called after every epoch with (epochs done, epochs).
    """
    budget = PRESETS[preset]
    classes = np.unique(train_y)
    if len(train_y) < 2:
        raise ValueError(f"a probe needs at least two training rows, not {len(train_y)}")
    if not np.isin(test_y, classes).all():
        raise ValueError(f"labels without training rows: {np.setdiff1d(test_y, classes).tolist()}")
    epochs, batch = budget.schedule(len(train_y))
    steps = _steps(len(train_y), batch)

    noise = [_generator(seed, "noise") for seed in seeds]
    order = [_generator(seed, "order") for seed in seeds]
    targets, judged_targets = _targets(train_y, classes), _targets(validation[1], classes)
    views = [_views(x, seed) if budget.tuned else None for x, seed in zip(train, seeds, strict=True)]
    rivals = [
        _rival(view, seed, each, targets.numpy(), judged_targets.numpy())
        for view, seed, *each in zip(views, seeds, train, validation[0], test, strict=True)
        if view is not None
    ]
    tested = _drawn(test, views, [_generator(seed, "test noise") for seed in seeds])
    judged = _drawn(validation[0], views, [_generator(seed, "validation noise") for seed in seeds])
    settled, settled_views = zip(*(_settled(x, view) for x, view in zip(train, views, strict=True)), strict=True)
    networks = Networks(tested.shape[2], len(classes), [_generator(seed, "weights") for seed in seeds])
    optimiser = torch.optim.Adam(networks.parameters(), lr=budget.learning_rate, fused=True)

    best, best_epoch = np.full(len(seeds), -np.inf), np.zeros(len(seeds), dtype=np.int64)
    predicted = np.empty((len(seeds), len(test_y)), dtype=np.int64)
    for epoch in range(epochs):
        x, y = _shuffled(_drawn(settled, settled_views, noise), targets, order)
        for step in range(steps):
            if budget.tuned:
                _set_rate(optimiser, budget.learning_rate, (epoch * steps + step) / (epochs * steps))
            rows = slice(step * batch, (step + 1) * batch)
            # A sum over probes of mean losses: no gradient of one depends on another.
            loss = nn.functional.cross_entropy(networks(x[:, rows]), y[:, rows], reduction="sum") / y[:, rows].shape[1]
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        if budget.tuned:
            score = (_predict(networks, judged) == judged_targets).double().mean(dim=1).numpy()
            better = score > best
            best[better], best_epoch[better] = score[better], epoch + 1
        else:
            better = np.full(len(seeds), epoch == epochs - 1)
            best_epoch[better] = epoch + 1
        if better.any():
            predicted[better] = _predict(networks, tested).numpy()[better]
        tick(epoch + 1, epochs)
    words: list[str | None] = [None] * len(seeds)
    for which, (share, rival) in enumerate(rivals):
        if share > best[which]:
            predicted[which], words[which] = rival.asked.argmax(axis=1), rival.words
    answers = classes[predicted]
    return [
        ProbeFit(answer, answer == test_y, epochs * steps, batch, int(epoch), word)
        for answer, epoch, word in zip(answers, best_epoch, words, strict=True)
    ]


def _rival(
    view: Views, seed: int, inputs: Sequence[Inputs], y: np.ndarray, judged_y: np.ndarray
) -> tuple[float, Answers]:
    """The best linear classifier of inputs to train on, to judge by and to answer, the last two as the network's."""
    names = ("scale", "validation noise", "test noise")
    x, judged, asked = (_draw(x, _generator(seed, name)).numpy() for x, name in zip(inputs, names, strict=True))
    with one_blas_thread():
        return best_line(view, x, y, judged, judged_y, asked, derived(seed, "linear"))


def _inputs(x: np.ndarray | Inputs) -> Inputs:
    return x if isinstance(x, Inputs) else Inputs(x)


def _steps(n: int, batch: int) -> int:
    """Steps of an epoch; a last batch of one row is left out, as batch norm needs two."""
    full, rest = divmod(n, batch)
    return full + (rest > 1)


def _generator(seed: int, name: str) -> torch.Generator:
    return torch.Generator().manual_seed(derived(seed, name))


def _targets(labels: np.ndarray, classes: np.ndarray) -> torch.Tensor:
    """Positions in ``classes``; -1 for a label that is not there, which no prediction equals."""
    position = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
    return torch.from_numpy(np.where(classes[position] == labels, position, -1))


def _draw(x: Inputs, generator: torch.Generator) -> torch.Tensor:
    value = torch.from_numpy(np.ascontiguousarray(x.value, dtype=np.float32))
    if x.sigma is None:
        return value
    return value + torch.from_numpy(x.sigma) * torch.randn(value.shape, generator=generator)


def _views(x: Inputs, seed: int) -> Views:
    with one_blas_thread():
        return Views.of(_draw(x, _generator(seed, "scale")).numpy())


def _settled(x: Inputs, view: Views | None) -> tuple[Inputs, Views | None]:
    """Inputs without noise look the same in every epoch: as the network sees them, and no view left to take."""
    return (x, view) if view is None or x.sigma is not None else (Inputs(view.full(x.value)), None)


def _drawn(
    inputs: Sequence[Inputs], views: Sequence[Views | None], generators: Sequence[torch.Generator]
) -> torch.Tensor:
    """[P, N, D] as they are or [P, N, 2 D] levelled and whitened, with noise where asked."""
    drawn = [_draw(x, generator) for x, generator in zip(inputs, generators, strict=True)]
    with one_blas_thread():
        seen = [
            x if v is None else torch.from_numpy(v.full(x.numpy())).float() for x, v in zip(drawn, views, strict=True)
        ]
    return torch.stack(seen)


def _shuffled(
    x: torch.Tensor, targets: torch.Tensor, generators: Sequence[torch.Generator]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Every probe's rows [P, N, D] and targets [P, N] in an order of its own, so that batches are plain slices."""
    order = torch.stack([torch.randperm(len(targets), generator=generator) for generator in generators])
    return x.gather(1, order[..., None].expand_as(x)), targets[order]


def _set_rate(optimiser: torch.optim.Optimizer, start: float, progress: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = start * 0.5 * (1 + math.cos(math.pi * progress))


def _predict(networks: Networks, x: torch.Tensor, size: int = 4096) -> torch.Tensor:
    """[P, N] positions of the predicted classes."""
    networks.eval()
    with torch.inference_mode():
        found = torch.cat([networks(part).argmax(dim=1) for part in x.split(size, dim=1)], dim=1)
    networks.train()
    return found
