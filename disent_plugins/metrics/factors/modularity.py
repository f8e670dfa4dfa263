"""Modularity: does every code that knows something know one factor only (Ridgeway and Mozer 2018, section 3).

    modularity = sum_j w_j m_j / sum_j w_j,    m_j = 1 - sum_(k != k(j)) R[j, k]^2 / (R[j, k(j)]^2 (K - 1))

where R[j, k] is the share of the entropy of factor k that code j knows and k(j) the factor it knows best.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from disent_plugins.about import About, Expect
from disent_plugins.contracts import Result, Subject
from disent_plugins.metrics.factors.information import BINS, Binning, Bins, bins_for, knowledge
from disent_plugins.metrics.factors.references import Says, scored
from disent_plugins.metrics.factors.sample import FactorOptions, Sample, need_two, one_sample
from disent_plugins.options import option


@dataclass(frozen=True)
class ModularityConfig(FactorOptions):
    """Options of modularity."""

    bins: int = option(
        0, "Bins of every code; 0: 20, or the values of the largest factor, as rows allow.", low=0, high=10_000
    )
    binning: Binning = option("quantile", "Bins of equal numbers of rows, or of equal width.")
    adjust: bool = option(
        True, "Use significant shares free of chance, codes weighted by their best; otherwise nats, codes alike."
    )


_PERFECT = ("identity", "duplicated", "permuted", "dead-code", "outlier", "many-valued", "many-valued-5", "extra-noise")


class Modularity:
    """The metric ``modularity``."""

    Config = ModularityConfig
    presets: Mapping[str, Mapping[str, object]] = {"dlib": {"bins": BINS, "binning": "width", "adjust": False}}
    about = About(
        definition="""For every code, how little it knows of other factors than the one it knows best; the mean over
codes, weighted by what they know best:

    modularity = sum_j w_j m_j / sum_j w_j,   w_j = max_k R[j, k]
    m_j = 1 - sum_(k != k(j)) R[j, k]^2 / (R[j, k(j)]^2 (K - 1)),   k(j) = argmax_k R[j, k]
    R[j, k] = max(0, I(z_j; v_k) - E) / (H(v_k) - E) where I is significant, otherwise 0

I is the plug-in mutual information of the binned code with the factor, E its expectation under permuted factors. It is
significant if a likelihood-ratio test says so at level 0.001, all pairs of code and factor counted as one family. Dead
codes and noise therefore weigh nothing, and codes that know nothing at all score 0. Codes are cut into bins of equal
numbers of rows, 20 or as many as the largest factor has values, but of five rows or more; codes of few values keep
them.
Source: Ridgeway and Mozer 2018, Learning Deep Disentangled Embeddings with the F-Statistic Loss. With `adjust=false`
R is I in nats, and all codes weigh the same, dead ones as 0; with 20 bins of equal width that is `dlib`, the setting
of Locatello et al. 2019.""",
        range="0 to 1; 1 is best: no code knows two factors. It does not ask whether every factor is known.",
        floor="Median over permutations of the factors: 0, as nothing is significant then. In the `dlib` setting "
        "it rises with factors of unequal sizes, since chance tells more of large ones: 0.27 for six factors of 8 "
        "values, 0.67 for sizes (3, 6, 40, 32, 32), 0.99 for (4, 24, 183), 10 Gaussian codes, 10,000 rows.",
        ceiling="The factors themselves as codes.",
        cost="Grows with N x codes x factors. 10 codes, 6 factors, 10,000 rows: about 0.015 s for the score, 2 s with "
        "floor and interval, one thread.",
        distrust="It hardly sees rotations (above 0.9 for a random one of 6 factors), since many small shares are "
        "small squares: read it beside `mig` or `dci`. One good code and nothing else scores 1. The interval comes "
        "from half-samples of the rows, what is significant found anew in each; it is too wide, up to several times, "
        "where half of the rows are too few to show a share that all of them show. In the `dlib` setting it is "
        "a bootstrap's.",
        expects=(
            *(Expect(case, "modularity", 0.97, 1.0, "every informative code knows one factor") for case in _PERFECT),
            Expect("one-code", "modularity", 0.97, 1.0, "the only code knows one factor"),
            Expect("constant-factor", "modularity", 0.97, 1.0, "the constant factor is left out"),
            Expect("rotated", "modularity", 0.5, 0.99, "published 0.936: it hardly sees rotations"),
            Expect("continuous", "modularity", 0.97, 1.0, "every code knows one factor"),
            Expect("noise", "modularity", -0.03, 0.03, "independent codes", normalised=True),
            Expect("bits", "modularity", 0.8, 0.82, "from shares 1 and 1, 1/2 and 2/3, 1/3 and 3/4, 1/4: 0.810"),
            Expect("mixed", "modularity", 0.89, 0.91, "two of four codes hold two of six factors: 1 - 1/5 / 2"),
            Expect("tangled", "modularity", 0.79, 0.81, "every code holds two of six factors: 1 - 1/5"),
            Expect("few-rows", "modularity", 0.97, 1.0, "chance is not significant"),
        ),
    )

    def __init__(self, config: ModularityConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Measure modularity.

        Raises:
            UsageError: Only one factor varies, or see ``sample.one_sample``.
        """
        config = self.config
        sample = one_sample(subject, config)
        need_two(sample, "Modularity")
        bins = bins_for(sample.factors, config.bins)
        relevant = knowledge(sample.codes, sample.factors, bins=bins, binning=config.binning).significant

        def score(of: Sample, seed: int) -> dict[str, float]:
            found = modularity(of.codes, of.factors, bins=bins, binning=config.binning, adjust=config.adjust)
            return {"modularity": found}

        how = f"{bins.count} {config.binning} bins, " + (
            "significant shares" if config.adjust else "plain nats, unweighted"
        )
        return scored(
            "modularity", subject, config, sample, score, {"modularity": Says("share", how)}, halves=config.adjust,
            recorded={"used_bins": bins.count, "informative_codes": int(relevant.any(axis=1).sum())},
        )  # fmt: skip


def modularity(
    codes: np.ndarray,
    factors: np.ndarray,
    *,
    bins: int | Bins = 0,
    binning: Binning = "quantile",
    adjust: bool = True,
) -> float:
    """Modularity, in [0, 1].

    Args:
        codes: [N, D] finite.
        factors: [N, K] int64, each coded 0..size-1, K >= 2.
        bins: As in ``ModularityConfig``.
        binning: As in ``ModularityConfig``.
        adjust: As in ``ModularityConfig``.

    >>> v = np.stack(np.divmod(np.arange(640) % 64, 8), axis=1)
    >>> modularity(v.astype(float), v), modularity(v.sum(axis=1, keepdims=True).astype(float), v)
    (1.0, 0.0)
    """
    known = knowledge(codes, factors, bins=bins, binning=binning, adjust=adjust)
    if not adjust:
        return float(modularities(known.information).mean())
    share = np.where(known.significant, known.share, 0.0)
    weights = share.max(axis=1)
    return float(weights @ modularities(share) / weights.sum()) if weights.any() else 0.0


def modularities(matrix: np.ndarray) -> np.ndarray:
    """m_j of every row of ``matrix`` [D, K], at least 0, K >= 2; a row of zeros gives 0.

    >>> modularities(np.array([[1.0, 0.0, 0.0], [1.0, 0.5, 0.5], [0.0, 0.0, 0.0]]))
    array([1.  , 0.75, 0.  ])
    """
    best = matrix.max(axis=1)
    rest = (matrix**2).sum(axis=1) - best**2
    spread = rest / np.where(best > 0, best**2 * (matrix.shape[1] - 1), 1.0)
    return np.where(best > 0, 1.0 - spread, 0.0)
