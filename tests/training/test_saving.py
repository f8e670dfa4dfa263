"""Checkpoints that are written by a thread while the training goes on: the same files, told of when they are there."""

from __future__ import annotations

import threading

import pytest
import torch
from helpers.run_files import losses, same, state, stop_at
from helpers.training_files import Plugin, begin, with_plugin

from disent_plugins.errors import Interrupted, WorkFailed
from disent_plugins.training import saving, session
from disent_plugins.training.checkpoint import Checkpoint, Progress
from disent_plugins.training.folder import RunFolder
from disent_plugins.training.saving import Writer, on_host


@pytest.fixture(autouse=True)
def _cache(cache, monkeypatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))


def behind(ready: session.Session) -> session.Session:
    """As on a GPU."""
    ready.trainer._write = Writer(behind=True)
    return ready


def writers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("checkpoints")]


def test_the_files_and_records_are_those_of_a_run_that_waits(tmp_path):
    begin(tmp_path / "waits").fit()
    plugin = Plugin()
    behind(begin(tmp_path / "goes on", plugin)).fit()
    for which in ("last", "best"):
        a, b = state(tmp_path / "waits", which), state(tmp_path / "goes on", which)
        assert same([a.model, a.optimizers, a.random, a.run], [b.model, b.optimizers, b.random, b.run])
        assert same(vars(a.progress), vars(b.progress))
    assert losses(tmp_path / "waits") == losses(tmp_path / "goes on")
    assert [call[1] for call in plugin.calls if call[0] == "epoch"] == [1, 2, 3]
    assert not RunFolder(tmp_path / "goes on").pending.exists()
    assert writers() == []


def test_steps_go_on_while_a_checkpoint_is_written_and_an_epoch_is_told_of_when_it_is_there(tmp_path, monkeypatch):
    may_write, write = threading.Event(), saving.save

    def slow(path, checkpoint):
        assert may_write.wait(60)
        write(path, checkpoint)

    monkeypatch.setattr(saving, "save", slow)
    plugin, told_at_batch_3 = Plugin(), []
    last = RunFolder(tmp_path).checkpoint("last")

    def at_batch(epoch: int, step: int) -> None:
        if (epoch, step) == (2, 3):
            told_at_batch_3.extend(call for call in plugin.calls if call[0] == "epoch")
            assert not last.exists()
            may_write.set()

    plugin.at_batch = at_batch
    ready = behind(begin(tmp_path, plugin, epochs=2))
    inner = ready.trainer.notify
    there = []

    def watch(hook, **given):
        if hook == "disent_epoch_ended":
            there.append(state(tmp_path).progress.done >= given["epoch"])
        inner(hook, **given)

    ready.trainer.notify = watch
    ready.fit()
    assert told_at_batch_3 == []
    assert there == [True, True]


def test_a_copy_on_the_host_is_of_the_moment_it_was_made():
    weight, sums = torch.ones(3), torch.zeros(2)
    image = torch.rand(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    assert on_host(Checkpoint({"w": image}, Progress())).model["w"].stride() == image.stride()
    progress = Progress(epoch=2, sums=sums)
    kept = on_host(Checkpoint({"w": weight, "extra": {"a": 1}}, progress, {"g": {"state": [weight]}}, {"cpu": sums}))
    weight.zero_()
    sums.fill_(9)
    progress.epoch = 7
    assert kept.model["w"].tolist() == [1, 1, 1]
    assert kept.model["extra"] == {"a": 1}
    assert kept.optimizers["g"]["state"][0].tolist() == [1, 1, 1]
    assert kept.random["cpu"].tolist() == kept.progress.sums.tolist() == [0, 0]
    assert kept.progress.epoch == 2


@pytest.mark.parametrize(("epoch", "step"), [(2, 2), (1, 5), (3, 5)])
def test_an_interruption_waits_for_what_it_says_is_saved(tmp_path, epoch, step):
    begin(tmp_path / "whole").fit()
    with pytest.raises(Interrupted, match="Everything up to there is saved"):
        behind(begin(tmp_path / "parts", stop_at(Plugin(), epoch, step))).fit()
    assert writers() == []
    found = state(tmp_path / "parts").progress
    assert (found.epoch, found.step) == ((epoch, step) if step < 5 else (epoch + 1, 0))
    behind(session.resume(with_plugin(), RunFolder(tmp_path / "parts"))).fit()
    assert same(state(tmp_path / "whole").model, state(tmp_path / "parts").model)
    assert losses(tmp_path / "whole") == losses(tmp_path / "parts")


@pytest.mark.parametrize("number", [1, 2, 3, 6])
def test_a_full_disk_ends_the_run_at_the_next_look_and_its_epoch_is_not_told_of(tmp_path, monkeypatch, number):
    """Of the files of three epochs, the best one and the last one of each: the one of that number fails."""
    begin(tmp_path / "whole").fit()
    write, written = saving.save, []

    def full(path, checkpoint):
        written.append(path.name)
        if len(written) == number:
            raise WorkFailed(f"The disk is full: {path} was not written.")
        write(path, checkpoint)

    monkeypatch.setattr(saving, "save", full)
    plugin = Plugin()
    with pytest.raises(WorkFailed, match="The disk is full"):
        behind(begin(tmp_path / "parts", plugin)).fit()
    told = [call[1] for call in plugin.calls if call[0] == "epoch"]
    assert told == list(range(1, (number - 1) // 2 + 1))
    monkeypatch.setattr(saving, "save", write)
    assert writers() == []
    session.resume(with_plugin(), RunFolder(tmp_path / "parts")).fit()
    assert same(state(tmp_path / "whole").model, state(tmp_path / "parts").model)
    assert losses(tmp_path / "whole") == losses(tmp_path / "parts")
    assert written[:2] == ["best.pt", "last.pt"][: len(written)]


def test_on_the_cpu_nothing_is_left_to_a_thread(tmp_path):
    ready = begin(tmp_path, epochs=1)
    assert not ready.trainer._write.behind
    ready.fit()
    assert writers() == []
