"""``disent run --log``: loggers beside a run, which is the same run without them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.command_line import TINY
from helpers.recording import Loggers, calls

from disent_plugins.cli import run, state
from disent_plugins.registry.host import Registry


@pytest.fixture
def with_loggers(disent, monkeypatch):
    """The command, with a plugin that adds loggers."""

    def registry() -> Registry:
        found = Registry(third_party=False)
        found.add(Loggers(), name="mine", distribution="somebody", version="1")
        found.on_skip = lambda plugin: state.say(f"warning: {plugin.line}")
        return found

    registry.cache_clear = lambda: None
    monkeypatch.setattr(run.state, "registry", registry)
    calls.clear()
    return disent


def test_a_run_is_told_to_loggers_and_goes_on_in_them(with_loggers):
    first = with_loggers("run", "--epochs", 2, *TINY, "--out", "r", "--log", "recording", "--log", "failing")
    assert first.code == 0, first.err
    assert first.err.count("warning: logger 'failing' of somebody 1 was skipped") == 1
    kinds = [call[0] for call in calls]
    assert kinds.count("failing") == 1
    assert kinds[-1] == "end"
    assert {call[1] for call in calls if call[0] == "picture"} >= {"swap-grid/swap-grid", "samples/samples"}
    (final,) = [call[2] for call in calls if call[0] == "scalars" and "probe/content.mean.strong" in call[2]]
    assert final["probe/content.mean.strong.floor"] == pytest.approx(0.1, abs=0.05)
    calls.clear()
    again = with_loggers("run", "--resume", "r", "--epochs", 3, "--log", "recording")
    assert again.code == 0, again.err
    epochs = [call[1] for call in calls if call[0] == "scalars" and "train/learning_rate" in call[2]]
    assert epochs == [1, 2, 3]  # a new recording holds nothing, and the run's record fills it
    config = json.loads(Path("r/config.json").read_text())
    assert "log" not in config


def test_the_configuration_file_may_name_them(with_loggers):
    Path("a.toml").write_text('log = ["absent"]\n')
    found = with_loggers("run", "--config", "a.toml", *TINY)
    assert (found.code, found.out) == (2, "")
    assert "The logger 'absent' needs a package that is not here." in found.err
    assert "Install it: pip install x" in found.err
    assert not Path("runs").exists()


@pytest.mark.parametrize("line", ['log = "tensorboard"', "log = [1]", "log = {a = 1}"])
def test_a_list_of_loggers_is_a_list_of_names(with_loggers, line):
    Path("a.toml").write_text(line + "\n")
    found = with_loggers("run", "--config", "a.toml", *TINY)
    assert found.code == 2
    assert "'log' in a.toml is not a list of loggers." in found.err


def test_plugins_lists_them(with_loggers):
    mine = next(entry for entry in with_loggers("plugins", "--json").json if entry["name"] == "mine")
    assert mine["loggers"] == ["recording", "failing", "mute", "absent"]


def test_a_dry_run_makes_none_of_their_files(with_loggers):
    found = with_loggers("run", "--dry-run", "--log", "recording")
    assert found.code == 0
    assert calls == []
    assert "\nlog =" not in found.out
