"""``disent_plugins.measure``: any metric on anybody's arrays in one call."""

from __future__ import annotations

import numpy as np
import pytest

import disent_plugins
from disent_plugins.errors import UsageError

V = np.stack(np.divmod(np.arange(640) % 64, 8), axis=1)


def test_codes_in_one_piece_are_enough_for_a_metric_of_factors(tmp_path):
    found = disent_plugins.measure("mig", codes=V.astype(float), factors=V, out=tmp_path)
    assert found.values["mig"].value == pytest.approx(1.0, abs=0.03)
    assert found.values["mig"].floor == pytest.approx(0.0, abs=0.03)


def test_a_preset_is_named_in_the_result(tmp_path):
    found = disent_plugins.measure("mig", codes=V.astype(float), factors=V, preset="dlib", out=tmp_path)
    assert found.settings["preset"] == "dlib"
    assert found.settings["binning"] == "width"


def test_blocks_of_one_array_are_the_same_as_two_arrays(tmp_path):
    generator, labels = np.random.default_rng(0), np.arange(200) % 2
    content = labels[:, None] + generator.normal(size=(200, 2))
    style = generator.normal(size=(200, 3))
    one = disent_plugins.measure(
        "dependence", codes=np.hstack([content, style]), blocks=("0:2", "2:5"), labels=labels, out=tmp_path
    )
    two = disent_plugins.measure("dependence", content=content, style=style, labels=labels, out=tmp_path)
    assert one.values == two.values


def test_a_metric_of_two_blocks_asks_for_them(tmp_path):
    with pytest.raises(UsageError, match="in one piece"):
        disent_plugins.measure("probe", codes=V.astype(float), factors=V, out=tmp_path)
