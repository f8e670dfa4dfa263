"""Training and opening runs in Python."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.training_files import OPTIONS, SMALL, with_plugin

import disent_plugins
from disent_plugins.errors import UsageError
from disent_plugins.measuring.runs import open_run, train

ARGUMENTS = {**SMALL, "data": "squares", "options": OPTIONS, "epochs": 1}


@pytest.fixture(autouse=True)
def place(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)


def test_a_run_is_trained_and_used_at_once(capsys):
    registry = with_plugin()
    run = train(**ARGUMENTS, seed=3, registry=registry)
    assert run.folder.path.parent == Path("runs")
    assert (run.settings.seed, run.of["epoch"]) == (3, 1)
    assert run.encode(run.table.images)[0].shape == (64, 3)
    said = capsys.readouterr()
    assert said.out == ""
    assert "epoch 1/1: total" in said.err
    again = train(**ARGUMENTS, seed=3, registry=registry, progress=False)  # the same plugins, a second time
    assert capsys.readouterr().err == ""
    np.testing.assert_array_equal(again.encode(run.table.images)[0], run.encode(run.table.images)[0])
    again.measure("dependence")
    assert capsys.readouterr().err == ""


def test_the_newest_run_or_a_name_below_runs_is_opened():
    registry = with_plugin()
    made = train(**ARGUMENTS, registry=registry, progress=False, out="runs/mine")
    for path in (None, "mine", "runs/mine", Path("runs/mine").resolve()):
        assert open_run(path, registry=registry).of == made.of
    assert open_run("mine", checkpoint="best", registry=registry).of["checkpoint"] == "best"


def test_the_data_set_is_needed_only_to_measure(cache, monkeypatch, tmp_path):
    registry = with_plugin()
    images = train(**ARGUMENTS, registry=registry, progress=False, out="mine").table.images
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path / "empty"))
    run = open_run("mine", registry=registry)
    assert run.encode(images)[0].shape == (64, 3)
    assert not (tmp_path / "empty").exists()
    run.measure("dependence")
    assert (tmp_path / "empty").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"model": "gmva"}, "Did you mean 'gmvae'"),
        ({"model": 3}, "model=3 cannot be used.\nIt takes a name: disent models list"),
        ({"data": None}, "data=None cannot be used.\nIt takes a name: disent data list"),
        ({"epochs": 0}, "epochs=0 is out of bounds"),
        ({"options": {"wdith": 1}}, "Did you mean 'width'"),
        ({"options": "width=1"}, "options='width=1' cannot be used.\nIt takes a dictionary"),
        ({"data_options": {"size": 3}}, "takes no options"),
        ({"out": ""}, "'' is no path"),
        ({"out": "a\0b"}, "is no path"),
    ],
)
def test_a_wrong_request_is_refused(arguments, words):
    with pytest.raises(UsageError, match=words):
        train(**{**ARGUMENTS, **arguments}, registry=with_plugin(), progress=False)
    assert not Path("runs").exists()


def test_what_cannot_be_opened_is_told():
    registry = with_plugin()
    run = train(**ARGUMENTS, registry=registry, progress=False, out="mine").folder
    with pytest.raises(UsageError, match="There is no checkpoint 'first'"):
        open_run("mine", checkpoint="first", registry=registry)
    with pytest.raises(UsageError, match="There is no run yet"):
        open_run(registry=registry)
    with pytest.raises(UsageError, match="nothing is not a run"):
        open_run("nothing", registry=registry)
    (run.path / "data.json").unlink()
    with pytest.raises(UsageError, match=r"data\.json is missing"):
        open_run("mine", registry=registry)
    shutil.rmtree(run.path / "checkpoints")
    with pytest.raises(UsageError, match=r"mine has no checkpoint last\.pt"):
        open_run("mine", registry=registry)
    run.config.unlink()
    with pytest.raises(UsageError, match=r"mine is not a run.*\nIt has no config\.json"):
        open_run("mine", registry=registry)


def test_the_package_names_them():
    assert (disent_plugins.train, disent_plugins.open_run) == (train, open_run)
