"""Scores to be checked on the oracles: right ones, and ones with the faults that published suites have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from disent_plugins.about import About, Expect
from disent_plugins.contracts import Result, Subject, Value
from disent_plugins.metrics.factors.information import knowledge as information


def knowledge(codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """[D, K] squared rank correlations; 0 for what does not vary."""
    ranks = [rankdata(table, axis=0) for table in (codes, factors)]
    made = [(table - table.mean(axis=0)) / np.maximum(table.std(axis=0), 1e-9) for table in ranks]
    return (made[0].T @ made[1] / len(codes)) ** 2


def gap_of(known: np.ndarray) -> float:
    best = np.sort(np.vstack([np.zeros_like(known[:1]), known]), axis=0)
    return float((best[-1] - best[-2])[best[-1] > 0].mean()) if known.any() else 0.0


def gap(codes: np.ndarray, factors: np.ndarray) -> float:
    """Right: best less second best."""
    return gap_of(knowledge(codes, factors))


def loop_that_ends_early(codes: np.ndarray, factors: np.ndarray) -> dict[str, float]:
    """Broken: the loop over codes ends at the first that matters for nothing, like ubi's DCI."""
    importance = knowledge(codes, factors)
    importance[importance < 0.01] = 0
    scores = np.zeros(len(importance))
    for j, row in enumerate(importance):
        if not row.any():
            break
        share = row[row > 0] / row.sum()
        scores[j] = 1 + (share * np.log(share)).sum() / np.log(len(row))
    weights = importance.sum(axis=1)
    return {"disentanglement": float(scores @ weights / weights.sum()) if weights.any() else 0.0}


def equal_width_mig(codes: np.ndarray, factors: np.ndarray) -> float:
    """Broken: twenty bins of equal width, like dlib's MIG."""
    table = np.zeros((codes.shape[1], factors.shape[1]))
    for j, code in enumerate(codes.T):
        bins = np.digitize(code, np.histogram_bin_edges(code, 20)[:-1]) - 1
        for k, factor in enumerate(factors.T):
            joint = np.histogram2d(bins, factor, bins=[np.arange(21), np.arange(factor.max() + 2)])[0] / len(code)
            product = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
            there = joint > 0
            share = joint.sum(axis=0)[joint.sum(axis=0) > 0]
            table[j, k] = (joint[there] * np.log(joint[there] / product[there])).sum() / -(share * np.log(share)).sum()
    return gap_of(table)


def transposed(codes: np.ndarray, factors: np.ndarray) -> float:
    """Broken: the gap of every code over the factors, where that of every factor over the codes is meant."""
    best = np.sort(knowledge(codes, factors), axis=1)
    return float((best[:, -1] - best[:, -2])[best[:, -1] > 0].mean())


def transposed_sum(codes: np.ndarray, factors: np.ndarray) -> float:
    """Broken: the same, and the mean is taken over the factors that there are."""
    best = np.sort(knowledge(codes, factors), axis=1)
    return float((best[:, -1] - best[:, -2]).sum() / factors.shape[1])


def best_alone(codes: np.ndarray, factors: np.ndarray) -> float:
    """Broken: nothing is taken off for what other codes know."""
    return float(information(codes, factors).share.max(axis=0).mean())


def failing(codes: np.ndarray, factors: np.ndarray) -> float:
    raise ZeroDivisionError("no code\nvaries")


def seeded(codes: np.ndarray, factors: np.ndarray, seed: int) -> float:
    return float(seed)


class Gap:
    """Right, as a metric without expectations."""

    @dataclass(frozen=True)
    class Config:
        pass

    def __init__(self, config: Config) -> None:
        self.config = config

    def score(self, codes: np.ndarray, factors: np.ndarray) -> float:
        return gap(codes, factors)

    def measure(self, subject: Subject) -> Result:
        codes = subject.codes
        both = np.hstack([codes.content, codes.style]).astype(np.float64)
        return Result("gap", {"gap": Value(self.score(both, codes.factors), "", 0.0, 1.0, better="up")}, {})


class Told(Gap):
    """Right, with expectations of which the last is wrong."""

    about = About(
        "Best less second best.", "0 to 1", "0", "1", "little", "never | ever",
        (
            Expect("identity", "gap", 0.97, 1.0, "one code a factor"),
            Expect("identity", "other", 0.0, 1.0, "no such value"),
            Expect("noise", "gap", -0.03, 0.03, "independent", normalised=True),
            Expect("duplicated", "gap", 0.5, 1.0, "not so"),
        ),
    )  # fmt: skip


class Unseeded(Gap):
    """Broken: another number every time."""

    def score(self, codes: np.ndarray, factors: np.ndarray) -> float:
        return gap(codes, factors) - float(np.random.default_rng().uniform(0, 1e-6))


class FirstCode(Gap):
    """Broken: it looks at where a code stands."""

    def score(self, codes: np.ndarray, factors: np.ndarray) -> float:
        return float(np.diag(knowledge(codes, factors)).mean())


class KindToNoise(Gap):
    """Broken: noise scores well."""

    def score(self, codes: np.ndarray, factors: np.ndarray) -> float:
        return 1.0 - 0.1 * (gap(codes, factors) < 0.5)
