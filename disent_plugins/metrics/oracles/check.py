"""Metrics run on oracles, and what they score held against what they must."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from disent_plugins.about import Expect
from disent_plugins.contracts import Report
from disent_plugins.errors import UsageError
from disent_plugins.metrics.oracles.case import Oracle
from disent_plugins.metrics.oracles.cases import CASES
from disent_plugins.metrics.oracles.scores import PARTS, Score, Scores, scores_of_function, scores_of_metric
from disent_plugins.metrics.statistics.cores import cores
from disent_plugins.metrics.statistics.seeds import derived

AS_GOOD_AS_CHANCE, SAME, PERFECT, NOTHING = 0.05, 0.02, 0.97, 0.1
ANY_SCORE = (
    *(
        Expect(case, "score", PERFECT, 1.0 + 1e-6, "a perfect code scores 1")
        for case in ("identity", "permuted", "dead-code", "outlier", "many-valued", "many-valued-5")
    ),
    Expect("extra-noise", "score", PERFECT, 1.0 + 1e-6, "codes that know nothing spoil nothing"),
    Expect("duplicated", "score", -NOTHING, 1.0 + 1e-6, "twice a perfect code is no better than perfect"),
    Expect("tangled", "score", -NOTHING, 1 - NOTHING, "every factor is in two codes, and every code holds two"),
    Expect("noise", "score", -NOTHING, NOTHING, "noise scores 0"),
)
"""What is expected of a function of which nothing is known but that it scores disentanglement from 0 to 1.

Scores ask one of two things: whether a code knows one factor only (modularity, the D of DCI), or whether a factor is
known by one code only (MIG, SAP, the C of DCI). Only what holds for both is here; ``--like`` says which it is to be.
"""


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
class Measured:
    """All scores of one measurement, or why there are none."""

    scores: Mapping[str, Score]
    seconds: float
    error: str = ""


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
        jobs: Processes, 0 for one a core; findings do not depend on it.
        report: Progress, in oracles.

    Returns:
        Findings in the order of the expectations, one for each that applies.
    """
    names = list(dict.fromkeys(expect.case for expect in expects))
    tasks = [partial(_oracle, name, seed, rows) for name in names]
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
        needs: What it needs (``MetricSpec.needs``): decides which oracles fit where there are no expectations. An
            expectation on an oracle without it does not hold, whatever the metric scores.
        how: ``seed``, ``rows``, ``jobs``, ``report`` of ``check_on_oracles``.

    Raises:
        UsageError: There are no expectations, and the metric gives no values.
    """
    raw = {one.case for one in expects} - {one.case for one in expects if one.normalised}
    scores = partial(scores_of_metric, metric_class, tuple(needs), frozenset(raw))
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
    if set(needs) & set(PARTS):
        perfect, noise = "painter", "collapsed"
    tasks = [
        partial(_oracle, perfect, seed, rows),
        partial(_oracle, noise, seed, rows),
        partial(_oracle, perfect, seed, rows),
        partial(_reordered, perfect, seed, rows),
    ]
    best, chance, again, other = _measure_all(scores, tasks, seed, jobs, report)
    for case, measured in ((perfect, best), (noise, chance)):
        if measured.error:
            return [_finding(Expect(case, "any value", -math.inf, math.inf, "a metric gives values"), measured)]
    if not best.scores:
        raise UsageError(
            "The metric cannot be checked on oracles.",
            "It gives no values, and it says nothing of what it expects.",
            "Check its contract instead: disent_plugins.testing.check_metric",
        )
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


def _oracle(name: str, seed: int, rows: int | None) -> Oracle:
    if name not in CASES:
        raise LookupError(f"there is no oracle '{name}'")
    return CASES[name].oracle(seed, rows)


def _reordered(name: str, seed: int, rows: int | None) -> Oracle:
    """Columns of both blocks the other way round, and a model that knows of it."""
    oracle = _oracle(name, seed, rows)
    codes, model = oracle.codes, oracle.model
    blocks = ("content", "style", "content_logvar", "style_logvar")
    turned = {key: getattr(codes, key)[:, ::-1].copy() for key in blocks if getattr(codes, key) is not None}

    def decode(content: np.ndarray, style: np.ndarray) -> np.ndarray:
        assert model.decode is not None
        return model.decode(content[:, ::-1], style[:, ::-1])

    def encode(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert model.encode is not None
        content, style = model.encode(images)
        return content[:, ::-1], style[:, ::-1]

    other = replace(model, decode=model.decode and decode, encode=model.encode and encode)
    return Oracle(name, replace(codes, **turned), other)


def _measure_all(
    scores: Scores, tasks: Sequence[Callable[[], Oracle]], seed: int, jobs: int, report: Report
) -> list[Measured]:
    found: list[Measured] = []
    parallel = Parallel(n_jobs=cores(jobs), return_as="generator")
    report(0, len(tasks), "oracles")
    for one in parallel(delayed(_measured)(scores, task, seed) for task in tasks):
        found.append(one)
        report(len(found), len(tasks), "oracles")
    return found


def _measured(scores: Scores, task: Callable[[], Oracle], seed: int) -> Measured:
    started = time.perf_counter()
    try:
        oracle = task()
        started = time.perf_counter()
        made = scores(oracle, derived(seed, "oracles", "metric"))
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
        error = f"Chance and a perfect code score the same, so {score.raw:.3g} cannot be placed between them."
    ok = found is not None and expect.low <= found <= expect.high
    return Finding(
        expect.case, expect.value, found, expect.low, expect.high, ok, expect.source,
        measured.seconds, error, expect.normalised,
    )  # fmt: skip
