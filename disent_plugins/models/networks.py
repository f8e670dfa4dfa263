"""The encoder and decoder of the GM-VAE paper (appendix D, Table 2), shared by every model that is compared on it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Container
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from disent_plugins.contracts import Gaussian, ImageSpec, Posterior
from disent_plugins.errors import UsageError
from disent_plugins.options import Options, option

LOGVAR_RANGE = (-12.0, 6.0)
"""Log-variances are clamped to this before use: precisions enter sums, and one overflow would spoil a whole group."""
SPREAD_PACE = 10.0
"""Times the shared deviation's parameter: a head's output moves with all of its weights, this one by itself.

Adam moves a parameter by one learning rate a step; without the factor the style stays drowned in noise for epochs.
"""

Variance = Literal["log_variance", "softplus_std"]
StyleVariance = Literal["per_image", "shared"]


@dataclass(frozen=True)
class NetworkOptions(Options):
    """Options of the two networks."""

    content_size: int = option(8, "Dc, size of the content code.", low=1, high=65_536)
    style_size: int = option(8, "Ds, size of the style code.", low=1, high=65_536)
    width: float = option(1.0, "Multiplies the paper's channel counts.", above=0, high=8)
    variance: Variance = option("log_variance", "What the heads predict: log-variance, or softplus of the deviation.")
    style_variance: StyleVariance = option(
        "per_image", "The style's deviation: said of every image, or one learned for each dimension (tells no class)."
    )


def leaky_clip(x: Tensor) -> Tensor:
    """The paper's output non-linearity: 0.5 (x + 1) on [-1, 1], slope 0.01 outside, continuous (appendix D)."""
    inside = x.clamp(-1.0, 1.0)
    return 0.5 * (inside + 1.0) + 0.01 * (x - inside)


def make_networks(
    options: NetworkOptions, image: ImageSpec, channels: int | None = None, *, points: Container[str] = ()
) -> tuple[Encoder, Decoder]:
    """The two networks as the options say.

    Args:
        options: Sizes and variances.
        image: Size of the images.
        channels: That the decoder gives; the image's if None.
        points: Blocks without variance, as for ``Encoder``.
    """
    sizes = (options.content_size, options.style_size, options.width)
    encoder = Encoder(image, *sizes, variance=options.variance, style_variance=options.style_variance, points=points)
    return encoder, Decoder(image, *sizes, channels=channels or image.channels)


class Encoder(nn.Module):
    """[B, C, H, W] -> posterior of content and style: four Conv-BN-ReLU (k5 s2 p2), then one linear head per block.

    Args:
        image: H and W are multiples of 16.
        content_size: Dc.
        style_size: Ds.
        width: Multiplies every channel count of the paper.
        variance: What the heads say of sigma: its log-variance, or a number whose softplus is the standard deviation.
        style_variance: ``shared``: the style's sigma is one parameter for each dimension, the same for every image.
        points: Blocks, of ``content`` and ``style``, that are points: they have a mean and no variance.

    Raises:
        UsageError: The image size does not fit the network.
    """

    def __init__(
        self,
        image: ImageSpec,
        content_size: int,
        style_size: int,
        width: float,
        variance: Variance = "log_variance",
        style_variance: StyleVariance = "per_image",
        points: Container[str] = (),
    ) -> None:
        super().__init__()
        if image.height % 16 or image.width % 16:
            raise UsageError(
                f"The paper's network cannot take images of {image.height} x {image.width}.",
                "Its four strided convolutions need a height and a width that are multiples of 16.",
                "Where the data set has the option: --set-data size=64",
            )
        base = _base_channels(image, width)
        channels = [image.channels, base, 2 * base, 4 * base, 8 * base]
        self.features = nn.Sequential()
        for before, after in itertools.pairwise(channels):
            self.features.extend(
                [nn.Conv2d(before, after, kernel_size=5, stride=2, padding=2), nn.BatchNorm2d(after), nn.ReLU()]
            )
        flat = 8 * base * (image.height // 16) * (image.width // 16)
        shared = style_variance == "shared" and "style" not in points
        self.content_head = nn.Linear(flat, content_size if "content" in points else 2 * content_size)
        self.style_head = nn.Linear(flat, style_size if shared or "style" in points else 2 * style_size)
        self.style_spread = nn.Parameter(torch.zeros(style_size)) if shared else None
        self.variance, self.points = variance, points

    def forward(self, images: Tensor) -> Posterior:
        features = self.features(images).flatten(1)
        with full_precision(features):
            content, style = self.content_head(features.float()), self.style_head(features.float())
        if self.style_spread is not None:
            spread = SPREAD_PACE * self.style_spread
            style = torch.cat([style, spread.expand(len(style), -1)], dim=1)
        return Posterior(self._code("content", content), self._code("style", style))

    def _code(self, block: str, head: Tensor) -> Gaussian:
        if block in self.points:
            return Gaussian(head)
        mean, raw = head.chunk(2, dim=1)
        logvar = raw if self.variance == "log_variance" else 2.0 * nn.functional.softplus(raw).clamp_min(1e-6).log()
        return Gaussian(mean, logvar.clamp(*LOGVAR_RANGE))


class Decoder(nn.Module):
    """[B, Dc], [B, Ds] -> [B, channels, H, W] fp32, before any output non-linearity.

    One linear layer per block to an 8x8 map, concatenated, then ConvT-BN-ReLU (k4 s2 p1) up to the image size and a
    last ConvT k5 s1. The paper's padding of 1 there gives two pixels too many; padding 2 is exactly that output
    without its border.
    """

    def __init__(self, image: ImageSpec, content_size: int, style_size: int, width: float, channels: int) -> None:
        super().__init__()
        base = _base_channels(image, width)
        doublings = int(math.log2(min(image.height, image.width) / 8))
        self.start = (4 * base, image.height >> doublings, image.width >> doublings)
        if self.start[1] << doublings != image.height or self.start[2] << doublings != image.width:
            raise UsageError(
                f"The paper's decoder cannot make images of {image.height} x {image.width}.",
                f"They must be multiples of {1 << doublings}.",
            )
        self.content_map = nn.Linear(content_size, math.prod(self.start))
        self.style_map = nn.Linear(style_size, math.prod(self.start))
        self.upsample = nn.Sequential()
        before = 8 * base
        for layer in range(doublings):
            after = max(4 * base >> layer, 1)
            self.upsample.extend(
                [
                    TransposedConvolution(before, after, kernel_size=4, stride=2, padding=1),
                    nn.BatchNorm2d(after),
                    nn.ReLU(),
                ]
            )
            before = after
        self.output = TransposedConvolution(before, channels, kernel_size=5, stride=1, padding=2)

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        maps = [self.content_map(content).unflatten(1, self.start), self.style_map(style).unflatten(1, self.start)]
        # The linear layers give plain strides; without this the whole decoder would leave channels-last.
        start = torch.cat(maps, dim=1).contiguous(memory_format=torch.channels_last)
        return self.output(self.upsample(start)).float()


class TransposedConvolution(nn.ConvTranspose2d):
    """Adds its bias afterwards: a CPU's library takes the bias' gradient from a loop of single numbers (oneDNN 3)."""

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        assert self.bias is not None
        x = nn.functional.conv_transpose2d(input, self.weight, None, self.stride, self.padding)  # type: ignore[arg-type]
        return x + self.bias.to(x.dtype)[:, None, None]


def squared_error(images: Tensor, output: Tensor) -> Tensor:
    """Squared error per image, *summed* over pixels and channels, [B]: a mean would drown in the KL terms (Eq. 5)."""
    return (images - output).square().flatten(1).sum(dim=1)


def full_precision(like: Tensor) -> AbstractContextManager[Any]:
    """A context without autocast on the device of a tensor: for heads, group algebra and losses of one's own."""
    kind = like.device.type
    known = torch.amp.autocast_mode.is_autocast_available(kind)
    return torch.autocast(kind, enabled=False) if known else nullcontext()


def _base_channels(image: ImageSpec, width: float) -> int:
    """32 for MNIST-sized images and 64 for larger ones (Table 2), times ``width``, at least 4 and even."""
    paper = 32 if min(image.height, image.width) <= 32 else 64
    return max(4, 2 * round(paper * width / 2))
