"""Pairs of images of one group: what they share, dimension by dimension, and the block of content that follows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from disent_plugins.contracts import Gaussian, Posterior

MEMORY = 0.01
"""Weight of the newest batch in the running share of every dimension."""


def kl_by_dimension(first: Gaussian, second: Gaussian) -> Tensor:
    """KL(first || second) of every dimension, [B, D], in nats."""
    difference = first.logvar - second.logvar
    distance = (first.mean - second.mean).square() / second.logvar.exp()
    return 0.5 * (difference.exp() + distance - 1.0 - difference)


def shared_dimensions(first: Gaussian, second: Gaussian) -> Tensor:
    """[B, D] bool, which dimensions a pair shares: those that differ by no more than the middle of its own range.

        delta_d = (KL(q1_d || q2_d) + KL(q2_d || q1_d)) / 2,   shared: delta_d <= (min delta + max delta) / 2

    The threshold is Locatello et al.'s (2020, section 5); the mean of both directions makes the answer the same for
    both images.
    A pair that agrees in every dimension shares them all.
    """
    delta = 0.5 * (kl_by_dimension(first, second) + kl_by_dimension(second, first))
    threshold = 0.5 * (delta.amin(dim=1, keepdim=True) + delta.amax(dim=1, keepdim=True))
    return delta <= threshold


def average(first: Gaussian, second: Gaussian) -> Gaussian:
    """Mean of the means and mean of the variances (Ada-GVAE; Hosoya 2019)."""
    variance = 0.5 * (first.logvar.exp() + second.logvar.exp())
    return Gaussian(0.5 * (first.mean + second.mean), variance.log())


def product(first: Gaussian, second: Gaussian) -> Gaussian:
    """The normalised product (Ada-ML-VAE; Bouchacourt et al. 2018).

    Its precision is the sum of the two. Public suites give twice its variance.
    """
    one, other = (-first.logvar).exp(), (-second.logvar).exp()
    precision = one + other
    return Gaussian((one * first.mean + other * second.mean) / precision, -precision.log())


class ContentBlock(nn.Module):
    """Which of D dimensions are content, found while training: those that pairs share most often.

        content: share_d >= (min share + max share) / 2

    ``share`` [D], the running share of pairs that shared a dimension, is part of the model's state. The threshold is
    that of ``shared_dimensions``, over the training instead of a pair. (More often than not would not do: most
    dimensions differ by less than the middle of a pair's range in nine pairs of ten, and everything would be content.)
    Where all are shared alike, as before training, all are content.

    Args:
        size: D.
    """

    share: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("share", torch.ones(size))

    def note(self, shared: Tensor) -> None:
        """Take [B, D] of a training batch into account."""
        with torch.no_grad():
            self.share.lerp_(shared.float().mean(dim=0), MEMORY)

    @property
    def content(self) -> Tensor:
        """[D] bool."""
        return self.share >= 0.5 * (self.share.min() + self.share.max())

    def split(self, z: Gaussian) -> Posterior:
        """The two blocks of a code [B, D]; either may be empty."""
        chosen = self.content
        blocks = [Gaussian(z.mean[:, part], z.logvar[:, part]) for part in (chosen, ~chosen)]
        return Posterior(*blocks)

    def join(self, content: Tensor, style: Tensor) -> Tensor:
        """The blocks [B, Dc], [B, Ds] as the code [B, D] that they were split from."""
        chosen = self.content
        code = content.new_empty(len(content), len(chosen))
        code[:, chosen], code[:, ~chosen] = content, style
        return code
