"""What a model is given and gives back: the model contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch


@dataclass
class Gaussian:
    """A batch of Gaussians with diagonal covariance: ``mean`` [B, D] and log-variance ``logvar`` [B, D]."""

    mean: torch.Tensor
    logvar: torch.Tensor

    def sample(self) -> torch.Tensor:
        """One draw per row by reparameterisation, mean + sigma * epsilon, [B, D] (paper, Eq. 4)."""
        return self.mean + (0.5 * self.logvar).exp() * self.mean.new_empty(self.mean.shape).normal_()


@dataclass
class Posterior:
    """What an encoder says of a batch: content [B, Dc] and style [B, Ds]."""

    content: Gaussian
    style: Gaussian


@dataclass
class GroupBatch:
    """A batch with its groups.

    Attributes:
        images: [B, C, H, W] float in [0, 1].
        group: [B] int64, compact ids in 0..group_count-1; -1 where the group is unknown.
        index: [B] int64, position of each image in the data set.
        group_count: Upper bound of the ids, fixed for a run, so that shapes are static. Rows without members occur.
    """

    images: torch.Tensor
    group: torch.Tensor
    index: torch.Tensor
    group_count: int


@dataclass
class Loss:
    """A batch's loss.

    Attributes:
        total: Scalar; the trainer calls ``total.backward()``.
        terms: Name to scalar, each a mean per image (group or pair where its name says so), unweighted, logged only.
    """

    total: torch.Tensor
    terms: dict[str, torch.Tensor]


class Model(Protocol):
    """The model contract. Any ``torch.nn.Module`` with these members is a model; no base class is needed.

    The class is called as ``Model(config, image_spec)`` and has a ``Config``: a frozen dataclass.
    """

    Config: type

    def encode(self, images: torch.Tensor) -> Posterior:
        """[B, C, H, W] in [0, 1] -> posterior of content and style; codes in one piece are content, beside [B, 0]."""

    def decode(self, content: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """[B, Dc], [B, Ds] -> images [B, C, H, W] in [0, 1]."""

    def loss(self, batch: GroupBatch) -> Loss:
        """The loss of a batch."""
