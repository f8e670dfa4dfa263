"""A plain VAE whose code is cut into two blocks. Nothing tells them apart: its probes show what chance division gives.

L = |x - h(c, s)|^2 + beta (KL(q(c | x) || N(0, I)) + KL(q(s | x) || N(0, I)))
"""

from dataclasses import dataclass

from torch import Tensor, nn

from disent_plugins import GroupBatch, Loss, Options, Posterior, TrainingData, option
from disent_plugins.models.groups import kl_to_standard_normal
from disent_plugins.models.networks import Decoder, Encoder, leaky_clip, squared_error


@dataclass(frozen=True)
class Config(Options):
    """Options of the plain VAE."""

    size: int = option(8, "Size of each of the two codes.", low=1)
    width: float = option(1.0, "Multiplies the channel counts of the networks.", above=0, high=8)
    beta: float = option(1.0, "Weight of the KL of both codes.", low=0)


class PlainVAE(nn.Module):
    """The model."""

    Config = Config

    def __init__(self, config: Config, data: TrainingData) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(data.image, config.size, config.size, config.width)
        self.decoder = Decoder(data.image, config.size, config.size, config.width, channels=data.image.channels)

    def encode(self, images: Tensor) -> Posterior:
        return self.encoder(images)

    def decode(self, content: Tensor, style: Tensor) -> Tensor:
        return leaky_clip(self.decoder(content, style)).clamp(0, 1)

    def loss(self, batch: GroupBatch) -> Loss:
        z = self.encode(batch.images)
        output = leaky_clip(self.decoder(z.content.sample(), z.style.sample()))
        terms = {
            "reconstruction": squared_error(batch.images, output).mean(),
            "kl_content": kl_to_standard_normal(z.content.mean, z.content.logvar).mean(),
            "kl_style": kl_to_standard_normal(z.style.mean, z.style.logvar).mean(),
        }
        return Loss(terms["reconstruction"] + self.config.beta * (terms["kl_content"] + terms["kl_style"]), terms)
