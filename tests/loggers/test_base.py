"""What loggers are given: names that every store takes, each number once."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest
from helpers.recording import Recording, calls

from disent_plugins.loggers.wandb import Trackio
from disent_plugins.training.settings import RunSettings


@pytest.fixture
def run(tmp_path):
    calls.clear()
    settings = RunSettings(epochs=3, seed=7, milestones=(2,), options={"width": 0.5})
    places = SimpleNamespace(path=tmp_path, losses=tmp_path / "metrics.jsonl")
    return SimpleNamespace(folder=places, settings=settings, epochs=3, first_epoch=3)


def test_what_the_log_lacks_is_taken_from_the_runs_record(run):
    lines = [{"epoch": epoch, "total": 1.0, "validation/a/b": 2.0} for epoch in (1, 2)]
    run.folder.losses.write_text("".join(json.dumps(line) + "\n" for line in lines))
    logger = Recording()
    logger.disent_run_started(run)
    logger.disent_epoch_ended(run, 2, {"total": 1.0, "validation/a/b": 2.0})  # told once more
    logger.disent_epoch_ended(run, 3, {"total": 0.5})
    assert calls == [
        ("begin", 7, 0.5),
        ("scalars", 1, {"validation/a.b": 2.0}),
        ("scalars", 2, {"train/total": 1.0, "validation/a.b": 2.0}),
        ("scalars", 3, {"train/total": 0.5}),
    ]


def test_only_pictures_that_are_there_are_shown(run, tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    paths = {"a": tmp_path / "a.png", "gone": tmp_path / "b.png", "arrays": tmp_path / "a.npz"}
    document = {"values": {}, "reference": {}, "artifacts": {name: str(path) for name, path in paths.items()}}
    Recording().disent_run_ended(run, {"samples": document})
    assert calls == [("picture", "samples/a", 3), ("end",)]


def test_trackio_takes_the_calls_of_wandb(run, monkeypatch):
    """trackio is not among what is tested with: a stand-in with the signatures of its documentation."""
    said = []

    class Package:
        Image = staticmethod(lambda value: ("image", value))
        finish = staticmethod(lambda: said.append("finish"))

        @staticmethod
        def init(project, name=None, config=None, resume="never"):
            said.append((project, name, config["seed"], resume))

        @staticmethod
        def log(metrics, step=None):
            said.append((metrics, step))

    monkeypatch.setitem(sys.modules, "trackio", Package)
    monkeypatch.delenv("TRACKIO_PROJECT", raising=False)
    logger = Trackio()
    logger.disent_run_started(run)
    logger.disent_epoch_ended(run, 1, {"total": 1.0})
    document = {"values": {"v": 0.5}, "reference": {"v": {"floor": 0.0}}, "artifacts": {}}
    logger.disent_run_ended(run, {"probe": document})
    assert said == [
        ("disent", run.folder.path.name, 7, "allow"),
        ({"train/total": 1.0, "epoch": 1}, 1),
        ({"probe/v": 0.5, "probe/v.floor": 0.0, "epoch": 3}, 3),
        "finish",
    ]
