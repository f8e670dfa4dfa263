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
