"""A penalty on what the *sampled* style code tells of who shares a group: an option of every model.

    hsic       E[k(s_i, s_j) | same group] - E[k(s_i, s_j) | different groups]
    adversary  a critic learns e(s) such that images of a group lie close; the encoder is trained against it
    classifier a critic learns p(group | s); the encoder is trained against it

The first is HSIC of style and group (Gretton et al. 2005) with an equality kernel on groups, divided by that kernel's
own, so that one weight serves any number of groups; k is a mean of Gaussian kernels, and 0 says independent. The second
is supervised contrastive learning (Khosla et al. 2020), the third plain classification, both behind a gradient reversal
(Ganin and Lempitsky 2015; for style codes Nemeth 2020). The first two need only which images of a batch share a group;
the third needs groups that are the same ones in every batch, and few enough to have many images each.

Why the sample: what a decoder sees of a group is in the sample, and its noise has a scale that no encoder can shrink,
where a penalty on means is satisfied by making them small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from disent_plugins.contracts import GroupBatch
from disent_plugins.models.networks import full_precision
from disent_plugins.options import Options, option
from disent_plugins.whole_batch import whole_rows

SCALES = (0.25, 0.5, 1.0, 2.0)
"""Squared bandwidths of k, in units of Ds, the expected squared size of a code of unit variance."""

TEMPERATURE = 0.2
HIDDEN = 128


@dataclass(frozen=True)
class LeakOptions(Options):
    """Options of the penalty, beside those of a model."""

    leak: float = option(0.0, "Weight of the penalty on what the style code tells of the group.", low=0, high=1e6)
    leak_kind: Literal["hsic", "adversary", "classifier"] = option(
        "hsic", "Distance of kernel means; a critic of pairs; or a critic that names the group."
    )
    leak_warmup: float = option(0.1, "Share of the training over which the weight rises from 0.", low=0, high=1)


class Leak(nn.Module):
    """The penalty of one model.

    Args:
        options: Weight, kind and warm-up.
        size: Ds.
        groups: Groups of the training images.
    """

    def __init__(self, options: LeakOptions, size: int, groups: int) -> None:
        super().__init__()
        self.options = options
        self.critic: nn.Module | None = None
        if options.leak and options.leak_kind != "hsic":
            self.critic = nn.Sequential(
                nn.Linear(size, HIDDEN), nn.LeakyReLU(0.2), nn.Linear(HIDDEN, HIDDEN), nn.LeakyReLU(0.2),
                nn.Linear(HIDDEN, HIDDEN if options.leak_kind == "adversary" else groups),
            )  # fmt: skip

    def forward(self, style: Tensor, batch: GroupBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """What to add to the loss, and the penalty as a named term; nothing where the weight is 0.

        Args:
            style: [B, Ds], a sample.
            batch: Who shares a group, and how far the training is.
        """
        options = self.options
        if not options.leak:
            return style.new_zeros(()), {}
        ids = batch.identity if options.leak_kind == "classifier" else batch.group
        style, ids = whole_rows(style), whole_rows(ids)
        weight = options.leak * (batch.progress / max(options.leak_warmup, 1e-9)).clamp(max=1.0)
        if self.critic is None:
            told = kernel_distance(style, ids)
            return weight * told, {"leak": told}
        # One backward pass trains the critic to tell groups apart and, reversed, the encoder to hide them.
        answers = self.critic(_Reversed.apply(style, weight))
        told = contrast(answers, ids) if options.leak_kind == "adversary" else named(answers, ids)
        return told, {"leak": -told}


def kernel_distance(codes: Tensor, group: Tensor) -> Tensor:
    """Mean kernel of pairs of one group less that of pairs of two; 0 where a batch lacks either kind.

    Args:
        codes: [B, D].
        group: [B] ids, -1 unknown.
    """
    squared = (codes.unsqueeze(1) - codes.unsqueeze(0)).square().sum(dim=2)
    kernel = torch.stack([(-0.5 * squared / (scale * codes.shape[1])).exp() for scale in SCALES]).mean(dim=0)
    same, different = _pairs(group)
    there = same.any() & different.any()
    means = [(kernel * kind).sum() / kind.sum().clamp_min(1) for kind in (same, different)]
    return torch.where(there, means[0] - means[1], 0.0)


def contrast(embedded: Tensor, group: Tensor) -> Tensor:
    """Supervised contrastive loss of embeddings [B, E], in nats per image that has a mate; 0 where none has.

    Of every image, the mean over its mates of -log softmax of their similarity among all labelled others.
    """
    unit = nn.functional.normalize(embedded.float(), dim=1)
    same, different = _pairs(group)
    others = same | different
    with full_precision(unit):
        logits = (unit @ unit.T / TEMPERATURE).masked_fill(~others, -1e9)
    log_share = logits - logits.logsumexp(dim=1, keepdim=True)
    mates = same.sum(dim=1)
    each = -(log_share * same).sum(dim=1) / mates.clamp_min(1)
    return each.sum() / (mates > 0).sum().clamp_min(1)


def named(logits: Tensor, identity: Tensor) -> Tensor:
    """Cross-entropy of logits [B, G] with identities [B], in nats per image whose group is known; 0 where none is."""
    known = identity >= 0
    each = nn.functional.cross_entropy(logits.float(), identity.clamp_min(0), reduction="none")
    return torch.where(known, each, 0.0).sum() / known.sum().clamp_min(1)


def _pairs(group: Tensor) -> tuple[Tensor, Tensor]:
    """[B, B] bool: pairs of one group, and pairs of two; an image is no pair with itself."""
    known = group >= 0
    known = known.unsqueeze(1) & known.unsqueeze(0)
    equal = group.unsqueeze(1) == group.unsqueeze(0)
    apart = ~torch.eye(len(group), dtype=torch.bool, device=group.device)
    return known & equal & apart, known & ~equal


class _Reversed(torch.autograd.Function):
    """The identity, whose gradient is turned round and weighed."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(weight)
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (weight,) = ctx.saved_tensors
        return -weight * gradient, None
