"""Several processes train one run: alike, written and told by the first alone, stopped and resumed like one."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
import torch
from helpers.command_line import PATIENCE, TINY, torchrun
from helpers.run_files import losses, same, state
from helpers.training_files import Noting, with_plugin

from disent_plugins.errors import Interrupted, UsageError, WorkFailed
from disent_plugins.registry.host import Registry
from disent_plugins.training import session
from disent_plugins.training.folder import RunFolder
from disent_plugins.training.processes import ALONE, TIMEOUT, Processes, ToldByAnother, launched
from disent_plugins.training.settings import RunSettings
from disent_plugins.training.signals import StopRequest

COMMAND = ("-m", "disent_plugins", "run", *TINY, "--device", "cpu")


@pytest.fixture(autouse=True)
def own_cache(cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))


@pytest.fixture(scope="module")
def trained_by_two(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict]]:
    """The folder of some runs, and what either process has to tell of them."""
    folder = tmp_path_factory.mktemp("training")
    outcome = torchrun(folder, cache, "helpers/ranks.py", "training", folder)
    assert outcome.code == 0, outcome.err
    return folder, [torch.load(folder / f"{rank}.pt") for rank in range(2)]


def test_a_model_with_steps_of_its_own_has_the_same_weights_everywhere(trained_by_two: tuple[Path, list[dict]]):
    folder, (first, second) = trained_by_two
    assert first["whole"][0] == second["whole"][0] == "NoneType"
    assert same(first["whole"][3], second["whole"][3])
    assert same(first["whole"][3], state(folder / "whole").model)


def test_one_that_is_stopped_stops_all_at_the_same_step_and_resumes_as_if_never_stopped(
    trained_by_two: tuple[Path, list[dict]],
):
    folder, (first, second) = trained_by_two
    assert first["stopped"][:3] == (Interrupted.__name__, first["stopped"][1], 2)
    assert "Stopped by SIGTERM at epoch 2, batch 2 of 5" in first["stopped"][1]
    assert second["stopped"][:3] == (ToldByAnother.__name__, "", 2)
    whole, parts = state(folder / "whole"), state(folder / "parts")
    assert same(whole.model, parts.model)
    assert same(whole.optimizers, parts.optimizers)
    assert same(whole.random, parts.random)
    assert losses(folder / "whole") == losses(folder / "parts")


def test_one_process_goes_on_in_the_middle_of_an_epoch_of_two(trained_by_two: tuple[Path, list[dict]]):
    half, noting = trained_by_two[0] / "half", Noting()
    assert (state(half).progress.epoch, state(half).progress.step) == (2, 2)
    session.resume(with_plugin(noting), RunFolder(half)).fit()
    assert noting.notes == ["goes on with another number of processes: 2 -> 1"]
    assert [line["epoch"] for line in losses(half)] == [1, 2, 3]
    assert losses(half)[0] == losses(trained_by_two[0] / "whole")[0]
    assert state(half).progress.done == 3


def test_a_loss_that_is_no_number_in_one_process_ends_all_with_one_message(trained_by_two: tuple[Path, list[dict]]):
    _, (first, second) = trained_by_two
    assert first["wrong"][:3] == (WorkFailed.__name__, first["wrong"][1], 2)
    assert first["wrong"][1].startswith("The loss is no longer a finite number in epoch 2, batch 2")
    assert second["wrong"][:3] == (ToldByAnother.__name__, "", 2)


def test_the_first_alone_writes_speaks_and_measures_and_one_process_goes_on_and_then_two(cache: Path, tmp_path: Path):
    outcome = torchrun(tmp_path, cache, *COMMAND, "--epochs", 1, "--out", "run", "--json")
    assert outcome.code == 0, outcome.err
    assert set(outcome.json["results"]) >= {"probe", "reconstruction"}
    assert outcome.err.count("64 training and 300 test images, cpu, 2 processes, group statistics rank") == 1
    assert outcome.err.count("epoch 1/1") == 1
    assert [line["epoch"] for line in losses(tmp_path / "run")] == [1]
    assert json.loads((tmp_path / "run" / "environment.json").read_text())["processes"] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]
    session.resume(Registry(third_party=False), RunFolder(tmp_path / "run"), epochs=2).fit()
    assert [line["epoch"] for line in losses(tmp_path / "run")] == [1, 2]
    assert json.loads((tmp_path / "run" / "environment.json").read_text())["processes"] == 1
    again = torchrun(tmp_path, cache, "-m", "disent_plugins", "run", "--resume", "run", "--epochs", 3)
    assert again.code == 0, again.err
    assert "goes on with another number of processes: 1 -> 2" in again.err
    assert [line["epoch"] for line in losses(tmp_path / "run")] == [1, 2, 3]


def test_a_process_that_dies_stops_the_others_and_the_run_goes_on(cache: Path, tmp_path: Path):
    assert TIMEOUT.total_seconds() > PATIENCE  # so what follows has not waited for that
    run = ("run", *TINY, "--device", "cpu", "--epochs", 3, "--out", "run")
    outcome = torchrun(tmp_path, cache, "helpers/ranks.py", "dying", 2, 1, *run)
    assert outcome.code == 1
    assert "error: Another process of this run has ended, or does not answer." in outcome.err
    assert "disent run --resume run" in outcome.err
    assert state(tmp_path / "run").progress.done == 1
    session.resume(Registry(third_party=False), RunFolder(tmp_path / "run")).fit()
    assert [line["epoch"] for line in losses(tmp_path / "run")] == [1, 2, 3]


def test_what_cannot_be_begun_is_told_once(cache: Path, tmp_path: Path):
    outcome = torchrun(tmp_path, cache, *COMMAND, "--batch-size", 31)
    assert outcome.code == 1  # torchrun's own
    assert outcome.err.count("error: A batch of 31 images cannot be shared by 2 processes.") == 1
    assert "exitcode  : 2" in outcome.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("size", "sampler", "fit"), [(31, "random", 32), (34, "pairs", 32), (2, "random", 4)])
def test_a_batch_has_to_be_shared_equally(size: int, sampler: str, fit: int):
    two = Processes(0, 2, 0)
    with pytest.raises(UsageError, match=f"--batch-size {fit}$"):
        two.check(RunSettings(batch_size=size, sampler=sampler))
    two.check(RunSettings(batch_size=fit, sampler=sampler))
    ALONE.check(RunSettings(batch_size=size, sampler=sampler))


def test_who_started_this_process_says_what_it_is(monkeypatch: pytest.MonkeyPatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WORLD_SIZE", "4")  # what a scheduler sets by itself starts no group
    assert launched() == ALONE
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert launched() == Processes(3, 4, 1)
    assert not launched().first


def test_a_signal_that_torchrun_repeats_is_one_request():
    with StopRequest(repeated=True) as stop:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert stop.requested == "SIGINT"


def test_a_failure_among_several_is_told_whatever_torchrun_sends_meanwhile():
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(WorkFailed, match="lost"), StopRequest(repeated=True):
            raise WorkFailed("lost")
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_one_gpu_is_not_for_several_processes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    for name in ("auto", "cuda"):
        assert Processes(1, 2, 1).device(name) == torch.device("cuda:1")
    with pytest.raises(UsageError, match="2 processes cannot all use 'cuda:0'"):
        Processes(1, 2, 1).device("cuda:0")
    with pytest.raises(UsageError, match="There are 2 GPUs"):
        Processes(2, 3, 2).device("auto")
