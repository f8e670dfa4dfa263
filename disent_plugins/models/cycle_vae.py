"""Cycle-consistent VAE: Jha, Anand, Singh, Veeravasarapu, "Disentangling Factors of Variation with Cycle-Consistent
Variational Auto-Encoders", ECCV 2018.

The content (there: specified factors) is a point, the style (unspecified factors) a Gaussian. Two cycles, each with an
optimiser of its own:

    forward   sum over c in {c_i, c_mate} of |x_i - h(c, s_i)|^2, plus KL(q(s | x_i) || N(0, I)):   section 3.1, Eq. 3
    reverse   s* ~ N(0, I);  |mu_s(h(c_i, s*)) - mu_s(h(c_j, s*))|_1 for any two images i, j:       section 3.2, Eq. 4

The reverse cycle updates the encoder alone: whatever the content, a style that went into an image must come out of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from disent_plugins.contracts import GroupBatch, Loss, ParameterGroups, Posterior, TrainingData, Update
from disent_plugins.models.groups import kl_to_standard_normal
from disent_plugins.models.leak import Leak, LeakOptions
from disent_plugins.models.networks import NetworkOptions, leaky_clip, make_networks, squared_error
from disent_plugins.options import option


@dataclass(frozen=True)
class CycleVAEConfig(LeakOptions, NetworkOptions):
    """Options of the cycle-consistent VAE, on the GM-VAE paper's networks."""

    kl: float = option(1.0, "Weight of the style's KL.", low=0, high=1e6)
    reverse: float = option(10.0, "Weight of the reverse cycle.", low=0, high=1e6)
    reverse_lr: float = option(0.2, "Learning rate of the reverse cycle, in units of the run's.", above=0, high=10)


class CycleVAE(nn.Module):
    """The model; see the module's docstring for its cycles.

    Args:
        config: Options.
        data: The training images; their size is used.
    """

    Config = CycleVAEConfig
    requires = ("groups",)

    def __init__(self, config: CycleVAEConfig, data: TrainingData) -> None:
        super().__init__()
        self.config = config
        self.encoder, self.decoder = make_networks(config, data.image, points=("content",))
        self.leak = Leak(config, config.style_size, data.groups)

    def parameter_groups(self) -> ParameterGroups:
        """The forward cycle moves everything, the reverse cycle the encoder, with optimisers of their own."""
        encoder = list(self.encoder.parameters())
        return {
            "forward": [*encoder, *self.decoder.parameters(), *self.leak.parameters()],
            "reverse": (encoder, {"lr": self.config.reverse_lr}),
        }

    def encode(self, images: Tensor) -> Posterior:
        """[B, C, H, W] in [0, 1] -> content [B, Dc], a point, and the posterior of style [B, Ds]."""
        return self.encoder(images)

    def decode(self, content: Tensor, style: Tensor) -> Tensor:
        """[B, Dc], [B, Ds] -> images [B, C, H, W] in [0, 1]."""
        return self._draw(content, style).clamp(0.0, 1.0)

    def loss(self, batch: GroupBatch) -> Loss:
        """The forward cycle, averaged over the images."""
        z = self.encode(batch.images)
        style, content = z.style.sample(), z.content.mean
        own = squared_error(batch.images, self._draw(content, style)).mean()
        crossed = squared_error(batch.images, self._draw(content[batch.partner], style)).mean()
        kl_style = kl_to_standard_normal(z.style.mean, z.style.logvar).mean()
        leak, told = self.leak(style, batch)
        terms = {"reconstruction": own, "reconstruction_of_mate": crossed, "kl_style": kl_style, **told}
        return Loss(own + crossed + self.config.kl * kl_style + leak, terms)

    def training_step(self, batch: GroupBatch, update: Update) -> Loss:
        """One step of either cycle."""
        loss = self.loss(batch)
        update(loss.total, "forward")
        reverse = self._reverse(batch.images)
        update(self.config.reverse * reverse, "reverse")
        total = loss.total + self.config.reverse * reverse
        return Loss(total, {**loss.terms, "reverse": reverse})

    def _reverse(self, images: Tensor) -> Tensor:
        """L1 distance between the styles read from two images made with one style, per image."""
        with torch.no_grad():
            content = self.encode(images).content.mean
            style = torch.randn(len(content), self.config.style_size, device=content.device)
            other = content[torch.randperm(len(content), device=content.device)]
            made = [self.decode(c, style) for c in (content, other)]
        first, second = (self.encode(one).style.mean for one in made)
        return (first - second).abs().sum(dim=1).mean()

    def _draw(self, content: Tensor, style: Tensor) -> Tensor:
        return leaky_clip(self.decoder(content, style))
