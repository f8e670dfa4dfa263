"""ML-VAE: Bouchacourt, Tomioka, Nowozin, "Multi-Level Variational Autoencoder", AAAI 2018.

All members of a group share one content posterior, the normalised product of their Gaussians; style is per image.

    q(c_G | x_G) ~ prod_i q(c | x_i)
    ELBO_G = sum_i E[log p(x_i | c_G, s_i)] - sum_i KL(q(s_i | x_i) || N(0, I)) - KL(q(c_G | x_G) || N(0, I))

The loss is the mean of -ELBO_G over the groups of a batch, with the group's KL counted once. An image whose group is
unknown is a group of its own. The widely copied public code cut the gradient to the content head and counted that KL
once per member; this implementation does neither. At test time an image's content is its own posterior (the GM-VAE
paper's protocol, appendix A); ``disent metrics probe --set evidence=N`` accumulates evidence over N more images.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from disent_plugins.contracts import Gaussian, GroupBatch, Loss, Posterior, TrainingData
from disent_plugins.models.groups import (
    GroupStatistics,
    group_noise,
    group_rows,
    kl_of_groups,
    kl_to_standard_normal,
    product_of_gaussians,
    singleton_share,
)
from disent_plugins.models.leak import Leak, LeakOptions
from disent_plugins.models.networks import NetworkOptions, leaky_clip, make_networks, squared_error
from disent_plugins.options import option
from disent_plugins.whole_batch import shares, whole_sum

PIXEL_LOGVAR_BOUND = 6.0
"""The learned pixel log-variance is this times a tanh: it stays between about 0.0025 and 400."""


@dataclass(frozen=True)
class MLVAEConfig(LeakOptions, NetworkOptions):
    """Options of ML-VAE, on the GM-VAE paper's networks."""

    reparam: Literal["per_sample", "per_group"] = option(
        "per_sample", "Draw the group's content once per image, or once for all its images."
    )
    content_noise: float = option(
        1.0, "Multiplies the deviation of the content draw (public code: 0.1).", low=0, high=1
    )
    normalise: Literal["groups", "batch"] = option("groups", "Divide the sum of -ELBO_G by the groups, or the images.")
    likelihood: Literal["sse", "gaussian_learned"] = option(
        "sse", "Squared error as in GM-VAE, or a Gaussian whose log-variance is learned per pixel."
    )
    include_prior_in_product: bool = option(False, "Multiply the group's product by the prior N(0, I) as well.")


class MLVAE(nn.Module):
    """The model; see the module's docstring for its equations.

    Args:
        config: Options.
        data: The training images; their size is used.
    """

    Config = MLVAEConfig
    whole_batch = True

    def __init__(self, config: MLVAEConfig, data: TrainingData) -> None:
        super().__init__()
        self.config = config
        channels = data.image.channels * (2 if config.likelihood == "gaussian_learned" else 1)
        self.encoder, self.decoder = make_networks(config, data.image, channels)
        self.leak = Leak(config, config.style_size, data.groups)

    def encode(self, images: Tensor) -> Posterior:
        """[B, C, H, W] in [0, 1] -> each image's own posterior of content [B, Dc] and style [B, Ds]."""
        return self.encoder(images)

    def decode(self, content: Tensor, style: Tensor) -> Tensor:
        """[B, Dc], [B, Ds] -> images [B, C, H, W] in [0, 1]."""
        output = self.decoder(content, style)
        if self.config.likelihood == "gaussian_learned":
            return output.chunk(2, dim=1)[0].clamp(0.0, 1.0)
        return leaky_clip(output).clamp(0.0, 1.0)

    def fuse(self, content: Gaussian, group: Tensor, group_count: int) -> Tensor:
        """The content of groups of images, [G, Dc]: the mean of the product of their Gaussians (evidence)."""
        prior = self.config.include_prior_in_product
        return product_of_gaussians(content.mean, content.logvar, group, group_count, include_prior=prior).mean

    def loss(self, batch: GroupBatch) -> Loss:
        """-ELBO_G, averaged over the groups of the batch."""
        z = self.encode(batch.images)
        groups = product_of_gaussians(
            z.content.mean,
            z.content.logvar,
            batch.group,
            batch.group_count,
            include_prior=self.config.include_prior_in_product,
        )
        content = self._draw_content(z.content, batch.group, groups)
        style = z.style.sample()
        negative_log_likelihood = self._likelihood(batch.images, self.decoder(content, style))
        kl_style = kl_to_standard_normal(z.style.mean, z.style.logvar)
        kl_content, group_total = kl_of_groups(z.content, batch.group, groups)
        images = shares() * len(batch.images)
        divisor = group_total if self.config.normalise == "groups" else images
        total = (whole_sum(negative_log_likelihood.sum() + kl_style.sum()) + kl_content) / divisor
        leak, told = self.leak(style, batch)
        terms = {
            "reconstruction": negative_log_likelihood.mean(),
            "kl_content_per_group": kl_content / group_total,
            "kl_style": kl_style.mean(),
            "singleton_share": singleton_share(groups.size, batch.group),
            **told,
        }
        return Loss(total + leak * images / divisor, terms)

    def _draw_content(self, content: Gaussian, group: Tensor, groups: GroupStatistics) -> Tensor:
        """A draw from each image's group posterior, [B, Dc]: one per image, or the same for a whole group."""
        mean = group_rows(groups.mean, group, content.mean)
        variance = group_rows(groups.variance, group, content.logvar.exp())
        noise = torch.randn_like(mean)
        if self.config.reparam == "per_group":
            noise = group_rows(group_noise(groups.mean), group, noise)
        return mean + self.config.content_noise * variance.sqrt() * noise

    def _likelihood(self, images: Tensor, output: Tensor) -> Tensor:
        """-log p(x | c, s) per image, [B]; for ``sse`` up to a constant, the squared error."""
        if self.config.likelihood == "sse":
            return squared_error(images, leaky_clip(output))
        mean, raw = output.float().chunk(2, dim=1)
        logvar = PIXEL_LOGVAR_BOUND * torch.tanh(raw)
        nats = 0.5 * ((images - mean).square() * (-logvar).exp() + logvar + math.log(2.0 * math.pi))
        return nats.flatten(1).sum(dim=1)
