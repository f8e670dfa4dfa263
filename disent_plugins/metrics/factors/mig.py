"""MIG, the mutual information gap: does one code know each factor, and no other code (Chen et al. 2018, Eq. 6).

    MIG = 1/K sum_k (R[j(k), k] - max_(j != j(k)) R[j, k]),    j(k) = argmax_j R[j, k]

where R[j, k] is the share of the entropy of factor k that code j knows: I(z_j; v_k) / H(v_k), free of chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from disent_plugins.about import About, Expect
from disent_plugins.contracts import Result, Subject
from disent_plugins.metrics.factors.information import BINS, Binning, Bins, bins_for, knowledge
from disent_plugins.metrics.factors.references import Says, best_code, scored
from disent_plugins.metrics.factors.sample import CeilingOptions, Sample, code_names, one_sample
from disent_plugins.metrics.pictures.canvas import save_arrays
from disent_plugins.metrics.pictures.heatmap import heatmap
from disent_plugins.options import option


@dataclass(frozen=True)
class MigConfig(CeilingOptions):
    """Options of MIG."""

    bins: int = option(
        0, "Bins of every code; 0: 20, or the values of the largest factor, as rows allow.", low=0, high=10_000
    )
    binning: Binning = option("quantile", "Bins of equal numbers of rows, or of equal width.")
    adjust: bool = option(True, "Take off the information that permuted factors would have.")


_PERFECT = ("identity", "permuted", "dead-code", "outlier", "many-valued", "many-valued-5", "extra-noise")


class Mig:
    """The metric ``mig``."""

    Config = MigConfig
    presets: Mapping[str, Mapping[str, object]] = {"dlib": {"bins": BINS, "binning": "width", "adjust": False}}
    about = About(
        definition="""For every factor the best code's share of the factor's entropy, less the second-best code's;
the mean over factors:

    MIG = 1/K sum_k (R[j(k), k] - max_(j != j(k)) R[j, k]),   j(k) = argmax_j R[j, k]
    R[j, k] = max(0, I(z_j; v_k) - E) / (H(v_k) - E)

I is the plug-in mutual information of the binned code with the factor and E its expectation under permuted factors,
exact or within 1e-4 of itself (with `adjust=false`, E is 0). Codes are cut into bins of equal numbers of rows, 20 or as
many as the largest factor has values, but of five rows or more; equal values stay together, and codes that take no more
values than that keep them, if they have two rows or more each. With one code, the second-best knows nothing.
Source: Chen et al. 2018, Isolating Sources of Disentanglement in VAEs, Eq. 6. The adjustment is that of Vinh et al.
2010, normalised by the factor's entropy. `dlib` is the setting of Locatello et al. 2019: 20 bins of equal width, no
adjustment.""",
        range="0 to 1; 1 is best: every factor is known by one code entirely, and by no other code at all.",
        floor="Median over permutations of the factors; close to 0, as the bias cancels in the gap.",
        ceiling="The factors themselves as codes; below 1 where factors depend on each other in these rows. Where no "
        "code has ties, the factors without ties: bins of equal numbers of rows straddle the borders between values, "
        "so that no such code scores 1; the best has 0.92 for 8 values (`ceiling=factors` asks for the factors).",
        cost="Grows with N x codes x factors. 10 codes, 6 factors, 10,000 rows: about 0.015 s for the score, 2 s with "
        "floor and interval, one thread.",
        distrust="Two codes that share one factor, such as sine and cosine of an angle, score 0 like noise. The "
        "`dlib` setting is capped where factors have more values than bins (0.82 for a perfect code on 4, 24 and 183 "
        "values) and 0 where one outlier stretches the bins.",
        expects=(
            *(
                Expect(case, "mig", 0.97, 1.0, "one code per factor: I = H, the others independent")
                for case in _PERFECT
            ),
            Expect("duplicated", "mig", 0.0, 0.001, "the second-best code is as good as the best"),
            Expect("rotated", "mig", 0.0, 0.3, "every code mixes all factors"),
            Expect("constant-factor", "mig", 0.97, 1.0, "the constant factor is left out"),
            Expect("one-code", "mig", 1 / 6 - 0.01, 1 / 6 + 0.01, "one factor of six is known"),
            Expect(
                "continuous", "mig", 0.97, 1.03, "invertible, so as good as continuous codes can be", normalised=True
            ),
            Expect("noise", "mig", -0.03, 0.03, "independent codes", normalised=True),
            Expect("channels", "mig", 0.598, 0.628, "I/H of a symmetric channel: 0.613"),
            Expect("gaussian", "mig", 0.456, 0.496, "I/H of binary inputs in Gaussian noise, by quadrature: 0.476"),
            Expect("bits", "mig", 0.573, 0.593, "gaps of 1/2, 1/3, 1/2 and 1 of the bits: 7/12"),
            Expect("tangled", "mig", 0.0, 0.01, "every factor is in two codes"),
            Expect("one-known", "mig", 0.323, 0.343, "one factor of three is known"),
            Expect("few-rows", "mig", 0.97, 1.0, "without chance, which alone would tell half of the entropy"),
        ),
    )

    def __init__(self, config: MigConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Measure the gap, and draw what every code knows of every factor.

        Raises:
            UsageError: See ``sample.one_sample``.
        """
        config = self.config
        sample = one_sample(subject, config)
        bins = bins_for(sample.factors, config.bins)
        how = f"plug-in, {bins.count} {config.binning} bins, {'chance taken off' if config.adjust else 'chance kept'}"

        def score(of: Sample, seed: int) -> dict[str, float]:
            # The same bins for every resample, even one that misses the largest value.
            return {"mig": mig(of.codes, of.factors, bins=bins, binning=config.binning, adjust=config.adjust)}

        says = {"mig": Says("share of entropy", how)}
        best = best_code(sample, config, subject.seed)
        result = scored("mig", subject, config, sample, score, says, best=best, recorded={"used_bins": bins.count})
        known = knowledge(sample.codes, sample.factors, bins=bins, binning=config.binning, adjust=config.adjust)
        artifacts = {
            "mutual-information": heatmap(
                subject.out / "mutual-information.png", known.share, code_names(subject), sample.names,
                title=f"Mutual information: {subject.name}", row_title="codes", column_title="factors",
                words="Share of each factor's entropy that each code knows. A disentangled code has one dark square "
                "in every column, and at most one in every row.",
            ),
            "mutual-information-arrays": save_arrays(
                subject.out / "mutual-information.npz", nats=known.information, share=known.share,
                significant=known.significant, factors=np.array(sample.names),
            ),
        }  # fmt: skip
        return replace(result, artifacts=artifacts)


def mig(
    codes: np.ndarray, factors: np.ndarray, *, bins: int | Bins = 0, binning: Binning = "quantile", adjust: bool = True
) -> float:
    """The mutual information gap, in [0, 1].

    Args:
        codes: [N, D] finite. With D = 1 the second-best code is one that knows nothing.
        factors: [N, K] int64, each coded 0..size-1.
        bins: As in ``MigConfig``.
        binning: As in ``MigConfig``.
        adjust: As in ``MigConfig``.

    >>> v = np.stack(np.divmod(np.arange(64), 8), axis=1)
    >>> mig(v.astype(float), v), mig(np.hstack([v, v]).astype(float), v)
    (1.0, 0.0)
    """
    return gap(knowledge(codes, factors, bins=bins, binning=binning, adjust=adjust).share)


def gap(share: np.ndarray) -> float:
    """Mean over factors of the best share less the second best; ``share`` is [D, K] in [0, 1].

    >>> gap(np.array([[0.9, 0.2], [0.4, 0.7]]))
    0.5
    """
    best = np.sort(np.vstack([np.zeros_like(share[:1]), share]), axis=0)
    return float((best[-1] - best[-2]).mean())
