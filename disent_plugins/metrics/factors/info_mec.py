"""InfoM, InfoE and InfoC: modularity, explicitness and compactness in one currency (Hsu et al. 2023, section 4).

    InfoM = (sum_j max_k R[j, k] / sum_jk R[j, k] - 1/K) / (1 - 1/K)      over the D codes that know something
    InfoC = mean_k (max_j R[j, k] / sum_j R[j, k] - 1/D) / (1 - 1/D)      over the K factors
    InfoE = mean_k 1 - L_k / H_k    L_k log-loss of a linear classifier, H_k that of a constant, on held-out rows

where R[j, k] is the share of the entropy of factor k that code j knows, free of chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from disent_plugins.about import About, Expect
from disent_plugins.contracts import Result, Subject, Value
from disent_plugins.metrics.factors.information import Binning, Bins, bins_for, knowledge
from disent_plugins.metrics.factors.references import Says, factor_result, referenced
from disent_plugins.metrics.factors.sample import FactorOptions, Sample, fitted_sample, need_two, one_sample
from disent_plugins.options import option

RIDGE = 1e-6
"""Added to the within-class variance of codes of unit variance, so that codes without any have a defined answer."""


@dataclass(frozen=True)
class InfoMecConfig(FactorOptions):
    """Options of InfoMEC."""

    bins: int = option(
        0, "Bins of every code; 0: 20, or the values of the largest factor, as rows allow.", low=0, high=10_000
    )
    binning: Binning = option("quantile", "Bins of equal numbers of rows, or of equal width.")
    test_samples: int = option(5000, "Most rows to judge explicitness on.", low=10)


_M, _E, _C = "info-mec/modularity", "info-mec/explicitness", "info-mec/compactness"
_PERFECT = ("identity", "permuted", "dead-code", "outlier", "many-valued", "many-valued-5", "extra-noise")


class InfoMec:
    """The metric ``info-mec``."""

    Config = InfoMecConfig
    about = About(
        definition="""Three numbers, to be read together. With R[j, k] the share of the entropy of factor k that code j
knows, D the codes that know something and K the factors:

    InfoM = (sum_j max_k R[j, k] / sum_jk R[j, k] - 1/K) / (1 - 1/K)     does a code know one factor only?
    InfoC = mean_k (max_j R[j, k] / sum_j R[j, k] - 1/D) / (1 - 1/D)     is a factor known by one code only?
    InfoE = mean_k max(0, 1 - L_k / H_k)                                 can a linear classifier read it?
    R[j, k] = (I(z_j; v_k) - E) / (H(v_k) - E)

I is plug-in mutual information on bins of equal numbers of rows (20 or as many as the largest factor has values, but of
five rows or more; codes of few values keep them), E its expectation under permuted factors. A code or a factor with a
pair that a likelihood-ratio test finds significant, at level 0.001 for all pairs together, is known; all shares of such
codes count, those below 0 too, as chance has it both ways. InfoM is the mean over codes, weighted by what they know. A
code that knows nothing is left out of both, a factor that no code knows counts 0 in InfoC; with one factor, or one
code, there is nothing to mix and what is known counts 1.
InfoM and InfoC are those of all rows, or of the test split where one was given.
L_k is the log-loss, on rows it was not fitted on, of a linear discriminant: Gaussian classes of one covariance, in
closed form, on codes cut at one 5 to 95 % span from their median; H_k is that of the class frequencies.
Source: Hsu et al. 2023, Disentanglement via Latent Quantization. Theirs differs: nearest-neighbour information, codes
pruned by spread and all of one weight, logistic regression judged on its training rows, balanced classes. There, noise
scores M 0.58 and C 0.65.""",
        range="0 to 1 each; 1 is best.",
        floor="Median over permutations of the factors; 0, as nothing is significant then.",
        ceiling="The factors themselves as codes; an invertible continuous code reaches it in InfoM and InfoC too.",
        cost="Grows with N x codes x factors, and with the values of factors. 10 codes, 6 factors, 10,000 rows to fit "
        "and 5,000 to judge: about 0.04 s for the score, 5 s with floor and interval, one thread.",
        distrust="InfoM and InfoC speak of the codes that know something: where InfoE is near 0 they mean little, "
        "and both are 0 where the rows are too few to show that anything is known, 50 to 200 rows for codes with some "
        "noise. What is known ever so little counts from the number of rows on that shows it: a code in InfoM "
        "by its little weight, a factor in InfoC, whose mean is over factors, as one more factor. "
        "InfoE is low for codes that tell a factor in no linear way, such as an angle whose code jumps from its last "
        "value to its first in the middle of the range, and suffers where classes are far from Gaussian. Intervals "
        "come from half-samples of the rows to judge, what is significant found anew in each; they are too wide, up to "
        "several times, where half of the rows are too few to show a share that all of them show. That of InfoE holds "
        "the rows to fit on fixed, and is too narrow where they are few: 0.009 against 0.015 for 183 values "
        "and 1,000 rows.",
        expects=(
            *(Expect(case, name, 0.97, 1.0, "each code is one factor") for case in _PERFECT for name in (_M, _E, _C)),
            Expect("continuous", _M, 0.97, 1.0, "each code knows one factor"),
            Expect("continuous", _C, 0.97, 1.0, "each factor is known by one code"),
            Expect("duplicated", _M, 0.97, 1.0, "each code is one factor"),
            Expect("duplicated", _C, 0.44, 0.47, "(1/2 - 1/12) / (1 - 1/12) = 0.4545"),
            Expect("rotated", _E, 0.97, 1.0, "a rotation is linear"),
            Expect("rotated", _M, 0.0, 0.7, "published 0.366 with another estimator"),
            Expect("one-code", _M, 0.97, 1.0, "the only code knows one factor"),
            Expect("one-code", _C, 1 / 6 - 0.01, 1 / 6 + 0.01, "one factor of six is known"),
            *(Expect("noise", name, -0.03, 0.03, "independent codes", normalised=True) for name in (_M, _E, _C)),
            Expect("channels", _M, 0.97, 1.0, "each code is one factor, however noisy"),
            Expect("channels", _C, 0.97, 1.0, "each factor is in one code, however noisy"),
            Expect("gaussian", _E, 0.446, 0.506, "the linear discriminant is Bayes: I/H = 0.476"),
            Expect(
                "bits",
                _M,
                0.437,
                0.477,
                "largest of shares 1/2, 4/7, 9/13 and 1, from 1/4 on, weighted by what each "
                "code knows, 2, 7/6, 13/12 and 1/4: 0.457",
            ),
            Expect("bits", _C, 0.674, 0.714, "largest of shares 1, 2/3, 2/3 and 3/4, from 1/4 on: 0.694"),
            Expect("mixed", _M, 0.58, 0.62, "two of four codes hold two of six factors: (4 x 0.4 + 2 x 1) / 6"),
            Expect("mixed", _C, 0.97, 1.0, "each factor is in one code"),
            Expect("memorised", _E, 0.0, 0.03, "test rows say nothing: 0"),
        ),
    )

    def __init__(self, config: InfoMecConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Measure the three.

        Raises:
            UsageError: Only one factor varies, or see ``sample.one_sample`` and ``sample.fitted_sample``.
        """
        config = self.config
        # M and C fit nothing, so that where the split was made they have all rows: a test part may be too few to tell.
        whole, parted = one_sample(subject, config), fitted_sample(subject, config, config.test_samples)
        need_two(whole, "InfoMEC")
        bins = bins_for(whole.factors, config.bins)
        relevant = knowledge(whole.codes, whole.factors, bins=bins, binning=config.binning).significant

        def mixed(of: Sample, seed: int) -> dict[str, float]:
            return dict(zip((_M, _C), mixing(of.codes, of.factors, bins=bins, binning=config.binning), strict=True))

        def explicit(of: Sample, seed: int) -> dict[str, float]:
            return {_E: explicitness(of.codes, of.factors, of.test)}

        share = Says("share", f"plug-in, {bins.count} {config.binning} bins, chance taken off")
        linear = Says("share", "linear discriminant, log-loss")
        found: dict[str, Value] = {}
        for score, sample, says in ((mixed, whole, {_M: share, _C: share}), (explicit, parted, {_E: linear})):
            found |= referenced(
                score, sample, subject.seed, says, halves=True,
                permutations=config.permutations, bootstrap=config.bootstrap, report=subject.report,
            )  # fmt: skip
        values = {name: found[name] for name in (_M, _E, _C)}
        recorded = {
            "used_bins": bins.count, "informative_codes": int(relevant.any(axis=1).sum()), "n_mixing": len(whole.codes),
        }  # fmt: skip
        return factor_result("info-mec", subject, config, parted, values, recorded=recorded)


def mixing(
    codes: np.ndarray, factors: np.ndarray, *, bins: int | Bins = 0, binning: Binning = "quantile"
) -> tuple[float, float]:
    """InfoM and InfoC, each in [0, 1].

    Args:
        codes: [N, D] finite.
        factors: [N, K] int64, each coded 0..size-1.
        bins: As in ``InfoMecConfig``.
        binning: As in ``InfoMecConfig``.

    >>> v = np.stack(np.divmod(np.arange(640) % 64, 8), axis=1)
    >>> mixing(v.astype(float), v)
    (1.0, 1.0)
    """
    known = knowledge(codes, factors, bins=bins, binning=binning)
    told, tell = known.significant.any(axis=0), known.significant.any(axis=1)
    if not tell.any():
        return 0.0, 0.0
    # Of the codes that know something all shares count: to drop those that this few rows cannot show would make the
    # score fall as rows are added, and to drop those below 0 would leave the others' chance in the sum.
    share = known.signed[tell]
    modularity = concentration(share.max(axis=1).sum(), share.sum(), share.shape[1])
    compactness = concentration(share.max(axis=0), share.sum(axis=0), len(share))
    return float(modularity), float(np.where(told, compactness, 0.0).mean())


def concentration(top: np.ndarray, total: np.ndarray, parts: int) -> np.ndarray:
    """How far ``total`` rests on ``top``, the largest of its parts: 1 for all of it, 0 for even parts; top > 0.

    >>> concentration(np.array([1.0, 0.3]), np.array([1.0, 0.6]), 2)
    array([1., 0.])
    """
    if parts == 1:
        return np.ones_like(top)
    even = 1 / parts
    return np.maximum((top / np.maximum(total, top) - even) / (1 - even), 0.0)


def explicitness(codes: np.ndarray, factors: np.ndarray, test: np.ndarray) -> float:
    """InfoE, in [0, 1].

    Args:
        codes: [N, D] finite.
        factors: [N, K] int64, each coded 0..size-1.
        test: [N] bool, the rows to judge; the others are fitted on. Rows with a value that those lack are left out.

    >>> v = np.stack(np.divmod(np.arange(640) % 64, 8), axis=1)
    >>> bool(explicitness(v.astype(float), v, np.arange(640) >= 320) > 0.99)
    True
    """
    features = _standardised(codes, ~test)
    return float(np.mean([_explained(features, factor, test) for factor in factors.T]))


def _standardised(codes: np.ndarray, fit: np.ndarray) -> np.ndarray:
    """Codes that vary in the rows to fit on, outliers cut off, with mean 0 and variance 1 there."""
    low, middle, high = np.quantile(codes[fit], (0.05, 0.5, 0.95), axis=0)
    # Where nine rows in ten agree, the span says nothing of scale.
    span = np.where(high > low, high - low, np.ptp(codes[fit], axis=0))
    cut = np.clip(codes, middle - span, middle + span)
    cut = cut[:, np.ptp(cut[fit], axis=0) > 0]
    return (cut - cut[fit].mean(axis=0)) / cut[fit].std(axis=0)


def _explained(features: np.ndarray, factor: np.ndarray, test: np.ndarray) -> float:
    fit, counts = ~test, np.bincount(factor[~test], minlength=int(factor.max()) + 1)
    values, weights = np.flatnonzero(counts), counts[counts > 0] / fit.sum()
    judged = np.isin(factor, values) & test
    place = np.searchsorted(values, factor)
    constant = -np.log(weights[place[judged]]).mean() if judged.any() else 0.0
    if features.shape[1] == 0 or len(values) < 2 or constant == 0:
        return 0.0
    known, kind = features[fit], place[fit]
    sums = np.stack([np.bincount(kind, weights=column, minlength=len(values)) for column in known.T], axis=1)
    centres = sums / counts[values][:, None]
    within = known - centres[kind]
    spread = within.T @ within / len(known) + RIDGE * np.eye(features.shape[1])
    slopes = np.linalg.solve(spread, centres.T)
    logits = features[judged] @ slopes - 0.5 * (centres * slopes.T).sum(axis=1) + np.log(weights)
    likely = np.exp(logits - logits.max(axis=1, keepdims=True))
    likely /= likely.sum(axis=1, keepdims=True)
    # One guess in as many rows as it has seen is left to chance, which bounds what one outlier can cost.
    doubt = 1 / len(known)
    own = place[judged]
    given = (1 - doubt) * likely[np.arange(len(own)), own] + doubt * weights[own]
    return max(0.0, 1.0 + float(np.log(given).mean() / constant))
