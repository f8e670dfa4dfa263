"""Group algebra: pure functions on a batch and its group ids, in fp32, static in shape, without device synchronisation.

``group`` [B] holds ids in 0..count-1, or -1 for images whose group is unknown: those belong to no row. Rows without
members are allowed everywhere, so that ``count`` can stay fixed for a run. Where several processes share a batch
(``whole_batch``), sums over a group are over all its members in the whole batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from disent_plugins.contracts import Gaussian
from disent_plugins.whole_batch import same_draw, whole_sum


@dataclass
class GroupStatistics:
    """One row per group id.

    Attributes:
        mean: mu_G [G, D]; 0 for rows without members.
        variance: The diagonal of Sigma_G [G, D]; 1 for rows without members.
        size: Members [G], float.
    """

    mean: Tensor
    variance: Tensor
    size: Tensor

    @property
    def present(self) -> Tensor:
        """Which rows have members, [G] bool."""
        return self.size > 0


def group_sums(values: Tensor, group: Tensor, count: int) -> Tensor:
    """Sum of the rows [B, D] of each group, [G, D]; rows with group -1 are left out."""
    # Unknown groups go to a spare row: no boolean indexing, whose result size the host would have to wait for.
    spare = torch.where(group < 0, count, group)
    sums = values.new_zeros(count + 1, values.shape[1])
    return whole_sum(sums.index_add(0, spare, values)[:count])


def group_rows(table: Tensor, group: Tensor, otherwise: Tensor) -> Tensor:
    """Each image's row of ``table`` [G, D] as [B, D]; ``otherwise`` [B, D] where its group is unknown."""
    return torch.where((group < 0).unsqueeze(1), otherwise, table[group.clamp_min(0)])


def product_of_gaussians(
    mean: Tensor, logvar: Tensor, group: Tensor, count: int, *, include_prior: bool = False
) -> GroupStatistics:
    """The normalised product of the members' Gaussians, per group (GM-VAE paper, Eq. 3).

    Args:
        mean: mu [B, D].
        logvar: log sigma^2 [B, D], clamped by the caller.
        group: [B].
        count: G.
        include_prior: Multiply by the prior N(0, I) as well.
    """
    precision = (-logvar.float()).exp()
    ones = torch.ones_like(precision[:, :1])
    columns = torch.cat([precision, precision * mean.float(), ones], dim=1)
    total, weighted, size = group_sums(columns, group, count).split([mean.shape[1], mean.shape[1], 1], dim=1)
    if include_prior:
        total = total + 1.0
    safe = torch.where(size > 0, total, 1.0)
    return GroupStatistics(weighted / safe, 1.0 / safe, size.squeeze(1))  # Eq. 3


def average_of_gaussians(mean: Tensor, logvar: Tensor, group: Tensor, count: int) -> GroupStatistics:
    """The mean of the members' means and the mean of their variances, per group (GVAE: Hosoya 2019).

    Args:
        mean: mu [B, D].
        logvar: log sigma^2 [B, D].
        group: [B].
        count: G.
    """
    columns = torch.cat([mean.float(), logvar.float().exp(), torch.ones_like(mean[:, :1])], dim=1)
    means, variances, size = group_sums(columns, group, count).split([mean.shape[1], mean.shape[1], 1], dim=1)
    members = size.clamp_min(1)
    return GroupStatistics(means / members, torch.where(size > 0, variances / members, 1.0), size.squeeze(1))


def kl_of_groups(content: Gaussian, group: Tensor, groups: GroupStatistics) -> tuple[Tensor, Tensor]:
    """Sum of KL(q(c_G | x_G) || N(0, I)), once for each group, in nats, and how many groups there are.

    An image whose group is unknown is a group of its own.
    """
    alone = group < 0
    each = kl_to_standard_normal(groups.mean, groups.variance.log())
    own = kl_to_standard_normal(content.mean, content.logvar)
    total = torch.where(groups.present, each, 0.0).sum() + whole_sum(torch.where(alone, own, 0.0).sum())
    return total, groups.present.sum() + whole_sum(alone.sum())


def singleton_share(size: Tensor, group: Tensor) -> Tensor:
    """Share of the images with a known group that are alone in it; ``size`` [G] are the groups' members."""
    return whole_sum((group_sizes(size, group) == 1).sum()) / whole_sum((group >= 0).sum()).clamp_min(1)


def group_noise(like: Tensor) -> Tensor:
    """A draw from N(0, I) for every group, [G, D], the same for all processes that share a batch."""
    return same_draw(torch.randn_like(like))


def leave_one_out_mean(mean: Tensor, logvar: Tensor, group: Tensor, groups: GroupStatistics) -> Tensor:
    """Mean of the product over the *other* members of each image's group, [B, D]; its own mean if there is none."""
    # In float64: beside a member that is much surer than the rest, float32 sums would keep nothing of the rest.
    precision = (-logvar.double()).exp()
    columns = torch.cat([precision, precision * mean.double()], dim=1)
    others = group_rows(group_sums(columns, group, len(groups.size)), group, columns) - columns
    total, weighted = others.chunk(2, dim=1)
    alone = group_sizes(groups.size, group).unsqueeze(1) < 2
    safe = torch.where(alone, 1.0, total).clamp_min(1e-12)
    return torch.where(alone, mean, (weighted / safe).to(mean.dtype))


def group_sizes(size: Tensor, group: Tensor) -> Tensor:
    """Size of each image's group, [B]; 0 where it is unknown."""
    return torch.where(group < 0, 0.0, size[group.clamp_min(0)])


def repulsion(mean: Tensor, present: Tensor, delta: float) -> Tensor:
    """F_R: the mean of 1 / (s^2 + delta) over the unordered pairs of present groups; 0 for fewer than two (paper, 2).

    A mean, not a sum: one coefficient then serves 10 groups and 200. The distance is taken by explicit differences
    (no cancellation) and without a square root (whose gradient at coincident means is infinite).

    Args:
        mean: mu_G [G, D].
        present: [G] bool.
        delta: In units of the prior's variance. The force is largest, about 0.65 delta^(-3/2), at s = sqrt(delta / 3).
    """
    squared = (mean.unsqueeze(1) - mean.unsqueeze(0)).square().sum(dim=2)
    pairs = (present.unsqueeze(1) & present.unsqueeze(0)).triu(diagonal=1)
    terms = torch.where(pairs, 1.0 / (torch.where(pairs, squared, 1.0) + delta), 0.0)
    return terms.sum() / pairs.sum().clamp_min(1)


def regularisation(mean: Tensor, present: Tensor) -> Tensor:
    """U: the mean of |mu_G|^2 over the present groups; 0 if there is none (paper, section 2)."""
    squared = torch.where(present, mean.square().sum(dim=1), 0.0)
    return squared.sum() / present.sum().clamp_min(1)


def kl_to_standard_normal(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp logvar) || N(0, I)) per row, [B], in nats."""
    return 0.5 * (logvar.exp() + mean.square() - 1.0 - logvar).sum(dim=1)
