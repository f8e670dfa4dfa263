"""What a metric, or anybody's function, scores on one oracle."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from disent_plugins.contracts import Result, Subject
from disent_plugins.metrics.factors.references import best_code
from disent_plugins.metrics.factors.sample import CeilingOptions, FactorOptions, sample_of
from disent_plugins.metrics.oracles.case import Oracle
from disent_plugins.metrics.statistics.cores import one_blas_thread
from disent_plugins.metrics.statistics.seeds import stream


@dataclass(frozen=True)
class Score:
    """A value, the same between its floor and its ceiling if those are known, and which end is better."""

    raw: float
    normalised: float | None = None
    better: str = ""


Scores = Callable[[Oracle, int], Mapping[str, Score]]
"""An oracle and a seed to scores; can be pickled if it is to run in processes."""

PARTS = {"decoder": "decode", "encoder": "encode", "images": "images"}
"""What a metric may need of a model, and where an oracle has it."""


def scores_of_metric(
    metric_class: type, needs: Sequence[str], raw: Container[str], oracle: Oracle, seed: int
) -> dict[str, Score]:
    """A metric with its default options; its pictures go nowhere.

    Args:
        metric_class: The metric.
        needs: What it needs of a subject.
        raw: Cases of which raw values alone are looked at: there a metric of factors gets the fewest permutations and
            resamples that it takes, which its floor and interval come from and its value does not.
        oracle, seed: As for ``Scores``.

    Raises:
        LookupError: The oracle lacks what the metric needs, so that whatever it scored would say nothing of it.
    """
    model = oracle.model
    lacking = [need for need in needs if need in PARTS and getattr(model, PARTS[need]) is None]
    if lacking:
        raise LookupError(f"oracle '{oracle.name}' has no {' and no '.join(lacking)}")
    with tempfile.TemporaryDirectory() as folder:
        subject = Subject(
            "oracle", oracle.codes, seed, Path(folder), decode=model.decode, images=model.images, encode=model.encode
        )
        with one_blas_thread():
            config = metric_class.Config()  # type: ignore[attr-defined]
            if oracle.name in raw and isinstance(config, FactorOptions):
                config = replace(config, permutations=1, bootstrap=10)
            result = metric_class(config).measure(subject)
    if not isinstance(result, Result):
        raise TypeError(f"measure returned {type(result).__name__}, not a disent_plugins.Result")
    return {name: Score(value.value, value.normalised, value.better) for name, value in result.values.items()}


def scores_of_function(
    function: Callable[..., Any], oracle: Oracle, seed: int, *, reference: bool = False
) -> dict[str, Score]:
    """A function of codes [N, D] float64 and factors [N, K] int64, called with ``seed`` if it takes one.

    Args:
        function: Gives a number, which is named ``score``, or a mapping of names to numbers.
        oracle: Its codes are given; its model is not.
        seed: Of the function and of the permutation.
        reference: Also obtain its floor, on permuted factors, and its ceiling, on the ideal code, as metrics do.
    """
    codes = oracle.codes
    array = np.hstack([codes.content, codes.style]).astype(np.float64)
    raw = _numbers(function, array, codes.factors, seed)
    if not reference:
        return {name: Score(value) for name, value in raw.items()}
    order = stream(seed, "oracles", "floor").permutation(len(array))
    floor = _numbers(function, array, codes.factors[order], seed)
    best = best_code(sample_of(array, codes.factors), CeilingOptions(), seed).samples[0].codes
    ceiling = _numbers(function, best, codes.factors, seed)
    made = {}
    for name, value in raw.items():
        span = ceiling[name] - floor[name]
        made[name] = Score(value, (value - floor[name]) / span if span else None)
    return made


def _numbers(function: Callable[..., Any], codes: np.ndarray, factors: np.ndarray, seed: int) -> dict[str, float]:
    found = function(codes, factors, seed=seed) if _takes_seed(function) else function(codes, factors)
    items: Iterable[tuple[str, Any]] = found.items() if isinstance(found, Mapping) else (("score", found),)
    return {str(name): float(number) for name, number in items}


def _takes_seed(function: Callable[..., Any]) -> bool:
    try:
        return "seed" in inspect.signature(function).parameters
    except ValueError:  # a function written in C may say nothing of its parameters
        return False
