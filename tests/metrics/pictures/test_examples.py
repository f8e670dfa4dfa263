"""Which test images a picture shows."""

from __future__ import annotations

import numpy as np
from helpers.metric_files import codes

from disent_plugins.metrics.pictures.examples import pick_rows


def test_chosen_rows_repeat_only_where_a_class_is_too_small():
    given = codes()
    rare = np.flatnonzero((given.split == 2) & (given.labels == 0))
    given.split[rare[1:]] = 1
    first, second = pick_rows(given, 4, seed=0, sets=2)
    assert np.intersect1d(first, second).tolist() == rare[:1].tolist()
