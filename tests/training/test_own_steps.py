"""Models that take their own steps: stopped in the middle of an epoch they resume to the bit; and what goes wrong."""

from __future__ import annotations

import pytest
import torch
from helpers.training_files import Plugin, begin, with_plugin

from disent_plugins import Loss, ModelSpec, hookimpl
from disent_plugins.errors import Interrupted, PluginFailure, UsageError
from disent_plugins.models.cycle_vae import CycleVAE
from disent_plugins.training import session
from disent_plugins.training.checkpoint import load
from disent_plugins.training.folder import RunFolder


class Idle(CycleVAE):
    """Names a group that it never updates."""

    def training_step(self, batch, update):
        loss = self.loss(batch)
        update(loss.total, "forward")
        return loss


class Silent(CycleVAE):
    """Returns nothing."""

    def training_step(self, batch, update):
        update(self.loss(batch).total, "forward")


class Renamed(CycleVAE):
    """The same parameters under other names."""

    def parameter_groups(self):
        return {f"new {name}": group for name, group in super().parameter_groups().items()}

    def training_step(self, batch, update):
        return super().training_step(batch, lambda total, *names: update(total, *(f"new {name}" for name in names)))


class Own(Plugin):
    """A plugin with these models, and what it was told."""

    kind: type = CycleVAE

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    @hookimpl
    def disent_models(self):
        return [ModelSpec(name="own", summary="own", target=f"{__name__}:{self.kind.__name__}")]

    @hookimpl
    def disent_run_noted(self, run, note):
        self.notes.append(note)


def own(kind: type) -> Own:
    plugin = Own()
    plugin.kind = kind
    return plugin


@pytest.fixture(autouse=True)
def _cache(cache, monkeypatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))


@pytest.mark.parametrize("model", ["cycle-vae", "adversarial-vae", "lord-lite"])
def test_stopped_in_the_middle_of_an_epoch_it_goes_on_as_if_it_had_not(tmp_path, model):
    begin(tmp_path / "whole", model=model).fit()
    plugin = Plugin()
    ready = begin(tmp_path / "stopped", plugin, model=model)

    def stop(epoch: int, step: int) -> None:
        if (epoch, step) == (2, 3):
            import signal

            signal.raise_signal(signal.SIGTERM)

    plugin.at_batch = stop
    with pytest.raises(Interrupted):
        ready.fit()
    session.resume(with_plugin(), RunFolder(tmp_path / "stopped")).fit()
    one, other = (load(RunFolder(tmp_path / name).checkpoint("last")) for name in ("whole", "stopped"))
    assert one.progress.epoch == other.progress.epoch == 4
    assert all(torch.equal(value, other.model[key]) for key, value in one.model.items())
    assert list(one.optimizers) == list(other.optimizers)
    for name, state in one.optimizers.items():
        for key, values in state["state"].items():
            assert all(torch.equal(v, other.optimizers[name]["state"][key][k]) for k, v in values.items())


def test_a_group_that_is_never_updated_is_told_of_once(tmp_path):
    plugin = own(Idle)
    begin(tmp_path, plugin, model="own").fit()
    assert plugin.notes == ["warning: no step has updated the parameters of: reverse"]
    assert "warning: no step has updated" in (tmp_path / "log.txt").read_text()


def test_a_step_that_returns_no_loss_is_the_plugins_failure(tmp_path):
    with pytest.raises(PluginFailure, match=r"breaks its contract\.\nSilent.training_step returns NoneType, no Loss"):
        begin(tmp_path, own(Silent), model="own").fit()


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (None, "returns NoneType, no Loss"),
        (torch.zeros(()), "returns Tensor, no Loss"),
        (Loss(1.5, {}), "total is not a scalar tensor"),
        (Loss(torch.zeros(3), {}), "total is not a scalar tensor"),
        (Loss(torch.zeros(()), {"kl": 2.0}), "kl is not a scalar tensor"),
        (Loss(torch.zeros(()), [1]), "terms are list, no mapping"),
    ],
)
def test_a_loss_of_another_form_is_the_plugins_failure(tmp_path, monkeypatch, found, why):
    monkeypatch.setattr(Idle, "loss", lambda self, batch: found)
    monkeypatch.delattr(CycleVAE, "training_step")
    monkeypatch.delattr(Idle, "training_step")
    with pytest.raises(PluginFailure, match=rf"breaks its contract\.\nIdle.loss:? {why}"):
        begin(tmp_path, own(Idle), model="own").fit()


def test_a_run_whose_model_names_other_groups_now_is_not_resumed(tmp_path):
    begin(tmp_path, own(CycleVAE), model="own").fit()
    with pytest.raises(UsageError, match="optimisers for forward, reverse; the model now names new forward"):
        session.resume(with_plugin(own(Renamed)), RunFolder(tmp_path), epochs=4)


def test_embeddings_are_of_the_images_of_the_run(tmp_path):
    begin(tmp_path, model="lord-lite", limit=24).fit()
    assert load(RunFolder(tmp_path).checkpoint("last")).model["style.weight"].shape[0] == 24
    assert RunFolder(tmp_path).training_data().images == 24
