"""Metrics run on oracles, and what they score held against what they must."""

from __future__ import annotations

import inspect
import math
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from disent_plugins.about import Expect
from disent_plugins.contracts import Codes, Report, Result, Subject
from disent_plugins.metrics.oracles.cases import CASES
from disent_plugins.metrics.seeds import derived, stream

AS_GOOD_AS_CHANCE, SAME, PERFECT, NOTHING = 0.05, 0.02, 0.97, 0.1
ANY_SCORE = (
    *(
        Expect(case, "score", PERFECT, 1.0 + 1e-6, "a perfect code scores 1")
        for case in ("identity", "permuted", "dead-code", "outlier", "many-valued", "many-valued-5")
    ),
    Expect("noise", "score", -NOTHING, NOTHING, "noise scores 0"),
)
"""What is expected of a function of which nothing is known but that it scores disentanglement from 0 to 1."""


@dataclass(frozen=True)
class Finding:
    """What a metric scored on one oracle.

    Attributes:
        case: The oracle, with what was changed about it.
        value: Name of the value.
        found: What it is; None if there is none.
        low, high: Where it has to be, both included.
        ok: Whether it is there.
        source: Why it has to.
        seconds: The time of the whole measurement that gave it.
        error: Why there is no value.
        normalised: Whether found, low and high are between floor (0) and ceiling (1).
    """

    case: str
    value: str
    found: float | None
    low: float
    high: float
    ok: bool
    source: str
    seconds: float
    error: str = ""
    normalised: bool = False


@dataclass(frozen=True)
class Score:
    """A value, the same between its floor and its ceiling if those are known, and which end is better."""

    raw: float
    normalised: float | None = None
    better: str = ""


@dataclass(frozen=True)
class Measured:
    """All scores of one measurement, or why there are none."""

    scores: Mapping[str, Score]
    seconds: float
    error: str = ""


Scores = Callable[[Codes, int], Mapping[str, Score]]
"""Codes and a seed to scores; can be pickled if it is to run in processes."""


def scores_of_metric(metric_class: type, codes: Codes, seed: int) -> dict[str, Score]:
    """A metric with its default options; its pictures go nowhere."""
    with tempfile.TemporaryDirectory() as folder:
        subject = Subject(name="oracle", codes=codes, seed=seed, out=Path(folder))
        result = metric_class(metric_class.Config()).measure(subject)  # type: ignore[attr-defined]
    if not isinstance(result, Result):
        raise TypeError(f"measure returned {type(result).__name__}, not a disent_plugins.Result")
    return {name: Score(value.value, value.normalised, value.better) for name, value in result.values.items()}


def scores_of_function(
    function: Callable[..., Any], codes: Codes, seed: int, *, reference: bool = False
) -> dict[str, Score]:
    """A function of codes [N, D] float64 and factors [N, K] int64, called with ``seed`` if it takes one.

    Args:
        function: Gives a number, which is named ``score``, or a mapping of names to numbers.
        codes: What it is given.
        seed: Of the function and of the permutation.
        reference: Also obtain its floor, on permuted factors, and its ceiling, on the factors as codes.
    """
    array = np.hstack([codes.content, codes.style]).astype(np.float64)
    raw = _numbers(function, array, codes.factors, seed)
    if not reference:
        return {name: Score(value) for name, value in raw.items()}
    order = stream(seed, "oracles", "floor").permutation(len(array))
    floor = _numbers(function, array, codes.factors[order], seed)
    ceiling = _numbers(function, codes.factors.astype(np.float64), codes.factors, seed)
    made = {}
    for name, value in raw.items():
        span = ceiling[name] - floor[name]
        made[name] = Score(value, (value - floor[name]) / span if span else None)
    return made


def check_on_oracles(
    scores: Scores,
    expects: Sequence[Expect],
    *,
    seed: int = 0,
    rows: int | None = None,
    jobs: int = 1,
    report: Report = lambda done, total, what: None,
) -> list[Finding]:
    """Hold scores against expectations; every oracle is measured once.

    Args:
        scores: What is checked.
        expects: What it must score; cases are names in ``CASES``.
        seed: Of the oracles and of the metric.
        rows: Rows of every oracle instead of its usual number.
        jobs: Processes; findings do not depend on it.
        report: Progress, in oracles.

    Returns:
        Findings in the order of the expectations, one for each that applies.
    """
    names = list(dict.fromkeys(expect.case for expect in expects))
    tasks = [partial(_case_codes, name, seed, rows) for name in names]
    measured = dict(zip(names, _measure_all(scores, tasks, seed, jobs, report), strict=True))
    first = expects[0].value if expects else ""
    return [finding for expect in expects for finding in _findings(expect, measured[expect.case], first)]


def check_metric_on_oracles(
    metric_class: type, expects: Sequence[Expect], needs: Sequence[str] = ("codes",), **how: Any
) -> list[Finding]:
    """Check a metric class with its default options; without expectations, what holds for any metric.

    Args:
        metric_class: See ``disent_plugins.contracts.Metric``.
        expects: Its ``about.expects``.
        needs: What it needs (``MetricSpec.needs``): decides which oracles fit where there are no expectations.
        how: ``seed``, ``rows``, ``jobs``, ``report`` of ``check_on_oracles``.
    """
    scores = partial(scores_of_metric, metric_class)
    return check_on_oracles(scores, expects, **how) if expects else _check_any_metric(scores, needs, **how)


def check_function_on_oracles(function: Callable[..., Any], like: Sequence[Expect] = (), **how: Any) -> list[Finding]:
    """Check any function of codes and factors.

    Args:
        function: See ``scores_of_function``.
        like: Expectations of a metric that it is to equal; without, those of ``ANY_SCORE`` for each of its values.
            A function that gives one number is held against the first value that they name.
        how: ``seed``, ``rows``, ``jobs``, ``report`` of ``check_on_oracles``.
    """
    scores = partial(scores_of_function, function, reference=any(expect.normalised for expect in like))
    return check_on_oracles(scores, like or ANY_SCORE, **how)


def _check_any_metric(
    scores: Scores,
    needs: Sequence[str],
    *,
    seed: int = 0,
    rows: int | None = None,
    jobs: int = 1,
    report: Report = lambda done, total, what: None,
) -> list[Finding]:
    """What holds for any metric: chance on noise, the ceiling on a perfect code, and no dependence on code order."""
    perfect, noise = ("identity", "noise") if "factors" in needs else ("split-apart", "blind")
    tasks = [
        partial(_case_codes, perfect, seed, rows),
        partial(_case_codes, noise, seed, rows),
        partial(_case_codes, perfect, seed, rows),
        partial(_reordered, perfect, seed, rows),
    ]
    best, chance, again, other = _measure_all(scores, tasks, seed, jobs, report)
    for case, measured in ((perfect, best), (noise, chance)):
        if measured.error:
            return [_finding(Expect(case, "any value", -math.inf, math.inf, "a metric gives values"), measured)]
    expects: list[tuple[Expect, Measured]] = []
    for name, score in chance.scores.items():
        if score.normalised is not None:
            near = Expect(noise, name, -AS_GOOD_AS_CHANCE, AS_GOOD_AS_CHANCE, "noise scores the floor", normalised=True)
            expects.append((near, chance))
    for name, score in best.scores.items():
        if score.normalised is not None and score.better == "up":
            top = (1 - AS_GOOD_AS_CHANCE, 1 + AS_GOOD_AS_CHANCE)
            expects.append((Expect(perfect, name, *top, "a perfect code scores the ceiling", normalised=True), best))
        expects.append((Expect(f"{perfect}, again", name, score.raw, score.raw, "same seed, same value"), again))
        width = SAME * max(1.0, abs(score.raw))
        order = Expect(
            f"{perfect}, reordered", name, score.raw - width, score.raw + width, "the order of codes means nothing"
        )
        expects.append((order, other))
    return [_finding(expect, measured) for expect, measured in expects]


def _case_codes(name: str, seed: int, rows: int | None) -> Codes:
    if name not in CASES:
        raise LookupError(f"there is no oracle '{name}'")
    case = CASES[name]
    return case.build(seed, rows or case.rows)


def _reordered(name: str, seed: int, rows: int | None) -> Codes:
    codes = _case_codes(name, seed, rows)
    content, style = codes.content[:, ::-1].copy(), codes.style[:, ::-1].copy()
    return replace(codes, content=content, style=style)


def _measure_all(
    scores: Scores, tasks: Sequence[Callable[[], Codes]], seed: int, jobs: int, report: Report
) -> list[Measured]:
    found: list[Measured] = []
    parallel = Parallel(n_jobs=jobs, return_as="generator")
    report(0, len(tasks), "oracles")
    for one in parallel(delayed(_measured)(scores, task, seed) for task in tasks):
        found.append(one)
        report(len(found), len(tasks), "oracles")
    return found


def _measured(scores: Scores, task: Callable[[], Codes], seed: int) -> Measured:
    started = time.perf_counter()
    try:
        codes = task()
        started = time.perf_counter()
        made = scores(codes, derived(seed, "oracles", "metric"))
    except (Exception, SystemExit) as error:  # what is checked is anybody's code; its failure is a finding
        words = " ".join(f"{type(error).__name__}: {error}".split())
        return Measured({}, time.perf_counter() - started, words)
    return Measured(made, time.perf_counter() - started)


def _findings(expect: Expect, measured: Measured, first: str) -> list[Finding]:
    """Match names: ``score`` expects the same of every value, and one nameless number is the value ``first``."""
    scores = measured.scores
    if expect.value in scores or not scores:
        return [_finding(expect, measured)]
    if expect.value == "score":
        return [_finding(replace(expect, value=name), measured) for name in scores]
    if set(scores) != {"score"}:
        return [_finding(expect, measured)]
    named = replace(measured, scores={first: scores["score"]})
    return [_finding(expect, named)] if expect.value == first else []


def _finding(expect: Expect, measured: Measured) -> Finding:
    score, error = measured.scores.get(expect.value), measured.error
    found = None if score is None else score.normalised if expect.normalised else score.raw
    if score is None:
        error = error or f"There is no value '{expect.value}', but: {', '.join(measured.scores) or 'none'}."
    elif found is None:
        error = "The value has no floor and ceiling that differ."
    ok = found is not None and expect.low <= found <= expect.high
    return Finding(
        expect.case, expect.value, found, expect.low, expect.high, ok, expect.source,
        measured.seconds, error, expect.normalised,
    )  # fmt: skip


def _numbers(function: Callable[..., Any], codes: np.ndarray, factors: np.ndarray, seed: int) -> dict[str, float]:
    found = function(codes, factors, seed=seed) if _takes_seed(function) else function(codes, factors)
    items: Iterable[tuple[str, Any]] = found.items() if isinstance(found, Mapping) else (("score", found),)
    return {str(name): float(number) for name, number in items}


def _takes_seed(function: Callable[..., Any]) -> bool:
    try:
        return "seed" in inspect.signature(function).parameters
    except ValueError:  # a function written in C may say nothing of its parameters
        return False
