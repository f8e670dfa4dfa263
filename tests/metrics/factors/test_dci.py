"""DCI: known codes, perfect and noisy; the published setting; reference points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers import factor_codes as made
from helpers.metric_files import subject

from disent_plugins.metrics.factors.dci import Dci, DciConfig, Fitted, dci, fitted, redrawn, scores
from disent_plugins.metrics.factors.references import interval
from disent_plugins.metrics.factors.sample import Sample, sample_of
from disent_plugins.metrics.factors.variants import permuted


def sampled(n: int = 3000, sizes: tuple[int, ...] = (8,) * 6, codes: np.ndarray | None = None) -> Sample:
    """Independent uniform factors, a third of the rows to test on; codes are the factors unless given."""
    factors = np.stack([np.random.default_rng(i).integers(s, size=n) for i, s in enumerate(sizes)], axis=1)
    return sample_of(factors.astype(float) if codes is None else codes, factors, np.arange(n) >= 2 * n // 3)


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


def noisy(p: float, sizes: tuple[int, ...], n: int = 15_000, seed: int = 0) -> Sample:
    """Code k equals factor k with probability p, else any value: D and C are 1, the Bayes accuracy p + (1 - p) / V."""
    factors, other = (np.random.default_rng([seed, i]).integers(sizes, size=(n, len(sizes))) for i in range(2))
    known = np.random.default_rng([seed, 2]).random(factors.shape) < p
    return sample_of(np.where(known, factors, other).astype(float), factors, np.arange(n) >= 2 * n // 3)


@pytest.mark.parametrize(
    ("p", "values", "least"), [(0.9, 8, 0.95), (0.8, 8, 0.95), (0.5, 8, 0.9), (0.3, 20, 0.9)], ids=str
)
def test_codes_that_know_one_factor_in_part_are_disentangled(p: float, values: int, least: float) -> None:
    found = scores(fitted(noisy(p, (values,) * 3), 0))
    assert min(found["disentanglement"], found["completeness"]) >= least
    assert found["informativeness"] == pytest.approx(p + (1 - p) / values, abs=0.03)


def test_what_no_code_tells_is_told_by_all_alike() -> None:
    for seed in range(20):
        sample = noisy(0.8, (4, 5, 6), 600, seed)
        found = scores(fitted(permuted(sample, np.random.default_rng(seed)), seed))
        assert max(found["disentanglement"], found["completeness"]) <= 0.02
    half = noisy(1.0, (8,) * 4, 3000)
    half.codes[:, 2:] = np.random.default_rng(9).normal(size=(3000, 2))
    importance = fitted(half, 0).importance
    assert importance[:, :2] == pytest.approx(np.eye(4)[:, :2], abs=0.02)
    assert importance[:, 2:] == pytest.approx(np.full((4, 2), 0.25), abs=0.1)


def test_golden_values() -> None:
    codes, factors, test = made.fixed()
    found = list(dci(codes[~test], factors[~test], codes[test], factors[test], seed=7).values())
    assert found == pytest.approx(GOLDEN, abs=1e-5)  # of this code; test_forest.py walks these rows one by one
    converged = scores(fitted(sample_of(codes, factors, test), 0, trees=200))
    assert list(converged.values()) == pytest.approx(GOLDEN, abs=0.05)


GOLDEN = (0.759193, 0.742282, 0.71)


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


@pytest.mark.parametrize("n", [150, 600])
def test_boosting_has_no_importance_below_0(n: int) -> None:
    # Impurity importances of a perfect code are off by 1e-17 to either side, and the entropy of -1e-17 is NaN.
    found = fitted(sampled(n), 0, backend="gradient_boosting", trees=10)
    assert (found.importance >= 0).all()
    assert min(scores(found).values()) >= 0.9


@pytest.mark.parametrize("backend", ["forest", "gradient_boosting"])
def test_no_reference_point_is_missing_on_few_rows(backend: str, tmp_path: Path) -> None:
    perfect = made.subject(tmp_path, sampled(150).codes, sampled(150).factors)
    values = Dci(DciConfig(backend=backend, trees=10, bootstrap=20)).measure(perfect).values
    for value in values.values():
        numbers = [value.value, value.floor, value.ceiling, value.low, value.high]
        assert np.isfinite([number for number in numbers if number is not None]).all()
    assert (values["completeness"].low is None) == (backend == "gradient_boosting")


def test_intervals_hold_the_mean_over_samples() -> None:
    """Nine in ten of the intervals or more, where test rows and training rows scatter alike (mean over 30 samples)."""
    names = ("disentanglement", "informativeness")
    samples = [noisy(0.5, (6, 6), 450, seed) for seed in range(30)]
    found = [fitted(sample, seed) for seed, sample in enumerate(samples)]
    own = np.array([[scores(one)[name] for name in names] for one in found])
    low, high = np.array([[_interval(one, name) for name in names] for one in found]).transpose(2, 0, 1)
    mean = own.mean(axis=0)
    assert (((low <= mean) & (mean <= high)).mean(axis=0) >= 0.9).all()
    assert ((high - low).mean(axis=0) / 2 < 4 * own.std(axis=0)).all()  # and they are not wide without need


def _interval(found: Fitted, name: str) -> tuple[float, float]:
    draws = [redrawn(found, np.random.default_rng(i))[name] for i in range(50)]
    return interval(scores(found)[name], draws)


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
        assert value.estimator.startswith("forest, 10 trees; interval over test rows and trees")
        assert value.floor < value.value
    assert first.artifacts["importance"].read_bytes()[:4] == b"\x89PNG"
    with np.load(first.artifacts["importance-arrays"]) as arrays:
        assert arrays["importance"].shape == (5, 2)
