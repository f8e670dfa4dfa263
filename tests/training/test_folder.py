"""Run folders: their names, what is in them, how they are found again."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.model_stubs import DATA
from helpers.training_files import Squares

from disent_plugins.contracts import ImageTable
from disent_plugins.errors import UsageError
from disent_plugins.training.folder import RunFolder, find_folder, new_folder
from disent_plugins.training.machine import environment
from disent_plugins.training.precision import Chosen
from disent_plugins.training.settings import RunSettings


def table() -> ImageTable:
    raw = Squares().read(None)
    return ImageTable(Squares.info, np.concatenate(list(raw.slabs)), raw.factors, raw.split, "abc")


def written(path: Path, settings: RunSettings | None = None, age: int = 0) -> RunFolder:
    folder = RunFolder(path)
    folder.write_start(settings or RunSettings(), table(), DATA, torch.device("cpu"), Chosen("fp32", "tried"))
    os.utime(folder.config, ns=(10**18 - age, 10**18 - age))
    return folder


def test_a_new_run_lies_under_runs_with_its_time_and_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda form: "20250102-030405")
    settings = RunSettings(model="some-dist:gmvae", data="digits", seed=3)
    first = new_folder(settings, None)
    assert first.path == Path("runs/20250102-030405_some-dist-gmvae_digits_s3")
    first.path.mkdir(parents=True)
    assert new_folder(settings, None).path.name == first.path.name + "_2"


def test_a_folder_that_holds_a_run_is_not_overwritten(tmp_path):
    written(tmp_path / "a")
    with pytest.raises(UsageError, match=r"already holds a run.*\n.*\n.*disent run --resume .*a"):
        new_folder(RunSettings(), tmp_path / "a")
    assert new_folder(RunSettings(), tmp_path / "b").path == tmp_path / "b"


def test_runs_are_found_by_path_by_name_and_as_the_newest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"There is no run yet.*\n.*\n.*disent run"):
        find_folder(None)
    for name, age in (("old", 20), ("new", 10), ("older", 30)):
        written(Path("runs") / name, age=age)
    assert find_folder(None).path == Path("runs/new")
    assert find_folder(Path("old")).path == Path("runs/old")
    assert find_folder(Path("runs/old")).path == Path("runs/old")
    with pytest.raises(UsageError, match=r"nothing is not a run.*\nThere is no such folder.*\n.*disent run"):
        find_folder(Path("nothing")).settings()
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"empty is not a run.*\nIt has no config\.json"):
        find_folder(Path("empty")).settings()


def test_the_settings_come_back_as_they_were(tmp_path):
    given = RunSettings(milestones=(3, 5), limit=None, sampler="pairs", options={"k": 2.0, "k_unlabelled": None})
    assert written(tmp_path, given).settings() == given
    assert json.loads((tmp_path / "config.json").read_text()) == {**asdict(given), "milestones": [3, 5]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "It holds list, not a table by names"),
        ("[" * 100_000, "cannot be read"),
        ('{"options": "width=3"}', "options=width=3 does not fit .*\\nIt takes a table"),
        ('{"data_options": [1]}', r"data_options=\[1\] does not fit"),
        ('{"epochs": {"a": 1}}', "epochs=.* does not fit"),
        ('{"epochz": 3}', r"Unknown option 'epochz' for .*config\.json.*\nDid you mean 'epochs'"),
        ('{"epochs": 0}', "epochs=0 is out of bounds"),
    ],
)
def test_a_broken_configuration_is_refused(tmp_path, text, message):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UsageError, match=message):
        RunFolder(tmp_path).settings()


def test_a_run_records_its_data_and_its_surroundings(tmp_path):
    written(tmp_path)
    data = json.loads((tmp_path / "data.json").read_text())
    assert (data["name"], data["content_hash"], data["images"], data["cache"]) == ("squares", "abc", 64, None)
    found = json.loads((tmp_path / "environment.json").read_text())
    assert found["device"] == "cpu"
    assert found["gpu"] is None
    assert found["precision"] == {"used": "fp32", "why": "tried"}
    assert found["libraries"]["torch"] == torch.__version__
    assert found["disent-plugins"] == "0.1.0"
    assert environment()["device"] is None
