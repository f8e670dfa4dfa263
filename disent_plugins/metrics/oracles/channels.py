"""Oracles between the ends: codes that tell known shares of the factors, so that every score follows in closed form.

A metric that squares its score, divides by another entropy or forgets chance is right where codes tell all or nothing;
it is found out here. H(q) is an entropy, Phi the normal distribution function.

    channels    a symmetric channel: right with q = 0.8 + 0.2 / 8, else one of the 7 others, each as likely.
                I/H = 1 - H(q, (1 - q)/7, ...) / log 8 = 0.613, Bayes accuracy q, of that above chance 0.8
    gaussian    binary factors in noise of half the distance of their codes: I by quadrature,
                AUC = Phi(2 / sqrt 2) whatever the priors, Bayes accuracy = Phi(1) for equal ones
    bits        codes made of bits of factors: I is the number of shared bits, with b of B bits known a guess is right
                in 2^b of 2^B cases
"""

from __future__ import annotations

from functools import partial

import numpy as np

from disent_plugins.metrics.oracles.case import (
    FACTOR_ROWS,
    Case,
    Draw,
    Make,
    factor_codes,
    factor_table,
    split_of,
)

KEPT = 0.8
"""Of ``channels``: the share of rows whose code is the factor; the others' code is any value, each as likely."""

PRIORS, DEVIATION = (0.5, 0.3, 0.2), 0.5
"""Of ``gaussian``: shares of the value 1 of each factor, and the deviation of a code from it."""

BITS = (1, 2, 3, 4)
SHARED = np.array([[1, 2, 0, 0], [0, 1, 2, 0], [0, 0, 1, 3], [0, 0, 0, 1]])
"""Of ``bits``: the bits that each factor has, and [D, K] how many of them, the highest, each code holds."""

FAINT = (0.005, 0.02, 0.5, 0.0085, 0.0115)
"""Of ``faint``: the variances of the codes, the first three those of the content."""


def _channels(kept: float, factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The factor in a share ``kept`` of the rows, any value in the others; Bayes accuracy kept + (1 - kept) / V."""
    lost = generator.uniform(size=factors.shape) >= kept
    return np.where(lost, generator.integers(factors.max() + 1, size=factors.shape), factors)


def _skewed(n: int, generator: np.random.Generator) -> np.ndarray:
    return (generator.uniform(size=(n, len(PRIORS))) < PRIORS).astype(np.int64)


def _gaussian(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return np.asarray(factors + DEVIATION * generator.normal(size=factors.shape))


def _bits(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    codes = np.zeros((len(factors), len(SHARED)), dtype=np.int64)
    for k, bits in enumerate(BITS):
        codes = (codes << SHARED[:, k]) + (factors[:, k, None] >> (bits - SHARED[:, k]))
    return codes


def _mixed(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    a, b, c, d, e, f = factors.T
    return np.stack([4 * a + b, 4 * c + d, e, f], axis=1)


def _tangled(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    pairs = 4 * factors[:, ::2] + factors[:, 1::2]
    return np.hstack([pairs, pairs])


def _one_known(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return np.hstack([factors[:, :1], generator.integers(factors.max() + 1, size=(len(factors), 3))])


def _as_they_are(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return factors


def _memorised(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return factors[elsewhere(len(factors), generator)]


def _faint(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return np.asarray(generator.normal(size=(len(factors), len(FAINT))) * np.sqrt(FAINT))


def elsewhere(n: int, generator: np.random.Generator) -> np.ndarray:
    """[n] rows: training rows stay, and every test row gives way to another test row at random."""
    rows = np.arange(n)
    test = rows[split_of(n) > 0]
    rows[test] = generator.permutation(test)
    return rows


_BETWEEN = "a score that is right only where codes tell all or nothing"
_SPLITS = "trees split on noise, so that codes which know little, but of one factor each, seem mixed"
_MANY: tuple[tuple[str, Make, Draw, int, str, str], ...] = (
    ("channels", partial(_channels, KEPT), partial(factor_table, (8, 8, 8)), FACTOR_ROWS,
     "Every code is its factor in 80 % of the rows and any value in the others; three factors of eight values.",
     _BETWEEN + "; trees that split on noise"),
    *((f"noisy-{kept}", partial(_channels, kept), partial(factor_table, (8,) * 6), FACTOR_ROWS,
       f"Every code is its factor in {kept:.0%} of the rows and any value in the others; six factors of eight values.",
       _SPLITS) for kept in (0.9, 0.5)),
    ("noisy-0.3-of-20", partial(_channels, 0.3), partial(factor_table, (20,) * 3), FACTOR_ROWS,
     "Every code is its factor in 30 % of the rows and any value in the others; three factors of twenty values.",
     _SPLITS),
    ("gaussian", _gaussian, _skewed, FACTOR_ROWS,
     "Every code is its factor and Gaussian noise of deviation 1/2; three factors, 1 in 50, 30 and 20 % of the rows.",
     _BETWEEN + "; accuracy and area under the curve differ, and entropies from logarithms of sizes"),
    ("bits", _bits, partial(factor_table, tuple(1 << bits for bits in BITS)), 6_000,
     "Codes of some bits of one or two factors; four factors of 1, 2, 3 and 4 bits.",
     _BETWEEN + "; entropies of factors and codes differ"),
    ("mixed", _mixed, partial(factor_table, (4,) * 6), 6_000,
     "Two codes hold two factors each, two codes one; six factors of four values.",
     "shares over factors and over codes differ where their numbers do"),
    ("tangled", _tangled, partial(factor_table, (4,) * 6), 6_000,
     "Every code holds two factors wholly, and every factor is in two codes; six factors of four values.",
     "codes that know everything and separate nothing"),
    ("one-known", _one_known, partial(factor_table, (32, 32, 32)), FACTOR_ROWS,
     "The first of three factors of 32 values, and three codes of noise that look like it.",
     _BETWEEN + "; votes for a code that tells nothing are right by chance"),
    ("sixteen", _as_they_are, partial(factor_table, (2,) * 16), 1_000,
     "The factors are the codes; sixteen factors of two values.", "a few votes do not name the factor of many codes"),
    ("few-rows", _as_they_are, partial(factor_table, (50, 50)), 600,
     "The factors are the codes; two factors of 50 values in few rows.",
     "with few rows of a value, chance alone tells half of the entropy"),
    ("memorised", _memorised, partial(factor_table, (8,) * 6), 6_000,
     "The factors are the codes of the training rows; test rows have the codes of other test rows.",
     "what is scored on the rows that it was fitted on"),
    ("faint", _faint, partial(factor_table, (8,) * 3), FACTOR_ROWS,
     "Gaussian codes of variances 0.005, 0.02 and 0.5 in content, 0.0085 and 0.0115 in style.",
     "a code of a variance below 0.01 is not active"),
)  # fmt: skip

CHANNELS = tuple(
    Case(name, summary, source, partial(factor_codes, name, make, draw), rows)
    for name, make, draw, rows, summary, source in _MANY
)
"""Codes of factors."""
