"""Models whose encoder says what a test wants it to say, so that a loss can be checked against loops."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from disent_plugins.contracts import Gaussian, GroupBatch, ImageSpec, Posterior, TrainingData
from disent_plugins.options import build
from disent_plugins.testing import batch_of

IMAGE = ImageSpec(1, 16, 16)
DATA = TrainingData(IMAGE, images=10, groups=6)
GROUPS = torch.tensor([0, 0, 0, 1, 1, 2, -1, -1, 4, 4])
"""Three, two, one and two members; two images without a group; no member in groups 3 and 5."""

GROUP_COUNT = 6


class FixedEncoder(nn.Module):
    """Gives the same random posterior for any batch of ``len(GROUPS)`` images."""

    def __init__(self, content_size: int = 3, style_size: int = 2) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        draw = [torch.randn(len(GROUPS), 2 * size, generator=generator) for size in (content_size, style_size)]
        self.content, self.style = (nn.Parameter(values) for values in draw)

    def forward(self, images: Tensor) -> Posterior:
        return Posterior(Gaussian(*self.content.chunk(2, dim=1)), Gaussian(*self.style.chunk(2, dim=1)))


class SumDecoder(nn.Module):
    """Paints the whole image with a mix of the codes, and its second half of channels with another."""

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        grey = 0.2 * content.sum(dim=1) - 0.1 * style.sum(dim=1)
        columns = torch.stack([grey, 0.5 * grey - 0.1][: self.channels], dim=1)
        return columns[:, :, None, None].expand(-1, -1, IMAGE.height, IMAGE.width)


def stubbed(model_class: type, *, channels: int = 1, **options):
    """A model with the fixed encoder and the summing decoder."""
    model = model_class(build(model_class.Config, {"width": 0.1, **options}, owner="test"), DATA)
    model.encoder, model.decoder = FixedEncoder(), SumDecoder(channels)
    return model


def batch(group: Tensor = GROUPS, count: int = GROUP_COUNT, *, image: ImageSpec = IMAGE) -> GroupBatch:
    """Random images with the given groups."""
    images = torch.rand(len(group), *image.shape, generator=torch.Generator().manual_seed(6))
    return batch_of(images, group, count)


def product(mean: Tensor, logvar: Tensor, members: list[int], prior: float = 0.0) -> tuple[Tensor, Tensor]:
    """Mean and variance of the product of the members' Gaussians, member by member."""
    precision, weighted = torch.full_like(mean[0], prior), torch.zeros_like(mean[0])
    for i in members:
        precision = precision + 1.0 / logvar[i].exp()
        weighted = weighted + mean[i] / logvar[i].exp()
    return weighted / precision, 1.0 / precision


def members_of(group: Tensor) -> dict[int, list[int]]:
    """Group id to its images; images without a group are left out."""
    ids = sorted({int(g) for g in group if g >= 0})
    return {g: [i for i in range(len(group)) if group[i] == g] for g in ids}
