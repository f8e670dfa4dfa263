"""Same seed, same numbers; stopped and resumed, the same as never stopped. Forty images, five batches an epoch."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
import torch
from helpers.run_files import assert_same_run, losses, same, state, stop_at
from helpers.training_files import Plugin, begin, with_plugin

from disent_plugins.errors import Interrupted, UsageError
from disent_plugins.measuring import trained
from disent_plugins.training import session
from disent_plugins.training.folder import RunFolder
from disent_plugins.training.signals import StopRequest


@pytest.fixture(autouse=True)
def own_cache(cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))


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


class Stopped(BaseException):
    """What ends a process in the middle, as far as this one can."""


@pytest.mark.parametrize("hook", ["disent_run_started", "disent_batch_ended"])
def test_a_run_stopped_in_its_first_epoch_begins_again_with_its_settings(tmp_path: Path, hook: str):
    begin(tmp_path / "whole", seed=5, visible=0.7, epochs=2).fit()
    stopped = begin(tmp_path / "parts", seed=5, visible=0.7, epochs=2)
    notify = stopped.trainer.notify

    def stop(name, **arguments):
        notify(name, **arguments)
        if name == hook:
            raise Stopped

    stopped.trainer.notify = stop
    with pytest.raises(Stopped):
        stopped.fit()
    assert not RunFolder(tmp_path / "parts").checkpoint("last").exists()
    torch.manual_seed(99)  # whatever happened in between
    plugin = Plugin()
    session.resume(with_plugin(plugin), RunFolder(tmp_path / "parts")).fit()
    assert plugin.calls[:2] == [("started", 1), ("batch", 1, 1)]
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_a_run_that_lost_its_checkpoint_does_not_begin_again_in_silence(tmp_path: Path):
    begin(tmp_path, epochs=1).fit()
    RunFolder(tmp_path).checkpoint("last").unlink()
    with pytest.raises(UsageError, match=r"has no checkpoint last\.pt"):
        session.resume(with_plugin(), RunFolder(tmp_path))


@pytest.mark.parametrize("epoch", [1, 2])
@pytest.mark.parametrize("when", ["before the checkpoint", "before the hooks", "after the line"])
def test_the_record_of_an_epoch_and_its_hook_survive_a_kill(tmp_path: Path, monkeypatch, epoch: int, when: str):
    begin(tmp_path / "whole", epochs=2).fit()
    stopped = begin(tmp_path / "parts", epochs=2)
    notify, write = stopped.trainer.notify, stopped.trainer._save

    def save() -> None:
        if when == "before the checkpoint" and stopped.trainer.progress.done == epoch:
            raise Stopped
        write()

    def tell(hook, **arguments):
        here = hook == "disent_epoch_ended" and arguments["epoch"] == epoch
        if here and when == "before the hooks":
            raise Stopped
        notify(hook, **arguments)
        if here:
            raise Stopped

    stopped.trainer.notify, stopped.trainer._save = tell, save
    with pytest.raises(Stopped):
        stopped.fit()
    plugin = Plugin()
    session.resume(with_plugin(plugin), RunFolder(tmp_path / "parts")).fit()
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    told = [call[1] for call in plugin.calls if call[0] == "epoch"]
    assert told == list(range(epoch, 3))
    assert not RunFolder(tmp_path / "parts").pending.exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"epoch": 1}', '{"epoch": 1, "losses": {"total": "x"}}', '{"epoch": 9}'])
def test_a_damaged_record_does_not_keep_a_run_from_going_on(tmp_path: Path, text: str):
    begin(tmp_path, epochs=1).fit()
    RunFolder(tmp_path).pending.write_text(text)
    session.resume(with_plugin(), RunFolder(tmp_path), epochs=2).fit()
    assert [line["epoch"] for line in losses(tmp_path)] == [1, 2]
    assert not RunFolder(tmp_path).pending.exists()


def test_a_run_that_was_finished_meanwhile_is_not_trained_over(tmp_path: Path, monkeypatch):
    claim = RunFolder.claim

    def slow(folder: RunFolder):
        monkeypatch.setattr(RunFolder, "claim", claim)
        begin(tmp_path, epochs=1, seed=1).fit()  # the other process
        return claim(folder)

    monkeypatch.setattr(RunFolder, "claim", slow)
    with pytest.raises(UsageError, match=r"already holds a run\.\n.*\n.*--resume"):
        begin(tmp_path, epochs=1, seed=2)
    assert RunFolder(tmp_path).settings().seed == 1
    session.resume(with_plugin(), RunFolder(tmp_path), epochs=2).fit()


@pytest.mark.parametrize("name", ["log.txt", "metrics.jsonl", "checkpoints", ".training.lock"])
def test_nothing_is_written_through_a_link_in_a_run_folder(tmp_path: Path, name: str):
    target = tmp_path / "elsewhere"
    if name == "checkpoints":
        target.mkdir()
    else:
        target.write_text("mine")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).symlink_to(target)
    with pytest.raises(UsageError, match=rf"{name} is a link to .*elsewhere\."):
        begin(tmp_path / "run", epochs=1)
    assert not list(target.iterdir()) if target.is_dir() else target.read_text() == "mine"


def test_epochs_cannot_be_taken_back(tmp_path: Path):
    begin(tmp_path, epochs=2).fit()
    before = (tmp_path / "config.json").read_text()
    with pytest.raises(UsageError, match=r"already trained 2 epochs, not just 1\.\n.*\n.*--epochs 4"):
        session.resume(with_plugin(), RunFolder(tmp_path), epochs=1)
    assert (tmp_path / "config.json").read_text() == before


def test_data_that_changed_since_is_refused(tmp_path: Path):
    begin(tmp_path, epochs=1).fit()
    record = json.loads((tmp_path / "data.json").read_text())
    (tmp_path / "data.json").write_text(json.dumps({**record, "content_hash": "0" * 64}))
    for action in (session.resume, trained.open_run):
        with pytest.raises(UsageError, match=r"data of .* has changed.*\n.*0000.*\n.*disent data prepare squares"):
            action(with_plugin(), RunFolder(tmp_path))


def test_two_processes_do_not_train_one_run(tmp_path: Path):
    begin(tmp_path, epochs=1).fit()
    held = session.resume(with_plugin(), RunFolder(tmp_path), epochs=2)
    with pytest.raises(UsageError, match="is being trained by another process"):
        session.resume(with_plugin(), RunFolder(tmp_path), epochs=2)
    held.fit()
    session.resume(with_plugin(), RunFolder(tmp_path), epochs=3).fit()
    assert [line["epoch"] for line in losses(tmp_path)] == [1, 2, 3]


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
