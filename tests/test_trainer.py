"""Training in this process, on 40 images of 16x16: five batches an epoch."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from training_files import OPTIONS, TRAIN, Plugin, begin, with_plugin

from disent_plugins.errors import Interrupted, UsageError, WorkFailed
from disent_plugins.training import checkpoint, session, trained
from disent_plugins.training.folder import RunFolder
from disent_plugins.training.settings import RunSettings
from disent_plugins.training.signals import StopRequest
from disent_plugins.training.trainer import learning_rate

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture(autouse=True)
def own_cache(cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))


def losses(folder: Path) -> list[dict]:
    """The records of the epochs without their timings."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in ("seconds", "images_per_second")} for line in lines]


def state(folder: Path, which: str = "last") -> checkpoint.Checkpoint:
    return checkpoint.load(RunFolder(folder).checkpoint(which))


def same(one, other) -> bool:
    """Bit for bit, through dictionaries and lists."""
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return one == other


def assert_same_run(one: Path, other: Path) -> None:
    for which in ("last", "best"):
        a, b = state(one, which), state(other, which)
        assert same(vars(a.progress), vars(b.progress))
        assert same(a.model, b.model)
        assert same(a.optimizer, b.optimizer)
        assert same(a.random, b.random)
    assert losses(one) == losses(other)
    codes = [trained.open_run(with_plugin(), RunFolder(path)).subject().codes for path in (one, other)]
    for name in ("content", "style", "content_logvar", "style_logvar"):
        np.testing.assert_array_equal(*(getattr(found, name) for found in codes))


def stop_at(plugin: Plugin, epoch: int, step: int, number: int = signal.SIGINT) -> Plugin:
    """Send this process a real signal after a batch."""
    plugin.at_batch = lambda e, s: os.kill(os.getpid(), number) if (e, s) == (epoch, step) else None
    return plugin


# Same numbers


@pytest.mark.parametrize("model", ["gmvae", "mlvae"])
def test_the_same_seed_gives_the_same_run_and_another_seed_another(tmp_path: Path, model: str):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        begin(tmp_path / name, model=model, seed=seed, epochs=2).fit()
    assert_same_run(tmp_path / "a", tmp_path / "b")
    assert not same(state(tmp_path / "a").model, state(tmp_path / "c").model)


@pytest.mark.parametrize(("epoch", "step"), [(2, 2), (2, 5), (1, 1)], ids=["mid-epoch", "between epochs", "first step"])
@pytest.mark.parametrize("model", ["gmvae", "mlvae"])
def test_a_run_that_was_stopped_and_resumed_equals_one_that_never_was(tmp_path, model, epoch, step):
    flags = {"model": model, "milestones": (1,), "visible": 0.7}
    begin(tmp_path / "whole", **flags).fit()
    with pytest.raises(Interrupted):
        begin(tmp_path / "parts", stop_at(Plugin(), epoch, step), **flags).fit()
    torch.manual_seed(99)  # whatever happened in between
    plugin = Plugin()
    session.resume(with_plugin(plugin), RunFolder(tmp_path / "parts")).fit()
    done = (epoch, step) if step < 5 else (epoch + 1, 0)
    assert plugin.calls[:2] == [("started", done[0]), ("batch", done[0], done[1] + 1)]
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_going_on_to_more_epochs_equals_having_asked_for_them(tmp_path: Path):
    begin(tmp_path / "whole", epochs=3).fit()
    begin(tmp_path / "parts", epochs=1).fit()
    session.resume(with_plugin(), RunFolder(tmp_path / "parts"), epochs=3).fit()
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    assert RunFolder(tmp_path / "parts").settings().epochs == 3


def test_a_resumed_run_drops_the_records_of_what_it_does_again(tmp_path: Path):
    begin(tmp_path / "whole", epochs=3).fit()
    begin(tmp_path / "parts", epochs=2).fit()
    with (tmp_path / "parts" / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "total": 1.0}\n{"epoch": 4, "tot')  # as a killed process leaves it
    session.resume(with_plugin(), RunFolder(tmp_path / "parts"), epochs=3).fit()
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")


def test_epochs_cannot_be_taken_back(tmp_path: Path):
    begin(tmp_path, epochs=2).fit()
    before = (tmp_path / "config.json").read_text()
    with pytest.raises(UsageError, match=r"already trained 2 epochs, not just 1\.\n.*\n.*--epochs 4"):
        session.resume(with_plugin(), RunFolder(tmp_path), epochs=1)
    assert (tmp_path / "config.json").read_text() == before


def test_validation_leaves_the_training_noise_alone(tmp_path: Path):
    begin(tmp_path / "with", epochs=2).fit()
    without = begin(tmp_path / "without", epochs=2)
    without.trainer.validation = None
    without.fit()
    assert same(state(tmp_path / "with").model, state(tmp_path / "without").model)
    assert not any(key.startswith("validation/") for key in losses(tmp_path / "without")[0])


# What a run records


def test_every_epoch_is_recorded(tmp_path: Path):
    plugin = Plugin()
    begin(tmp_path, plugin, epochs=2).fit()
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    terms = {"total", "reconstruction", "kl_content", "kl_style", "repulsion", "regularisation"}
    terms |= {"singleton_share", "group_variance"}
    keys = {"epoch", "seconds", "images_per_second", "learning_rate"} | terms | {f"validation/{t}" for t in terms}
    assert [line["epoch"] for line in lines] == [1, 2]
    assert all(line.keys() == keys for line in lines)
    assert all(np.isfinite(list(line.values())).all() for line in lines)
    assert lines[1]["total"] < lines[0]["total"]
    assert lines[0]["images_per_second"] == pytest.approx(TRAIN / lines[0]["seconds"])
    epochs = [call for call in plugin.calls if call[0] == "epoch"]
    assert [{"epoch": epoch, **found} for _, epoch, found in epochs] == lines
    assert [call[1:] for call in plugin.calls if call[0] == "batch"] == [(e, s) for e in (1, 2) for s in range(1, 6)]
    log = (tmp_path / "log.txt").read_text()
    assert "training gmvae on squares from epoch 1" in log
    assert "epoch 2/2: total " in log


def test_the_recorded_losses_are_means_over_the_epoch(tmp_path: Path):
    ready = begin(tmp_path, epochs=1)
    seen, inner = [], ready.trainer.model.loss

    def loss(batch):
        found = inner(batch)
        if ready.trainer.model.training:
            seen.append(found.total.item())
        return found

    ready.trainer.model.loss = loss
    ready.fit()
    assert len(seen) == 5
    assert losses(tmp_path)[0]["total"] == pytest.approx(np.mean(seen), rel=1e-6)


def test_the_learning_rate_falls_after_each_milestone(tmp_path: Path):
    settings = RunSettings(lr=0.1, milestones=(2, 3), gamma=0.2)
    rates = [learning_rate(settings, epoch) for epoch in (1, 2, 3, 4, 5)]
    assert rates == pytest.approx([0.1, 0.1, 0.02, 0.004, 0.004])
    ready = begin(tmp_path, milestones=(1, 2), gamma=0.5, lr=1e-3, epochs=3)
    ready.fit()
    assert [line["learning_rate"] for line in losses(tmp_path)] == [1e-3, 5e-4, 2.5e-4]
    assert ready.trainer.optimizer.param_groups[0]["lr"] == 2.5e-4


def test_the_best_checkpoint_is_the_one_of_the_lowest_validation_loss(tmp_path: Path):
    ready = begin(tmp_path, epochs=4)
    scores, kept = iter([5.0, 3.0, 4.0, 3.5]), []
    ready.trainer._validate = lambda: {"total": next(scores)}
    notify = ready.trainer.notify

    def watch(hook, **arguments):
        if hook == "disent_epoch_ended":
            kept.append(state(tmp_path, "last").model)
        notify(hook, **arguments)

    ready.trainer.notify = watch
    ready.fit()
    best = state(tmp_path, "best")
    assert (best.progress.best, best.progress.best_epoch) == (3.0, 2)
    assert same(best.model, kept[1])
    assert (state(tmp_path).progress.best, state(tmp_path).progress.best_epoch) == (3.0, 2)
    opened = trained.open_run(with_plugin(), RunFolder(tmp_path), which="best")
    assert same(dict(opened.model.state_dict()), kept[1])


# Data that a run uses


def test_a_limited_run_uses_the_first_training_images_only(tmp_path: Path):
    ready = begin(tmp_path, limit=20, epochs=1)
    seen = set(ready.trainer.sampler.epoch(1).index.ravel().tolist())
    assert ready.run.steps_per_epoch == 2
    assert seen <= set(range(20))
    ready.fit()
    codes = trained.open_run(with_plugin(), RunFolder(tmp_path)).subject().codes
    assert np.bincount(codes.split).tolist() == [20, 12, 12]


def test_a_share_of_the_groups_is_hidden(tmp_path: Path):
    sampler = begin(tmp_path, visible=0.5).trainer.sampler
    for epoch in (1, 2):
        batches = sampler.epoch(epoch)
        hidden = set(batches.index[batches.group < 0].tolist())
        assert len(hidden) == TRAIN // 2
    assert hidden == {int(i) for i in batches.index[batches.group < 0]}


def test_a_run_without_a_validation_split_is_judged_by_its_training_loss(tmp_path: Path):
    ready = begin(tmp_path, epochs=2)
    ready.trainer.validation = None
    ready.fit()
    best = min(losses(tmp_path), key=lambda line: line["total"])
    progress = state(tmp_path).progress
    assert (progress.best, progress.best_epoch) == (best["total"], best["epoch"])


def test_data_that_changed_since_is_refused(tmp_path: Path):
    begin(tmp_path, epochs=1).fit()
    record = json.loads((tmp_path / "data.json").read_text())
    (tmp_path / "data.json").write_text(json.dumps({**record, "content_hash": "0" * 64}))
    for action in (session.resume, trained.open_run):
        with pytest.raises(UsageError, match=r"data of .* has changed.*\n.*0000.*\n.*disent data prepare squares"):
            action(with_plugin(), RunFolder(tmp_path))


# Training that goes wrong


def test_a_loss_that_turns_nan_keeps_and_names_the_last_good_checkpoint(tmp_path: Path):
    with pytest.raises(WorkFailed) as failure:
        begin(tmp_path, model="loss-nan").fit()
    what, why, hint = str(failure.value).splitlines()
    assert what == "The loss is no longer a finite number in epoch 2, batch 3 (total)."
    assert why == f"The last good checkpoint is kept: {tmp_path / 'checkpoints' / 'last.pt'} (the end of epoch 1)."
    assert hint == "Try a smaller learning rate: disent run --lr 0.0002 ..."
    found = state(tmp_path)
    assert (found.progress.epoch, found.progress.step) == (2, 0)
    assert all(value.isfinite().all() for value in found.model.values())
    assert [line["epoch"] for line in losses(tmp_path)] == [1]


def test_a_diverging_run_without_any_checkpoint_says_so(tmp_path: Path):
    with pytest.raises(WorkFailed, match="No epoch was finished, so there is no checkpoint"):
        begin(tmp_path, lr=1e30).fit()
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize("validated", [True, False])
def test_weights_that_the_last_step_spoiled_are_not_saved(tmp_path: Path, validated: bool):
    ready = begin(tmp_path, model="weights-nan")
    if not validated:
        ready.trainer.validation = None
    seen = "on the validation images after epoch 2" if validated else r"weights .* in epoch 2 \(encoder"
    with pytest.raises(WorkFailed, match=rf"{seen}.*\n.*last\.pt \(the end of epoch 1\)"):
        ready.fit()
    assert all(value.isfinite().all() for value in state(tmp_path).model.values())


def test_a_stop_request_does_not_save_spoiled_weights(tmp_path: Path):
    ready = begin(tmp_path, stop_at(Plugin(), 2, 5), model="weights-nan")
    ready.trainer.sampler.steps = 6  # so that batch 5 is not the last
    with pytest.raises(WorkFailed, match="weights are no longer finite"):
        ready.fit()
    assert state(tmp_path).progress.epoch == 2
    assert state(tmp_path).progress.step == 0


def test_a_full_gpu_is_told_with_the_way_out(tmp_path: Path):
    with pytest.raises(WorkFailed) as failure:
        begin(tmp_path, model="memory").fit()
    what, why, hint = str(failure.value).splitlines()
    assert what == "The memory of cpu is full."
    assert why.startswith("CUDA out of memory. The last good checkpoint is kept: ")
    assert hint == "Try a smaller batch: disent run --batch-size 4 ..."


def test_an_impossible_batch_leaves_no_run_folder(tmp_path: Path):
    with pytest.raises(UsageError, match=r"A batch of 64 images cannot be drawn from 40.*\n.*\n.*--batch-size 40"):
        begin(tmp_path / "run", batch_size=64)
    assert not (tmp_path / "run").exists()


def test_two_processes_do_not_train_one_run(tmp_path: Path):
    begin(tmp_path, epochs=1).fit()
    held = session.resume(with_plugin(), RunFolder(tmp_path), epochs=2)
    with pytest.raises(UsageError, match="is being trained by another process"):
        session.resume(with_plugin(), RunFolder(tmp_path), epochs=2)
    held.fit()
    session.resume(with_plugin(), RunFolder(tmp_path), epochs=3).fit()
    assert [line["epoch"] for line in losses(tmp_path)] == [1, 2, 3]


# Signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_tells_how_to_go_on(tmp_path: Path, number: int):
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as stopped:
        begin(tmp_path / "a run", stop_at(Plugin(), 2, 3, number)).fit()
    what, why, hint = str(stopped.value).splitlines()
    assert what == f"Stopped by {signal.Signals(number).name} at epoch 2, batch 3 of 5 (3 epochs in all)."
    assert why.endswith("last.pt.")
    assert hint == f"Go on with: disent run --resume '{tmp_path / 'a run'}'"
    assert signal.getsignal(number) is before


def test_a_signal_in_the_last_batch_of_all_loses_nothing(tmp_path: Path):
    with pytest.raises(Interrupted, match=r"at the end of epoch 3 \(3 epochs in all\)"):
        begin(tmp_path, stop_at(Plugin(), 3, 5)).fit()
    plugin = Plugin()
    session.resume(with_plugin(plugin), RunFolder(tmp_path)).fit()
    assert plugin.calls == [("started", 4)]


def test_a_second_signal_stops_at_once():
    with pytest.raises(KeyboardInterrupt), StopRequest() as stop:  # noqa: PT012
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.requested == "SIGTERM"
        os.kill(os.getpid(), signal.SIGTERM)


def test_the_options_of_a_run_reach_its_model(tmp_path: Path):
    ready = begin(tmp_path, options={"k": "3.5"})
    assert ready.trainer.model.config.k == 3.5
    assert ready.trainer.model.config.content_size == OPTIONS["content_size"]
    kept = json.loads((tmp_path / "config.json").read_text())
    assert kept["options"]["k"] == 3.5
    assert RunFolder(tmp_path).settings() == ready.run.settings
