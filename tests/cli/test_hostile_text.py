"""What plugins call themselves and say is shown, and does nothing to the terminal."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from helpers.plugin_files import write_plugin

ESCAPES = "\x1b[31m\x1b]0;t\x07\x9b2J\r\x08\u202e[/red][nope]"
METADATA = "Metadata-Version: 2.1\nName: toy\x1b[31m\nVersion: 1.0\x1b[2J\n"

TOY = f"""
from dataclasses import dataclass
from torch import nn
from disent_plugins import (
    DatasetInfo, DatasetSpec, Factor, ImageSpec, MetricSpec, ModelSpec, Options, Result, UsageError, Value, hookimpl,
    option,
)

E = {ESCAPES!r}

@hookimpl
def disent_models():
    return [ModelSpec(name="toy", summary="A" + E, target="toy_plugin:Toy", reference="R" + E)]

@hookimpl
def disent_datasets():
    return [DatasetSpec(name="toy-data", summary="D" + E, target="toy_plugin:Data")]

@hookimpl
def disent_metrics():
    return [MetricSpec(name="toy-metric", summary="M" + E, target="toy_plugin:Metric", needs=("factors",), group=E)]

@dataclass(frozen=True)
class Config(Options):
    text: str = option("x" + E, "Doc" + E)
    number: float = option(1.0, "Number.")

class Toy(nn.Module):
    Config = Config
    encode = decode = loss = lambda self: None

    def __init__(self, config, data):
        raise ValueError("bad" + E)

class Data:
    files = ()
    factors = (Factor("f" + E, 2),)
    info = DatasetInfo("toy-data", ImageSpec(1, 32, 32), factors, "f" + E, True, "p" + E, "l" + E, "r" + E)

class Metric:
    Config = Config

    def __init__(self, config):
        if config.number < 0:
            raise UsageError("No negative number" + E, "why" + E, "hint" + E)

    def measure(self, subject):
        subject.report(1, 2, "work" + E)
        value = Value(0.5, "unit" + E, floor=0.0, ceiling=1.0, estimator=E)
        return Result("toy-metric", {{"value" + E: value}}, {{"a" + E: E}}, notes=["note" + E])
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    write_plugin(tmp_path, "toy", TOY, metadata=METADATA)
    yield tmp_path
    sys.modules.pop("toy_plugin", None)


@pytest.fixture
def codes(tmp_path):
    np.savez(tmp_path / "z.npz", codes=np.eye(60, 4), factors=np.arange(60)[:, None] % 3)
    return tmp_path / "z.npz"


COMMANDS = {
    "models list": 0, "models show toy": 0, "data list": 0, "data show toy-data": 0, "metrics list": 0,
    "metrics --help": 0, "plugins": 0, "metrics toy-metric --help": 0, "metrics toy-metric --options": 0,
    "run --model toy --dry-run": 4, "metrics toy-metric --codes z.npz": 0,
    "metrics toy-metric --codes z.npz --set number=-1": 2, "models list --json": 0, "models show toy --json": 0,
    "data show toy-data --json": 0, "metrics list --json": 0, "plugins --json": 0,
    "metrics toy-metric --codes z.npz --json": 0,
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_no_control_character_reaches_the_terminal(disent, site, codes, command):
    found = disent(*command.split())
    assert found.code == COMMANDS[command], found.err
    shown = found.out + found.err
    assert [letter for letter in shown if not letter.isprintable() and letter != "\n"] == []
    assert "bug" not in found.err
    if command.endswith("--json"):
        assert "\\u001b[" in json.dumps(found.json)  # a program gets what was there


def test_a_group_of_any_name_is_a_title(disent, site, codes):
    found = disent("metrics", "all", "--codes", "z.npz", "--groups", ESCAPES)
    assert found.code == 0, found.err
    assert "[/red][nope]" in found.out
    assert "\x1b" not in found.out + found.err
