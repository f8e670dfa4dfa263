"""How steps are started: replayed from fixed memory, compiled or one by one, the same numbers and no other trace."""

from __future__ import annotations

import re

import pytest
import torch
from helpers.run_files import losses, same, state, stop_at
from helpers.training_files import Noting, Plugin, begin, with_plugin
from torch import nn

from disent_plugins.errors import Interrupted, UsageError, WorkFailed
from disent_plugins.training import launch, session
from disent_plugins.training.folder import RunFolder
from disent_plugins.training.graph import WARM_UPS, Snapshot
from disent_plugins.training.launch import Launch, check_graph


@pytest.fixture(autouse=True)
def _cache(cache, monkeypatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))


class Eager:
    """Stands in for CUDA's graphs: records nothing, and does the work again whenever it is replayed."""

    def __init__(self, failing: bool = False) -> None:
        self.failing, self.warmed, self.replayed, self.memory = failing, 0, 0, set()

    def warm_up(self, work) -> None:
        for _ in range(WARM_UPS):
            work()
            self.warmed += 1

    def record(self, work):
        if self.failing:
            work()  # half of it may have happened
            raise RuntimeError("operation not permitted when stream is capturing\nsecond line")
        out = torch.empty(0)

        def replay():
            nonlocal out
            self.replayed += 1
            found = work()
            if not out.numel():
                out = torch.empty_like(found)
            self.memory.add(out.data_ptr())
            return out.copy_(found)

        return replay


def with_recorder(ready: session.Session, recorder: Eager, graph: str = "auto") -> session.Session:
    trainer = ready.trainer
    trainer.launch = Launch(trainer.launch.step, graph, "off", trainer._note, recorder)
    return ready


def assert_same(one, other) -> None:
    for which in ("last", "best"):
        a, b = state(one, which), state(other, which)
        assert same([a.model, a.optimizers, a.random], [b.model, b.optimizers, b.random])
    assert losses(one) == losses(other)


@pytest.mark.parametrize("model", ["gmvae", "mlvae", "ada-gvae"])
def test_replayed_steps_give_the_same_run_to_the_bit(tmp_path, model):
    begin(tmp_path / "eager", model=model, milestones=(1,)).fit()
    recorder, noting = Eager(), Noting()
    with_recorder(begin(tmp_path / "replayed", noting, model=model, milestones=(1,)), recorder).fit()
    assert (recorder.warmed, recorder.replayed, len(recorder.memory)) == (WARM_UPS, 15, 1)
    assert_same(tmp_path / "eager", tmp_path / "replayed")
    assert noting.notes == []


def test_a_run_that_goes_on_is_recorded_with_the_state_it_had(tmp_path):
    begin(tmp_path / "whole").fit()
    with pytest.raises(Interrupted):
        begin(tmp_path / "parts", stop_at(Plugin(), 2, 3)).fit()
    with_recorder(session.resume(with_plugin(), RunFolder(tmp_path / "parts")), Eager()).fit()
    assert_same(tmp_path / "whole", tmp_path / "parts")


def test_images_that_are_read_ahead_are_copied_into_the_recorded_memory(tmp_path):
    begin(tmp_path / "eager", epochs=2).fit()
    ready = begin(tmp_path / "replayed", epochs=2)
    ready.trainer.pixels.fit = False
    with_recorder(ready, Eager()).fit()
    assert_same(tmp_path / "eager", tmp_path / "replayed")


def test_a_step_that_cannot_be_recorded_is_taken_eagerly_with_one_warning(tmp_path):
    begin(tmp_path / "eager").fit()
    recorder, noting = Eager(failing=True), Noting()
    with_recorder(begin(tmp_path / "fallen", noting), recorder).fit()
    assert_same(tmp_path / "eager", tmp_path / "fallen")
    assert noting.notes == [
        "warning: no graph: the step could not be recorded "
        "(RuntimeError: operation not permitted when stream is capturing)"
    ]


def test_a_model_with_steps_of_its_own_is_not_recorded_and_the_reason_is_told_once(tmp_path):
    begin(tmp_path / "eager", model="cycle-vae").fit()
    recorder, noting = Eager(), Noting()
    with_recorder(begin(tmp_path / "own", noting, model="cycle-vae"), recorder).fit()
    assert_same(tmp_path / "eager", tmp_path / "own")
    assert recorder.warmed == 0
    assert noting.notes == ["no graph: the model takes steps of its own, which may look at values"]


def test_a_step_that_counts_is_not_recorded_and_warming_up_is_not_counted(tmp_path):
    """The model's loss turns NaN in its eighth step: in the second epoch's third, whatever came before."""
    recorder, noting = Eager(), Noting()
    with pytest.raises(WorkFailed, match="in epoch 2, batch 3"):
        with_recorder(begin(tmp_path, noting, model="loss-nan"), recorder).fit()
    assert (recorder.warmed, recorder.replayed) == (WARM_UPS, 0)
    assert noting.notes == ["no graph: the step changes seen of the model, which a recording would not"]


def test_a_snapshot_puts_back_the_counters_of_parts(tmp_path):
    ready = begin(tmp_path)
    model, updates = ready.trainer.model, ready.trainer.updates
    model.encoder.count, model.encoder.kind = 3, "a"
    before = Snapshot(model, updates, torch.device("cpu"))
    model.encoder.count, model.late, model.encoder.other = 4, 0.5, None
    assert before.changed() == ["encoder.count", ".late"]
    before.restore()
    assert (model.encoder.count, model.encoder.kind) == (3, "a")
    assert not hasattr(model, "late")


def test_off_records_nothing(tmp_path):
    recorder = Eager()
    with_recorder(begin(tmp_path, epochs=1), recorder, "off").fit()
    assert recorder.warmed == recorder.replayed == 0


def test_a_broken_contract_is_no_reason_to_fall_back(tmp_path):
    ready = begin(tmp_path)
    ready.trainer.model.loss = lambda batch: None
    with pytest.raises(WorkFailed, match="returns NoneType, no Loss"):
        with_recorder(ready, Eager()).fit()


def test_on_the_cpu_a_graph_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(UsageError, match="There are no graphs on the device 'cpu'"):
        begin(tmp_path / "run", graph="on")
    assert not (tmp_path / "run").exists()
    check_graph("on", torch.device("cuda"))


# torch.compile


class FakeCompile:
    """In the place of ``nn.Module.compile``: counts calls, or fails at the first one."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.calls, self.parts = error, 0, []

    def __call__(self, module: nn.Module) -> None:
        self.parts.append(type(module).__name__)

        def call(*given):
            self.calls += 1
            if self.error is not None:
                torch.rand(1)  # and leaves a trace
                raise self.error
            return module.forward(*given)

        module._compiled_call_impl = call


def compiling(monkeypatch, error: Exception | None = None) -> FakeCompile:
    fake = FakeCompile(error)
    monkeypatch.setattr(nn.Module, "compile", lambda self: fake(self))
    return fake


@pytest.mark.parametrize("model", ["gmvae", "cycle-vae"])
def test_encoder_and_decoder_are_compiled_and_the_trial_leaves_no_trace(tmp_path, monkeypatch, model):
    begin(tmp_path / "eager", model=model, epochs=1).fit()
    fake, noting = compiling(monkeypatch), Noting()
    begin(tmp_path / "compiled", noting, model=model, epochs=1, compile="on").fit()
    (note,) = noting.notes
    assert re.fullmatch(r"compiled: the first step took \d+\.\d s, the next \d+\.\d{3} s", note)
    assert fake.parts == ["Encoder", "Decoder"]
    assert fake.calls > 0
    assert_same(tmp_path / "eager", tmp_path / "compiled")


def test_what_cannot_be_compiled_is_trained_eagerly_with_one_warning(tmp_path, monkeypatch):
    begin(tmp_path / "eager").fit()
    fake, noting = compiling(monkeypatch, RuntimeError("no C++ compiler\nat all")), Noting()
    begin(tmp_path / "fallen", noting, compile="on").fit()
    assert fake.calls == 1
    assert noting.notes == ["warning: not compiled: RuntimeError: no C++ compiler"]
    assert_same(tmp_path / "eager", tmp_path / "fallen")


def test_auto_compiles_nothing(tmp_path, monkeypatch):
    fake = compiling(monkeypatch)
    begin(tmp_path, epochs=1).fit()
    assert fake.parts == []


def test_a_model_without_such_parts_is_told_of(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "COMPILED", ("body",))
    noting = Noting()
    begin(tmp_path, noting, epochs=1, compile="on").fit()
    assert noting.notes == ["warning: nothing is compiled: the model has no body"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_recorded_run_on_a_gpu_is_the_eager_one(tmp_path):
    for graph in ("off", "on"):
        noting = Noting()
        ready = begin(tmp_path / graph, noting, device="cuda", graph=graph, precision="fp32", milestones=(1,))
        ready.fit()
        assert ready.trainer.launch.recorded == (graph == "on")
        assert noting.notes == []
    a, b = state(tmp_path / "off"), state(tmp_path / "on")
    for name, value in a.model.items():
        torch.testing.assert_close(b.model[name], value, rtol=1e-3, atol=1e-4)
    assert torch.equal(a.random["cuda"], b.random["cuda"])
    assert a.model["encoder.features.1.num_batches_tracked"] == b.model["encoder.features.1.num_batches_tracked"] == 15
