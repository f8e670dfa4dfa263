"""DCI: exact importance matrices, known codes, reference points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers import factor_codes as made
from helpers.metric_files import subject
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier

from disent_plugins.metrics.factors.dci import Dci, DciConfig, completeness, dci, disentanglement, fitted, scores
from disent_plugins.metrics.factors.sample import Sample, sample_of
from disent_plugins.metrics.statistics.seeds import derived

DOUBLE = 1 - np.log(2) / np.log(10)


def sampled(n: int = 3000, sizes: tuple[int, ...] = (8,) * 6, codes: np.ndarray | None = None) -> Sample:
    """Independent uniform factors, a third of the rows to test on; codes are the factors unless given."""
    factors = np.stack([np.random.default_rng(i).integers(s, size=n) for i, s in enumerate(sizes)], axis=1)
    return sample_of(factors.astype(float) if codes is None else codes, factors, np.arange(n) >= 2 * n // 3)


@pytest.mark.parametrize(
    ("importance", "d", "c"),
    [
        (np.eye(5), 1, 1),
        (np.vstack([np.zeros((1, 5)), np.eye(5)]), 1, 1),
        (np.zeros((10, 10)), 0, 0),
        (np.vstack([np.eye(5), np.eye(5)]), 1, DOUBLE),
        (np.hstack([np.eye(5), np.eye(5)]), DOUBLE, 1),
        (np.eye(5)[:2], 1, 1),
        (np.ones((1, 5)), 0, 1),
    ],
)
def test_exact_importances(importance: np.ndarray, d: float, c: float) -> None:
    assert disentanglement(importance) == pytest.approx(d, abs=1e-12)
    assert completeness(importance) == pytest.approx(c, abs=1e-12)


def slow(importance: np.ndarray) -> float:
    """Disentanglement, row by row."""
    total = 0.0
    for row in importance:
        entropy = -sum(r / row.sum() * np.log(r / row.sum()) for r in row if r > 0)
        total += row.sum() / importance.sum() * (1 - entropy / np.log(len(row)))
    return float(total)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_scores_of_importances(seed: int) -> None:
    generator = np.random.default_rng(seed)
    importance = generator.random((4, 3)) ** 3
    assert disentanglement(importance) == pytest.approx(slow(importance), abs=1e-12)
    assert completeness(importance) == pytest.approx(slow(importance.T), abs=1e-12)
    shuffled = importance[generator.permutation(4)][:, generator.permutation(3)] * 7
    assert disentanglement(shuffled) == pytest.approx(disentanglement(importance), abs=1e-12)


def test_known_codes() -> None:
    perfect = sampled()
    codes = perfect.codes
    stretched = codes.copy()
    stretched[3] *= 1000
    turned = codes[:, ::-1] * np.array([-0.01, 100, -1, 3, 0.5, -7])
    for given_codes in (codes, np.hstack([np.ones((len(codes), 1)), codes]), stretched, turned):
        assert min(scores(fitted(sampled(codes=given_codes), 0)).values()) >= 0.97
    double = scores(fitted(sampled(codes=np.hstack([codes, codes])), 0))
    assert double["disentanglement"] >= 0.97
    assert double["completeness"] == pytest.approx(1 - np.log(2) / np.log(12), abs=0.04)
    mixed = codes @ np.linalg.qr(np.random.default_rng(5).normal(size=(6, 6)))[0]
    assert scores(fitted(sampled(codes=mixed), 0))["disentanglement"] < 0.3


def test_golden_values_are_those_of_forests_fitted_one_by_one() -> None:
    codes, factors, test = made.fixed()
    importance, right = np.zeros((4, 3)), []
    for k, v in enumerate(factors.T):
        forest = RandomForestClassifier(
            10, criterion="entropy", max_features=None, max_samples=200, random_state=derived(7, str(k)) % 2**32
        ).fit(codes[~test], v[~test])
        importance[:, k] = forest.feature_importances_
        right.append(forest.score(codes[test], v[test]))
    found = list(dci(codes[~test], factors[~test], codes[test], factors[test], seed=7).values())
    assert found == pytest.approx([slow(importance), slow(importance.T), np.mean(right)], abs=1e-12)
    assert found == pytest.approx(GOLDEN, abs=1e-5)  # of this code on the day it was written
    converged = scores(fitted(sample_of(codes, factors, test), 0, trees=200))
    assert list(converged.values()) == pytest.approx(GOLDEN, abs=0.05)


GOLDEN = (0.232967, 0.214897, 0.716667)


def test_boosting_has_its_golden_values_and_does_not_mind_order_sign_and_scale() -> None:
    codes, factors, test = made.fixed()
    order = [2, 0, 3, 1]
    turned = codes[:, order] * np.array([-4, 0.5, 8, 1024])
    one, other = (
        fitted(sample_of(z, factors, test), 0, backend="gradient_boosting", trees=10) for z in (codes, turned)
    )
    assert other.importance == pytest.approx(one.importance[order], abs=0.05)
    assert list(scores(one).values()) == pytest.approx(BOOSTED, abs=1e-4)


BOOSTED = (0.486801, 0.474589, 0.69)


def test_one_code_one_factor_and_a_value_that_one_side_lacks() -> None:
    codes, factors, test = made.fixed()
    alone = scores(fitted(sample_of(codes[:, :1], factors, test), 0))
    assert alone["completeness"] == 1.0
    assert alone["disentanglement"] < 0.01  # all three factors have that code
    assert scores(fitted(sample_of(codes, factors[:, :1], test), 0))["disentanglement"] == 1.0
    held = factors.copy()
    held[~test, 1] %= 3  # value 3 is in the rows to judge only, so it is never told
    most = 1 - (held[test, 1] == 3).mean()
    assert fitted(sample_of(codes, held, test), 0).correct[:, 1].mean() <= most
    assert not fitted(sample_of(np.ones_like(codes), factors, test), 0).importance.any()


def test_boosting_tells_a_perfect_code_and_bears_one_value() -> None:
    found = fitted(sampled(300, (3, 4)), 0, backend="gradient_boosting", trees=5)
    assert min(scores(found).values()) >= 0.97
    held = sampled(300, (3, 4))
    held.factors[~held.test, 0] = 1
    assert not fitted(held, 0, backend="gradient_boosting", trees=2).importance[:, 0].any()


def test_the_published_setting_agrees_with_another_suite() -> None:
    generator = np.random.default_rng(0)
    factors = np.stack([generator.integers(size, size=450) for size in (3, 4)], axis=1)
    codes = factors @ generator.normal(size=(2, 3)) + 0.3 * generator.normal(size=(450, 3))
    found = dci(codes[:300], factors[:300], codes[300:], factors[300:], **Dci.presets["dlib"])
    # disent 0.8.0, _compute_dci, on these arrays and three seeds: .2042, .2043, .2043; .4018, .4021, .4007; .9333.
    assert found["disentanglement"] == pytest.approx(0.2043, abs=0.01)
    assert found["completeness"] == pytest.approx(0.4016, abs=0.01)
    assert found["informativeness"] == pytest.approx(140 / 150)


def test_threads_change_nothing() -> None:
    one, two = (fitted(sampled(300, (3, 4)), 0, jobs=jobs) for jobs in (1, 2))
    assert np.array_equal(one.importance, two.importance)
    assert np.array_equal(one.correct, two.correct)


def test_result_has_its_reference_points_and_picture(tmp_path: Path) -> None:
    first, again = (Dci(DciConfig(bootstrap=20)).measure(subject(tmp_path)) for _ in range(2))
    assert first.values == again.values
    for value in first.values.values():
        assert value.low is not None
        assert value.high is not None
        assert value.floor is not None
        assert value.low <= value.value <= value.high
        assert value.estimator.startswith("forest, 10 trees; interval over ")
        assert value.floor < value.value
    assert first.artifacts["importance"].read_bytes()[:4] == b"\x89PNG"
    with np.load(first.artifacts["importance-arrays"]) as arrays:
        assert arrays["importance"].shape == (5, 2)
