"""GM-VAE: Morshuis, Samplawski, Nabi, "Weakly Supervised Content and Style Disentanglement with Gaussian Mixture VAEs".

Every image has its own content code, drawn from its own posterior; the prior of that code is a Gaussian around the
mean of the image's group, so that content may vary a little within a group and style need not carry the difference.

    mu_G = Sigma_G sum_i Sigma_i^-1 mu_i,   Sigma_G^-1 = sum_i Sigma_i^-1                                    Eq. 3
    z_c = mu_c + sigma_c e1,   z_s = mu_s + sigma_s e2                                                       Eq. 4
    L = |x - h(z)|^2 + 1/2 (sum_c [sigma_c^2 + k (mu_c - mu_G)^2 - 1 - log sigma_c^2]
                            + sum_s [sigma_s^2 + mu_s^2 - 1 - log sigma_s^2])                                Eq. 5
    batch loss = mean L + lambda_R F_R + lambda_U U,   F_R ~ 1 / (s^2 + delta),   U ~ |mu_G|^2               section 2

For k = 1 Eq. 5 is the KL to N(mu_G, I). For other k it is the KL to no Gaussian: k weighs the mean term alone. That is
the paper's loss and our default; ``k_mode=prior_precision`` is the consistent variant. The loss is a surrogate, not an
ELBO: mu_G is computed from the same batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from disent_plugins.contracts import Gaussian, GroupBatch, Loss, Posterior, TrainingData
from disent_plugins.models.groups import (
    GroupStatistics,
    group_rows,
    group_sizes,
    kl_to_standard_normal,
    leave_one_out_mean,
    product_of_gaussians,
    regularisation,
    repulsion,
    singleton_share,
)
from disent_plugins.models.leak import Leak, LeakOptions
from disent_plugins.models.networks import NetworkOptions, leaky_clip, make_networks, squared_error
from disent_plugins.options import option


@dataclass(frozen=True)
class GMVAEConfig(LeakOptions, NetworkOptions):
    """Options of GM-VAE. Defaults are the paper's for MNIST where it states them."""

    k: float = option(2.0, "Attraction of content means to their group's mean (Eq. 5).", low=0, high=1e6)
    k_mode: Literal["mean_only", "prior_precision"] = option(
        "mean_only", "k on the mean term only (the paper's Eq. 5), or as the precision of the prior N(mu_G, I/k)."
    )
    k_unlabelled: float | None = option(
        None, "k of images without a group, around 0; none: the same k.", low=0, high=1e6
    )
    repulsion: float = option(100.0, "lambda_R, weight of F_R (mean over pairs of groups).", low=0, high=1e6)
    regularisation: float = option(0.5, "lambda_U, weight of U (mean over groups).", low=0, high=1e6)
    delta: float = option(1.0, "delta of F_R, in units of the prior's variance.", above=0, high=1e6)
    singleton: Literal["own_group", "prior", "skip"] = option(
        "own_group",
        "A group of one image: its own group (literal: no attraction), pulled to the prior as if unlabelled, or left "
        "out of every group term.",
    )
    center: Literal["group_mean", "leave_one_out"] = option(
        "group_mean", "What attracts an image: its group's mean, or the mean of the group's other members."
    )
    center_gradient: bool = option(True, "Let the attraction's gradient flow through the centre, too.")
    assume_distinct: bool = option(False, "Use the repulsion even where groups are not known to differ.")
    reconstruction: float = option(1.0, "Weight of the squared error; 1 is Eq. 5.", above=0, high=1e6)
    reconstruction_start: float | None = option(
        None,
        "The weight it starts from: held for two fifths of the training, then raised evenly (in its logarithm) to "
        "`reconstruction`, reached at four fifths; none: constant.",
        above=0,
        high=1e6,
    )


class GMVAE(nn.Module):
    """The model; see the module's docstring for its equations.

    Args:
        config: Options.
        data: The training images; their size is used.
    """

    Config = GMVAEConfig
    whole_batch = True

    def __init__(self, config: GMVAEConfig, data: TrainingData) -> None:
        super().__init__()
        self.config = config
        self.encoder, self.decoder = make_networks(config, data.image)
        self.leak = Leak(config, config.style_size, data.groups)

    @property
    def requires(self) -> tuple[str, ...]:
        """What the loss needs of the data: F_R tears a class apart where two groups may share their content."""
        repels = self.config.repulsion > 0 and not self.config.assume_distinct
        return ("groups", "distinct_groups") if repels else ("groups",)

    def encode(self, images: Tensor) -> Posterior:
        """[B, C, H, W] in [0, 1] -> posterior of content [B, Dc] and style [B, Ds]."""
        return self.encoder(images)

    def decode(self, content: Tensor, style: Tensor) -> Tensor:
        """[B, Dc], [B, Ds] -> images [B, C, H, W] in [0, 1]."""
        return leaky_clip(self.decoder(content, style)).clamp(0.0, 1.0)

    def fuse(self, content: Gaussian, group: Tensor, group_count: int) -> Tensor:
        """The content of groups of images, [G, Dc]: the mean of the product of their Gaussians (Eq. 3)."""
        return product_of_gaussians(content.mean, content.logvar, group, group_count).mean

    def loss(self, batch: GroupBatch) -> Loss:
        """Eq. 5 averaged over the batch, plus repulsion and regularisation."""
        config = self.config
        z = self.encode(batch.images)
        groups = product_of_gaussians(z.content.mean, z.content.logvar, batch.group, batch.group_count)  # Eq. 3
        size = group_sizes(groups.size, batch.group)
        content, style = z.content.sample(), z.style.sample()  # Eq. 4
        output = leaky_clip(self.decoder(content, style))
        reconstruction = squared_error(batch.images, output).mean()  # Eq. 5, first term
        kl_content = self._content_term(z.content, batch.group, groups, size).mean()  # Eq. 5, content
        kl_style = kl_to_standard_normal(z.style.mean, z.style.logvar).mean()  # Eq. 5, style
        in_group_terms = groups.present if config.singleton == "own_group" else groups.size > 1
        f_r = repulsion(groups.mean, in_group_terms, config.delta)
        u = regularisation(groups.mean, in_group_terms)
        total = (
            self._reconstruction_weight(batch.progress) * reconstruction
            + kl_content
            + kl_style
            + config.repulsion * f_r
            + config.regularisation * u
        )
        leak, told = self.leak(style, batch)
        terms = {
            "reconstruction": reconstruction,
            "kl_content": kl_content,
            "kl_style": kl_style,
            "repulsion": f_r,
            "regularisation": u,
            "singleton_share": singleton_share(groups.size, batch.group),
            "group_variance": (groups.variance.mean(dim=1) * groups.present).sum() / groups.present.sum().clamp_min(1),
            **told,
        }
        return Loss(total + leak, terms)

    def _reconstruction_weight(self, progress: Tensor) -> Tensor | float:
        """Weight of the squared error at this share of the training."""
        config = self.config
        if config.reconstruction_start is None:
            return config.reconstruction
        risen = ((progress - 0.4) / 0.4).clamp(0.0, 1.0)
        return config.reconstruction_start * (config.reconstruction / config.reconstruction_start) ** risen

    def _content_term(self, content: Gaussian, group: Tensor, groups: GroupStatistics, size: Tensor) -> Tensor:
        """Content part of Eq. 5 per image, [B]."""
        config = self.config
        free = size == 0  # no group known: mu_G = 0 (appendix B)
        if config.singleton == "prior":
            free = free | (size == 1)
        if config.center == "leave_one_out":
            center = leave_one_out_mean(content.mean, content.logvar, group, groups)
        else:
            center = group_rows(groups.mean, group, content.mean)
        if not config.center_gradient:
            center = center.detach()
        center = torch.where(free.unsqueeze(1), 0.0, center)
        k_free = config.k if config.k_unlabelled is None else config.k_unlabelled
        k = torch.where(free, k_free, config.k).unsqueeze(1)
        distance = (content.mean - center).square()
        if config.singleton == "skip":
            distance = torch.where((size == 1).unsqueeze(1), 0.0, distance)
        variance = content.logvar.exp()
        if config.k_mode == "prior_precision":  # KL to N(mu_G, I/k)
            k = k.clamp_min(1e-6)
            return 0.5 * (k * variance + k * distance - 1.0 - content.logvar - k.log()).sum(dim=1)
        return 0.5 * (variance + k * distance - 1.0 - content.logvar).sum(dim=1)
