"""FactorVAE score: does the code that varies least tell which factor was held fixed (Kim and Mnih 2018, section 4).

j*(b) = argmin_j Var_b(z_j) / Var(z_j)          the vote of a batch b whose rows agree on one factor
k(j)  = the factor that j is voted for most often, over the training votes
score = share of evaluation votes with k(j*) = the factor that was fixed
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from disent_plugins.about import About, Expect
from disent_plugins.contracts import Result, Subject
from disent_plugins.metrics.factors.references import Says, factor_result
from disent_plugins.metrics.factors.sample import FactorOptions, Sample, need_two, one_sample
from disent_plugins.metrics.factors.scale import Scale, scaled
from disent_plugins.metrics.factors.votes import agreeing_batches, guessed
from disent_plugins.options import option


@dataclass(frozen=True)
class FactorVaeConfig(FactorOptions):
    """Options of the FactorVAE score."""

    batch: int = option(64, "Rows of a vote.", low=2, high=10_000)
    train_votes: int = option(10_000, "Votes that the majority is taken over.", low=1, high=1_000_000)
    bootstrap: int = option(30, "Half-samples of the rows for the 95 % interval.", low=10, high=100_000)
    votes: int = option(20_000, "Votes that are judged.", low=1, high=1_000_000)
    scale: Literal["rank", "raw"] = option("rank", "Codes as ranks, or as they are.")
    threshold: float = option(0.05, "Least standard deviation of a code that may be voted for, on that scale.", low=0)


class FactorVae:
    """The metric ``factor-vae``."""

    Config = FactorVaeConfig
    presets: Mapping[str, Mapping[str, object]] = {"dlib": {"scale": "raw", "threshold": 0.05, "votes": 5000}}
    about = About(
        definition="""`score = share of votes b with k(j*(b)) = the factor fixed in b`, where
`j*(b) = argmin_j Var_b(z_j) / Var(z_j)` and `k(j)` is the factor that most training votes for code j belong to
(Kim and Mnih 2018, section 4 and appendix B). A vote: a factor is chosen, each as likely; then a row, and 64 rows,
drawn with replacement, that have its value of the factor; values of a single row are left out. Codes are replaced by
their ranks, so that outliers and monotone rescaling change nothing. A code with one value in more than 99.9 % of the
rows (standard deviation of its ranks below 0.05 of that without equal values) gets no vote; if no code is left the
score is 0.
10,000 votes train; 20,000 are judged, four times the study's, so that noise stays near its floor.
Preset `dlib`: 5,000 are judged; raw codes, those with a standard deviation below 0.05 pruned.""",
        range="0 to 1, 1 is best; chance is 1/K for K factors.",
        floor="Median score over permutations of the factors' rows.",
        ceiling="The score of the factors themselves as codes, on the same rows.",
        cost="Linear in votes x batch x codes; 0.15 s a score at the default size with 10 codes, one thread, "
        "one score for each reference point and half a score for each of 30 half-samples: 2 to 3 s in all.",
        distrust="It sees only the code that varies least: a factor split over several codes, or repeated in them "
        "(`duplicated`), costs nothing, and a code that holds two factors can still win the vote of one. The interval "
        "is 1.96 standard deviations of the scores of 30 half-samples of the rows, each with half as many votes; its "
        "width is off by 13 % for that. Rotated codes are penalised, but "
        "weakly: 12 random rotations of a perfect code scored 0.74 to 0.998, as the majority forgives any pairing of "
        "codes with factors that leans one way.",
        expects=(
            Expect("identity", "factor-vae", 0.97, 1.0, "variance 0 in the fixed factor's code only"),
            Expect("permuted", "factor-vae", 0.97, 1.0, "ranks; order and sign do not matter"),
            Expect("duplicated", "factor-vae", 0.97, 1.0, "copies belong to the same factor; dlib's definition"),
            Expect("dead-code", "factor-vae", 0.97, 1.0, "a constant code gets no vote"),
            Expect("outlier", "factor-vae", 0.97, 1.0, "ranks bound what one row does"),
            Expect("many-valued", "factor-vae", 0.97, 1.0, "no bins"),
            Expect("many-valued-5", "factor-vae", 0.97, 1.0, "no bins"),
            Expect("extra-noise", "factor-vae", 0.97, 1.0, "noise never varies less than a constant"),
            Expect("constant-factor", "factor-vae", 0.97, 1.0, "a factor with one value is left out"),
            Expect("rotated", "factor-vae", 0.2, 0.99, "no code is constant when one factor is"),
            Expect("noise", "factor-vae", -0.03, 0.03, "votes independent of the factor", normalised=True),
            Expect("one-known", "factor-vae", 0.568, 0.598, "1/3 + 2/3 x 3/4 x 1/2: votes for noise are a guess"),
            Expect("sixteen", "factor-vae", 0.97, 1.0, "votes enough for the majority of every code"),
        ),
    )  # fmt: skip

    def __init__(self, config: FactorVaeConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Measure the share of right votes.

        Raises:
            UsageError: See ``sample.one_sample``.
        """
        config = self.config
        sample = one_sample(subject, config)
        need_two(sample, "FactorVAE")

        def score(of: Sample, seed: int, share: float) -> np.ndarray:
            return right_votes(
                of.codes, of.factors, seed, batch=config.batch, train_votes=math.ceil(share * config.train_votes),
                votes=math.ceil(share * config.votes), scale=config.scale, threshold=config.threshold,
            )  # fmt: skip

        how = f"majority vote, {config.train_votes} training votes of {config.batch} rows, {config.scale} codes"
        value = guessed(
            score, sample, subject.seed, Says("accuracy", how),
            permutations=config.permutations, halves=config.bootstrap, report=subject.report,
        )  # fmt: skip
        left = scaled(sample.codes, config.scale, config.threshold).shape[1]
        recorded = {"codes_voted_for": left}
        return factor_result("factor-vae", subject, config, sample, {"factor-vae": value}, recorded=recorded)


def factor_vae(codes: np.ndarray, factors: np.ndarray, seed: int = 0, *, votes: int = 5000) -> float:
    """The score with the study's sizes on ranked codes, in [0, 1].

    Args:
        codes: [N, D] finite.
        factors: [N, K] int64, each coded 0..size-1.
        seed: Of the votes.
        votes: Evaluation votes; twice as many train.

    >>> v = np.stack(np.divmod(np.arange(64), 8), axis=1)
    >>> factor_vae(v.astype(float), v, votes=50)
    1.0
    """
    return float(right_votes(codes, factors, seed, train_votes=2 * votes, votes=votes).mean())


def right_votes(
    codes: np.ndarray, factors: np.ndarray, seed: int, *, batch: int = 64, train_votes: int = 10_000,
    votes: int = 5000, scale: Scale = "rank", threshold: float = 0.05,
) -> np.ndarray:  # fmt: skip
    """Which evaluation votes name the factor that was fixed, [votes] bool; all False if no code is active."""
    codes = scaled(codes, scale, threshold)
    if not codes.shape[1]:
        return np.zeros(votes, dtype=bool)
    generator, count = np.random.default_rng(seed), factors.shape[1]
    fixed = generator.integers(count, size=train_votes + votes)
    voted = least_varying(codes, agreeing_batches(factors, fixed, batch, generator))
    shape = (codes.shape[1], count)
    ballots = np.bincount(voted[:train_votes] * count + fixed[:train_votes], minlength=shape[0] * count).reshape(shape)
    return ballots.argmax(axis=1)[voted[train_votes:]] == fixed[train_votes:]


def least_varying(codes: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """[V] the code with the least variance within each batch, relative to its variance over all rows.

    Args:
        codes: [N, D], none constant.
        rows: [V, B] the rows of every batch.
    """
    # One code at a time: a column stays in the processor's cache while its rows are gathered.
    ratios = [_variances(column, rows) / column.var() for column in np.ascontiguousarray(codes.T)]
    return np.argmin(ratios, axis=0)


def _variances(column: np.ndarray, rows: np.ndarray, chunk: int = 512) -> np.ndarray:
    found = np.empty(len(rows))
    for start in range(0, len(rows), chunk):
        values = column[rows[start : start + chunk]]
        # From the first row on, so that a batch of equal values has a variance of exactly 0.
        values -= values[:, :1].copy()
        values -= values.mean(axis=1, keepdims=True)
        found[start : start + chunk] = np.einsum("vb,vb->v", values, values)
    return found / rows.shape[1]
