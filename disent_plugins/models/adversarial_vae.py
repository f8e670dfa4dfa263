"""Adversarial VAE: Mathieu et al. 2016, "Disentangling Factors of Variation in Deep Representations Using Adversarial
Training", in spirit; its adversary on the code after Nemeth 2020, "Adversarial Disentanglement with Grouped
Observations".

A classifier learns to read the group from the sampled style code; the encoder learns to leave it at a loss, so what
tells the group must go through the content, which is the image's own or a mate's.

    classifier   -log p(G_i | s_i)
    the rest     1/2 sum over c in {c_i, c_mate} of |x_i - h(c, s_i)|^2 + KL_c + KL_s + lambda KL(uniform || p(. | s_i))

Nemeth reverses the classifier's gradient; a uniform answer as the aim has the same optimum and keeps its slope where
the classifier is sure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn

from disent_plugins.contracts import GroupBatch, Loss, ParameterGroups, Posterior, TrainingData, Update
from disent_plugins.models.groups import kl_to_standard_normal
from disent_plugins.models.leak import Leak, LeakOptions, named
from disent_plugins.models.networks import NetworkOptions, leaky_clip, make_networks, squared_error
from disent_plugins.options import option


@dataclass(frozen=True)
class AdversarialVAEConfig(LeakOptions, NetworkOptions):
    """Options of the adversarial VAE, on the GM-VAE paper's networks."""

    confusion: float = option(10.0, "lambda, weight of leaving the classifier at a loss.", low=0, high=1e6)
    hidden: int = option(256, "Units of the classifier's two hidden layers.", low=1, high=65_536)
    adversary_lr: float = option(1.0, "Learning rate of the classifier, in units of the run's.", above=0, high=100)


class AdversarialVAE(nn.Module):
    """The model; see the module's docstring for its two losses.

    Args:
        config: Options.
        data: The training images; their size and the number of groups are used.
    """

    Config = AdversarialVAEConfig
    requires = ("groups",)

    def __init__(self, config: AdversarialVAEConfig, data: TrainingData) -> None:
        super().__init__()
        self.config = config
        self.groups = data.groups
        self.encoder, self.decoder = make_networks(config, data.image)
        self.leak = Leak(config, config.style_size, data.groups)
        self.classifier = nn.Sequential(
            nn.Linear(config.style_size, config.hidden), nn.LeakyReLU(0.2),
            nn.Linear(config.hidden, config.hidden), nn.LeakyReLU(0.2),
            nn.Linear(config.hidden, data.groups),
        )  # fmt: skip

    def parameter_groups(self) -> ParameterGroups:
        """The classifier and what it plays against."""
        return {
            "autoencoder": [*self.encoder.parameters(), *self.decoder.parameters(), *self.leak.parameters()],
            "classifier": (self.classifier.parameters(), {"lr": self.config.adversary_lr}),
        }

    def encode(self, images: Tensor) -> Posterior:
        """[B, C, H, W] in [0, 1] -> posterior of content [B, Dc] and style [B, Ds]."""
        return self.encoder(images)

    def decode(self, content: Tensor, style: Tensor) -> Tensor:
        """[B, Dc], [B, Ds] -> images [B, C, H, W] in [0, 1]."""
        return self._draw(content, style).clamp(0.0, 1.0)

    def loss(self, batch: GroupBatch) -> Loss:
        """What encoder and decoder minimise, averaged over the images."""
        return self._loss(batch)[0]

    def training_step(self, batch: GroupBatch, update: Update) -> Loss:
        """The classifier's step on the style it sees, then the others'."""
        loss, style = self._loss(batch)
        update(loss.total, "autoencoder")
        classified = named(self.classifier(style.detach()), batch.identity)
        update(classified, "classifier")
        return Loss(loss.total, {**loss.terms, "classifier": classified})

    def _loss(self, batch: GroupBatch) -> tuple[Loss, Tensor]:
        z = self.encode(batch.images)
        content, style = z.content.sample(), z.style.sample()
        own = squared_error(batch.images, self._draw(content, style)).mean()
        crossed = squared_error(batch.images, self._draw(content[batch.partner], style)).mean()
        # KL(uniform || p) is 0 where the classifier says the same of every group.
        told = -self.classifier(style).log_softmax(dim=1).mean() - math.log(self.groups)
        kl_content = kl_to_standard_normal(z.content.mean, z.content.logvar).mean()
        kl_style = kl_to_standard_normal(z.style.mean, z.style.logvar).mean()
        leak, leaked = self.leak(style, batch)
        total = 0.5 * (own + crossed) + kl_content + kl_style + self.config.confusion * told + leak
        terms = {
            "reconstruction": own,
            "reconstruction_of_mate": crossed,
            "kl_content": kl_content,
            "kl_style": kl_style,
            "confusion": told,
            **leaked,
        }
        return Loss(total, terms), style

    def _draw(self, content: Tensor, style: Tensor) -> Tensor:
        return leaky_clip(self.decoder(content, style))
