from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.training_files import begin, fill, with_plugin

from disent_plugins.errors import UsageError, WorkFailed
from disent_plugins.files import remove_leftovers
from disent_plugins.measuring import trained
from disent_plugins.training import session
from disent_plugins.training.checkpoint import Checkpoint, Progress, load, load_weights, save
from disent_plugins.training.folder import RunFolder
from disent_plugins.training.randomness import random_state, restore_random_state


def small(value: float = 1.0) -> Checkpoint:
    progress = Progress(3, 2, torch.tensor([1.0, 2.0], dtype=torch.float64), 0.5, 2)
    return Checkpoint({"weight": torch.full((2, 3), value)}, progress, {"state": {}, "param_groups": [{"lr": 0.1}]})


def names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path):
    path, given = tmp_path / "checkpoints" / "last.pt", small()
    given.random = random_state(torch.device("cpu"))
    save(path, given)
    found = load(path)
    assert torch.equal(found.model["weight"], given.model["weight"])
    assert found.optimizers == given.optimizers
    assert torch.equal(found.progress.sums, given.progress.sums)
    assert (found.progress.epoch, found.progress.step, found.progress.best, found.progress.best_epoch) == (3, 2, 0.5, 2)
    assert names(path.parent) == ["last.pt"]
    wanted = torch.rand(4)
    restore_random_state(found.random, torch.device("cpu"))
    assert torch.equal(torch.rand(4), wanted)


# What is not loaded


class Payload:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def pickled(content: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(content))


@pytest.mark.parametrize("write", [torch.save, pickled])
def test_code_in_a_checkpoint_is_refused_and_not_executed(tmp_path: Path, write):
    path, touched = tmp_path / "last.pt", tmp_path / "touched"
    write({"format_version": 2, "model": Payload(touched)}, path)
    with pytest.raises(UsageError, match=r"was refused\.\n.*Nothing was executed\.\nUse only checkpoints that disent"):
        load(path)
    assert not touched.exists()
    pickle.loads(pickle.dumps(Payload(touched)))
    assert touched.exists()  # the payload does work


def test_a_missing_checkpoint_says_how_to_get_one(tmp_path: Path):
    with pytest.raises(UsageError, match=r"run has no checkpoint last\.pt.*\n.*\nTrain again with: disent run"):
        load(tmp_path / "run" / "checkpoints" / "last.pt")


def test_a_named_pipe_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "last.pt")
    with pytest.raises(UsageError, match="it is a named pipe, not a file"):
        load(tmp_path / "last.pt")


def test_another_format_version_is_refused(tmp_path: Path):
    torch.save({"format_version": 99}, tmp_path / "last.pt")
    with pytest.raises(UsageError, match=r"not a checkpoint of this version\.\nIts format version is 99"):
        load(tmp_path / "last.pt")


@pytest.mark.parametrize("content", [{"format_version": 2}, {"format_version": 2, "model": {}, "progress": {"x": 1}}])
def test_a_checkpoint_that_lacks_something_is_damaged(tmp_path: Path, content):
    torch.save(content, tmp_path / "last.pt")
    with pytest.raises(UsageError, match="is damaged"):
        load(tmp_path / "last.pt")


def test_foreign_content_is_refused(tmp_path: Path):
    path = tmp_path / "last.pt"
    torch.save(torch.zeros(2), path)
    with pytest.raises(UsageError, match="Its format version is None"):
        load(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.txt", "text")
    with pytest.raises(UsageError, match="is damaged"):
        load(path)
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path)


def test_no_truncation_gets_through(tmp_path: Path):
    path = tmp_path / "last.pt"
    save(path, small())
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(UsageError, match=r"is damaged|was refused"):
            load(path)


def test_flipped_bytes_give_an_error_or_the_same_structure(tmp_path: Path):
    path = tmp_path / "last.pt"
    save(path, small())
    whole = path.read_bytes()
    generator, refused = np.random.default_rng(0), 0
    for _ in range(60):
        broken = np.frombuffer(whole, np.uint8).copy()
        broken[generator.integers(len(broken), size=4)] ^= 255
        path.write_bytes(broken.tobytes())
        try:
            assert isinstance(load(path), Checkpoint)
        except UsageError:
            refused += 1
    assert refused > 5


def test_every_flipped_bit_of_the_content_is_found(tmp_path: Path):
    path = tmp_path / "last.pt"
    save(path, small())
    whole = path.read_bytes()
    weight = torch.full((2, 3), 1.0).numpy().tobytes()
    start = whole.index(weight)
    for bit in range(8 * len(weight)):
        broken = bytearray(whole)
        broken[start + bit // 8] ^= 1 << bit % 8
        path.write_bytes(broken)
        with pytest.raises(UsageError, match=r"is damaged\.\n.*checksum of its part"):
            load(path)


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        ("config.json", '"lr": 0.001', '"lr": 0.002', r"settings\.lr: 0\.001, its run: 0\.002"),
        ("data.json", '"groups": 4', '"groups": 5', r"data\.training\.groups: 4, its run: 5"),
        ("checkpoints/last.pt", "", "", r"settings\.seed: 7, its run: 0"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path, cache, monkeypatch, file, old, new, why):
    monkeypatch.setenv("DISENT_CACHE", str(cache))
    begin(tmp_path / "a", epochs=1).fit()
    path = tmp_path / "a" / file
    if old:
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
    else:
        begin(tmp_path / "b", epochs=1, seed=7).fit()
        shutil.copy(tmp_path / "b" / file, path)
    actions = [trained.open_run] if file == "data.json" else [trained.open_run, session.resume]
    for action in actions:  # a run that goes on is told of its data by the data set itself
        with pytest.raises(UsageError, match=rf"last\.pt is of another run\.\n  {why}\n"):
            action(with_plugin(), RunFolder(tmp_path / "a"))


def test_weights_of_another_shape_are_refused(tmp_path: Path):
    for weights in ({"weight": torch.zeros(2, 3)}, {"other": torch.zeros(1, 1)}, {}):
        with pytest.raises(UsageError, match=r"does not fit the model of its run.*\n.*\n.*config\.json edited"):
            load_weights(torch.nn.Linear(1, 1, bias=False), Checkpoint(weights, Progress()), tmp_path / "last.pt")


@pytest.mark.parametrize("action", [session.resume, trained.open_run])
def test_a_run_whose_configuration_was_edited_is_refused(tmp_path: Path, cache, monkeypatch, action):
    monkeypatch.setenv("DISENT_CACHE", str(cache))
    begin(tmp_path, epochs=1).fit()
    text = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(text.replace('"content_size": 3', '"content_size": 4'))
    with pytest.raises(UsageError, match=r"does not fit the model of its run.*\nsize mismatch for "):
        action(with_plugin(), RunFolder(tmp_path))


# Writing that is cut short


def test_a_crash_while_writing_leaves_the_previous_one(tmp_path: Path, monkeypatch):
    path = tmp_path / "last.pt"
    save(path, small(1.0))

    def half(content, file):
        file.write(b"PK half of it")
        raise RuntimeError("crashed")

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(RuntimeError, match="crashed"):
        save(path, small(2.0))
    assert load(path).model["weight"][0, 0] == 1.0
    assert names(tmp_path) == ["last.pt"]


def test_kill_9_while_writing_leaves_the_last_written_checkpoint(tmp_path: Path):
    program, path = Path(__file__).parents[1] / "helpers" / "checkpoint_writer.py", tmp_path / "last.pt"
    command = [sys.executable, program, path, "40"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    leftovers = [name for name in names(tmp_path) if name.endswith(".partial")]
    assert leftovers, "no attempt was killed in the middle of a write"
    (tmp_path / ".best.pt.x.partial").touch()
    remove_leftovers(tmp_path, path.name)
    assert names(tmp_path) == [".best.pt.x.partial", "last.pt"]
    load(path)


def test_a_resumed_run_clears_away_what_killed_ones_left(tmp_path: Path, cache, monkeypatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))
    begin(tmp_path, epochs=1).fit()
    folder = tmp_path / "checkpoints"
    for name in (".last.pt.abc.partial", ".best.pt.def.partial", ".mine.partial"):
        (folder / name).write_bytes(b"half")
    session.resume(with_plugin(), RunFolder(tmp_path)).fit()
    assert names(folder) == [".mine.partial", "best.pt", "last.pt"]


@pytest.mark.parametrize("free", [0, 30_000, 150_000, 200_000])
def test_a_full_disk_leaves_the_previous_checkpoint(small_disk: Path, free: int):
    path = small_disk / "checkpoints" / "last.pt"
    save(path, Checkpoint({"weight": torch.ones(50_000)}, Progress(epoch=1)))
    fill(small_disk, free)
    with pytest.raises(WorkFailed) as failure:
        save(path, Checkpoint({"weight": torch.zeros(50_000)}, Progress(epoch=2)))
    what, why, hint = str(failure.value).splitlines()
    assert what == f"The disk is full: {path} was not written."
    assert why.startswith("What was there before is unchanged")
    assert hint.startswith("Free some space")
    assert load(path).progress.epoch == 1
    assert names(path.parent) == ["last.pt"]


def test_a_full_disk_while_training_ends_the_run_and_nothing_else(small_disk: Path, cache, monkeypatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))
    ready, run = begin(small_disk / "run", epochs=2), RunFolder(small_disk / "run")
    ready.trainer.notify = lambda hook, **_: fill(small_disk, 30_000) if hook == "disent_epoch_ended" else None
    with pytest.raises(WorkFailed, match=r"The disk is full: .*\.pt was not written"):
        ready.fit()
    assert load(run.checkpoint("last")).progress.epoch == 2
    (small_disk / "filler").unlink()
    session.resume(with_plugin(), run).fit()
    assert load(run.checkpoint("last")).progress.epoch == 3
