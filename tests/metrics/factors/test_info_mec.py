"""InfoMEC: endpoints, slow references, what noise must score, reference points."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.factor_codes import subject as made
from helpers.metric_files import codes as example_codes
from helpers.metric_files import subject
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import log_loss, mutual_info_score
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

from disent_plugins.metrics.factors.info_mec import InfoMec, InfoMecConfig, concentration, explicitness, mixing

SIZES = [(8,) * 6, (4, 24, 183), (3, 6, 40, 32, 32)]
N = 9000
TEST = np.arange(N) >= 6000


def table(n: int = N, sizes: tuple[int, ...] = (8,) * 6, seed: int = 0) -> np.ndarray:
    """[n, K] independent uniform factors."""
    return np.stack([np.random.default_rng([seed, i]).integers(s, size=n) for i, s in enumerate(sizes)], axis=1)


def normal(n: int, width: int, seed: int = 0) -> np.ndarray:
    """Independent Gaussian codes."""
    return np.random.default_rng(seed).normal(size=(n, width))


@pytest.mark.parametrize("sizes", SIZES)
def test_perfect_codes_score_one_and_noise_zero(sizes: tuple[int, ...]) -> None:
    factors = table(sizes=sizes)
    codes = factors.astype(float)
    scaled = codes[:, ::-1] * np.array([-0.01, 100.0, -3.0, 1.0, 7.0, 0.5])[: len(sizes)]
    for perfect in (codes, scaled, np.hstack([np.ones((N, 1)), codes, normal(N, 6)])):
        assert min(*mixing(perfect[TEST], factors[TEST]), explicitness(perfect, factors, TEST)) >= 0.97
    noise = normal(N, 10)
    assert mixing(noise[TEST], factors[TEST]) == (0.0, 0.0)
    assert explicitness(noise, factors, TEST) < 0.01


@pytest.mark.parametrize(("n", "sizes"), [(1000, (4, 6, 183)), (2500, (4, 6, 500)), (300, (4, 6, 40))])
def test_an_invertible_continuous_code_is_seen_where_a_fifth_of_few_rows_is_judged(
    n: int, sizes: tuple[int, ...], tmp_path: Path
) -> None:
    factors = table(n, sizes)
    subject = made(tmp_path, factors + 0.9 * np.random.default_rng(9).random(factors.shape), factors)
    subject.codes.split[: n * 4 // 5] = 0
    seen = replace(subject, codes=replace(subject.codes, split_source="made: by chance"))
    values = InfoMec(InfoMecConfig(bootstrap=10)).measure(seen).values
    assert values["info-mec/modularity"].value > 0.95
    assert values["info-mec/compactness"].value > 0.95
    assert values["info-mec/modularity"].n == n
    assert values["info-mec/explicitness"].n < n / 4
    assert values["info-mec/modularity"].floor == values["info-mec/compactness"].floor == 0


def mixed(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes that know one factor well and the others a little."""
    factors = table(n, (4, 4, 4), seed)
    mixture = np.eye(3) + 0.4 * np.random.default_rng(5).normal(size=(3, 3))
    return factors @ mixture + 0.3 * normal(n, 3, seed), factors


def test_more_rows_of_one_population_do_not_change_modularity() -> None:
    means = [
        np.mean([mixing(*mixed(n, seed))[0] for seed in range(reps)])
        for n, reps in ((200, 20), (300, 15), (1000, 8), (5000, 4), (20_000, 1))
    ]
    assert np.ptp(means) < 0.05


def test_a_code_that_knows_next_to_nothing_weighs_next_to_nothing() -> None:
    factors = table(20_000, (8,) * 4)
    weak = 0.1 * factors.sum(axis=1, keepdims=True) + normal(20_000, 1)
    assert mixing(factors.astype(float), factors)[0] == pytest.approx(1.0, abs=0.002)
    assert mixing(np.hstack([factors, weak]), factors)[0] > 0.97


@pytest.mark.parametrize("row", [3, N - 3])
def test_one_outlier_changes_nothing(row: int) -> None:
    factors = table()
    codes = factors.astype(float)
    codes[row] *= 1000
    assert min(*mixing(codes[TEST], factors[TEST]), explicitness(codes, factors, TEST)) >= 0.97


def test_duplicates_and_rotations_and_one_code() -> None:
    factors = table()
    codes = factors.astype(float)
    rotated = codes @ np.linalg.qr(normal(6, 6))[0]
    m, c = mixing(np.hstack([codes, codes])[TEST], factors[TEST])
    assert [m, c] == pytest.approx([1.0, 5 / 11], abs=0.01)
    assert explicitness(np.hstack([codes, codes]), factors, TEST) > 0.99
    assert max(mixing(rotated[TEST], factors[TEST])) < 0.7
    assert explicitness(rotated, factors, TEST) > 0.99
    assert mixing(codes[TEST, :1], factors[TEST]) == pytest.approx((1.0, 1 / 6), abs=0.005)
    assert mixing(codes[TEST], factors[TEST, :1]) == (1.0, 1.0)
    assert explicitness(codes[:, :1], factors, TEST) == pytest.approx(1 / 6, abs=0.01)
    assert explicitness(np.zeros((N, 2)), factors, TEST) == 0.0


def test_value_absent_from_the_rows_to_fit_on_is_left_out() -> None:
    factors = table(sizes=(4,))
    factors[:6000] %= 3
    assert explicitness(factors.astype(float), factors, TEST) > 0.99


def test_explicitness_is_that_of_scikit_learns_discriminant() -> None:
    factors = table(sizes=(3, 5))
    codes = factors @ normal(2, 4, seed=1) + normal(N, 4, seed=2)
    expected = []
    for factor in factors.T:
        found = LinearDiscriminantAnalysis().fit(codes[~TEST], factor[~TEST]).predict_proba(codes[TEST])
        shares = np.bincount(factor[~TEST]) / (~TEST).sum()
        constant = log_loss(factor[TEST], np.broadcast_to(shares, found.shape))
        expected.append(1 - log_loss(factor[TEST], found) / constant)
    assert explicitness(codes, factors, TEST) == pytest.approx(np.mean(expected), abs=2e-3)


def test_mixing_is_the_formula_with_exact_chance() -> None:
    factors = table(sizes=(4, 6))
    codes = (factors @ np.array([[2, 1, 0], [0, 1, 3]])).astype(float)  # few values, so that every value is a bin
    share = np.zeros((3, 2))
    for j, z in enumerate(codes.T):
        for k, v in enumerate(factors.T):
            chance = expected_mutual_information(contingency_matrix(z, v, sparse=True), N)
            share[j, k] = (mutual_info_score(z, v) - chance) / (mutual_info_score(v, v) - chance)
    rows = [(row.max() / row.sum() - 1 / 2) / (1 - 1 / 2) for row in share]
    m = np.average(rows, weights=share.sum(axis=1))
    c = np.mean([(column.max() / column.sum() - 1 / 3) / (1 - 1 / 3) for column in share.T])
    assert mixing(codes, factors) == pytest.approx((min(m, 1), c), abs=1e-5)


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_order_and_scale_do_not_matter(seed: int) -> None:
    generator = np.random.default_rng(seed)
    factors, test = table(400, (3, 4)), np.arange(400) >= 200
    codes = factors @ generator.normal(size=(2, 4)) + 0.2 * generator.normal(size=(400, 4))
    other = codes[:, generator.permutation(4)] * 10.0 ** generator.uniform(-2, 2, 4)
    assert mixing(other, factors) == pytest.approx(mixing(codes, factors), abs=1e-12)
    assert explicitness(-other, factors, test) == pytest.approx(explicitness(codes, factors, test), abs=1e-6)
    assert all(0.0 <= value <= 1.0 for value in (*mixing(codes, factors), explicitness(codes, factors, test)))


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_concentration_is_a_share(seed: int) -> None:
    matrix = np.random.default_rng(seed).random((5, 4)) - 0.2
    found = concentration(matrix.max(axis=1), matrix.sum(axis=1), 4)
    assert np.all((found >= 0) & (found <= 1))
    assert concentration(np.ones(4), np.ones(4), 4).tolist() == [1.0] * 4
    assert concentration(np.array([0.2]), np.array([0.2]), 1).tolist() == [1.0]


def test_golden_values() -> None:
    factors, test = table(500, (3, 4, 5)), np.arange(500) >= 300
    codes = factors @ np.array([[1.0, 0.2, 0.0], [0.1, 1.0, 0.4], [0.0, 0.3, 1.0]])
    found = (*mixing(codes, factors), explicitness(codes, factors, test))
    assert found == pytest.approx((0.258457870762, 0.450434945428, 0.998175434354), abs=1e-9)


def test_intervals_hold_the_mean_over_other_rows(tmp_path: Path) -> None:
    found = []
    for seed in range(12):
        factors = table(2000, seed=seed)
        codes = factors @ (np.eye(6) + 0.15 * normal(6, 6, 4)) + normal(2000, 6, seed)
        found.append(InfoMec(InfoMecConfig(bootstrap=20, permutations=1)).measure(made(tmp_path, codes, factors)))
    for name in ("info-mec/modularity", "info-mec/compactness"):
        values = [result.values[name] for result in found]
        mean, spread = np.mean([value.value for value in values]), np.std([value.value for value in values])
        assert spread > 0.001
        assert sum(value.low <= mean <= value.high for value in values) >= 11  # type: ignore[operator]


def test_result_has_its_reference_points(tmp_path: Path) -> None:
    config = InfoMecConfig(bootstrap=10)
    given_codes = example_codes(1200)
    first, again = (InfoMec(config).measure(subject(tmp_path, given_codes)) for _ in range(2))
    assert first.values == again.values
    assert list(first.values) == ["info-mec/modularity", "info-mec/explicitness", "info-mec/compactness"]
    for value in first.values.values():
        assert value.low is not None
        assert value.high is not None
        assert value.low <= value.value <= value.high
        assert value.floor == pytest.approx(0.0, abs=0.01)
        assert value.ceiling is not None
        assert value.ceiling > 0.97
    assert first.values["info-mec/explicitness"].value > 0.9
