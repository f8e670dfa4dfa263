"""Every metric on arrays in one call."""

from __future__ import annotations

import numpy as np
import pytest

import disent_plugins
from disent_plugins.errors import UsageError
from disent_plugins.measuring.all_arrays import measure_all
from disent_plugins.measuring.arrays import measure

LABELS = np.arange(120) % 2
ARRAYS = {
    "content": LABELS[:, None] * 4 + np.random.default_rng(0).normal(size=(120, 2)),
    "style": np.random.default_rng(1).normal(size=(120, 3)),
    "labels": LABELS,
}


def test_what_the_arrays_allow_is_measured_and_the_rest_is_left_out_with_its_reason(registry, capsys):
    found = measure_all(**ARRAYS, registry=registry)
    assert set(found.results) == set(registry.metrics.names()) - set(found.left_out)
    assert found.results
    for name, result in found.results.items():
        assert result.values == measure(name, **ARRAYS, registry=registry).values
        assert result.artifacts == {}
    assert capsys.readouterr().out == ""
    table = found.to_frame()
    assert len(table) == sum(len(result.values) for result in found.results.values())
    assert set(table["metric"]) == {name for name, result in found.results.items() if result.values}


def test_ours_are_measured_by_group(capsys, tmp_path):
    found = measure_all(**ARRAYS, groups=["blocks"], seed=3, progress=False, out=tmp_path)
    assert set(found.results) >= {"blocks"}
    assert found.results["blocks"].settings["seed"] == 3
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"groups": ["block"]}, "There is no group 'block'.\nDid you mean 'blocks'"),
        ({"groups": "blocks"}, "groups='blocks' cannot be used"),
        ({"preset": "no"}, "No metric has a preset 'no'"),
        ({"seed": -1}, "seed=-1 is no seed"),
        ({"content": None}, "has no array 'content'"),
        (
            {"groups": ["swap"], "style": None, "content": None, "codes": ARRAYS["content"]},
            "Nothing could be measured",
        ),
    ],
)
def test_a_wrong_request_is_refused(arguments, words):
    with pytest.raises(UsageError, match=words):
        measure_all(**{**ARRAYS, **arguments}, progress=False)


def test_the_package_names_it():
    assert disent_plugins.measure_all is measure_all
    table = measure("dependence", **ARRAYS).to_frame()
    assert list(table.columns)[:4] == ["metric", "name", "value", "unit"]
    assert {"floor", "ceiling", "normalised", "low", "high", "n", "estimator"} <= set(table.columns)
