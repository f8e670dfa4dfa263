"""Loggers by name, and none that fails ends a run. That listing imports none: ``tests/test_imports.py``."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from helpers.recording import Loggers, calls

from disent_plugins.errors import PluginFailure, UsageError
from disent_plugins.loggers import plugin
from disent_plugins.registry.host import OURS, Registry


@pytest.fixture(params=[OURS, "somebody"])
def registry(request) -> Registry:
    found = Registry(points=[])
    found.add(Loggers(), name="recording", distribution=request.param, version="1")
    calls.clear()
    return found


def test_ours_say_what_installs_them():
    found = Registry(points=[])
    found.add(plugin, name="loggers")
    assert found.loggers.names() == ["mlflow", "tensorboard", "trackio", "wandb"]
    for spec in plugin.disent_loggers():
        assert spec.install == f"pip install 'disent-plugins[{spec.name}]'"


def test_ours_come_in_by_an_entry_point():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["disent"]["loggers"] == plugin.__name__
    assert {spec.name for spec in plugin.disent_loggers()} <= set(project["optional-dependencies"])


def test_an_unknown_name_comes_with_a_suggestion(registry):
    with pytest.raises(UsageError, match=r"no logger 'recordin'.\nDid you mean 'recording'\?\n.*disent plugins"):
        registry.log_to("recordin")


def test_a_package_that_is_absent_comes_with_its_command(registry):
    with pytest.raises(UsageError, match=r"needs a package that is not here.\n.*no_such_package.*\n.*pip install x"):
        registry.log_to("absent")


def test_one_without_a_hook_is_refused(registry):
    with pytest.raises((PluginFailure, ValueError), match="implements no hook"):
        registry.log_to("mute")


def test_one_that_fails_is_told_once_and_not_called_again(registry):
    told = []
    registry.on_skip = lambda plugin: told.append(plugin.line)
    registry.log_to("failing")
    for epoch in (1, 2):
        registry.notify("disent_epoch_ended", epoch=epoch, run=None, losses={})
    assert calls == [("failing", 1)]
    (line,) = told
    assert re.fullmatch(
        r"logger 'failing' of .* was skipped: disent_epoch_ended raised OSError: the server is gone; "
        "the run goes on without it",
        line,
    )


def test_asking_twice_makes_one(registry):
    registry.log_to("failing")
    registry.log_to("failing")
    registry.notify("disent_epoch_ended", epoch=1, run=None, losses={})
    assert calls == [("failing", 1)]
