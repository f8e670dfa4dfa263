"""Ada-GVAE and Ada-ML-VAE: Locatello et al. 2020, "Weakly-Supervised Disentanglement Without Compromises".

Two images that share something are encoded; in every dimension in which their posteriors differ little, both get one
posterior instead of their own, and the loss is that of a beta-VAE.

    delta_d = KL between q(z_d | x1) and q(z_d | x2);   shared: delta_d below the middle between its least and largest
    q'(z_d | x_i) = a(q(z_d | x1), q(z_d | x2)) where d is shared, q(z_d | x_i) elsewhere
    L = sum_i |x_i - h(z_i)|^2 + beta KL(q'(z | x_i) || N(0, I)),   z_i ~ q'(z | x_i)

a is the average of the Gaussians' parameters (Ada-GVAE) or their normalised product (Ada-ML-VAE). Pairs here are images
of one group, so what they share is content: which dimensions that is, is found in training (``pairs.ContentBlock``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from disent_plugins.contracts import Gaussian, GroupBatch, Loss, Posterior, TrainingData
from disent_plugins.models.groups import kl_to_standard_normal
from disent_plugins.models.leak import Leak, LeakOptions
from disent_plugins.models.networks import Decoder, Encoder, Variance, leaky_clip, squared_error
from disent_plugins.models.pairs import ContentBlock, average, product, shared_dimensions
from disent_plugins.options import option


@dataclass(frozen=True)
class AdaConfig(LeakOptions):
    """Options of the adaptive models; how many dimensions are content is not chosen but found."""

    size: int = option(16, "D, size of the whole code.", low=2, high=65_536)
    width: float = option(1.0, "Multiplies the paper's channel counts.", above=0, high=8)
    beta: float = option(1.0, "Weight of the KL.", low=0, high=1e6)
    variance: Variance = option("log_variance", "What the heads predict: log-variance, or softplus of the deviation.")


class AdaGVAE(nn.Module):
    """Ada-GVAE; see the module's docstring.

    Args:
        config: Options.
        data: The training images; their size is used.
    """

    Config = AdaConfig
    requires = ("pairs",)
    infers_blocks = True
    combine: Callable[[Gaussian, Gaussian], Gaussian] = staticmethod(average)

    def __init__(self, config: AdaConfig, data: TrainingData) -> None:
        super().__init__()
        self.config = config
        self.first = config.size // 2  # the paper's networks make and take a code as two parts
        sizes = (self.first, config.size - self.first, config.width)
        self.encoder = Encoder(data.image, *sizes, variance=config.variance)
        self.decoder = Decoder(data.image, *sizes, channels=data.image.channels)
        self.block = ContentBlock(config.size)
        self.leak = Leak(config, config.size, data.groups)

    def encode(self, images: Tensor) -> Posterior:
        """[B, C, H, W] in [0, 1] -> posterior of the dimensions found to be content [B, Dc], and the rest [B, Ds]."""
        return self.block.split(self._code(images))

    def decode(self, content: Tensor, style: Tensor) -> Tensor:
        """[B, Dc], [B, Ds] -> images [B, C, H, W] in [0, 1]."""
        return self._draw(self.block.join(content, style)).clamp(0.0, 1.0)

    def loss(self, batch: GroupBatch) -> Loss:
        """L, averaged over the images; an image without a partner shares all with itself."""
        z = self._code(batch.images)
        mate = Gaussian(z.mean[batch.partner], z.logvar[batch.partner])
        shared = shared_dimensions(z, mate)
        both = type(self).combine(z, mate)
        alone = (batch.partner == torch.arange(len(z.mean), device=z.mean.device)).unsqueeze(1)
        used = shared & ~alone
        z = Gaussian(torch.where(used, both.mean, z.mean), torch.where(used, both.logvar, z.logvar))
        if self.training:
            self.block.note(shared)
        drawn = z.sample()
        leak, told = self.leak(torch.where(self.block.content, 0.0, drawn), batch)
        terms = {
            "reconstruction": squared_error(batch.images, self._draw(drawn)).mean(),
            "kl": kl_to_standard_normal(z.mean, z.logvar).mean(),
            "shared": shared.float().mean(),
        }
        return Loss(terms["reconstruction"] + self.config.beta * terms["kl"] + leak, {**terms, **told})

    def _code(self, images: Tensor) -> Gaussian:
        z = self.encoder(images)
        mean, logvar = (torch.cat([getattr(z.content, part), getattr(z.style, part)], dim=1) for part in _PARTS)
        return Gaussian(mean, logvar)

    def _draw(self, code: Tensor) -> Tensor:
        return leaky_clip(self.decoder(code[:, : self.first], code[:, self.first :]))


_PARTS = ("mean", "logvar")


class AdaMLVAE(AdaGVAE):
    """Ada-ML-VAE: the same with the product.

    Args:
        config: Options.
        data: The training images; their size is used.
    """

    combine = staticmethod(product)
