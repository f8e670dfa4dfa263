"""Whether differences are real: against scipy's own tests, and how often equal models are told apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from disent_plugins.studies.difference import LEVEL, holm, of_intervals, on_items, over_seeds


def test_seeds_are_compared_as_scipy_does():
    generator = np.random.default_rng(0)
    for _ in range(20):
        a = generator.normal(0.9, 0.01, generator.integers(2, 6))
        b = generator.normal(0.89, 0.05, generator.integers(2, 6))
        found, expected = over_seeds(a, b), stats.ttest_ind(a, b, equal_var=False)
        interval = expected.confidence_interval(0.95)
        assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
        assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-9)
        assert found.how == "seeds"


@pytest.mark.parametrize(
    ("a", "b", "p"),
    [
        ([8, 8, 8], [8, 8, 8], 1.0),
        ([8, 8], [7, 7], 2 / 6),
        ([8, 8, 8], [7, 7, 7], 2 / 20),
        ([8] * 5, [7] * 5, 2 / 252),
        ([0.1 + 0.2] * 3, [0.3] * 3, 2 / 20),  # rounding is no variation
    ],
)
def test_seeds_without_variation_go_by_permutations(a, b, p):
    assert over_seeds(a, b).p == pytest.approx(p)


def test_right_and_wrong_is_compared_by_the_exact_test():
    generator = np.random.default_rng(1)
    a, b = generator.random(400) < 0.9, generator.random(400) < 0.85
    found = on_items(a, b)
    only = (int((a & ~b).sum()), int((b & ~a).sum()))
    assert found.p == pytest.approx(stats.binomtest(only[0], sum(only)).pvalue, rel=1e-9)
    assert found.mean == pytest.approx(a.mean() - b.mean())
    assert found.low < found.mean < found.high


def test_the_pairing_counts():
    """A model that is right wherever the other is, and on 12 items more, is better; the unpaired values cannot tell."""
    a = np.arange(1000) < 900
    b = np.arange(1000) < 888
    assert on_items(a, b).p < 0.001
    ends = [(x.mean(), *(x.mean() + np.array([-1, 1]) * 1.96 * x.std() / math.sqrt(1000))) for x in (a, b)]
    assert of_intervals(*ends).p > 0.3


def test_numbers_are_compared_as_scipy_does():
    generator = np.random.default_rng(2)
    a = generator.normal(20, 3, 50)
    b = a + generator.normal(0.5, 1, 50)
    found, expected = on_items(a, b), stats.ttest_rel(a, b)
    interval = expected.confidence_interval(0.95)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-9)


def test_equal_outcomes_are_no_difference():
    x = np.array([True, False, True])
    assert on_items(x, x).p == 1.0
    assert on_items(x * 1.0, x * 1.0).p == 1.0
    assert on_items(np.array([1.0]), np.array([0.0])).p == 1.0
    assert on_items(np.ones(6), np.zeros(6)).p == pytest.approx(2 / 2**6)


def test_holm_by_hand():
    """From the smallest: .001 <= .05/4, .012 <= .05/3, .03 > .05/2, so the rest is not real."""
    assert holm([0.03, 0.001, 0.04, 0.012]) == [False, True, False, True]
    assert holm([]) == []
    assert holm([0.05]) == [True]


MODELS, SEEDS, TIMES = 5, 3, 1000


def told_apart(p: list[float]) -> bool:
    return any(holm(p))


def pairs(models: int):
    return [(i, j) for i in range(models) for j in range(i)]


@pytest.mark.parametrize("spread", [(1.0,) * 5, (0.2, 1.0, 1.0, 3.0, 10.0)], ids=["alike", "uneven"])
def test_equal_models_are_told_apart_in_at_most_one_of_twenty_columns_over_seeds(spread):
    generator = np.random.default_rng(3)
    wrong = 0
    for _ in range(TIMES):
        runs = [generator.normal(0.9, 0.01 * scale, SEEDS) for scale in spread]
        wrong += told_apart([over_seeds(runs[i], runs[j]).p for i, j in pairs(MODELS)])
    assert wrong <= LEVEL * TIMES


def test_equal_models_are_told_apart_in_at_most_one_of_twenty_columns_on_items():
    generator = np.random.default_rng(4)
    wrong = 0
    for _ in range(TIMES):
        hard = generator.random(500)  # items that are hard for one are hard for all
        right = [generator.random(500) < 0.75 + 0.5 * (hard - 0.5) for _ in range(MODELS)]
        wrong += told_apart([on_items(right[i], right[j]).p for i, j in pairs(MODELS)])
    assert wrong <= LEVEL * TIMES


def test_counts_that_hardly_vary_are_told_apart_in_at_most_one_of_twenty():
    """Active units: 8 in nine of ten runs, otherwise 7."""
    generator = np.random.default_rng(5)
    wrong = 0
    for _ in range(TIMES):
        runs = [8.0 - (generator.random(SEEDS) < 0.1) for _ in range(2)]
        wrong += told_apart([over_seeds(*runs).p])
    assert wrong <= LEVEL * TIMES


def test_what_is_said_to_be_detectable_is_detected_in_four_of_five_cases():
    generator = np.random.default_rng(6)
    freedom, runs, sigma = 8, 5, 0.01
    true_error = sigma * math.sqrt(2 / runs)
    wanted = (stats.t.ppf(0.975, freedom) + stats.t.ppf(0.8, freedom)) * true_error
    found, told = 0, []
    for _ in range(TIMES):
        one = over_seeds(generator.normal(wanted, sigma, runs), generator.normal(0, sigma, runs))
        found += one.p <= 0.05
        told.append(one.detectable())
    assert 0.75 < found / TIMES < 0.85
    assert np.median(told) == pytest.approx(wanted, rel=0.06)
