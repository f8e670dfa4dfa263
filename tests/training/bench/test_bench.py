"""Measuring speed: the sides do what they say, on the images they name; the figures themselves are the machine's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers.training_files import OPTIONS, SMALL, Plugin, with_plugin

from disent_plugins.contracts import DatasetInfo, Factor, ImageSpec, TrainingData
from disent_plugins.errors import WorkFailed
from disent_plugins.models.gmvae import GMVAE
from disent_plugins.models.networks import TransposedConvolution
from disent_plugins.testing import batch_of
from disent_plugins.training.bench.images import UNKNOWN_SIZE, generated, images_for
from disent_plugins.training.bench.measure import Ratio, Speed, measure
from disent_plugins.training.bench.plain import PlainLoop, SingleImages, gmvae_loss
from disent_plugins.training.parts import Parts, resolve
from disent_plugins.training.settings import RunSettings

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _cache(cache, monkeypatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))


def quiet(done: int, total: int, what: str) -> None:
    pass


def setting(model: str = "gmvae", data: str = "squares", **flags) -> tuple[Parts, RunSettings]:
    options = {"width": 0.125} if model.startswith("ada-") else OPTIONS
    flags = {**SMALL, **flags, "options": {**options, **flags.get("options", {})}}
    return resolve(with_plugin(), model=model, data=data, file={}, flags=flags)


def measured(tmp_path, model: str = "gmvae", steps: int = 2, **flags) -> Speed:
    parts, settings = setting(model, **flags)
    table, words = images_for(parts, 16, quiet)
    return measure(parts, settings, table, words, CPU, tmp_path, steps=steps, rounds=2, report=quiet)


# The plain loop


def test_the_plainly_written_loss_is_that_of_the_model():
    torch.manual_seed(0)
    model = GMVAE(GMVAE.Config(width=0.25, k=3.0, delta=0.5), TrainingData(ImageSpec(1, 32, 32), 24, 5)).train()
    images, labels = torch.rand(24, 1, 32, 32), torch.arange(24) % 5 + 3
    ours, plain = model.loss(batch_of(images, labels - 3, 5)), gmvae_loss(model, images, labels)
    for name in ("kl_content", "kl_style", "repulsion", "regularisation"):  # no noise in them
        torch.testing.assert_close(plain.terms[name], ours.terms[name], rtol=1e-4, atol=1e-6)
    parts = plain.terms
    total = parts["reconstruction"] + parts["kl_content"] + parts["kl_style"]
    total = total + model.config.repulsion * parts["repulsion"] + model.config.regularisation * parts["regularisation"]
    torch.testing.assert_close(plain.total, total)
    assert plain.terms["reconstruction"].item() == pytest.approx(ours.terms["reconstruction"].item(), rel=0.2)


def test_images_come_one_by_one():
    table = generated(DATA_INFO, 12)
    image, label, number = SingleImages(table, np.array([5, 7]))[1]
    assert torch.equal(image, torch.from_numpy(table.images[7]).permute(2, 0, 1) / 255)
    assert (label, number) == (table.labels[7], 1)


def test_the_plain_loop_has_torchs_own_layers():
    parts, settings = setting()
    table, _ = images_for(parts, 16, quiet)
    model = parts.model(settings, TrainingData(table.info.image, 16, 4))
    assert any(type(layer) is TransposedConvolution for layer in model.modules())
    loop = PlainLoop(model, table, table.rows("train"), batch_size=8, lr=1e-3, device=CPU, by_groups=True)
    assert not any(isinstance(layer, TransposedConvolution) for layer in loop.model.modules())
    loop.run(1)


@pytest.mark.parametrize("model", ["gmvae", "mlvae", "cycle-vae"])
def test_the_plain_loop_trains(model):
    parts, settings = setting(model)
    table, _ = images_for(parts, 16, quiet)
    rows = table.rows("train")
    trained = parts.model(settings, TrainingData(table.info.image, len(rows), 4))
    before = [value.clone() for value in trained.parameters()]
    loop = PlainLoop(
        trained, table, rows, batch_size=8, lr=1e-3, device=CPU, by_groups=model == "gmvae"
    )  # fmt: skip
    loop.run(7)  # more than an epoch
    assert all(not torch.equal(value, old) for value, old in zip(trained.parameters(), before, strict=True))
    assert np.isfinite(loop.losses["total"])


# Images


DATA_INFO = DatasetInfo(
    "noise", ImageSpec(3, 16, 16), (Factor("who", 0, "category"), Factor("size", 0, "continuous"), Factor("age", 3)),
    "who", True, "", "", "",
)  # fmt: skip


def test_generated_images_have_the_form_of_the_data_set():
    table = generated(DATA_INFO, 500)
    assert table.images.shape == (500, 16, 16, 3)
    assert len(table.rows("train")) == 500
    assert 50 < len(np.unique(table.labels)) <= UNKNOWN_SIZE
    assert set(table.factors[:, 2]) == {0, 1, 2}


def test_a_data_set_that_is_not_prepared_is_stood_in_for_and_nothing_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path / "empty"))
    parts, _ = setting(data="mnist")
    table, words = images_for(parts, 40, quiet)
    assert words == "generated images, as mnist is not prepared"
    assert table.images.shape == (40, 32, 32, 1)
    assert not list(tmp_path.rglob("*.h5"))


def test_a_data_set_that_needs_no_files_is_prepared():
    parts, _ = setting(data="digits")
    table, words = images_for(parts, 40, quiet)
    assert words == "images of digits"
    assert len(table.images) == 1797


# The measurement


@pytest.mark.parametrize("model", ["gmvae", "cycle-vae"])
def test_every_side_is_measured(tmp_path, model):
    found = measured(tmp_path, model)
    assert set(found.images_per_second) == {"bare", "loop", "whole", "plain"}
    assert all(speed > 0 for speed in found.images_per_second.values())
    assert found.images_per_second["loop"] >= found.images_per_second["whole"]
    assert (found.model, found.images, found.device) == (model, "images of squares", "cpu")
    assert (found.batch_size, found.steps, found.rounds, found.recorded) == (8, 2, 2, False)
    assert found.outside == 1 - found.ratios["loop to bare"].value
    assert 0 <= found.data_wait < 1
    assert found.matrix_share is None
    assert found.own_loss == (model != "gmvae")
    assert found.milliseconds("loop") == pytest.approx(8000 / found.images_per_second["loop"])


def test_more_steps_than_there_are_images_for_are_whole_epochs(tmp_path):
    assert measured(tmp_path, steps=12).steps == 15


@pytest.mark.parametrize(
    ("precision", "goal"), [("fp32", 1.2), ("bf16", 1.8)]
)  # fmt: skip
def test_the_goal_is_that_of_the_precision(tmp_path, precision, goal):
    found = measured(tmp_path, precision=precision)
    assert found.precision.used == precision
    assert found.ratios["loop to plain"].goal == goal
    assert found.ratios["loop to bare"].goal == 0.97
    assert found.ratios["whole to bare"].goal is None


def test_other_options_than_the_plain_loss_knows_are_left_to_the_model(tmp_path):
    assert not measured(tmp_path, options={"k": 4.0}).own_loss
    assert measured(tmp_path, options={"center": "leave_one_out"}).own_loss


def test_a_goal_is_reached_or_missed():
    assert Ratio(0.97, 0.97).reached is True
    assert Ratio(0.969, 0.97).reached is False
    assert Ratio(3.0).reached is None


def test_loggers_hear_nothing_of_it(tmp_path):
    plugin = Plugin()
    registry = with_plugin(plugin)
    parts, settings = resolve(registry, model="gmvae", data="squares", file={}, flags={**SMALL, "options": OPTIONS})
    table, words = images_for(parts, 16, quiet)
    measure(parts, settings, table, words, CPU, tmp_path, steps=2, rounds=1, report=quiet)
    assert plugin.calls == []
    assert (tmp_path / "checkpoints" / "last.pt").exists()  # which is what "whole" measures


def test_a_training_that_fails_is_no_figure(tmp_path):
    with pytest.raises(WorkFailed, match="no longer a finite number"):
        measured(tmp_path, lr=1e30, steps=5)
