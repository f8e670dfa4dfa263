"""MIG: endpoints, a slow reference, faults of other suites, reference points."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import factor_codes as made
from helpers.metric_files import subject
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mutual_info_score
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

from disent_plugins.metrics.factors.mig import Mig, MigConfig, mig


def as_dlib(codes: np.ndarray, factors: np.ndarray) -> float:
    """The score with the preset's options."""
    options: dict[str, Any] = dict(Mig.presets["dlib"])
    return mig(codes, factors, **options)


def table(n: int = 4000, sizes: tuple[int, ...] = (8,) * 6, seed: int = 0) -> np.ndarray:
    """[n, K] independent uniform factors."""
    return np.stack([np.random.default_rng([seed, i]).integers(s, size=n) for i, s in enumerate(sizes)], axis=1)


def rotation(size: int) -> np.ndarray:
    """A random orthogonal matrix."""
    return np.linalg.qr(np.random.default_rng(5).normal(size=(size, size)))[0]


@pytest.mark.parametrize("sizes", [(8,) * 6, (4, 24, 183), (3, 6, 40, 32, 32)])
def test_perfect_code_scores_one_on_every_shape(sizes: tuple[int, ...]) -> None:
    factors = table(10_000, sizes)
    assert mig(factors.astype(float), factors) >= 0.97
    assert mig(np.random.default_rng(0).normal(size=(10_000, 10)), factors) < 0.01


def test_known_codes() -> None:
    factors = table()
    codes = factors.astype(float)
    dead, stretched = np.hstack([np.ones((len(codes), 1)), codes]), codes.copy()
    stretched[3] *= 1000
    assert mig(dead, factors) >= 0.97
    assert mig(stretched, factors) >= 0.97
    assert mig(np.hstack([codes, codes]), factors) == 0.0
    assert mig(np.zeros_like(codes), factors) == 0.0
    assert mig(codes[:, :1], factors) == pytest.approx(1 / 6, abs=0.01)
    assert mig(codes @ rotation(6), factors) < 0.3


def slow(codes: np.ndarray, factors: np.ndarray) -> float:
    """The published setting, written out."""
    gaps = []
    for v in factors.T:
        found = []
        for z in codes.T:
            found.append(mutual_info_score(np.digitize(z, np.histogram(z, 20)[1][:-1]), v))
        found.sort()
        gaps.append((found[-1] - found[-2]) / mutual_info_score(v, v))
    return float(np.mean(gaps))


@given(st.integers(0, 10_000), st.integers(2, 5))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_preset_is_the_slow_reference(seed: int, width: int) -> None:
    factors = table(300, (3, 5, 4), seed)
    generator = np.random.default_rng(seed)
    codes = factors @ generator.normal(size=(3, width)) + 0.3 * generator.normal(size=(300, width))
    assert as_dlib(codes, factors) == pytest.approx(slow(codes, factors), abs=1e-12)


@pytest.mark.parametrize(("sizes", "published"), [((4, 24, 183), 0.818), ((3, 6, 40, 32, 32), 0.896)])
def test_preset_has_the_published_faults(sizes: tuple[int, ...], published: float) -> None:
    factors = table(10_000, sizes)
    assert as_dlib(factors.astype(float), factors) == pytest.approx(published, abs=0.005)


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_order_sign_and_scale_do_not_matter(seed: int) -> None:
    factors, generator = table(400, (3, 4)), np.random.default_rng(seed)
    codes = factors @ generator.normal(size=(2, 4)) + 0.2 * generator.normal(size=(400, 4))
    other = codes[:, generator.permutation(4)] * 10.0 ** generator.uniform(-2, 2, 4)
    assert mig(other, factors) == pytest.approx(mig(codes, factors), abs=1e-12)
    # A quantile bin's edge row may change sides when the order is reversed.
    assert mig(-codes, factors) == pytest.approx(mig(codes, factors), abs=0.02)
    assert 0.0 <= mig(codes, factors) <= 1.0


def test_golden_value() -> None:
    factors = table(500, (3, 4, 5))
    codes = factors @ np.array([[1.0, 0.2, 0.0], [0.1, 1.0, 0.4], [0.0, 0.3, 1.0]])
    assert mig(codes, factors) == pytest.approx(0.458737311616, abs=1e-9)
    assert as_dlib(codes, factors) == pytest.approx(slow(codes, factors), abs=1e-12)


def test_default_score_is_the_formula_with_exact_chance() -> None:
    codes, factors, _ = made.fixed()
    codes = np.rint(codes)  # few values, so that every value is a bin
    shares = []
    for v in factors.T:
        for z in codes.T:
            chance = expected_mutual_information(contingency_matrix(z, v, sparse=True), len(v))
            shares.append(max(mutual_info_score(z, v) - chance, 0) / (mutual_info_score(v, v) - chance))
    ordered = np.sort(np.reshape(shares, (3, 4)))
    assert mig(codes, factors) == pytest.approx((ordered[:, -1] - ordered[:, -2]).mean(), abs=1e-3)


def test_result_has_its_reference_points_and_picture(tmp_path: Path) -> None:
    config = MigConfig(bootstrap=20)
    first, again = (Mig(config).measure(subject(tmp_path)) for _ in range(2))
    value = first.values["mig"]
    assert value == again.values["mig"]
    assert value.low is not None
    assert value.high is not None
    assert value.low <= value.value <= value.high
    assert value.floor == pytest.approx(0.0, abs=0.05)
    assert value.ceiling == pytest.approx(1.0, abs=0.1)
    assert first.settings["used_bins"] == 20
    assert first.artifacts["mutual-information"].read_bytes()[:4] == b"\x89PNG"
    with np.load(first.artifacts["mutual-information-arrays"]) as arrays:
        assert arrays["share"].shape == (5, 2)


@pytest.mark.parametrize("width", [0.1, 0.9])
def test_an_invertible_continuous_code_is_at_its_ceiling(width: float, tmp_path: Path) -> None:
    factors = table(10_000)
    codes = factors + width * np.random.default_rng(2).random(factors.shape)
    result = Mig(MigConfig(bootstrap=20)).measure(made.subject(tmp_path, codes, factors))
    value = result.values["mig"]
    assert value.normalised == pytest.approx(1.0, abs=0.005)
    assert value.low <= value.ceiling <= value.high  # type: ignore[operator]
    assert value.ceiling < 0.97
    assert result.settings["continuous_ceiling"]
    assert any("continuous" in note for note in result.notes)
