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
from sklearn.ensemble import GradientBoostingClassifier

from disent_plugins.about import About, Expect
from disent_plugins.contracts import Result, Subject
from disent_plugins.metrics.factors.forest import halves, judged
from disent_plugins.metrics.factors.importances import Evidence, completeness, disentanglement, resample
from disent_plugins.metrics.factors.references import Says, factor_result, value_of
from disent_plugins.metrics.factors.sample import FactorOptions, Sample, code_names, fitted_sample, sample_of
from disent_plugins.metrics.factors.variants import ideal, permuted
from disent_plugins.metrics.pictures.canvas import save_arrays
from disent_plugins.metrics.pictures.heatmap import heatmap
from disent_plugins.metrics.statistics.cores import cores, jobs_option
from disent_plugins.metrics.statistics.quiet import quiet
from disent_plugins.metrics.statistics.seeds import derived, stream
from disent_plugins.options import option

Backend = Literal["forest", "gradient_boosting"]


@dataclass(frozen=True)
class DciConfig(FactorOptions):
    """Options of DCI."""

    permutations: int = option(
        1, "Permutations of the factors that the floor is the mean of; each fits anew.", low=1, high=10_000
    )
    backend: Backend = option("forest", "Classifier of every factor. Values of different backends do not compare.")
    trees: int = option(10, "Trees of a forest, or stages of gradient boosting.", low=2, high=10_000)
    test_samples: int = option(5000, "Most rows to test on.", low=10)
    jobs: int = jobs_option()


@dataclass(frozen=True)
class Fitted:
    """What the classifiers of K factors found.

    Attributes:
        importance: [D, K] at least 0; a column sums to 1, or to 0 where no code was of use.
        correct: [N, K] bool, whether a test row's factor was told.
        evidence: What the importances of forests are made of; None for gradient boosting, whose trees are not alike.
    """

    importance: np.ndarray
    correct: np.ndarray
    evidence: Evidence | None = None


_PERFECT = ("identity", "permuted", "dead-code", "outlier", "many-valued", "many-valued-5", "constant-factor")
_NAMES = ("disentanglement", "completeness", "informativeness")


class Dci:
    """The metric ``dci``."""

    Config = DciConfig
    presets: Mapping[str, Mapping[str, object]] = {"dlib": {"backend": "gradient_boosting", "trees": 100}}
    about = About(
        definition="""A classifier per factor, fitted on the training rows, gives the importance R[j, k] of code j to
factor k (each factor's importances sum to 1):

    disentanglement D = sum_j w[j] (1 - H_K(R[j, .])),   w[j] = sum_k R[j, k] / sum R
    completeness    C = sum_k w[k] (1 - H_D(R[., k])),   w[k] = sum_j R[j, k] / sum R
    informativeness I = mean over factors of the accuracy on test rows

H_K is the entropy, to base K, of a row divided by its sum: D asks whether a code serves one factor, C whether a factor
is served by one code. The default is a forest of 10 trees a factor, each grown by entropy on half of the training rows
(3,000 at most), every code tried at every split. Steps down a tree are shrunk as far as the rows it left out ask for
(hierarchical shrinkage, Agarwal et al. 2022), and R is measured on the test rows: what the splits on a code add to the
probability of the true value beyond what they add to that of a value drawn at random (MDI-oob, Li et al. 2019). So
splits on noise are worth nothing. Of each gain counts what is beyond doubt; the rest is shared by all codes that vary,
and so is a factor that no code tells. All importances 0 give D = C = 0.
Source: Eastwood and Williams 2018, A Framework for the Quantitative Evaluation of Disentangled Representations.
`dlib` is the setting of Locatello et al. 2019: gradient boosting of 100 stages of depth 3, impurity importances of the
training rows, their absolute values.""",
        range="0 to 1 each; 1 is best. C depends on the number of codes through the base of its entropy.",
        floor="The same fits to permuted factors. All codes share what no code tells, so D and C are 0 or close to it; "
        "I is close to the share of a factor's most frequent value.",
        ceiling="The factors themselves as codes, fitted and tested on the same rows.",
        cost="Grows with trees x codes x factors. 10 linear codes, 6 factors of 8, 10,000 and 5,000 rows: one score "
        "3.0 s with one thread; the floor takes twice that, as noise grows deep trees.",
        distrust="Backends differ: compare only values of the same one. `dlib` reads noisy codes too low, since its "
        "importances count splits on noise. Trees cut along axes, so I is low for rotated codes that a linear probe "
        "reads perfectly. A factor that no code tells, or that few rows tell weakly, counts wholly or in part as told "
        "by all codes alike: D and C fall with it, and rise with more rows. So D of a code that is alone is 0. The "
        "forest's intervals resample test rows and trees together, each tree standing for other training rows. In "
        "simulation (450 and 3,000 rows of noisy, mixed and duplicated codes) they hold the mean over samples in .90 "
        "to 1.00 of the cases and are about twice as wide as need be, nine times for C of duplicated codes; D of those "
        "(.998) is held in .84 only. "
        "Gradient boosting has an interval for I alone, over test rows.",
        expects=(
            *(Expect(case, name, 0.97, 1.0, "one code of use to every factor") for case in _PERFECT for name in _NAMES),
            Expect("duplicated", "disentanglement", 0.97, 1.0, "every code serves one factor"),
            Expect("duplicated", "completeness", 0.69, 0.76, "two of twelve codes share a factor: 1 - ln 2/ln 12"),
            *(
                Expect(case, name, 0.95, 1.0, "every code serves one factor, as far as it knows it")
                for case in ("noisy-0.9", "noisy-0.5", "noisy-0.3-of-20")
                for name in _NAMES[:2]
            ),
            Expect("noisy-0.9", "informativeness", 0.8825, 0.9425, "Bayes accuracy .9 + .1/8, within .03"),
            Expect("noisy-0.5", "informativeness", 0.5325, 0.5925, "Bayes accuracy .5 + .5/8, within .03"),
            Expect("noisy-0.3-of-20", "informativeness", 0.305, 0.365, "Bayes accuracy .3 + .7/20, within .03"),
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
        draws = [redrawn(found, stream(seed, "bootstrap", str(i))) for i in range(config.bootstrap)]
        own, top = scores(found), scores(best)
        forest = config.backend == "forest"
        how = f"{config.backend}, {config.trees} {'trees' if forest else 'stages'}"
        rows = "; interval over test rows"
        over = f"{rows} and trees" if forest else ""
        says = dict.fromkeys(_NAMES[:2], Says("1 - entropy", f"{how}{over}"))
        says["informativeness"] = Says("accuracy", f"{how}{over or rows}")
        values = {
            name: value_of(
                says[name], own[name], [floor[name] for floor in floors], top[name],
                [draw[name] for draw in draws if name in draw], int(sample.test.sum()),
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
    >>> round(dci(v, v, v, v)["disentanglement"], 2)
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
    seeds = [derived(seed, str(k)) for k in range(len(sample.names))]
    parallel = Parallel(n_jobs=cores(jobs), prefer="threads")
    with quiet():
        if backend == "gradient_boosting":
            boosted = parallel(delayed(_boosted)(sample, k, own % 2**32, trees) for k, own in enumerate(seeds))
            importance, correct = (np.stack(columns, axis=-1) for columns in zip(*boosted, strict=True))
            return Fitted(importance, correct)
        (fit,), (test,) = np.nonzero(~sample.test), np.nonzero(sample.test)
        grown_on = halves(len(fit), trees, seed)
        forests = parallel(
            delayed(judged)(sample.codes[fit], v[fit], sample.codes[test], v[test], grown_on, own)
            for v, own in zip(sample.factors.T, seeds, strict=True)
        )
    evidence = Evidence(
        gains=np.stack([forest.gains for forest in forests], axis=-1),
        tree_gains=np.stack([forest.tree_gains for forest in forests], axis=-1),
        tree_accuracy=np.stack([forest.tree_accuracy for forest in forests], axis=-1),
        varying=np.ptp(sample.codes[fit], axis=0) > 0,
        share=float(grown_on[0].mean()),
    )
    return Fitted(evidence.importance(), np.stack([forest.correct for forest in forests], axis=-1), evidence)


def _boosted(sample: Sample, k: int, seed: int, stages: int) -> tuple[np.ndarray, np.ndarray]:
    """Importances [D] as the study takes them, their absolute values: some are -1e-17; and what was told, [N] bool."""
    train, test = ~sample.test, sample.test
    x, y = sample.codes[train], sample.factors[train, k]
    if len(np.unique(y)) == 1:  # one value to fit on: it is told without any code
        return np.zeros(x.shape[1]), sample.factors[test, k] == y[0]
    boosted = GradientBoostingClassifier(n_estimators=stages, random_state=seed).fit(x, y)
    return np.abs(boosted.feature_importances_), boosted.predict(sample.codes[test]) == sample.factors[test, k]


def redrawn(found: Fitted, generator: np.random.Generator) -> dict[str, float]:
    """Scores of other test rows and other trees; without trees, of the accuracy alone."""
    rows = resample(len(found.correct), generator)
    accuracy = float(found.correct.mean() + rows @ found.correct.mean(axis=1))
    if found.evidence is None:
        return {"informativeness": accuracy}
    trees = found.evidence.other_rows_to_fit_on(generator)
    importance = found.evidence.importance(rows, trees)
    return {
        "disentanglement": disentanglement(importance),
        "completeness": completeness(importance),
        "informativeness": accuracy + float(trees @ found.evidence.tree_accuracy.mean(axis=1)),
    }


def scores(found: Fitted) -> dict[str, float]:
    """The three values, each in [0, 1]."""
    return {
        "disentanglement": disentanglement(found.importance),
        "completeness": completeness(found.importance),
        "informativeness": float(found.correct.mean()),
    }
