"""What models give, in the hands of the host: one row for all, a row too few and other faults of form are refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers.training_files import OPTIONS, Squares
from torch import nn

from disent_plugins import Gaussian, Posterior, TrainingData
from disent_plugins.contracts import ImageTable
from disent_plugins.contracts.broken import ContractError
from disent_plugins.contracts.outputs import check_module
from disent_plugins.errors import WorkFailed
from disent_plugins.measuring.encode import decoder, encode, encoder, fusion
from disent_plugins.models.gmvae import GMVAE
from disent_plugins.options import build
from disent_plugins.training.pixels import Pixels

IMAGE, CPU = Squares.info.image, torch.device("cpu")


@pytest.fixture(scope="module")
def table() -> ImageTable:
    raw = Squares().read(None)
    return ImageTable(Squares.info, np.concatenate(list(raw.slabs)), raw.factors, raw.split, "")


def model(**members) -> GMVAE:
    """GM-VAE whose methods are changed."""
    kind = type("Toy", (GMVAE,), members)
    return kind(build(GMVAE.Config, OPTIONS, owner="test"), TrainingData(IMAGE, 40, 4))


def changed(part: str, change, first: int = 0):
    """An encoder whose part, such as ``style.logvar``, is changed from its call number ``first`` on."""
    calls = []

    def inner(self, images):
        z = GMVAE.encode(self, images)
        block, name = part.split(".")
        if len(calls) >= first:
            setattr(getattr(z, block), name, change(getattr(getattr(z, block), name)))
        calls.append(1)
        return z

    return inner


ENCODERS = {
    "a tuple": (lambda self, images: (images, images), "encode returns tuple"),
    "None": (lambda self, images: None, "encode returns NoneType"),
    "no Gaussian": (lambda self, images: Posterior(images, images), "content is Tensor, not a Gaussian"),
    "one row for all": (changed("content.mean", lambda x: x[:1]), r"content.mean is torch.float32 \[1, 3\]"),
    "a row too few": (changed("style.mean", lambda x: x[1:]), r"style.mean is torch.float32 \[11, 3\]"),
    "a row too many": (changed("style.mean", lambda x: torch.cat([x, x[:1]])), r"\[13, 3\]"),
    "flat": (changed("style.mean", lambda x: x[:, 0]), r"style.mean is torch.float32 \[12\]"),
    "logvar of another shape": (
        changed("style.logvar", lambda x: x[:, :1]),
        r"style.logvar is torch.float32 \[12, 1\]",
    ),
    "one logvar": (changed("style.logvar", lambda x: x.mean()), r"style.logvar is torch.float32 \[\]"),
    "a number": (changed("content.mean", lambda x: 0.5), "content.mean is float"),
    "an array": (changed("content.mean", lambda x: x.detach().numpy()), "content.mean is float32"),
    "whole numbers": (changed("content.mean", lambda x: x.long()), "content.mean is torch.int64"),
    "no columns": (changed("content.mean", lambda x: x[:, :0]), "content.(mean has no columns|logvar is)"),
}


@pytest.mark.parametrize("case", ENCODERS)
def test_codes_of_another_form_are_refused(case, table, monkeypatch):
    made, words = ENCODERS[case]
    toy = model(encode=made)
    with pytest.raises(ContractError, match=words):
        encode(toy, Pixels(table, CPU), table, np.arange(12), lambda *_: None)
    with pytest.raises(ContractError, match=words):
        encoder(toy, CPU, IMAGE)(np.zeros((12, 16, 16, 1), np.float32))


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("style.logvar", lambda x: None),
        ("content.logvar", lambda x: None),
        ("style", lambda x: Gaussian(x.mean[:, :2])),
    ],
)
def test_every_batch_has_the_form_of_the_first(part, change, table, monkeypatch):
    monkeypatch.setattr("disent_plugins.measuring.encode.BATCH", 8)
    calls = []

    def other(self, images):
        z = GMVAE.encode(self, images)
        calls.append(1)
        owner, _, name = part.rpartition(".")
        owner = getattr(z, owner) if owner else z
        if len(calls) > 1:
            setattr(owner, name, change(getattr(owner, name)))
        return z

    with pytest.raises(ContractError, match="another form than for the images before"):
        encode(model(encode=other), Pixels(table, CPU), table, np.arange(12), lambda *_: None)


DECODERS = {
    "one row for all": (lambda x: x[:1], r"decode gives torch.float32 \[1, 1, 16, 16\] for 5 codes"),
    "a row too few": (lambda x: x[1:], r"\[4, 1, 16, 16\]"),
    "flat": (lambda x: x.flatten(1), r"\[5, 256\]"),
    "channels last": (lambda x: x.permute(0, 2, 3, 1), r"\[5, 16, 16, 1\]"),
    "too small": (lambda x: x[..., :8], r"\[5, 1, 16, 8\]"),
    "an array": (lambda x: x.numpy(), "float32"),
    "bytes": (lambda x: (255 * x).byte(), "torch.uint8"),
    "None": (lambda x: None, "NoneType"),
}


@pytest.mark.parametrize("case", DECODERS)
def test_images_of_another_form_are_refused(case):
    change, words = DECODERS[case]
    toy = model(decode=lambda self, content, style: change(GMVAE.decode(self, content, style)))
    with pytest.raises(ContractError, match=words):
        decoder(toy, CPU, IMAGE)(np.zeros((5, 3)), np.zeros((5, 3)))


def test_what_is_no_finite_number_is_the_weights_fault(table):
    toy = model(decode=lambda self, content, style: GMVAE.decode(self, content, style) * float("nan"))
    with pytest.raises(WorkFailed, match="decoder gives images that are not finite"):
        decoder(toy, CPU, IMAGE)(np.zeros((5, 3)), np.zeros((5, 3)))
    toy = model(encode=changed("content.mean", lambda x: x / 0))
    with pytest.raises(WorkFailed, match="encoder gives codes that are not finite"):
        encoder(toy, CPU, IMAGE)(np.zeros((5, 16, 16, 1), np.float32))


@pytest.mark.parametrize("change", [lambda x: x[:1], lambda x: x[:, :2], lambda x: None, lambda x: x.long()])
def test_the_content_of_groups_has_a_row_for_each(change):
    toy = model(fuse=lambda self, content, group, count: change(content.mean[:2]))
    with pytest.raises(ContractError, match="fuse gives"):
        fusion(toy, CPU)(np.zeros((4, 3)), np.zeros((4, 3)), np.array([0, 0, 1, 1]))


class Module(nn.Module):
    requires: object = ()

    def __init__(self, layer: nn.Module | None = None, requires: object = ()) -> None:
        super().__init__()
        self.layer, self.requires = layer, requires


def buffered(buffer: torch.Tensor) -> nn.Module:
    layer = nn.Linear(2, 2)
    layer.register_buffer("seen", buffer)
    return layer


class Keeps(nn.Linear):
    """Keeps what is no weight."""

    def __init__(self, kept: object) -> None:
        super().__init__(2, 2)
        self.kept = kept

    def get_extra_state(self):
        return self.kept

    def set_extra_state(self, state):
        if state == "refused":
            raise ValueError("no")


class Forgets(nn.Linear):
    def state_dict(self, *arguments, **named):
        return {}


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (Module(Keeps(print)), "cannot be loaded from its own state: UnpicklingError"),
        (Module(Keeps(lambda: 3)), "cannot be loaded from its own state"),
        (Module(Keeps("refused")), "cannot be loaded from its own state: ValueError: no"),
        (Forgets(2, 2), "cannot be loaded from its own state: RuntimeError"),
        (3, "is not a torch.nn.Module"),
        (Module(), "no trainable parameter"),
        (Module(nn.Linear(2, 2).requires_grad_(False)), "no trainable parameter"),
        (Module(nn.LazyLinear(2)), "without values: layer.weight, layer.bias"),
        (Module(nn.Linear(2, 2, device="meta")), "without values: layer.weight"),
        (Module(buffered(nn.UninitializedBuffer())), "without values: layer.seen"),
        (Module(buffered(torch.zeros(2, device="meta"))), "without values: layer.seen"),
        (Module(nn.Linear(2, 2), requires="groups"), "requires is 'groups'"),
        (Module(nn.Linear(2, 2), requires=None), "requires is None"),
        (Module(nn.Linear(2, 2), requires=[["groups"]]), "requires is"),
        (Module(nn.Linear(2, 2), requires=["labels"]), "which no data set can provide"),
    ],
)
def test_a_model_has_parameters_with_values(made, words):
    with pytest.raises(ContractError, match=words):
        check_module("Toy", made)


def test_a_model_may_keep_plain_values():
    check_module("Toy", Module(Keeps({"seen": 3, "mean": torch.ones(2)})))
