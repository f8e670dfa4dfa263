"""IRS, interventional robustness: does a code stay where it is while all factors but one change (Suter et al. 2019).

m_jk = mean over values v of factor k of  quantile_q(|z_j - mean(z_j | v)| : rows with v)
M_j  = max |z_j - mean(z_j)|
IRS  = sum_j M_j max_k (1 - m_jk / M_j) / sum_j M_j
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from disent_plugins.about import About, Expect
from disent_plugins.contracts import Result, Subject
from disent_plugins.metrics.factors.references import Says, best_code, scored
from disent_plugins.metrics.factors.sample import CeilingOptions, Sample, one_sample
from disent_plugins.metrics.factors.scale import Scale, scaled
from disent_plugins.options import option


@dataclass(frozen=True)
class IrsConfig(CeilingOptions):
    """Options of IRS."""

    quantile: float = option(0.99, "Quantile of the deviations; 1 is the largest, as in the paper.", above=0, high=1)
    scale: Literal["rank", "raw"] = option("rank", "Codes as ranks, or as they are.")


class Irs:
    """The metric ``irs``."""

    Config = IrsConfig
    presets: Mapping[str, Mapping[str, object]] = {"dlib": {"quantile": 0.99, "scale": "raw"}}
    about = About(
        definition="""`IRS = sum_j M_j max_k (1 - m_jk / M_j) / sum_j M_j` (Suter et al. 2019, section 4), where
`M_j = max |z_j - mean(z_j)|` and `m_jk` is the mean, over the values of factor k, of the 0.99 quantile of the deviation
of `z_j` from its mean among the rows with that value. The paper's form takes the largest deviation (`quantile=1`).
Codes are replaced by their ranks, so that neither scale nor one outlier, which would set `M_j`, matters; codes with
one value in more than 99.9 % of the rows are left out. Factors are never merged into bins. Values of a single row
deviate by 0 from their own mean and are left out. A factor without two rows that agree tells nothing (0).
Preset `dlib`: raw codes; factors of up to 20 values score as there, larger ones were merged into 20 bins there.""",
        range="0 to 1, 1 is best; chance is far above 0 where values have few rows, so read it with its floor only.",
        floor="Median score over permutations of the factors' rows. Small groups look robust: noise on Cars3D's "
        "factors scored 0.89, 0.63 and 0.40 with 200, 1,000 and 10,000 raw codes in a published suite.",
        ceiling="The score of the factors themselves as codes, on the same rows; of codes without ties, that of the "
        "factors without ties, 0.88 for values in eighths (`ceiling=factors` asks for the factors).",
        cost="Linear in rows x codes x factors; 0.04 s a score with 10,000 rows, 10 codes and factors of 4, 24 and 183 "
        "values, one thread; an interval costs 100 scores.",
        distrust="Without its floor, or on groups of a few rows: five deviations hardly show a 0.99 quantile. "
        "Noise codes beside good ones pull it down, repeated codes cost nothing. Rotated codes are penalised.",
        expects=(
            Expect("identity", "irs", 0.97, 1.0, "no deviation within a value of the code's factor"),
            Expect("permuted", "irs", 0.97, 1.0, "ranks; order and sign do not matter"),
            Expect("duplicated", "irs", 0.97, 1.0, "every copy is robust"),
            Expect("dead-code", "irs", 0.97, 1.0, "a constant code is left out"),
            Expect("outlier", "irs", 0.97, 1.0, "ranks bound what one row does"),
            Expect("many-valued", "irs", 0.97, 1.0, "no bins"),
            Expect("many-valued-5", "irs", 0.97, 1.0, "no bins"),
            Expect("constant-factor", "irs", 0.97, 1.0, "a factor with one value is left out"),
            Expect("one-code", "irs", 0.97, 1.0, "the mean is over codes, not factors"),
            Expect("rotated", "irs", 0.0, 0.3, "every code moves with every factor"),
            Expect("continuous", "irs", 0.97, 1.03, "invertible, so as good as such codes can be", normalised=True),
            Expect("noise", "irs", -0.03, 0.03, "deviations independent of the factors", normalised=True),
            Expect("one-known", "irs", 0.235, 0.265, "one code of four is robust, noise moves as far as it can: 1/4"),
        ),
    )  # fmt: skip

    def __init__(self, config: IrsConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Measure the robustness.

        Raises:
            UsageError: See ``sample.one_sample``.
        """
        config = self.config
        sample = one_sample(subject, config)

        def score(of: Sample, seed: int) -> dict[str, float]:
            return {"irs": irs(of.codes, of.factors, quantile=config.quantile, scale=config.scale)}

        how = f"{config.quantile:g} quantile of deviations, {config.scale} codes"
        note = "Read IRS with its floor: noise scores well above 0 where values have few rows."
        says = {"irs": Says("share of the largest deviation", how)}
        return scored(
            "irs", subject, config, sample, score, says, best=best_code(sample, config, subject.seed), notes=[note]
        )


def irs(codes: np.ndarray, factors: np.ndarray, *, quantile: float = 0.99, scale: Scale = "rank") -> float:
    """The interventional robustness score, in [0, 1]; 0 if no code varies.

    Args:
        codes: [N, D] finite.
        factors: [N, K] int64.
        quantile: In (0, 1].
        scale: As in ``IrsConfig``.

    >>> v = np.stack(np.divmod(np.arange(64), 8), axis=1)
    >>> irs(v.astype(float), v)
    1.0
    """
    codes = scaled(codes, scale)
    if not codes.shape[1]:
        return 0.0
    largest = np.abs(codes - codes.mean(axis=0)).max(axis=0)
    spreads = np.stack([spread(codes, column, quantile) for column in factors.T], axis=1)
    # Within a group the mean is another, so that a deviation can exceed the largest one from the common mean.
    robust = np.maximum(1 - spreads / largest[:, None], 0.0)
    return float(np.average(robust.max(axis=1), weights=largest))


def spread(codes: np.ndarray, column: np.ndarray, quantile: float) -> np.ndarray:
    """Mean, over the values that two rows or more have, of the quantile of deviations from the value's mean, [D].

    Infinite if there is no such value.

    >>> spread(np.array([[0.0], [2.0], [5.0], [9.0]]), np.array([0, 0, 1, 2]), 1.0)
    array([1.])
    """
    order = np.argsort(column, kind="stable")
    groups = np.split(codes[order], np.flatnonzero(np.diff(column[order])) + 1)
    found = [np.quantile(_deviations(group), quantile, axis=0) for group in groups if len(group) > 1]
    return np.mean(found, axis=0) if found else np.full(codes.shape[1], np.inf)


def _deviations(group: np.ndarray) -> np.ndarray:
    # From the first row on, so that equal values deviate by exactly 0.
    moved = group - group[0]
    return np.abs(moved - moved.mean(axis=0))
