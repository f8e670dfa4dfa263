"""Dependence of content and style."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from helpers.content_style_files import codes, fixed, subject, without_style_factors
from hypothesis import given, settings
from hypothesis import strategies as st

from disent_plugins.contracts import Codes, Result
from disent_plugins.errors import UsageError
from disent_plugins.metrics.content_style.dependence import (
    Dependence,
    DependenceConfig,
    distance_correlation,
    entropy,
    information_bound,
)


def measured(given_codes: Codes, *, seed: int = 0, **options: int) -> Result:
    return Dependence(DependenceConfig(**options)).measure(subject(Path("unused"), given_codes, seed=seed))


def slow_distance_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """By the definition's sums, one entry at a time."""

    def centred(z: np.ndarray) -> list[list[float]]:
        n = len(z)
        d = [[float(np.sqrt(((a - b) ** 2).sum())) for b in z] for a in z]
        whole = sum(map(sum, d)) / ((n - 1) * (n - 2))
        return [[0.0 if i == j else d[i][j] - sum(d[i]) / (n - 2) - sum(row[j] for row in d) / (n - 2) + whole
                 for j in range(n)] for i in range(n)]  # fmt: skip

    def inner(a: list[list[float]], b: list[list[float]]) -> float:
        return sum(p * q for ra, rb in zip(a, b, strict=True) for p, q in zip(ra, rb, strict=True))

    a, b = centred(x), centred(y)
    return inner(a, b) / float(np.sqrt(inner(a, a) * inner(b, b)))


def test_independent_blocks_are_at_zero_and_shared_content_is_found() -> None:
    apart = measured(codes("split-apart", 3000))
    value = apart.values["distance-correlation"]
    assert abs(value.value) < 0.03
    assert value.low <= value.value <= value.high
    assert apart.values["information/content"].normalised > 0.97  # type: ignore[operator]
    assert apart.values["information/style"].normalised < 0.03  # type: ignore[operator]
    leaky = measured(codes("leaky", 1200))
    assert leaky.values["distance-correlation"].value > 0.5
    assert leaky.settings["p_value"] < 0.05
    assert leaky.values["information/style"].normalised > 0.97  # type: ignore[operator]


def test_noise_has_no_bias_whatever_the_sizes_of_blocks() -> None:
    rng = np.random.default_rng(0)
    for sizes in ((10, 10), (1000, 8)):
        x, y = (rng.normal(size=(300, size)) for size in sizes)
        assert abs(distance_correlation(x, y)) < 0.03
    noise = measured(codes("blind", 3000))
    assert all(abs(value.normalised or 0.0) < 0.03 for value in noise.values.values())
    assert noise.settings["p_value"] > 0.05


def test_one_outlier_does_not_make_blocks_dependent() -> None:
    given_codes = codes("split-apart", 1200)
    row = given_codes.rows("test")[0]
    given_codes.content[row] *= 1000
    given_codes.style[row] *= 1000
    assert abs(measured(given_codes).values["distance-correlation"].value) < 0.05


def test_a_constant_block_depends_on_nothing() -> None:
    given_codes = without_style_factors(codes("split-apart", 300))
    given_codes.style[:] = 1.5
    result = measured(given_codes)
    assert result.values["distance-correlation"].value == 0.0
    assert "The style block is constant." in result.notes


def test_too_few_test_rows_are_an_error() -> None:
    given_codes = codes("split-apart", 300)
    with pytest.raises(UsageError, match="4 test rows"):
        measured(dataclasses.replace(given_codes, split=np.where(np.arange(300) < 4, 2, 0).astype(np.uint8)))


def test_same_seed_same_bits() -> None:
    given_codes = codes("leaky", 300)
    assert measured(given_codes, seed=1, rows=50).values == measured(given_codes, seed=1, rows=50).values


def test_golden_values_of_a_fixed_matrix() -> None:
    given_codes = fixed()
    rows = given_codes.rows("test")[:40]
    found = distance_correlation(given_codes.content[rows], given_codes.style[rows])
    assert found == pytest.approx(slow_distance_correlation(given_codes.content[rows], given_codes.style[rows]))
    assert found == pytest.approx(0.230290657, abs=1e-6)  # of this code on the day it was written
    values = measured(given_codes).values
    assert values["distance-correlation"].value == pytest.approx(0.093661, abs=1e-5)
    assert values["information/content"].value == pytest.approx(1.123, abs=0.03)
    assert values["information/style"].value == pytest.approx(1.341, abs=0.03)


def test_golden_values() -> None:
    x = np.array([[0.0], [1.0], [3.0], [7.0], [2.0]])
    y = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 1.0], [5.0, 5.0], [1.0, 1.0]])
    assert distance_correlation(x, y) == pytest.approx(slow_distance_correlation(x, y), abs=1e-12)
    assert information_bound(np.log([0.5, 0.5, 0.25, 0.25]), np.array([0, 1, 2, 3])) == pytest.approx(
        np.log(4) - 1.5 * np.log(2)
    )
    assert information_bound(np.full(4, -9.0), np.array([0, 1, 2, 3])) == 0.0
    assert entropy(np.array([1, 1])) == 0.0


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(5, 9), st.integers(0, 10_000), st.floats(0.01, 100))
def test_agrees_with_the_definition_and_ignores_order_rotation_shift_and_scale(n: int, seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, 3)), rng.normal(size=(n, 2))
    found = distance_correlation(x, y)
    assert found == pytest.approx(slow_distance_correlation(x, y), abs=1e-9)
    turn, order = np.linalg.qr(rng.normal(size=(3, 3)))[0], rng.permutation(n)
    assert distance_correlation(scale * (x @ turn)[order] - 3, y[order]) == pytest.approx(found, abs=1e-8)
    assert distance_correlation(y, x) == pytest.approx(found)
    assert found <= 1
