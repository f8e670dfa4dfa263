from __future__ import annotations

import subprocess
import sys

import pytest

from disent_plugins.metrics.plugin import disent_metrics
from disent_plugins.options import build, describe
from disent_plugins.registry.host import Registry

SPECS = {spec.name: spec for spec in disent_metrics()}


def test_the_metrics_of_the_package():
    assert {"probe", "leakage", "swap", "blocks", "dci", "mig", "reconstruction", "swap-grid"} <= set(SPECS)
    assert {spec.group for spec in SPECS.values()} == {
        "leakage", "swap", "blocks", "factors", "quality", "pictures",
    }  # fmt: skip
    assert SPECS["probe"].needs == ("codes",)


@pytest.mark.parametrize("name", SPECS)
def test_every_metric_keeps_the_contract(name: str):
    registry = Registry(points=[])
    registry.add(sys.modules["disent_plugins.metrics.plugin"], name="metrics")
    metric = registry.load(*registry.metrics.find(name))
    assert callable(metric(build(metric.Config, {}, owner=name)).measure)
    assert all(option.doc for option in describe(metric.Config))


def test_naming_the_metrics_loads_nothing_heavy():
    code = (
        "import sys, disent_plugins.metrics.plugin as p; p.disent_metrics();"
        "print([m for m in ('torch', 'numpy', 'h5py', 'sklearn', 'matplotlib') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
