"""A tiny VAE whose codes are in one piece, and a data set without a test split, as the plugin of an outsider."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from helpers.training_files import Squares
from torch import nn

from disent_plugins import DatasetSpec, Gaussian, Loss, ModelSpec, Options, Posterior, hookimpl, option
from disent_plugins.data_adapters.adapter import RawTable


@dataclass(frozen=True)
class Config(Options):
    size: int = option(4, "Size of the code.", low=1)


class OnePieceVAE(nn.Module):
    """The code is the content; the style has no columns."""

    Config = Config

    def __init__(self, config, data):
        super().__init__()
        self.shape = data.image.shape
        self.encoder = nn.Linear(math.prod(self.shape), 2 * config.size)
        self.decoder = nn.Linear(config.size, math.prod(self.shape))

    def encode(self, images):
        mean, logvar = self.encoder(images.flatten(1)).chunk(2, dim=1)
        nothing = mean[:, :0]
        return Posterior(Gaussian(mean, logvar.clamp(-9, 6)), Gaussian(nothing, nothing))

    def decode(self, content, style):
        assert style.shape == (len(content), 0)
        return self.decoder(torch.cat([content, style], dim=1)).sigmoid().unflatten(1, self.shape)

    def loss(self, batch):
        z = self.encode(batch.images)
        output = self.decode(z.content.sample(), z.style.sample())
        error = (batch.images - output).square().flatten(1).sum(dim=1).mean()
        kl = 0.5 * (z.content.logvar.exp() + z.content.mean**2 - 1 - z.content.logvar).sum(dim=1).mean()
        return Loss(error + kl, {"reconstruction": error, "kl": kl})


class NoTest(Squares):
    """The squares, all of them for training."""

    info = dataclasses.replace(Squares.info, name="no-test")

    def read(self, source: Path | None) -> RawTable:
        table = super().read(source)
        return dataclasses.replace(table, split=0 * table.split)


@hookimpl
def disent_models():
    return [ModelSpec(name="one-piece", summary="A VAE.", target="helpers.one_piece:OnePieceVAE")]


@hookimpl
def disent_datasets():
    return [
        DatasetSpec(name="squares", summary="Squares.", target="helpers.training_files:Squares"),
        DatasetSpec(name="no-test", summary="No test split.", target="helpers.one_piece:NoTest"),
    ]
