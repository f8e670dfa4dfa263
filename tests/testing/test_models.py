"""``check_model``: our models pass, and every kind of break is named with its remedy."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from helpers.contract_files import broken
from torch import nn

from disent_plugins import Gaussian, ImageSpec, Loss, Options, Posterior, option
from disent_plugins.models.plugin import disent_models
from disent_plugins.options import build
from disent_plugins.registry.host import Registry
from disent_plugins.testing import check_model

IMAGE = ImageSpec(1, 8, 8)


@pytest.mark.parametrize("image", [ImageSpec(1, 32, 32), ImageSpec(3, 64, 48)], ids=str)
@pytest.mark.parametrize("name", [spec.name for spec in disent_models()])
def test_our_models_pass(name, image):
    registry = Registry(third_party=False)
    model_class = registry.load(*registry.models.find(name))
    check_model(model_class, config=build(model_class.Config, {"width": 0.1}, owner="test"), image=image)


@dataclass(frozen=True)
class ToyConfig(Options):
    size: int = option(3, "Size of the codes.", low=1)


class ToyModel(nn.Module):
    """The least that keeps the contract."""

    Config = ToyConfig

    def __init__(self, config, data):
        super().__init__()
        self.encoder = nn.Linear(64, 4 * config.size)
        self.decoder = nn.Linear(2 * config.size, 64)

    def encode(self, images):
        parts = self.encoder(images.flatten(1)).chunk(4, dim=1)
        return Posterior(Gaussian(parts[0], parts[1].clamp(-9, 6)), Gaussian(parts[2], parts[3].clamp(-9, 6)))

    def draw(self, content, style):
        return self.decoder(torch.cat([content, style], dim=1)).sigmoid().unflatten(1, (1, 8, 8))

    def decode(self, content, style):
        return self.draw(content, style)

    def loss(self, batch):
        z = self.encode(batch.images)
        error = (batch.images - self.draw(z.content.sample(), z.style.sample())).square().flatten(1).sum(dim=1).mean()
        return Loss(error, {"reconstruction": error})


class WithoutConfig(ToyModel):
    Config = None


class Thawed(ToyModel):
    @dataclass
    class Config:
        size: int = option(3, "Size.")


class WithoutDefault(ToyModel):
    @dataclass(frozen=True)
    class Config:
        size: int = dataclasses.field(metadata={"doc": "Size."})


class Undocumented(ToyModel):
    @dataclass(frozen=True)
    class Config:
        size: int = 3


class Unstorable(ToyModel):
    @dataclass(frozen=True)
    class Config:
        size: int = option(3, "Size.")
        when: complex = option(1j, "No JSON.")


class Mistyped(ToyModel):
    @dataclass(frozen=True)
    class Config:
        size: str = option(3, "Size.")


class WithoutDecode(ToyModel):
    decode = None


class Greedy(ToyModel):
    requires = ("labels",)


class ReturnsTuple(ToyModel):
    def encode(self, images):
        return images, images


class FlatLogvar(ToyModel):
    def encode(self, images):
        z = super().encode(images)
        z.style.logvar = z.style.logvar.mean(dim=1)
        return z


class Contentless(ToyModel):
    """Codes in one piece, given as the style."""

    def encode(self, images):
        z = super().encode(images)
        nothing = z.content.mean[:, :0]
        return Posterior(Gaussian(nothing, nothing), z.style)


class Endless(ToyModel):
    def encode(self, images):
        z = super().encode(images)
        z.content.logvar = z.content.logvar - float("inf")
        return z


class Views(ToyModel):
    def encode(self, images):
        return super().encode(images.view(len(images), -1))


class Draws(ToyModel):
    def encode(self, images):
        z = super().encode(images)
        z.content.mean = z.content.sample()
        return z


class LooksAround(ToyModel):
    def encode(self, images):
        z = super().encode(images)
        z.content.mean = z.content.mean - z.content.mean.mean(dim=0)
        return z


class WrongSize(ToyModel):
    def decode(self, content, style):
        return self.draw(content, style).flatten(1)


class Unbounded(ToyModel):
    def decode(self, content, style):
        return 3 * self.draw(content, style) - 1


class NotALoss(ToyModel):
    def loss(self, batch):
        return super().loss(batch).total


class PerImage(ToyModel):
    def loss(self, batch):
        loss = super().loss(batch)
        return Loss(loss.total, {"reconstruction": loss.total.expand(len(batch.images))})


class KnowsNoLoners(ToyModel):
    """Divides by the number of images whose group is known."""

    def loss(self, batch):
        loss = super().loss(batch)
        known = (batch.group >= 0).float()
        return Loss(loss.total * known.sum() / known.sum(), loss.terms)


class TakesTheTotal(ToyModel):
    def loss(self, batch):
        total = super().loss(batch).total
        return Loss(total, {"total": total})


class ChangesTerms(ToyModel):
    def loss(self, batch):
        loss = super().loss(batch)
        return Loss(loss.total, loss.terms if (batch.group >= 0).all() else {"unlabelled": loss.total})


class NoGradient(ToyModel):
    def loss(self, batch):
        loss = super().loss(batch)
        return Loss(loss.total.detach(), loss.terms)


class RootOfZero(ToyModel):
    def loss(self, batch):
        loss = super().loss(batch)
        mean = self.encode(batch.images).content.mean
        return Loss(loss.total + (mean - mean.detach()).square().sum().sqrt(), loss.terms)


class Unused(ToyModel):
    def __init__(self, config, data):
        super().__init__(config, data)
        self.spare = nn.Linear(2, 2)


class NumpyNoise(ToyModel):
    random = np.random.default_rng(0)

    def loss(self, batch):
        loss = super().loss(batch)
        return Loss(loss.total * (1 + float(self.random.random())), loss.terms)


class HiddenState(ToyModel):
    def __init__(self, config, data):
        super().__init__(config, data)
        self.shift = torch.randn(config.size)

    def encode(self, images):
        z = super().encode(images)
        z.content.mean = z.content.mean + self.shift
        return z


class Forgetful(ToyModel):
    def state_dict(self, *arguments, **named):
        return {}


def test_the_toy_model_passes():
    check_model(ToyModel, image=IMAGE)


@pytest.mark.parametrize(
    ("toy", "words"),
    [
        (WithoutConfig, "WithoutConfig.Config is not a frozen dataclass"),
        (Thawed, "not a frozen dataclass"),
        (WithoutDefault, "Config.size has no default"),
        (Undocumented, "Config.size has no description"),
        (Unstorable, "not be stored: TypeError"),
        (Mistyped, "not the same after it was stored as JSON"),
        (WithoutDecode, "has no method 'decode'"),
        (Greedy, r"requires names \['labels'\]"),
        (ReturnsTuple, "encode returns tuple, not a Posterior"),
        (FlatLogvar, r"style.logvar is torch.float32 \[12\] for 12 images"),
        (Contentless, "content.mean has no columns"),
        (Endless, "content.logvar is not finite"),
        (Draws, "other content codes the second time"),
        (LooksAround, "depends on the other images of the batch"),
        (WrongSize, r"decode gives torch.float32 \[12, 64\] for 12 codes, and not float \[12, 1, 8, 8\]"),
        (Unbounded, "decode gives values from"),
        (NotALoss, "returns Tensor"),
        (PerImage, "reconstruction is not a scalar tensor"),
        (KnowsNoLoners, "batch with no group known: total is nan"),
        (TakesTheTotal, "terms are named total"),
        (ChangesTerms, "its terms are unlabelled; before they were reconstruction"),
        (NoGradient, "total has no gradient"),
        (RootOfZero, "the gradient of encoder.weight is not finite"),
        (Unused, "the loss never reaches spare.weight, spare.bias"),
        (NumpyNoise, "for the same batch, weights and seed"),
        (HiddenState, "another model after its state was saved and loaded"),
        (Forgetful, "cannot be loaded from its own state"),
    ],
)
def test_a_broken_model_is_told_what_is_wrong(toy, words):
    broken(check_model, toy, words, image=IMAGE)


def test_a_model_that_only_knows_plain_strides_fails_as_it_would_in_training():
    with pytest.raises(RuntimeError, match="view"):
        check_model(Views, image=ImageSpec(3, 8, 8))


def test_parameters_may_be_declared_untrained():
    check_model(Unused, image=IMAGE, untrained=["spare.weight", "spare.bias"])
    broken(check_model, ToyModel, "no trainable parameter typo", image=IMAGE, untrained=["typo"])


def test_a_check_leaves_the_random_generator_alone():
    before = torch.get_rng_state()
    check_model(ToyModel, image=IMAGE)
    assert torch.equal(torch.get_rng_state(), before)
