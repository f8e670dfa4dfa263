"""SAP, the separated attribute predictability: is one code alone the best predictor of a factor (Kumar et al. 2018).

    SAP = 1/K sum_k (s_j(k),k - max_(j != j(k)) s_jk),    j(k) = argmax_j s_jk

s_jk says how well code j alone predicts factor k:

    threshold   (a - a_0) / (1 - a_0): test accuracy a of the classifier that cuts the code into pieces and answers each
                piece's most frequent value, against the accuracy a_0 of always giving the most frequent value
    svm         test accuracy of a linear support vector machine, as published studies did
    r2          squared correlation, for factors whose values are numbers in order
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from disent_plugins.about import About, Expect
from disent_plugins.contracts import Result, Subject
from disent_plugins.metrics.factors.references import Says, best_code, scored
from disent_plugins.metrics.factors.sample import CeilingOptions, Sample, fitted_sample
from disent_plugins.metrics.statistics.quiet import quiet
from disent_plugins.options import option

Predictor = Literal["threshold", "svm", "r2"]
LEAST_PIECES = 20
_PERFECT = ("identity", "permuted", "dead-code", "outlier", "many-valued", "many-valued-5")


@dataclass(frozen=True)
class SapConfig(CeilingOptions):
    """Options of SAP."""

    predictor: Literal["threshold", "svm", "r2"] = option("threshold", "What predicts a factor from one code.")
    test_samples: int = option(5000, "Most rows to judge on.", low=10)


class Sap:
    """The metric ``sap``."""

    Config = SapConfig
    presets: Mapping[str, Mapping[str, Any]] = MappingProxyType(
        {"dlib": {"predictor": "svm", "permutations": 1, "bootstrap": 10}}
    )
    about = About(
        definition="`mean over factors of (best - second best code's score)`. A code's score for a factor is "
        "`(a - a_0) / (1 - a_0)`, a being the test accuracy of the classifier that cuts this one code into pieces at "
        "quantiles of the training rows (between its values where they are few) and answers the most frequent value of "
        "each, a_0 that of always answering the most frequent value. `predictor=r2`: squared correlation. "
        "`predictor=svm` (preset `dlib`): accuracy of a linear support vector machine (C 0.01, balanced) on the raw "
        "code. With one code the second best scores 0.",
        range="0 to 1, up.",
        floor="Median over permutations of the factors.",
        ceiling="The factors themselves as codes; where no code has ties, the factors without ties, 0.87 for 8 "
        "values, as pieces straddle the borders between values (`ceiling=factors` asks for the factors). With "
        "`svm` this is far below 1: a line cannot tell ordered values apart by one threshold.",
        cost="Grows with rows x codes x factors: 0.1 s for 10,000 rows, 10 codes, 6 factors; `svm` some 30 s.",
        distrust="Two codes that share a factor score as badly as none. Values of `svm` change with the scale of codes "
        "and compare with nothing but published ones.",
        expects=(
            *(Expect(case, "sap", 0.97, 1.0, "one code tells each factor, the others nothing") for case in _PERFECT),
            Expect("duplicated", "sap", 0.0, 0.001, "the second-best code is as good as the best"),
            Expect("rotated", "sap", 0.0, 0.3, "every code mixes all factors"),
            Expect("one-code", "sap", 0.157, 0.177, "one factor of six is known"),
            Expect(
                "continuous", "sap", 0.97, 1.03, "invertible, so as good as continuous codes can be", normalised=True
            ),
            Expect("noise", "sap", -0.03, 0.03, "independent codes", normalised=True),
            Expect("channels", "sap", 0.775, 0.825, "(q - 1/8) / (1 - 1/8) with q = 0.8 + 0.2/8: 0.8"),
            Expect("gaussian", "sap", 0.51, 0.59, "Bayes accuracy, from chance (0) to 1: 0.553"),
            Expect("bits", "sap", 0.56, 0.62, "(2^b - 1) / (2^B - 1) for b of B bits, gaps: 0.588"),
            Expect("memorised", "sap", 0.0, 0.03, "test rows say nothing: 0"),
        ),
    )

    def __init__(self, config: SapConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Measure the gap.

        Raises:
            UsageError: See ``sample.fitted_sample``.
        """
        config = self.config
        sample = fitted_sample(subject, config, config.test_samples)

        def score(of: Sample, seed: int) -> dict[str, float]:
            return {"sap": gap(predictability(of, config.predictor, seed))}

        says = {"sap": Says("score", f"gap of the best two codes; {config.predictor}")}
        return scored("sap", subject, config, sample, score, says, best=best_code(sample, config, subject.seed))


def gap(scores: np.ndarray) -> float:
    """Mean over factors of the best less the second-best code's score [D, K]; the second best of one code is 0.

    >>> gap(np.array([[1.0, 0.2], [0.4, 0.2]]))
    0.3
    """
    ordered = np.sort(np.vstack([np.zeros_like(scores[:1]), scores]), axis=0)
    return float((ordered[-1] - ordered[-2]).mean())


def predictability(sample: Sample, predictor: Predictor = "threshold", seed: int = 0) -> np.ndarray:
    """How well every code alone predicts every factor, [D, K]."""
    if predictor == "threshold":
        return _by_thresholds(sample)
    score = {"svm": _svm, "r2": _r2}[predictor]
    fit, judge = ~sample.test, sample.test
    return np.array(
        [[score(code[fit], factor[fit], code[judge], factor[judge], seed) for factor in sample.factors.T]
         for code in sample.codes.T]
    )  # fmt: skip


def _by_thresholds(sample: Sample) -> np.ndarray:
    fit, judge = ~sample.test, sample.test
    found = np.empty((sample.codes.shape[1], len(sample.names)))
    for d, code in enumerate(sample.codes.T):
        pieces: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # factors of as many values share the cuts of a code
        for k, size in enumerate(sample.sizes):
            count = max(LEAST_PIECES, 2 * size)
            if count not in pieces:
                edges = _edges(code[fit], count)
                pieces[count] = np.searchsorted(edges, code[fit]), np.searchsorted(edges, code[judge])
            found[d, k] = _told(*pieces[count], sample.factors[fit, k], sample.factors[judge, k])
    return found


def _told(piece: np.ndarray, test_piece: np.ndarray, factor: np.ndarray, truth: np.ndarray) -> float:
    """Accuracy of the most frequent value of every piece, between that of the most frequent value of all (0) and 1."""
    size, count = int(max(factor.max(), truth.max())) + 1, int(max(piece.max(), test_piece.max())) + 1
    right = (_most_frequent(piece, factor, count, size)[test_piece] == truth).mean()
    chance = (np.bincount(factor).argmax() == truth).mean()
    return max(float((right - chance) / (1 - chance)), 0.0) if chance < 1 else 0.0


def _most_frequent(piece: np.ndarray, factor: np.ndarray, count: int, size: int) -> np.ndarray:
    """[count] the most frequent value of the factor in every piece, the least of several; 0 in empty pieces."""
    cells = piece * size + factor
    if count * size <= 10 * len(cells):
        return np.bincount(cells, minlength=count * size).reshape(count, size).argmax(axis=1)
    answers = np.zeros(count, dtype=np.int64)  # most cells are empty: only the others are looked at
    cells, times = np.unique(cells, return_counts=True)
    order = np.lexsort((-cells, times))  # the last one that is written to a piece stays
    answers[cells[order] // size] = cells[order] % size
    return answers


def _edges(code: np.ndarray, pieces: int) -> np.ndarray:
    """Where to cut: halfway between neighbouring values where there are few, at quantiles otherwise."""
    values = np.unique(code)
    if len(values) > pieces:
        return np.unique(np.quantile(code, np.linspace(0, 1, pieces + 1)[1:-1]))
    return (values[1:] + values[:-1]) / 2


def _svm(code: np.ndarray, factor: np.ndarray, test: np.ndarray, truth: np.ndarray, seed: int) -> float:
    from sklearn.svm import LinearSVC

    with quiet():
        # Raw codes of any scale: published studies let it be.
        model = LinearSVC(C=0.01, class_weight="balanced", random_state=seed % 2**32).fit(code[:, None], factor)
    return float((model.predict(test[:, None]) == truth).mean())


def _r2(code: np.ndarray, factor: np.ndarray, test: np.ndarray, truth: np.ndarray, seed: int) -> float:
    if test.std() < 1e-12 or truth.std() == 0:
        return 0.0
    return float(np.corrcoef(test, truth)[0, 1] ** 2)
