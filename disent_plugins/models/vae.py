"""The two-block VAE: Kingma and Welling 2014, "Auto-Encoding Variational Bayes"; beta: Higgins et al. 2017, "beta-VAE".

    L = |x - h(c, s)|^2 + beta (KL(q(c | x) || N(0, I)) + KL(q(s | x) || N(0, I)))

It is told of no groups, so nothing holds the two blocks apart: what its probes and swaps score is what chance division
gives, the floor of every table.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from disent_plugins.contracts import GroupBatch, Loss, Posterior, TrainingData
from disent_plugins.models.groups import kl_to_standard_normal
from disent_plugins.models.leak import Leak, LeakOptions
from disent_plugins.models.networks import NetworkOptions, leaky_clip, make_networks, squared_error
from disent_plugins.options import option


@dataclass(frozen=True)
class VAEConfig(LeakOptions, NetworkOptions):
    """Options of the two-block VAE."""

    beta: float = option(1.0, "Weight of the KL of both codes.", low=0, high=1e6)


class VAE(nn.Module):
    """The model.

    Args:
        config: Options.
        data: The training images; their size is used.
    """

    Config = VAEConfig
    whole_batch = True

    def __init__(self, config: VAEConfig, data: TrainingData) -> None:
        super().__init__()
        self.config = config
        self.encoder, self.decoder = make_networks(config, data.image)
        self.leak = Leak(config, config.style_size, data.groups)

    def encode(self, images: Tensor) -> Posterior:
        """[B, C, H, W] in [0, 1] -> posterior of the first block [B, Dc] and the second [B, Ds]."""
        return self.encoder(images)

    def decode(self, content: Tensor, style: Tensor) -> Tensor:
        """[B, Dc], [B, Ds] -> images [B, C, H, W] in [0, 1]."""
        return leaky_clip(self.decoder(content, style)).clamp(0.0, 1.0)

    def loss(self, batch: GroupBatch) -> Loss:
        """L, averaged over the batch; groups are looked at by the leak penalty alone, if it is switched on."""
        z = self.encode(batch.images)
        style = z.style.sample()
        output = leaky_clip(self.decoder(z.content.sample(), style))
        leak, told = self.leak(style, batch)
        terms = {
            "reconstruction": squared_error(batch.images, output).mean(),
            "kl_content": kl_to_standard_normal(z.content.mean, z.content.logvar).mean(),
            "kl_style": kl_to_standard_normal(z.style.mean, z.style.logvar).mean(),
        }
        total = terms["reconstruction"] + self.config.beta * (terms["kl_content"] + terms["kl_style"]) + leak
        return Loss(total, {**terms, **told})
