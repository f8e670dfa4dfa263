"""Pictures need a model."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.metric_files import subject

from disent_plugins.errors import UsageError
from disent_plugins.metrics.pictures.interpolation import Interpolation, InterpolationConfig
from disent_plugins.metrics.pictures.samples import Samples, SamplesConfig
from disent_plugins.metrics.pictures.swap_grid import SwapGrid, SwapGridConfig


@pytest.mark.parametrize(
    "metric", [SwapGrid(SwapGridConfig()), Interpolation(InterpolationConfig()), Samples(SamplesConfig())]
)
def test_codes_alone_cannot_be_drawn(metric, tmp_path):
    with pytest.raises(UsageError, match="holds codes only"):
        metric.measure(replace(subject(tmp_path), decode=None, images=None))
    assert list(tmp_path.iterdir()) == []
