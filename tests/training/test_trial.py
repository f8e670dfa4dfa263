"""bf16 or fp32 by a trial: on a clock that the model moves, so that nothing depends on the machine."""

from __future__ import annotations

import copy
import json

import pytest
import torch
from helpers.run_files import same, state, stop_at
from helpers.training_files import Noting, Plugin, begin, with_plugin

from disent_plugins.errors import Interrupted, UsageError
from disent_plugins.training import precision, session, trial
from disent_plugins.training.folder import RunFolder
from disent_plugins.training.precision import Chosen
from disent_plugins.training.trial import ROUNDS, SECONDS, WORTH, choose


@pytest.fixture(autouse=True)
def _surroundings(cache, monkeypatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))
    monkeypatch.setattr(precision, "_cpu_has_bf16", lambda: True)


class Timed:
    """Seconds that pass only in steps: so many for an image in fp32, and in bf16 a share of it."""

    def __init__(self, each: float, share: float) -> None:
        self.each, self.share, self.now, self.images = each, share, 0.0, []

    def __call__(self) -> float:
        return self.now

    def hook(self, module, given, out) -> None:
        lower = torch.is_autocast_enabled("cpu")
        self.images.append(len(given[0]))
        self.now += len(given[0]) * self.each * (self.share if lower else 1.0)

    def __deepcopy__(self, memo):
        return self  # the model's copy moves the same clock


def tried(tmp_path, clock: Timed, **flags) -> tuple[Chosen, session.Session]:
    ready = begin(tmp_path, **flags)
    ready.trainer.model.encoder.register_forward_hook(clock.hook)
    return chosen(ready, clock), ready


def chosen(ready, clock, images: int = WORTH) -> Chosen:
    trainer = ready.trainer
    return choose(trainer.model, trainer.pixels, lambda: trainer.sampler.epoch(1), 1e-3, images, clock)


@pytest.mark.parametrize("model", ["gmvae", "ada-gvae", "cycle-vae"])
@pytest.mark.parametrize(("share", "used"), [(0.5, "bf16"), (0.9, "bf16"), (0.92, "fp32"), (1.5, "fp32")])
def test_bf16_is_taken_where_it_wins_by_more_than_a_tenth(tmp_path, model, share, used):
    found, _ = tried(tmp_path, Timed(0.001, share), model=model)
    assert found == Chosen(used, f"bf16 took {share:.2f} of the time of fp32 in a trial")


def test_a_trial_leaves_no_trace(tmp_path):
    ready = begin(tmp_path)
    before, random = copy.deepcopy(ready.trainer.model.state_dict()), torch.get_rng_state()
    chosen(ready, trial.time.perf_counter)
    assert same(dict(ready.trainer.model.state_dict()), dict(before))
    assert torch.equal(torch.get_rng_state(), random)
    assert all(parameter.grad is None for parameter in ready.trainer.model.parameters())
    assert not any(state for state in ready.trainer.updates.state_dict()["everything"]["state"])


@pytest.mark.parametrize("each", [1e-6, 0.001, 0.02, 1.0])
def test_a_trial_is_short(tmp_path, each):
    clock = Timed(each, 0.9)
    tried(tmp_path, clock, batch_size=32)
    assert len(clock.images) <= 2 + 2 * (ROUNDS + 1)
    assert set(clock.images) <= {8, 32}
    if each * 8 < SECONDS / 12:
        assert clock.now <= SECONDS
    elif each == 1.0:  # eight images take longer than all of it: one step of each beside the first ones
        assert len(clock.images) == 2 + 2 + 2


def test_a_short_training_is_not_worth_a_trial(tmp_path):
    clock = Timed(0.001, 0.1)
    ready = begin(tmp_path)
    ready.trainer.model.encoder.register_forward_hook(clock.hook)
    assert chosen(ready, clock, images=WORTH - 1) == Chosen("fp32", "too short a training to try bf16: 8,191 images")
    assert clock.images == []
    assert ready.run.precision.used == "fp32"


def test_a_cpu_without_bf16_is_not_tried(tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "_cpu_has_bf16", lambda: False)
    found, _ = tried(tmp_path, clock := Timed(0.001, 0.1))
    assert found == Chosen("fp32", "this CPU has no bf16 instructions")
    assert clock.images == []


def test_a_model_that_cannot_be_tried_is_trained_in_fp32(tmp_path, monkeypatch):
    ready = begin(tmp_path)
    ready.trainer.model.loss = lambda batch: 1 / 0
    assert chosen(ready, trial.time.perf_counter) == Chosen("fp32", "no trial of bf16 was possible: ZeroDivisionError")


# Runs


def test_what_was_chosen_is_kept_beside_what_was_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(session, "choose", lambda *_: Chosen("bf16", "tried"))
    begin(tmp_path, epochs=1).fit()
    assert json.loads((tmp_path / "config.json").read_text())["precision"] == "auto"
    assert json.loads((tmp_path / "environment.json").read_text())["precision"] == {"used": "bf16", "why": "tried"}
    begin(tmp_path / "asked", epochs=1, precision="bf16").fit()
    assert same(state(tmp_path).model, state(tmp_path / "asked").model)


@pytest.mark.parametrize("later", [None, "auto"])
def test_a_run_goes_on_with_the_precision_it_was_begun_with(tmp_path, monkeypatch, later):
    begin(tmp_path / "whole", precision="bf16").fit()
    monkeypatch.setattr(session, "choose", lambda *_: Chosen("bf16", "tried"))
    with pytest.raises(Interrupted):
        begin(tmp_path / "parts", stop_at(Plugin(), 2, 3)).fit()
    monkeypatch.setattr(session, "choose", lambda *_: Chosen("fp32", "tried on another day"))
    noting = Noting()
    ready = session.resume(with_plugin(noting), RunFolder(tmp_path / "parts"), precision=later)
    assert ready.run.precision == Chosen("bf16", "tried")
    ready.fit()
    assert same(state(tmp_path / "whole").model, state(tmp_path / "parts").model)
    assert noting.notes == []


def test_another_precision_that_is_asked_for_works_and_is_noted(tmp_path, monkeypatch):
    monkeypatch.setattr(session, "choose", lambda *_: Chosen("bf16", "tried"))
    begin(tmp_path, epochs=1).fit()
    noting = Noting()
    session.resume(with_plugin(noting), RunFolder(tmp_path), precision="fp32", epochs=2).fit()
    assert noting.notes == ["goes on with another precision: bf16 -> fp32"]
    assert noting.notes[0] in (tmp_path / "log.txt").read_text()
    assert RunFolder(tmp_path).settings().precision == "fp32"
    assert RunFolder(tmp_path).begun_with().precision.used == "fp32"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"precision": {"used": "fp8"}}', '{"precision": {"a": 1}}'])
def test_a_run_whose_environment_does_not_say_is_chosen_for_anew(tmp_path, monkeypatch, text):
    begin(tmp_path, epochs=1).fit()
    (tmp_path / "environment.json").write_text(text)
    monkeypatch.setattr(session, "choose", lambda *_: Chosen("bf16", "tried"))
    ready = session.resume(with_plugin(), RunFolder(tmp_path), epochs=2)
    assert ready.run.precision == Chosen("bf16", "tried")
    ready.fit()


def test_on_another_kind_of_device_precision_is_chosen_anew_and_a_graph_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(session, "choose", lambda *_: Chosen("bf16", "tried"))
    begin(tmp_path, epochs=1).fit()
    for name, changes in (("environment", {"device": "cuda:0"}), ("config", {"graph": "on"})):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    monkeypatch.setattr(session, "choose", lambda *_: Chosen("fp32", "tried here"))
    noting = Noting()
    session.resume(with_plugin(noting), RunFolder(tmp_path), epochs=2).fit()
    assert noting.notes == [
        "goes on with another device: cuda:0 -> cpu",
        "goes on with another precision: bf16 -> fp32",
    ]
    assert RunFolder(tmp_path).settings().graph == "auto"
    with pytest.raises(UsageError, match="There are no graphs on the device 'cpu'"):
        session.resume(with_plugin(), RunFolder(tmp_path), epochs=3, graph="on")


def test_a_cpu_that_is_slow_in_bf16_says_so(tmp_path, monkeypatch):
    noting = Noting()
    begin(tmp_path / "fast", noting, epochs=1, precision="bf16")
    monkeypatch.setattr(precision, "_cpu_has_bf16", lambda: False)
    for name in ("fp32", "bf16"):
        begin(tmp_path / name, noting, epochs=1, precision=name).fit()
    assert noting.notes == [
        "warning: this CPU has no bf16 instructions and calculates with bf16 slowly; use --precision fp32"
    ]


def test_another_device_and_number_of_processes_are_noted(tmp_path):
    begin(tmp_path, epochs=1).fit()
    record = json.loads((tmp_path / "environment.json").read_text())
    (tmp_path / "environment.json").write_text(json.dumps({**record, "device": "cuda", "processes": 4}))
    noting = Noting()
    session.resume(with_plugin(noting), RunFolder(tmp_path), epochs=2).fit()
    assert noting.notes == [
        "goes on with another device: cuda -> cpu",
        "goes on with another number of processes: 4 -> 1",
    ]
