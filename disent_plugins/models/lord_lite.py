"""LORD, lite: Gabbay and Hoshen 2020, "Demystifying Inter-Class Disentanglement" (ICLR), with a pixel loss.

Latent optimisation: every group has a content embedding, every image a style embedding, learned like weights; noise on
the style and a decay of its size keep it from telling what the group's embedding tells already.

    stage 1   |x_i - h(e_c[G_i], e_s[i] + noise)|^2 + decay |e_s[i]|^2,        noise ~ N(0, I):   Eq. 3
    stage 2   |x_i - h(E_c(x_i), E_s(x_i))|^2 + w (|E_c(x_i) - e_c[G_i]|^2 + |E_s(x_i) - e_s[i]|^2):   Eq. 4

Names: LORD's *class* code is our content, its *content* code our style. Lite: the error is on pixels, not on features
of a pretrained network, and the generator is the GM-VAE paper's decoder, not one with adaptive instance normalisation.
Decay 1/2 makes the style's term in stage 1 the KL of N(e_s, I) to N(0, I).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from disent_plugins.contracts import Gaussian, GroupBatch, Loss, ParameterGroups, Posterior, TrainingData, Update
from disent_plugins.models.leak import Leak, LeakOptions
from disent_plugins.models.networks import Decoder, Encoder, leaky_clip, squared_error
from disent_plugins.options import option


@dataclass(frozen=True)
class LordLiteConfig(LeakOptions):
    """Options of LORD-lite."""

    content_size: int = option(8, "Dc, size of a group's embedding.", low=1, high=65_536)
    style_size: int = option(8, "Ds, size of an image's embedding.", low=1, high=65_536)
    width: float = option(1.0, "Multiplies the paper's channel counts.", above=0, high=8)
    decay: float = option(0.5, "Weight of the squared size of the style embeddings.", low=0, high=1e6)
    embedding_lr: float = option(10.0, "Learning rate of the embeddings, in units of the run's.", above=0, high=1000)
    second_stage: float = option(
        0.6, "Share of the training after which the encoders learn instead.", above=0, high=0.95
    )
    regression: float = option(10.0, "w, weight of the encoders' distance to the embeddings.", low=0, high=1e6)


class LordLite(nn.Module):
    """The model; see the module's docstring for its stages.

    Args:
        config: Options.
        data: The training images; size, number and groups are used.
    """

    Config = LordLiteConfig
    requires = ("groups", "identities")

    def __init__(self, config: LordLiteConfig, data: TrainingData) -> None:
        super().__init__()
        self.config = config
        sizes = (config.content_size, config.style_size, config.width)
        self.encoder = Encoder(data.image, *sizes, points=("content", "style"))
        self.decoder = Decoder(data.image, *sizes, channels=data.image.channels)
        self.leak = Leak(config, config.style_size, data.groups)
        self.content = nn.Embedding(data.groups, config.content_size)  # e_c
        self.style = nn.Embedding(data.images, config.style_size)  # e_s

    def parameter_groups(self) -> ParameterGroups:
        """The embeddings, which learn faster; the generator; the encoders of the second stage."""
        embeddings = [*self.content.parameters(), *self.style.parameters()]
        return {
            "embeddings": (embeddings, {"lr": self.config.embedding_lr}),
            "generator": [*self.decoder.parameters(), *self.leak.parameters()],
            "encoders": self.encoder.parameters(),
        }

    def encode(self, images: Tensor) -> Posterior:
        """[B, C, H, W] in [0, 1] -> content [B, Dc], a point, and style [B, Ds], whose noise is N(0, I) by design."""
        z = self.encoder(images)
        return Posterior(z.content, Gaussian(z.style.mean, torch.zeros_like(z.style.mean)))

    def decode(self, content: Tensor, style: Tensor) -> Tensor:
        """[B, Dc], [B, Ds] -> images [B, C, H, W] in [0, 1]."""
        return self._draw(content, style).clamp(0.0, 1.0)

    def loss(self, batch: GroupBatch) -> Loss:
        """What validation reports: the error through the encoders, as new images have no embeddings."""
        z = self.encoder(batch.images)
        return self._told(squared_error(batch.images, self._draw(z.content.mean, z.style.mean)).mean())

    def training_step(self, batch: GroupBatch, update: Update) -> Loss:
        """A step of the stage that the training has reached, the one thing that it asks the device for."""
        if batch.progress < self.config.second_stage:
            return self._embed(batch, update)
        return self._amortise(batch, update)

    def _embed(self, batch: GroupBatch, update: Update) -> Loss:
        style = self.style(batch.index)
        drawn = Gaussian(style, torch.zeros_like(style)).sample()
        error = squared_error(batch.images, self._draw(self.content(batch.identity), drawn)).mean()
        decay = style.square().sum(dim=1).mean()
        leak, told = self.leak(drawn, batch)
        loss = self._told(error, decay=decay, total=error + self.config.decay * decay + leak, **told)  # Eq. 3
        update(loss.total, "embeddings", "generator")
        return loss

    def _amortise(self, batch: GroupBatch, update: Update) -> Loss:
        z = self.encoder(batch.images)
        error = squared_error(batch.images, self._draw(z.content.mean, z.style.mean)).mean()
        apart = (z.content.mean - self.content(batch.identity).detach()).square().sum(dim=1)
        apart = apart + (z.style.mean - self.style(batch.index).detach()).square().sum(dim=1)
        loss = self._told(error, regression=apart.mean(), total=error + self.config.regression * apart.mean())  # Eq. 4
        update(loss.total, "encoders", "generator")
        return loss

    def _told(self, error: Tensor, *, total: Tensor | None = None, **parts: Tensor) -> Loss:
        """The same terms in both stages; 0 where one has no part in it."""
        names = ("decay", "regression", *(("leak",) if self.config.leak else ()))
        others = {name: parts.get(name, error.new_zeros(())) for name in names}
        return Loss(error if total is None else total, {"reconstruction": error, **others})

    def _draw(self, content: Tensor, style: Tensor) -> Tensor:
        return leaky_clip(self.decoder(content, style))
