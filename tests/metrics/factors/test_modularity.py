"""Modularity: exact matrices, a slow reference, published values of the parity setting, faults of other suites."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.factor_codes import subject as made
from helpers.metric_files import subject
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mutual_info_score
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

from disent_plugins.errors import UsageError
from disent_plugins.metrics.factors.modularity import Modularity, ModularityConfig, modularities, modularity


def as_dlib(codes: np.ndarray, factors: np.ndarray) -> float:
    """The score with the preset's options."""
    options: dict[str, Any] = dict(Modularity.presets["dlib"])
    return modularity(codes, factors, **options)


def table(n: int = 4000, sizes: tuple[int, ...] = (8,) * 6, seed: int = 0) -> np.ndarray:
    """[n, K] independent uniform factors."""
    return np.stack([np.random.default_rng([seed, i]).integers(s, size=n) for i, s in enumerate(sizes)], axis=1)


@pytest.mark.parametrize(
    ("matrix", "score"),
    [
        (np.eye(5), 1.0),
        (np.vstack([np.eye(2), np.zeros((1, 2))]), 2 / 3),
        (np.zeros((10, 10)), 0.0),
        (np.vstack([np.eye(5), np.eye(5)]), 1.0),
        (np.hstack([np.eye(5), np.eye(5)]), 1 - 1 / 9),
        (np.eye(5)[:2], 1.0),
    ],
)
def test_exact_values_on_matrices(matrix: np.ndarray, score: float) -> None:
    assert modularities(matrix).mean() == pytest.approx(score, abs=1e-12)


@pytest.mark.parametrize("sizes", [(8,) * 6, (4, 24, 183), (3, 6, 40, 32, 32)])
def test_perfect_code_scores_one_on_every_shape(sizes: tuple[int, ...]) -> None:
    factors, noise = table(5000, sizes), np.random.default_rng(0).normal(size=(5000, 6))
    codes = factors.astype(float)
    stretched = codes.copy()
    stretched[3] *= 1000
    for perfect in (codes, np.hstack([codes, codes]), np.hstack([np.ones((5000, 1)), codes, noise]), stretched):
        assert modularity(perfect, factors) >= 0.97
    assert modularity(codes[:, :1], factors) == 1.0
    assert modularity(noise, factors) == 0.0
    assert modularity(np.zeros_like(codes), factors) == 0.0


def test_preset_has_the_published_values() -> None:
    factors = table(10_000)
    codes, generator = factors.astype(float), np.random.default_rng(0)
    assert as_dlib(codes, factors) == pytest.approx(1.0, abs=0.001)
    assert as_dlib(np.hstack([np.ones((10_000, 1)), codes]), factors) == pytest.approx(6 / 7, abs=0.001)
    assert as_dlib(np.hstack([codes, generator.normal(size=(10_000, 6))]), factors) == pytest.approx(0.644, abs=0.05)
    assert as_dlib(generator.normal(size=(10_000, 10)), factors) == pytest.approx(0.288, abs=0.07)


def test_rotation_is_hardly_seen_as_the_page_says() -> None:
    factors = table()
    rotation = np.linalg.qr(np.random.default_rng(5).normal(size=(6, 6)))[0]
    assert 0.5 < modularity(factors @ rotation, factors) < 0.99


def slow(codes: np.ndarray, factors: np.ndarray) -> float:
    """The published setting, written out."""
    scores = []
    for z in codes.T:
        cut = np.digitize(z, np.histogram(z, 20)[1][:-1])
        found = [mutual_info_score(cut, v) for v in factors.T]
        best = max(found)
        others = sum(value**2 for value in found) - best**2
        scores.append(1 - others / (best**2 * (len(found) - 1)))
    return float(np.mean(scores))


@given(st.integers(0, 10_000), st.integers(1, 5))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_preset_is_the_slow_reference(seed: int, width: int) -> None:
    factors, generator = table(300, (3, 5, 4), seed), np.random.default_rng(seed)
    codes = factors @ generator.normal(size=(3, width)) + 0.3 * generator.normal(size=(300, width))
    assert as_dlib(codes, factors) == pytest.approx(slow(codes, factors), abs=1e-12)


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_order_and_scale_do_not_matter(seed: int) -> None:
    factors, generator = table(400, (3, 4)), np.random.default_rng(seed)
    codes = factors @ generator.normal(size=(2, 4)) + 0.2 * generator.normal(size=(400, 4))
    other = codes[:, generator.permutation(4)] * 10.0 ** generator.uniform(-2, 2, 4)
    assert modularity(other, factors) == pytest.approx(modularity(codes, factors), abs=1e-12)
    assert 0.0 <= modularity(codes, factors) <= 1.0


def test_golden_value() -> None:
    factors = table(500, (3, 4, 5))
    codes = factors @ np.array([[1.0, 0.2, 0.0], [0.1, 1.0, 0.4], [0.0, 0.3, 1.0]])
    assert modularity(codes, factors) == pytest.approx(0.570148915539, abs=1e-9)


def test_default_score_is_the_formula_with_exact_chance() -> None:
    factors = table(1000, (3, 4, 5))
    codes = (factors @ np.array([[2, 1, 0], [1, 2, 1], [0, 1, 2]])).astype(float)  # few values: every value is a bin
    squares = np.zeros((3, 3))
    for j, z in enumerate(codes.T):
        for k, v in enumerate(factors.T):
            chance = expected_mutual_information(contingency_matrix(z, v, sparse=True), len(v))
            squares[j, k] = ((mutual_info_score(z, v) - chance) / (mutual_info_score(v, v) - chance)) ** 2
    squares[[0, 2], [2, 0]] = 0.0  # independent, so not significant
    best = squares.max(axis=1)
    expected = np.average(1 - (squares.sum(axis=1) - best) / (best * 2), weights=np.sqrt(best))
    assert modularity(codes, factors) == pytest.approx(expected, abs=1e-3)


def test_result_has_its_reference_points(tmp_path: Path) -> None:
    config = ModularityConfig(bootstrap=20)
    first, again = (Modularity(config).measure(subject(tmp_path)) for _ in range(2))
    value = first.values["modularity"]
    assert value == again.values["modularity"]
    assert value.low is not None
    assert value.high is not None
    assert value.low <= value.value <= value.high
    assert value.floor == 0.0
    assert value.ceiling == 1.0


def test_noise_has_a_narrow_interval(tmp_path: Path) -> None:
    noise = subject(tmp_path)
    generator = np.random.default_rng(3)
    noise.codes.content = generator.normal(size=noise.codes.content.shape).astype(np.float32)
    noise.codes.style = generator.normal(size=noise.codes.style.shape).astype(np.float32)
    value = Modularity(ModularityConfig(bootstrap=10)).measure(noise).values["modularity"]
    assert (value.low, value.value, value.high) == (0.0, 0.0, 0.0)


def test_the_interval_holds_the_mean_over_other_rows(tmp_path: Path) -> None:
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(6, 6)))[0]
    values = []
    for seed in range(12):
        factors = table(1000, seed=seed)
        values.append(
            Modularity(ModularityConfig(bootstrap=20, permutations=1)).measure(
                made(tmp_path, factors @ rotation, factors)
            )
        )
    found = [result.values["modularity"] for result in values]
    mean = np.mean([value.value for value in found])
    assert sum(value.low <= mean <= value.high for value in found) >= 11  # type: ignore[operator]
    assert min(value.high - value.low for value in found) > 0.01  # type: ignore[operator]


def test_one_factor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two factors"):
        Modularity(ModularityConfig(factors="angle")).measure(subject(tmp_path))
