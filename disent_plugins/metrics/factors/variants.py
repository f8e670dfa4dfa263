"""Variants of a sample that reference points and intervals are taken from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from disent_plugins.metrics.factors.sample import Sample


def permuted(sample: Sample, generator: np.random.Generator) -> Sample:
    """The sample with its factors' rows shuffled, within the rows to fit on and within those to judge."""
    order = np.arange(len(sample.codes))
    for part in (np.flatnonzero(sample.test), np.flatnonzero(~sample.test)):
        order[part] = generator.permutation(part)
    return replace(sample, factors=sample.factors[order])


def ideal(sample: Sample) -> Sample:
    """The sample with its factors as codes: what a perfect representation of these very rows is."""
    return replace(sample, codes=sample.factors.astype(np.float64))


def untied(sample: Sample, generator: np.random.Generator) -> Sample:
    """The sample with its factors as codes, equal values told apart at random by a thousandth of a step."""
    return replace(sample, codes=sample.factors + 1e-3 * generator.random(sample.factors.shape))


def continuous(codes: np.ndarray) -> bool:
    """Whether all the codes [N, D] that vary have hardly any ties: more values than one for two rows.

    >>> continuous(np.array([[0.1, 5.0], [0.2, 5.0], [0.3, 5.0]])), continuous(np.array([[0.1, 1.0], [0.2, 5.0]] * 2))
    (True, False)
    """
    varying = codes[:, (codes != codes[0]).any(axis=0)]
    return varying.shape[1] > 0 and all(2 * len(np.unique(code)) > len(code) for code in varying.T)


def resampled(sample: Sample, generator: np.random.Generator) -> Sample:
    """A bootstrap resample of the rows to judge; the rows to fit on stay."""
    judged = np.flatnonzero(sample.test)
    rows = np.concatenate([np.flatnonzero(~sample.test), generator.choice(judged, len(judged))])
    fitted = len(rows) - len(judged)
    return replace(sample, codes=sample.codes[rows], factors=sample.factors[rows], test=np.arange(len(rows)) >= fitted)


def halved(sample: Sample, generator: np.random.Generator) -> Sample:
    """A half of the rows to judge, without doubles; the rows to fit on stay.

    A mean over half of N rows deviates from that over all by sigma / sqrt(N), the standard error of the latter
    (delete-half jackknife, Shao and Wu 1989).
    """
    judged = np.flatnonzero(sample.test)
    half = generator.permutation(judged)[: max(len(judged) // 2, 1)]
    rows = np.sort(np.concatenate([np.flatnonzero(~sample.test), half]))
    return replace(sample, codes=sample.codes[rows], factors=sample.factors[rows], test=sample.test[rows])
