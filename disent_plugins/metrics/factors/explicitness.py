"""Explicitness: can a linear classifier read each factor from all codes together (Ridgeway and Mozer 2018).

    explicitness = mean over factors and their values of 2 AUC - 1

AUC is the area under the ROC curve of that value against the rest, of a multinomial logistic regression, on rows that
it was not fitted on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression

from disent_plugins.about import About, Expect
from disent_plugins.contracts import Result, Subject
from disent_plugins.metrics.factors.references import Says, factor_result, value_of
from disent_plugins.metrics.factors.sample import FactorOptions, Sample, fitted_sample
from disent_plugins.metrics.factors.variants import ideal, permuted
from disent_plugins.metrics.statistics.quiet import quiet
from disent_plugins.metrics.statistics.seeds import stream
from disent_plugins.options import option

_CASES = ("identity", "permuted", "dead-code", "duplicated", "rotated", "many-valued-5")
_KNOWN = "every factor can be read linearly"


@dataclass(frozen=True)
class ExplicitnessConfig(FactorOptions):
    """Options of explicitness."""

    permutations: int = option(2, "Permutations of the factors that the floor is the median of.", low=1, high=10_000)
    test_samples: int = option(5000, "Most rows to judge on.", low=10)
    strength: float = option(100.0, "C of the logistic regression, the inverse of its L2 penalty.", above=0, high=1e12)
    iterations: int = option(40, "Most steps of the solver.", low=1, high=100_000)
    rescale: bool = option(True, "Give 2 AUC - 1, 0 for chance; otherwise the AUC, 0.5 for chance.")


class Explicitness:
    """The metric ``explicitness``."""

    Config = ExplicitnessConfig
    presets: Mapping[str, Mapping[str, Any]] = MappingProxyType(
        {"dlib": {"rescale": False, "strength": 1.0, "iterations": 100}}
    )
    about = About(
        definition="`mean over factors and their values of 2 AUC - 1`, where AUC is the area under the ROC curve of "
        "one value against the rest, by a multinomial logistic regression (C 100, 40 steps) on all standardised "
        "codes, on rows that were not fitted on. Values that these rows lack are left out. Preset `dlib` is the "
        "setting of Locatello et al. 2019: the AUC itself, scikit-learn's defaults (C 1, 100 steps).",
        range="0 (chance) to 1, up; 0.5 to 1 with `rescale=false`.",
        floor="Median over permutations of the factors, fitted anew.",
        ceiling="The factors themselves as codes, fitted anew.",
        cost="Grows with rows x codes x values of the factors: about 1 s for 10,000 rows and 6 factors of 8 values.",
        distrust="It says nothing of axes: a rotated code is as explicit as the factors. The middle values of an "
        "ordered factor are read less well from one linear code than its ends. Rank it beside a score of modularity.",
        expects=(
            *(Expect(case, "explicitness", 0.97, 1.0, _KNOWN) for case in _CASES),
            Expect("noise", "explicitness", -0.03, 0.03, "independent codes", normalised=True),
            Expect("gaussian", "explicitness", 0.813, 0.873, "2 Phi(sqrt 2) - 1 = 0.843, whatever the priors"),
            Expect("memorised", "explicitness", -0.04, 0.04, "test rows say nothing: 0"),
        ),
    )

    def __init__(self, config: ExplicitnessConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Measure how well a linear classifier reads the factors.

        Raises:
            UsageError: See ``sample.fitted_sample``.
        """
        config, seed = self.config, subject.seed
        sample = fitted_sample(subject, config, config.test_samples)
        parts = [sample, ideal(sample)]
        parts += [permuted(sample, stream(seed, "floor", str(i))) for i in range(config.permutations)]
        answers = []
        for number, part in enumerate(parts):
            subject.report(number, len(parts), "explicitness")
            answers.append(probabilities(part, config.strength, config.iterations))
        subject.report(len(parts), len(parts), "explicitness")
        found, best, *floors = (self._mean(part, answer) for part, answer in zip(parts, answers, strict=True))
        truth, n = sample.factors[sample.test], int(sample.test.sum())
        rows = [stream(seed, "bootstrap", str(i)).integers(n, size=n) for i in range(config.bootstrap)]
        draws = [self._scaled(mean_auc(truth[some], [p[some] for p in answers[0]])) for some in rows]
        how = "ROC-AUC of logistic regression on standardised codes, one value against the rest"
        value = value_of(Says("score", how), found, floors, best, draws, n)
        return factor_result("explicitness", subject, config, sample, {"explicitness": value})

    def _mean(self, sample: Sample, answers: list[np.ndarray]) -> float:
        return self._scaled(mean_auc(sample.factors[sample.test], answers))

    def _scaled(self, auc: float) -> float:
        return 2 * auc - 1 if self.config.rescale else auc


def probabilities(sample: Sample, strength: float = 100.0, iterations: int = 40) -> list[np.ndarray]:
    """For every factor the probabilities [n, size] that logistic regression gives its values on the rows to judge."""
    train, test = sample.codes[~sample.test], sample.codes[sample.test]
    scale = train.std(axis=0)
    known = scale > 0  # a code that does not vary tells nothing
    centre, scale = train.mean(axis=0)[known], scale[known]
    train, test = (train[:, known] - centre) / scale, (test[:, known] - centre) / scale
    found = []
    for column, size in zip(sample.factors.T, sample.sizes, strict=True):
        answer = np.zeros((len(test), size))
        values = np.unique(column[~sample.test])
        if train.shape[1] and len(values) > 1:
            answer[:, values] = _fit(train, column[~sample.test], strength, iterations).predict_proba(test)
        found.append(answer)
    return found


def _fit(train: np.ndarray, labels: np.ndarray, strength: float, iterations: int) -> LogisticRegression:
    with quiet():
        # A separable factor has no finite optimum; its ranking, which is all that is used, settles long before.
        return LogisticRegression(max_iter=iterations, C=strength).fit(train, labels)


def mean_auc(truth: np.ndarray, answers: list[np.ndarray]) -> float:
    """Mean area under the ROC curve, over factors of the mean over the values that occur in truth [n, K]."""
    return float(np.mean([_factor_auc(column, answer) for column, answer in zip(truth.T, answers, strict=True)]))


def _factor_auc(labels: np.ndarray, answer: np.ndarray) -> float:
    counts = np.bincount(labels, minlength=answer.shape[1])
    present = np.flatnonzero((counts > 0) & (counts < len(labels)))
    if not len(present):
        return 0.5
    # The area is the share of pairs in the right order: the rank sum of the value's rows (Mann and Whitney).
    ranks = rankdata(answer[:, present], axis=0)
    own = np.where(labels[:, None] == present, ranks, 0.0).sum(axis=0)
    n = counts[present]
    return float(((own - n * (n + 1) / 2) / (n * (len(labels) - n))).mean())
