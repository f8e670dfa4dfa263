"""Metrics by name: what they return is checked."""

from __future__ import annotations

import pytest
from helpers.training_files import with_plugin

from disent_plugins import MetricSpec, Result, Value
from disent_plugins.errors import PluginFailure
from disent_plugins.measuring.measure import measure
from disent_plugins.registry.host import Plugin
from disent_plugins.training.settings import RunSettings


class Odd:
    """A metric of an outsider that returns what a test wants."""

    Config = RunSettings
    found: object = None

    def __init__(self, config):
        pass

    def measure(self, subject):
        return self.found


def odd_registry(found: object):
    Odd.found = found
    registry = with_plugin()
    spec = MetricSpec(name="odd", summary="-", target=f"{__name__}:Odd")
    registry.metrics.entries.append((spec, Plugin("odd", "some-dist", "1")))
    return registry


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"value": 1}, "It returned dict, not a disent_plugins.Result"),
        (Result("odd", {"a": Value(1.0, "x"), "b": Value(float("nan"), "x")}, {}), "It gives no finite number for b"),
    ],
)
def test_what_a_metric_returns_is_checked(found, message, opened):
    with pytest.raises(PluginFailure, match=message) as failure:
        measure(odd_registry(found), "odd", {}, opened.subject())
    assert failure.value.exit_code == 4
