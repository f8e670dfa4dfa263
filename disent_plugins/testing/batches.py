"""Batches as training brings them, for tests of models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from disent_plugins.contracts import GroupBatch, TrainingData
from disent_plugins.data_adapters.partners import partners


def batch_of(images: Tensor, group: Tensor, group_count: int, *, progress: float = 0.5) -> GroupBatch:
    """A training batch of the images [B, C, H, W] in the groups [B]; -1 where it is unknown.

    Groups are numbered alike in every such batch, so ``identity`` is ``group``; ``index`` counts the images.
    """
    partner = torch.from_numpy(partners(group.cpu().numpy()[None])[0]).to(group.device)
    index = torch.arange(len(images), device=group.device)
    return GroupBatch(images, group, group_count, group.clone(), partner, index, torch.tensor(progress))


def validation_of(batch: GroupBatch) -> GroupBatch:
    """The same images as they would come in validation, of groups that training has not."""
    unknown = torch.full_like(batch.index, -1)
    return replace(batch, index=unknown, identity=unknown)


def every_kind(data: TrainingData, size: int, needs: set[str]) -> Iterator[tuple[str, GroupBatch]]:
    """Batches with every kind of group that training can bring to a model with these needs.

    Args:
        data: Image size, and G, the upper bound of the ids; not all of them occur.
        size: B, even.
        needs: The model's ``requires``.
    """
    groups, place = data.groups, torch.arange(size)
    half = max(groups // 2, 1)
    kinds = {
        "groups": place // 2 % half if "pairs" in needs else place % half,
        "a single group": torch.zeros(size, dtype=torch.int64),
    }
    if not needs & {"pairs", "identities"}:
        kinds["one image per group"] = torch.where(place < groups, place, -1)
        kinds["some groups unknown"] = torch.where(place % 3 == 0, -1, place % half)
        kinds["no group known"] = torch.full((size,), -1)
    for kind, group in kinds.items():
        images = torch.rand(size, data.image.height, data.image.width, data.image.channels).permute(0, 3, 1, 2)
        batch = batch_of(images, group, groups)
        if "pairs" in needs:
            batch = replace(batch, partner=place ^ 1)
        yield kind, batch
