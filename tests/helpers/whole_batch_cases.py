"""Losses and gradients of one batch, of a whole one or of a share, with noise that is the same for either."""

from __future__ import annotations

from contextlib import contextmanager
from unittest import mock

import numpy as np
import torch

from disent_plugins.contracts import GroupBatch, ImageSpec, TrainingData
from disent_plugins.data_adapters.samplers import Batches, make_sampler
from disent_plugins.models.gmvae import GMVAE
from disent_plugins.models.gvae import GVAE
from disent_plugins.models.mlvae import MLVAE
from disent_plugins.training.batch_norm import over_whole_batch

IMAGES, BATCH, GROUPS, STEPS = 48, 24, 5, 2
SMALL = {"width": 0.125, "content_size": 3, "style_size": 3}
CASES = {
    "gmvae": (GMVAE, {"repulsion": 100.0, "regularisation": 0.5}),
    "gmvae leave_one_out": (GMVAE, {"center": "leave_one_out", "leak": 5.0, "leak_warmup": 0.0}),
    "mlvae": (MLVAE, {"leak": 5.0, "leak_warmup": 0.0}),
    "mlvae per_group batch": (MLVAE, {"reparam": "per_group", "normalise": "batch", "likelihood": "gaussian_learned"}),
    "gvae": (GVAE, {"leak": 5.0, "leak_kind": "adversary", "leak_warmup": 0.0}),
}


def batches() -> Batches:
    """Two batches with hidden images and groups of unequal sizes, one of a single image."""
    labels = np.random.default_rng(1).choice(GROUPS - 1, IMAGES, p=[0.4, 0.3, 0.2, 0.1])
    labels[7] = GROUPS - 1
    return make_sampler("random", np.arange(IMAGES), labels, batch_size=BATCH, seed=3, visible=0.8).epoch(1)


def results(case: str, given: Batches, exact: bool) -> tuple[torch.nn.Module, list[tuple[dict, list]]]:
    """The model, and loss terms and gradients of every batch."""
    kind, options = CASES[case]
    torch.manual_seed(0)
    data = TrainingData(ImageSpec(1, 16, 16), IMAGES, GROUPS)
    model = kind(kind.Config(**SMALL, **options), data)
    if exact:
        over_whole_batch(model)
    pixels = torch.rand(IMAGES, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    found = []
    for step in range(STEPS):
        rows, group, identity, partner, index = (
            torch.from_numpy(getattr(given, name)[step]) for name in ("rows", "group", "identity", "partner", "index")
        )
        batch = GroupBatch(pixels[rows], group, given.group_count, identity, partner, index, torch.tensor(0.5))
        model.zero_grad(set_to_none=True)
        with noise_of(index):
            loss = model.loss(batch)
        loss.total.backward()
        terms = {"total": loss.total.detach(), **{name: term.detach() for name, term in loss.terms.items()}}
        found.append((terms, [parameter.grad.clone() for parameter in model.parameters()]))
    return model, found


def normalised(index: torch.Tensor) -> list[torch.Tensor]:
    """The rows of ``index`` out of a batch normalisation without weights, their gradients and what it remembers."""
    norm = torch.nn.BatchNorm1d(3, affine=False, momentum=None)
    over_whole_batch(norm)
    table = torch.randn(BATCH, 3, generator=torch.Generator().manual_seed(2)) + 10.0
    for scale in (1.0, 3.0):
        rows = (scale * table[index]).requires_grad_()
        found = norm(rows)
        found.pow(3).sum().backward()
    return [found.detach(), rows.grad, norm.running_mean, norm.running_var]


@contextmanager
def noise_of(index: torch.Tensor):
    """Draws that belong to the images of ``index``; one for each group is the same for all."""
    calls = iter(range(100))

    def draw(like: torch.Tensor) -> torch.Tensor:
        generator = torch.Generator().manual_seed(next(calls))
        rows = torch.randn(IMAGES, *like.shape[1:], generator=generator)
        return (rows[index] if len(like) == len(index) else rows[: len(like)]).to(like.dtype)

    with mock.patch.object(torch, "randn_like", draw), mock.patch.object(torch.Tensor, "normal_", draw):
        yield
