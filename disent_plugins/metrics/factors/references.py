"""Floor, ceiling and interval of a factor metric, from the very rows and factors that it is measured on.

    floor     median score over permutations of the factors: what codes without information get; one accident among
              them, such as a pair that is significant by chance, does not move it
    ceiling   score of the ideal code, the factors themselves
    interval  value +- 1.96 standard errors, cut to [0, 1]

A percentile interval would not do: resampled rows hold doubles, which shift most of these scores. The standard error is
the standard deviation of bootstrap replicates, or, for a score that selects by significance, which doubles would upset,
the root mean square deviation of half-samples from the score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from disent_plugins.contracts import Report, Result, Subject, Value
from disent_plugins.metrics.factors.sample import CeilingOptions, FactorOptions, Sample, sample_settings
from disent_plugins.metrics.factors.variants import continuous, halved, ideal, permuted, resampled, untied
from disent_plugins.metrics.statistics.seeds import derived, stream

Score = Callable[[Sample, int], Mapping[str, float]]
"""A sample and a seed to value name -> number."""

_Z = 1.959964


@dataclass(frozen=True)
class Says:
    """What a value is: its unit, how it was obtained, which way is better."""

    unit: str
    estimator: str
    better: str = "up"


@dataclass(frozen=True)
class Best:
    """The ideal code on some rows.

    Attributes:
        samples: The rows with it, or with several of it that differ by chance.
        continuous: Whether it has no ties; otherwise it is the factors themselves.
    """

    samples: tuple[Sample, ...]
    continuous: bool


_CONTINUOUS = (
    "The codes are continuous, so the ceiling is that of the factors without ties, less than that of the factors."
)


def best_code(sample: Sample, options: CeilingOptions, seed: int) -> Best:
    """The ideal code of the kind that the sample's codes are of.

    Bins and pieces of codes without ties straddle the borders between a factor's values, so that not even an invertible
    one scores 1. The most that such codes reach is what the factors do once chance has told equal values apart; as many
    times as the factors are permuted for the floor, so that its accidents are not those of the ceiling.

    Args:
        sample: The rows.
        options: What the ceiling is to be.
        seed: Of that chance.
    """
    if options.ceiling == "auto" and continuous(sample.codes):
        times = range(options.permutations)
        return Best(tuple(untied(sample, stream(seed, "factors", "ceiling", str(i))) for i in times), True)
    return Best((ideal(sample),), False)


def scored(
    name: str,
    subject: Subject,
    config: FactorOptions,
    sample: Sample,
    score: Score,
    says: Mapping[str, Says],
    *,
    halves: bool = False,
    best: Best | None = None,
    notes: Sequence[str] = (),
    recorded: Mapping[str, Any] | None = None,
) -> Result:
    """The result of a factor metric whose reference points are those of ``referenced``, as its options ask for them.

    Args:
        name: Of the metric.
        subject, config, sample: What is measured, how, and on which rows.
        score, says, halves: As in ``referenced``.
        best: The ideal code; none: the factors themselves.
        notes, recorded: As in ``factor_result``.
    """
    if best is not None:
        notes = (*notes, _CONTINUOUS) if best.continuous else notes
        recorded = {**(recorded or {}), "continuous_ceiling": best.continuous}
    values = referenced(
        score, sample, subject.seed, says,
        permutations=config.permutations, bootstrap=config.bootstrap, halves=halves,
        best=best.samples if best else None, report=subject.report,
    )  # fmt: skip
    return factor_result(name, subject, config, sample, values, notes=notes, recorded=recorded)


def factor_result(
    name: str,
    subject: Subject,
    config: FactorOptions,
    sample: Sample,
    values: Mapping[str, Value],
    *,
    artifacts: Mapping[str, Path] | None = None,
    notes: Sequence[str] = (),
    recorded: Mapping[str, Any] | None = None,
) -> Result:
    """A result with the settings and notes that every factor metric gives.

    Args:
        name: Of the metric.
        subject, config, sample: What was measured, how, and on which rows.
        values: What was found.
        artifacts: Files that were written.
        notes: After those of the sample.
        recorded: Settings beside the options and those of the sample.
    """
    settings = {**asdict(config), **(recorded or {}), **sample_settings(sample, subject)}
    return Result(name, values, settings, artifacts or {}, (*sample.notes, *notes))


def referenced(
    score: Score,
    sample: Sample,
    seed: int,
    says: Mapping[str, Says],
    *,
    permutations: int = 5,
    bootstrap: int = 100,
    halves: bool = False,
    best: Sequence[Sample] | None = None,
    report: Report = lambda done, total, what: None,
) -> dict[str, Value]:
    """Score a sample, and what a code without information and an ideal one score in its place.

    Args:
        score: The metric. It is called with the same seed every time, so that differences are not its own noise.
        sample: The rows.
        seed: Of the metric, the permutations and the resamples.
        says: Value name to what it is; exactly these values of ``score`` are kept.
        permutations: Permutations that the floor is the median of.
        bootstrap: Resamples behind the interval; 0 for no interval.
        halves: Whether the resamples are half-samples, for a score that selects by significance: it selects anew in
            each. Their deviations are taken from the score of all rows, so that the interval also covers what half of
            the rows are too few to select.
        best: The sample with ideal codes, whose mean is the ceiling; none: with the factors themselves.
        report: Progress.
    """
    perfect = (ideal(sample),) if best is None else best
    first, own = 2 + len(perfect), derived(seed, "score")
    total = first + permutations + bootstrap - 1

    def call(step: int, of: Sample) -> Mapping[str, float]:
        found = score(of, own)
        report(step, total, "reference points")
        return found

    found, most = call(1, sample), [call(2 + i, one) for i, one in enumerate(perfect)]
    floors = [call(first + i, permuted(sample, stream(seed, "floor", str(i)))) for i in range(permutations)]
    drawn = halved if halves else resampled
    draws = [call(first + permutations + i, drawn(sample, stream(seed, "bootstrap", str(i)))) for i in range(bootstrap)]
    n = int(sample.test.sum())
    return {
        name: value_of(
            what, found[name], [f[name] for f in floors], float(np.mean([m[name] for m in most])),
            [d[name] for d in draws], n, halves=halves,
        )
        for name, what in says.items()
    }  # fmt: skip


def value_of(
    says: Says, found: float, floors: Sequence[float], ceiling: float, draws: Sequence[float], n: int,
    *, halves: bool = False,
) -> Value:  # fmt: skip
    """A value with its reference points.

    Args:
        says: What it is.
        found: The score.
        floors: Scores of permuted factors.
        ceiling: Score of the ideal code.
        draws: Scores of resamples; none for no interval.
        n: Test samples.
        halves: Whether the resamples are half-samples.
    """
    low, high = interval(found, draws, found if halves else None) if len(draws) else (None, None)
    floor = float(np.median(floors))
    return Value(float(found), says.unit, floor, float(ceiling), low, high, n, says.estimator, says.better)


def interval(found: float, draws: Sequence[float], centre: float | None = None) -> tuple[float, float]:
    """``found`` +- 1.96 standard errors, cut to [0, 1] where ``found`` lies in it.

    Args:
        found: The score.
        draws: The score of resamples; 0 or 1 of them give no width.
        centre: What the draws deviate from; None: their mean.

    >>> interval(1.0, [0.9, 1.0, 1.0, 1.1])[1]
    1.0
    """
    deviations = np.asarray(draws) - (np.mean(draws) if centre is None else centre) if len(draws) > 1 else np.zeros(2)
    half = _Z * float(np.sqrt((deviations**2).sum() / (len(deviations) - (centre is None))))
    low, high = found - half, found + half
    return (max(low, 0.0), min(high, 1.0)) if 0.0 <= found <= 1.0 else (low, high)
