"""DCI: disentanglement, completeness and informativeness (Eastwood and Williams 2018, Section 2).

A classifier per factor says how important every code is to it, R[j, k]; each factor's column sums to 1.

    D = sum_j w[j] (1 - H_K(R[j, .])),    C = sum_k w[k] (1 - H_D(R[., k])),    I = mean accuracy on test rows

H_K is the entropy to base K of the row divided by its sum, and w a row's (column's) share of the sum of R.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from joblib import Parallel, delayed
from scipy.special import xlogy
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

from disent_plugins.about import About, Expect
from disent_plugins.contracts import Result, Subject
from disent_plugins.metrics.factors.references import Says, factor_result, value_of
from disent_plugins.metrics.factors.sample import (
    FactorOptions,
    Sample,
    code_names,
    fitted_sample,
    ideal,
    permuted,
    sample_of,
)
from disent_plugins.metrics.pictures.canvas import save_arrays
from disent_plugins.metrics.pictures.heatmap import heatmap
from disent_plugins.metrics.statistics.cores import cores, jobs_option
from disent_plugins.metrics.statistics.quiet import quiet
from disent_plugins.metrics.statistics.seeds import derived, stream
from disent_plugins.options import option

TREE_ROWS = 4000
"""Rows that every tree of a forest draws, at most. Cost grows with them, and the importances change with them: D of ten
linear codes reads .178 on 2,000 rows, .197 on 4,000, .208 on 10,000, .236 on 80,000 (100 trees: .207 on 10,000)."""

Backend = Literal["forest", "gradient_boosting"]


@dataclass(frozen=True)
class DciConfig(FactorOptions):
    """Options of DCI."""

    permutations: int = option(1, "Permutations of the factors that the floor is the mean of; each fits anew.", low=1)
    backend: Backend = option("forest", "Classifier of every factor. Values of different backends do not compare.")
    trees: int = option(10, "Trees of a forest, or stages of gradient boosting.", low=2)
    test_samples: int = option(5000, "Most rows to test on.", low=10)
    jobs: int = jobs_option()


@dataclass(frozen=True)
class Fitted:
    """What the classifiers of K factors found.

    Attributes:
        importance: [D, K] at least 0; a column sums to 1, or to 0 where no code was of use.
        trees: [T, D, K] the same by every tree of a forest; T is 0 for gradient boosting, whose stages are not alike.
        correct: [N, K] bool, whether a test row's factor was told.
    """

    importance: np.ndarray
    trees: np.ndarray
    correct: np.ndarray


_PERFECT = ("identity", "permuted", "dead-code", "outlier", "many-valued", "many-valued-5", "constant-factor")
_NAMES = ("disentanglement", "completeness", "informativeness")


class Dci:
    """The metric ``dci``."""

    Config = DciConfig
    presets: Mapping[str, Mapping[str, object]] = {"dlib": {"backend": "gradient_boosting", "trees": 100}}
    about = About(
        definition="""A classifier per factor, fitted on the training rows, gives the importance R[j, k] of code j to
factor k (impurity based; each factor's importances sum to 1):

    disentanglement D = sum_j w[j] (1 - H_K(R[j, .])),   w[j] = sum_k R[j, k] / sum R
    completeness    C = sum_k w[k] (1 - H_D(R[., k])),   w[k] = sum_j R[j, k] / sum R
    informativeness I = mean over factors of the accuracy on test rows

H_K is the entropy, to base K, of a row divided by its sum: D asks whether a code serves one factor, C whether a factor
is served by one code. The default is a random forest: 10 trees grown by entropy on 4,000 drawn rows each (all, drawn
with replacement, where there are fewer), every code tried at every split. All importances 0 give D = C = 0.
Source: Eastwood and Williams 2018, A Framework for the Quantitative Evaluation of Disentangled Representations.
`dlib` is the setting of Locatello et al. 2019: gradient boosting of 100 stages of depth 3.""",
        range="0 to 1 each; 1 is best. C depends on the number of codes through the base of its entropy.",
        floor="The same fits to permuted factors. Importances of noise are about equal, so D and C are close to 0; I "
        "is close to the share of a factor's values.",
        ceiling="The factors themselves as codes, fitted and tested on the same rows.",
        cost="Grows with trees x codes x factors. 10 linear codes, 6 factors of 8, 10,000 and 5,000 rows: one score "
        "2.8 s with one thread; the floor takes longer, as noise grows deep trees.",
        distrust="Backends differ: compare only values of the same one. Trees cut along axes, so I is low for rotated "
        "codes that a linear probe reads perfectly. A code that is alone gets all importance for every factor, known "
        "or not: D is 0. The intervals of D and C resample the forest's trees, not the rows; gradient boosting has "
        "none for them.",
        expects=(
            *(Expect(case, name, 0.97, 1.0, "one code of use to every factor") for case in _PERFECT for name in _NAMES),
            Expect("duplicated", "disentanglement", 0.97, 1.0, "every code serves one factor"),
            Expect("duplicated", "completeness", 0.69, 0.76, "two of twelve codes share a factor: 1 - ln 2/ln 12"),
            Expect("rotated", "disentanglement", 0.0, 0.3, "every code mixes all factors"),
            Expect("one-code", "completeness", 1.0, 1.0, "there is no other code"),
            *(Expect("noise", name, -0.03, 0.03, "independent codes", normalised=True) for name in _NAMES),
            Expect("channels", "disentanglement", 0.9, 1.0, "every code serves one factor, however noisy"),
            Expect("channels", "completeness", 0.9, 1.0, "every factor has one code, however noisy"),
            Expect("channels", "informativeness", 0.795, 0.855, "Bayes accuracy: 0.8 + 0.2/8"),
            Expect("gaussian", "informativeness", 0.834, 0.894, "Bayes accuracy, mean of three: 0.864"),
            Expect("bits", "informativeness", 0.72, 0.78, "two factors lack a bit: (1 + 1 + 1/2 + 1/2) / 4"),
            Expect("mixed", "disentanglement", 0.722, 0.762, "(1 - ln 2/ln 6) 2/3 + 1/3 = 0.742"),
            Expect("mixed", "completeness", 0.97, 1.0, "every factor has one code"),
            Expect("memorised", "informativeness", 0.095, 0.155, "test rows say nothing: 1/8"),
        ),
    )

    def __init__(self, config: DciConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Fit, score, and draw the importances.

        Raises:
            UsageError: See ``sample.fitted_sample``.
        """
        config, seed = self.config, subject.seed
        sample = fitted_sample(subject, config, config.test_samples)
        total = config.permutations + 2

        def fit(step: int, of: Sample) -> Fitted:
            found = fitted(of, derived(seed, "dci"), backend=config.backend, trees=config.trees, jobs=config.jobs)
            subject.report(step, total, "classifiers of factors")
            return found

        found, best = fit(1, sample), fit(2, ideal(sample))
        floors = [
            scores(fit(3 + i, permuted(sample, stream(seed, "floor", str(i))))) for i in range(config.permutations)
        ]
        draws = [scores(_redrawn(found, stream(seed, "bootstrap", str(i)))) for i in range(config.bootstrap)]
        own, top = scores(found), scores(best)
        forest = config.backend == "forest"
        how = f"{config.backend}, {config.trees} {'trees' if forest else 'stages'}"
        alike = Says("1 - entropy", f"{how}; interval over trees" if forest else how)
        says = dict.fromkeys(_NAMES[:2], alike)
        says["informativeness"] = Says("accuracy", f"{how}; interval over test rows")
        values = {
            name: value_of(
                says[name], own[name], [floor[name] for floor in floors], top[name],
                [draw[name] for draw in draws] if len(found.trees) or name == "informativeness" else [],
                int(sample.test.sum()),
            )
            for name in _NAMES
        }  # fmt: skip
        artifacts = {
            "importance": heatmap(
                subject.out / "importance.png", found.importance,
                code_names(subject), sample.names,
                title=f"Importance ({how}): {subject.name}", row_title="codes", column_title="factors",
                words="How important every code is to telling each factor. A disentangled code has one dark square in "
                "every column, and at most one in every row.",
            ),
            "importance-arrays": save_arrays(
                subject.out / "importance.npz", importance=found.importance, accuracy=found.correct.mean(axis=0),
                factors=np.array(sample.names),
            ),
        }  # fmt: skip
        alone = "One factor varies, so that every code serves it alone: disentanglement is 1, of noise too."
        notes = [alone] if len(sample.names) == 1 else []
        return factor_result("dci", subject, config, sample, values, artifacts=artifacts, notes=notes)


def dci(
    train_codes: np.ndarray,
    train_factors: np.ndarray,
    test_codes: np.ndarray,
    test_factors: np.ndarray,
    *,
    seed: int = 0,
    backend: Backend = "forest",
    trees: int = 10,
) -> dict[str, float]:
    """Disentanglement, completeness and informativeness, each in [0, 1].

    Args:
        train_codes, test_codes: [N, D] finite.
        train_factors, test_factors: [N, K] whole numbers.
        seed: Of the classifiers.
        backend, trees: As in ``DciConfig``.

    >>> v = np.stack(np.divmod(np.arange(64), 8), axis=1)
    >>> dci(v, v, v, v)["disentanglement"]
    1.0
    """  # fmt: skip
    test = np.repeat([False, True], [len(train_codes), len(test_codes)])
    sample = sample_of(np.vstack([train_codes, test_codes]), np.vstack([train_factors, test_factors]), test)
    return scores(fitted(sample, seed, backend=backend, trees=trees))


def fitted(sample: Sample, seed: int, *, backend: Backend = "forest", trees: int = 10, jobs: int = 1) -> Fitted:
    """Fit a classifier per factor on the rows that are not ``sample.test``, and test it on those that are.

    Args:
        sample: The rows.
        seed: Of the classifiers.
        backend, trees: As in ``DciConfig``.
        jobs: Threads, 0 for one a core; nothing depends on them.
    """
    with quiet():
        columns = Parallel(n_jobs=cores(jobs), prefer="threads")(
            delayed(_fit)(sample, k, derived(seed, str(k)) % 2**32, backend, trees) for k in range(len(sample.names))
        )
    importance, by_tree, correct = zip(*columns, strict=True)
    return Fitted(np.stack(importance, axis=-1), np.stack(by_tree, axis=-1), np.stack(correct, axis=-1))


def _fit(sample: Sample, k: int, seed: int, backend: Backend, trees: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    train, test = ~sample.test, sample.test
    x, y = sample.codes[train], sample.factors[train, k]
    wide = x.shape[1]
    if len(np.unique(y)) == 1:  # one value to fit on: it is told without any code
        return np.zeros(wide), np.zeros((trees if backend == "forest" else 0, wide)), sample.factors[test, k] == y[0]
    if backend == "gradient_boosting":
        boosted = GradientBoostingClassifier(n_estimators=trees, random_state=seed).fit(x, y)
        correct = boosted.predict(sample.codes[test]) == sample.factors[test, k]
        return boosted.feature_importances_, np.zeros((0, wide)), correct
    forest = RandomForestClassifier(
        trees, criterion="entropy", max_features=None, max_samples=min(TREE_ROWS, len(x)), random_state=seed
    ).fit(x, y)
    correct = forest.predict(sample.codes[test]) == sample.factors[test, k]
    return forest.feature_importances_, np.stack([t.feature_importances_ for t in forest.estimators_]), correct


def _redrawn(found: Fitted, generator: np.random.Generator) -> Fitted:
    """Other trees for the importances and other test rows for the accuracy, drawn with replacement."""
    correct = found.correct[generator.integers(len(found.correct), size=len(found.correct))]
    if not len(found.trees):
        return Fitted(found.importance, found.trees, correct)
    count, _, factors = found.trees.shape
    drawn = generator.integers(count, size=(count, factors))
    importance = np.stack([found.trees[drawn[:, k], :, k].mean(axis=0) for k in range(factors)], axis=-1)
    return Fitted(importance, found.trees, correct)


def scores(found: Fitted) -> dict[str, float]:
    """The three values, each in [0, 1]."""
    return {
        "disentanglement": disentanglement(found.importance),
        "completeness": completeness(found.importance),
        "informativeness": float(found.correct.mean()),
    }


def disentanglement(importance: np.ndarray) -> float:
    """Whether a code serves one factor, in [0, 1], from importances [D, K] at least 0 (Eastwood and Williams, Sec. 2).

    >>> disentanglement(np.eye(3)), round(disentanglement(np.ones((3, 3))), 9), disentanglement(np.zeros((3, 3)))
    (1.0, 0.0, 0.0)
    """
    mass = importance.sum(axis=1, keepdims=True)
    if not mass.any():
        return 0.0
    if importance.shape[1] == 1:
        return 1.0
    shares = importance / np.where(mass > 0, mass, 1.0)
    entropy = -xlogy(shares, shares).sum(axis=1) / np.log(importance.shape[1])
    return float(np.clip(((1 - entropy) * mass[:, 0]).sum() / mass.sum(), 0.0, 1.0))


def completeness(importance: np.ndarray) -> float:
    """Whether a factor is served by one code, in [0, 1], from importances [D, K] at least 0.

    >>> round(completeness(np.vstack([np.eye(5), np.eye(5)])), 3)
    0.699
    """
    return disentanglement(importance.T)
