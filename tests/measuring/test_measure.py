"""Metrics by name: what they return is checked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.training_files import with_plugin

from disent_plugins import MetricSpec, Result, Value
from disent_plugins.errors import PluginFailure, WorkFailed
from disent_plugins.measuring.measure import measure
from disent_plugins.registry.host import OURS, Plugin
from disent_plugins.training.settings import RunSettings


class Odd:
    """A metric of an outsider that returns what a test wants."""

    Config = RunSettings
    found: object = None

    def __init__(self, config):
        pass

    def measure(self, subject):
        return self.found


def odd_registry(found: object, owner: str = "some-dist"):
    Odd.found = found
    registry = with_plugin()
    spec = MetricSpec(name="odd", summary="-", target=f"{__name__}:Odd")
    registry.metrics.entries.append((spec, Plugin("odd", owner, "1")))
    return registry


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"value": 1}, "returns dict, not a disent_plugins.Result"),
        (
            Result("odd", {"a": Value(1.0, "x"), "b": Value(float("nan"), "x")}, {}),
            r"value 'b': value is nan, no finite number",
        ),
    ],
)
def test_what_a_metric_returns_is_checked(found, message, opened):
    with pytest.raises(PluginFailure, match=message) as failure:
        measure(odd_registry(found), "odd", {}, opened.subject())
    assert failure.value.exit_code == 4


@pytest.mark.parametrize(("owner", "error", "code"), [("some-dist", PluginFailure, 4), (OURS, WorkFailed, 1)])
@pytest.mark.parametrize("part", ["value", "floor", "ceiling", "low", "high"])
@pytest.mark.parametrize("number", [float("nan"), float("inf"), -np.inf, np.float32("nan")])
def test_no_number_of_a_result_is_nan_or_infinite(owner, error, code, part, number, opened):
    value = replace(Value(0.5, "x", floor=0.0, ceiling=1.0, low=0.4, high=0.6), **{part: number})
    good = Value(0.5, "x")
    with pytest.raises(error, match=rf"value 'a': {part} is .*, no finite number\.") as failure:
        measure(odd_registry(Result("odd", {"a": value, "b": good}, {}), owner), "odd", {}, opened.subject())
    assert failure.value.exit_code == code


def test_what_is_not_known_of_a_value_is_none(opened):
    result = Result("odd", {"a": Value(0.5, "x")}, {})
    found = measure(odd_registry(result), "odd", {}, opened.subject())
    assert (found.values, found.settings) == (result.values, result.settings)
    assert found.version == "1"
