"""Means of a value over runs, with their intervals. No torch: tables are made of documents alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from scipy.special import stdtrit

from disent_plugins.contracts import Value

T_RUNS = 3
"""Fewest runs whose mean gets an interval; of fewer the range is given."""


def mean_value(values: Sequence[Value]) -> Value:
    """Mean of one value over runs; floor and ceiling are the means of the runs' own.

    From three runs on its interval is that of the mean by Student's t, cut at 0 and 1 where value, floor and ceiling of
    every run keep within them. Two runs say too little for that: ``low`` and ``high`` are their values.

    >>> mean = mean_value([Value(0.8, "accuracy"), Value(0.9, "accuracy")])
    >>> round(mean.value, 2), mean.low, mean.high
    (0.85, 0.8, 0.9)
    """
    numbers = [value.value for value in values]
    mean = math.fsum(numbers) / len(numbers)

    def average(name: str) -> float | None:
        parts = [getattr(value, name) for value in values]
        return None if None in parts else math.fsum(parts) / len(parts)

    if len(values) < T_RUNS:
        low, high, words = min(numbers), max(numbers), "interval: the range"
    else:
        deviation = math.sqrt(math.fsum((number - mean) ** 2 for number in numbers) / (len(numbers) - 1))
        half = float(stdtrit(len(numbers) - 1, 0.975)) * deviation / math.sqrt(len(numbers))
        bounds = [x for value in values for x in (value.value, value.floor, value.ceiling) if x is not None]
        low = max(mean - half, 0.0) if min(bounds) >= 0 else mean - half
        high = min(mean + half, 1.0) if max(bounds) <= 1 and values[0].ceiling is not None else mean + half
        words = "95 % interval of the mean over runs"
    return replace(
        values[0], value=mean, floor=average("floor"), ceiling=average("ceiling"), low=low, high=high,
        estimator=f"mean of {len(values)} runs, {words}; {values[0].estimator}",
    )  # fmt: skip
