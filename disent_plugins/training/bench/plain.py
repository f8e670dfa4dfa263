"""Training as most people write it in PyTorch: what ours is compared with, and shares no code with.

One image at a time from a data set into a loader, fp32, no thought for memory and its layout, torch's own layers, a
Python loop over the groups, and a look at every loss in every step.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from disent_plugins.contracts import GroupBatch, ImageTable, Loss
from disent_plugins.data_adapters.partners import partners
from disent_plugins.training.updates import Updates

WORKERS = {"cpu": 0, "cuda": 4}
"""Processes that load images: on a CPU they would take the cores from the training."""


class SingleImages(Dataset[tuple[Tensor, int, int]]):
    """Images one by one, [C, H, W] float32 in [0, 1], each with its label and its number.

    Args:
        table: The data set.
        rows: [N] positions in it.
    """

    def __init__(self, table: ImageTable, rows: np.ndarray) -> None:
        self.images, self.labels, self.rows = table.images, table.labels, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> tuple[Tensor, int, int]:
        row = self.rows[number]
        image = torch.from_numpy(np.array(self.images[row])).permute(2, 0, 1).float() / 255
        return image, int(self.labels[row]), number


class PlainLoop:
    """Trains a model that way.

    Args:
        model: On its device.
        table: The data set.
        rows: [N] positions of the training images in it.
        batch_size: B.
        lr: Learning rate.
        device: Of the model.
        by_groups: Whether the loss is GM-VAE's written plainly, or the model's own.
    """

    def __init__(
        self,
        model: nn.Module,
        table: ImageTable,
        rows: np.ndarray,
        *,
        batch_size: int,
        lr: float,
        device: torch.device,
        by_groups: bool,
    ) -> None:
        for layer in model.modules():
            if isinstance(layer, nn.ConvTranspose2d) and type(layer).__module__.startswith("disent_plugins."):
                layer.__class__ = nn.ConvTranspose2d  # torch's own, as most people take it
        self.model, self.device, self.by_groups = model, device, by_groups
        self.loader = DataLoader(
            SingleImages(table, rows), batch_size, shuffle=True, drop_last=True, num_workers=WORKERS[device.type]
        )
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.updates = Updates(model, lr)
        self.losses: dict[str, float] = defaultdict(float)

    def run(self, steps: int) -> None:
        """Take so many steps."""
        self.model.train()
        for _, (images, labels, numbers) in zip(range(steps), self._batches(), strict=False):
            images, labels, numbers = images.to(self.device), labels.to(self.device), numbers.to(self.device)
            for name, value in self._step(images, labels, numbers).items():
                self.losses[name] += value.item()

    def _batches(self) -> Iterator[list[Tensor]]:
        while True:
            yield from self.loader

    def _step(self, images: Tensor, labels: Tensor, numbers: Tensor) -> dict[str, Tensor]:
        own = getattr(self.model, "training_step", None)
        if own is not None:
            loss = own(batch_of(images, labels, numbers), self.updates)
        else:
            self.optimizer.zero_grad()
            loss = gmvae_loss(self.model, images, labels) if self.by_groups else self._own_loss(images, labels, numbers)
            loss.total.backward()
            self.optimizer.step()
        return {"total": loss.total, **loss.terms}

    def _own_loss(self, images: Tensor, labels: Tensor, numbers: Tensor) -> Loss:
        return self.model.loss(batch_of(images, labels, numbers))  # type: ignore[operator]


def gmvae_loss(model: Any, images: Tensor, labels: Tensor) -> Loss:
    """GM-VAE's loss with its default options (paper, Eq. 5 and section 2), a group at a time."""
    config, z = model.config, model.encode(images)
    mean, variance = z.content.mean, z.content.logvar.exp()
    content = mean + variance.sqrt() * torch.randn_like(mean)
    style = z.style.mean + (0.5 * z.style.logvar).exp() * torch.randn_like(z.style.mean)
    output = model.decode(content, style)
    reconstruction = ((images - output) ** 2).sum(dim=(1, 2, 3)).mean()
    means, kl_content = [], torch.zeros((), device=images.device)
    for label in labels.unique():
        members = labels == label
        precision = 1 / variance[members]
        center = (precision * mean[members]).sum(0) / precision.sum(0)
        means.append(center)
        distance = (mean[members] - center) ** 2
        each = variance[members] + config.k * distance - 1 - z.content.logvar[members]
        kl_content = kl_content + 0.5 * each.sum()
    kl_content = kl_content / len(images)
    kl_style = 0.5 * (z.style.logvar.exp() + z.style.mean**2 - 1 - z.style.logvar).sum(1).mean()
    centers = torch.stack(means)
    f_r = (1 / (torch.pdist(centers) ** 2 + config.delta)).mean()
    u = (centers**2).sum(1).mean()
    total = reconstruction + kl_content + kl_style
    total = total + config.repulsion * f_r + config.regularisation * u
    terms = {"reconstruction": reconstruction, "kl_content": kl_content, "kl_style": kl_style}
    return Loss(total, terms | {"repulsion": f_r, "regularisation": u})


def batch_of(images: Tensor, labels: Tensor, numbers: Tensor) -> GroupBatch:
    """What a model's own loss takes."""
    found, group = labels.unique(return_inverse=True)
    partner = torch.from_numpy(partners(group.cpu().numpy()[None])[0]).to(group.device)
    progress = torch.tensor(0.5, device=images.device)
    return GroupBatch(images, group, len(found), labels, partner, numbers, progress)
