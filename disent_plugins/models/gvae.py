"""GVAE: Hosoya 2019, "Group-based Learning of Disentangled Representations with Generalizability for Novel Contents".

All members of a group share one content posterior, the *arithmetic* mean of their Gaussians' parameters (ML-VAE takes
the product); style is per image.

    q(c | x_G) = N(mean_i mu_i, mean_i sigma_i^2)
    L_G = sum_i |x_i - h(c, s_i)|^2 + sum_i KL(q(s_i | x_i) || N(0, I)) + KL(q(c | x_G) || N(0, I)),   c ~ q(c | x_G)

One content is drawn for a whole group, its KL counts once, and the loss is the mean of L_G over the groups of a batch.
An image whose group is unknown is a group of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from disent_plugins.contracts import Gaussian, GroupBatch, Loss, Posterior, TrainingData
from disent_plugins.models.groups import (
    average_of_gaussians,
    group_noise,
    group_rows,
    kl_of_groups,
    kl_to_standard_normal,
    singleton_share,
)
from disent_plugins.models.leak import Leak, LeakOptions
from disent_plugins.models.networks import NetworkOptions, leaky_clip, make_networks, squared_error
from disent_plugins.whole_batch import shares, whole_sum


@dataclass(frozen=True)
class GVAEConfig(LeakOptions, NetworkOptions):
    """Options of GVAE, on the GM-VAE paper's networks."""


class GVAE(nn.Module):
    """The model; see the module's docstring for its equations.

    Args:
        config: Options.
        data: The training images; their size is used.
    """

    Config = GVAEConfig
    whole_batch = True
    requires = ("groups",)

    def __init__(self, config: GVAEConfig, data: TrainingData) -> None:
        super().__init__()
        self.config = config
        self.encoder, self.decoder = make_networks(config, data.image)
        self.leak = Leak(config, config.style_size, data.groups)

    def encode(self, images: Tensor) -> Posterior:
        """[B, C, H, W] in [0, 1] -> each image's own posterior of content [B, Dc] and style [B, Ds]."""
        return self.encoder(images)

    def decode(self, content: Tensor, style: Tensor) -> Tensor:
        """[B, Dc], [B, Ds] -> images [B, C, H, W] in [0, 1]."""
        return leaky_clip(self.decoder(content, style)).clamp(0.0, 1.0)

    def fuse(self, content: Gaussian, group: Tensor, group_count: int) -> Tensor:
        """The content of groups of images, [G, Dc]: the mean of their means."""
        return average_of_gaussians(content.mean, content.logvar, group, group_count).mean

    def loss(self, batch: GroupBatch) -> Loss:
        """L_G, averaged over the groups of the batch."""
        z = self.encode(batch.images)
        groups = average_of_gaussians(z.content.mean, z.content.logvar, batch.group, batch.group_count)
        drawn = groups.mean + groups.variance.sqrt() * group_noise(groups.mean)  # c ~ q(c | x_G)
        content = group_rows(drawn, batch.group, z.content.sample())
        style = z.style.sample()
        error = squared_error(batch.images, leaky_clip(self.decoder(content, style)))
        kl_style = kl_to_standard_normal(z.style.mean, z.style.logvar)
        kl_content, group_total = kl_of_groups(z.content, batch.group, groups)
        leak, told = self.leak(style, batch)
        terms = {
            "reconstruction": error.mean(),
            "kl_content_per_group": kl_content / group_total,
            "kl_style": kl_style.mean(),
            "singleton_share": singleton_share(groups.size, batch.group),
            **told,
        }
        total = whole_sum(error.sum() + kl_style.sum()) + kl_content + leak * (shares() * len(batch.images))
        return Loss(total / group_total, terms)
