"""Training in this process, on 40 images of 16x16: five batches an epoch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.run_files import losses, same, state, stop_at
from helpers.training_files import OPTIONS, TRAIN, Plugin, begin, with_plugin

from disent_plugins.errors import Interrupted, UsageError, WorkFailed
from disent_plugins.measuring import trained
from disent_plugins.training import session
from disent_plugins.training.folder import RunFolder
from disent_plugins.training.settings import RunSettings
from disent_plugins.training.trainer import learning_rate


@pytest.fixture(autouse=True)
def own_cache(cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))


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
    keys = (
        {"epoch", "seconds", "images_per_second", "data_wait", "learning_rate"}
        | terms
        | {f"validation/{t}" for t in terms}
    )
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
    assert ready.trainer.updates.state_dict()["everything"]["param_groups"][0]["lr"] == 2.5e-4


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
    assert what == "The memory of cpu is full at 8 images in a batch."
    assert why.startswith("CUDA out of memory. The last good checkpoint is kept: ")
    assert hint == "Try a smaller batch: disent run --batch-size 4 ..."


def test_the_time_of_an_epoch_counts_what_came_before_a_stop(tmp_path: Path):
    with pytest.raises(Interrupted):
        begin(tmp_path, stop_at(Plugin(), 2, 3)).fit()
    before = state(tmp_path).progress.seconds
    assert before > 0
    ready = session.resume(with_plugin(), RunFolder(tmp_path))
    ready.trainer.progress.seconds = 1000.0  # as if those three steps had been slow
    ready.fit()
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines[1]["seconds"] > 1000
    assert lines[1]["images_per_second"] > 1  # the speed is that of the steps since
    assert lines[2]["seconds"] < 1000
    assert state(tmp_path).progress.seconds == 0


def test_an_impossible_batch_leaves_no_run_folder(tmp_path: Path):
    with pytest.raises(UsageError, match=r"A batch of 64 images cannot be drawn from 40.*\n.*\n.*--batch-size 40"):
        begin(tmp_path / "run", batch_size=64)
    assert not (tmp_path / "run").exists()


def test_the_options_of_a_run_reach_its_model(tmp_path: Path):
    ready = begin(tmp_path, options={"k": "3.5"})
    assert ready.trainer.model.config.k == 3.5
    assert ready.trainer.model.config.content_size == OPTIONS["content_size"]
    kept = json.loads((tmp_path / "config.json").read_text())
    assert kept["options"]["k"] == 3.5
    assert RunFolder(tmp_path).settings() == ready.run.settings
