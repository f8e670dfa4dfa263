"""Removing a run takes its own files and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from filelock import FileLock

from disent_plugins.errors import UsageError
from disent_plugins.training.removal import remove_run, require_run

SETTINGS = {"model": "m", "data": "d", "seed": 0, "epochs": 1, "options": {}}


@pytest.fixture
def run(tmp_path) -> Path:
    folder = tmp_path / "runs" / "a"
    for name in ("checkpoints/last.pt", "figures/a.png", "superseded/x/results.json", "best/results.json", "log.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    (folder / "config.json").write_text(json.dumps(SETTINGS))
    return folder


def test_a_run_is_removed_with_its_folder(run):
    assert remove_run(run) == []
    assert not run.exists()


def test_what_is_not_the_runs_stays(run, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").write_text("x")
    (run / "notes.txt").write_text("mine")
    (run / "figures" / "link").symlink_to(tmp_path / "elsewhere")
    (run / "codes.h5").symlink_to(tmp_path / "elsewhere" / "precious")
    (run / "best" / "results.json").unlink()
    (run / "best").rmdir()
    (run / "best").symlink_to(tmp_path / "elsewhere")
    assert remove_run(run) == ["notes.txt"]
    assert (tmp_path / "elsewhere" / "precious").read_text() == "x"


@pytest.mark.parametrize("config", [None, "{", "[]", "{}", '{"model": "bert"}'])
def test_what_is_no_run_is_refused(run, config):
    (run / "config.json").unlink()
    if config is not None:
        (run / "config.json").write_text(config)
    before = sorted(run.rglob("*"))
    with pytest.raises(UsageError):
        remove_run(run)
    assert sorted(run.rglob("*")) == before


def test_a_link_to_a_run_is_refused(run, tmp_path):
    (tmp_path / "link").symlink_to(run)
    with pytest.raises(UsageError, match="link is a link to"):
        remove_run(tmp_path / "link")
    assert (run / "log.txt").exists()


def test_a_run_that_is_being_trained_is_refused(run):
    with FileLock(run / ".training.lock"), pytest.raises(UsageError, match="is being trained by another process"):
        require_run(run)
    require_run(run)


def test_a_removal_that_was_cut_short_goes_on(run, monkeypatch):
    def killed(path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("disent_plugins.training.removal.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            remove_run(run)
    assert remove_run(run) == []
    assert not run.exists()
