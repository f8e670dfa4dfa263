"""What a model is given and gives back: the model contract."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from disent_plugins.contracts.data import ImageSpec

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class TrainingData:
    """What a model is told of a run's training images when it is made.

    Attributes:
        image: Their size.
        images: N, how many there are.
        groups: G, how many groups they fall into, known or hidden.
        groups_are_distinct: Whether different groups are known to differ in content.
    """

    image: ImageSpec
    images: int
    groups: int
    groups_are_distinct: bool = True


@dataclass
class Gaussian:
    """A batch of Gaussians with diagonal covariance.

    Attributes:
        mean: [B, D].
        logvar: Log-variance [B, D]; None for a code without variance, a point.
    """

    mean: torch.Tensor
    # Typed as if always there: a loss that reads its own encoder's variances need not ask.
    logvar: torch.Tensor = None  # type: ignore[assignment]

    def sample(self) -> torch.Tensor:
        """One draw per row by reparameterisation, mean + sigma * epsilon, [B, D] (paper, Eq. 4); a point is itself."""
        if self.logvar is None:
            return self.mean
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
        group: [B] int64, compact ids in 0..group_count-1; -1 where the group is unknown. Another batch may number
            the same groups otherwise.
        group_count: Upper bound of the ids, fixed for a run, so that shapes are static. Rows without members occur.
        identity: [B] int64, the group's number in 0..``TrainingData.groups``-1, the same in every batch of a run;
            -1 where the group is unknown or, in validation, does not occur in training.
        partner: [B] int64, position in this batch of another image of the same group; an image's own position where
            there is none. With the sampler ``pairs``, partners are each other's.
        index: [B] int64, number of each image among the training images, 0..``TrainingData.images``-1; -1 in
            validation.
        progress: Scalar, share of the training that is done, in [0, 1]: for annealing.
    """

    images: torch.Tensor
    group: torch.Tensor
    group_count: int
    identity: torch.Tensor
    partner: torch.Tensor
    index: torch.Tensor
    progress: torch.Tensor


@dataclass
class Loss:
    """A batch's loss.

    Attributes:
        total: Scalar; the trainer calls ``total.backward()``, unless the model takes its own steps.
        terms: Name to scalar, each a mean per image (or per group or pair, where its name says so), unweighted,
            logged and never differentiated by the trainer.
    """

    total: torch.Tensor
    terms: dict[str, torch.Tensor]


CAPABILITIES = frozenset({"groups", "identities", "pairs", "distinct_groups"})
"""What a model may require of the data: see ``Model``."""


Parameters = Iterable["torch.nn.Parameter"]


ParameterGroups = Mapping[str, "Parameters | tuple[Parameters, Mapping[str, float]]"]
"""Name to parameters, or to (parameters, {"lr": factor of the run's learning rate})."""


class Update(Protocol):
    """What a model's own training step is given: ``update(total, "encoder", "decoder")``.

    One call is one backward pass of ``total`` and one optimiser step of the named parameter groups, of all of them if
    none is named. Other parameters get neither gradient nor step.
    """

    def __call__(self, total: torch.Tensor, *groups: str) -> None: ...


class Model(Protocol):
    """The model contract. Any ``torch.nn.Module`` with these members is a model; no base class is needed.

    The class is called as ``Model(config, data)`` with a ``TrainingData``, and has a ``Config``: a frozen dataclass.
    """

    Config: type

    def encode(self, images: torch.Tensor) -> Posterior:
        """[B, C, H, W] in [0, 1] -> posterior of content and style; codes in one piece are content, beside [B, 0]."""

    def decode(self, content: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """[B, Dc], [B, Ds] -> images [B, C, H, W] in [0, 1]."""

    def loss(self, batch: GroupBatch) -> Loss:
        """The loss of a batch: what is minimised, and what validation reports."""

    # Optional members:
    #
    # requires: names of what the loss needs of the data: ``groups``, ``identities`` (every image's group is known),
    #     ``pairs`` (the sampler of that name), ``distinct_groups``.
    # parameter_groups() -> ParameterGroups: every trainable parameter is in one or more; each group has an optimiser
    #     of its own. One group of everything is the default.
    # training_step(batch, update: Update) -> Loss: steps of its own instead of one step on ``loss(batch).total``. The
    #     trainer keeps zeroing, optimisers, learning rates, checkpoints. What it returns is logged.
    # infers_blocks: True where training finds which dimensions are content. The blocks' sizes may then differ from
    #     run to run, and a constant stands in for a block without dimensions when the run is measured.
    # whole_batch: True where the loss of a batch that several processes share is the mean of the losses of their
    #     shares, by the sums of ``disent_plugins.whole_batch`` or because it is a mean over images:
    #     what ``--group-statistics exact`` needs. Partners are those of the share.
    # fuse(content: Gaussian, group [B], group_count) -> [G, Dc], the content of groups of images by the
    # model's own rule; metrics that see several images of a class use it.
