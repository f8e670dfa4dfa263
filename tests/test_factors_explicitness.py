"""Explicitness: endpoints, invariances, scikit-learn's own area, and what cannot be measured."""

from __future__ import annotations

import numpy as np
import pytest
from metric_files import codes as blocks
from metric_files import subject
from sklearn.metrics import roc_auc_score

from disent_plugins.metrics.factors.explicitness import Explicitness, ExplicitnessConfig, mean_auc, probabilities
from disent_plugins.metrics.factors.sample import sample_of
from disent_plugins.testing import check_metric


def made(codes: np.ndarray, factors: np.ndarray) -> float:
    sample = sample_of(codes, factors, np.arange(len(codes)) % 3 == 0)
    return mean_auc(sample.factors[sample.test], probabilities(sample))


@pytest.fixture
def factors() -> np.ndarray:
    random = np.random.default_rng(0)
    return np.stack([random.integers(size, size=900) for size in (2, 4, 8)], axis=1)


def test_the_factors_themselves_are_explicit_however_they_are_turned(factors):
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    for codes in (factors, -factors, factors * [0.01, 1.0, 100.0], factors @ turn, np.hstack([factors, factors])):
        assert made(codes.astype(float), factors) > 0.985


def test_noise_and_constant_codes_are_at_chance(factors):
    assert made(np.random.default_rng(2).normal(size=(900, 4)), factors) == pytest.approx(0.5, abs=0.05)
    assert made(np.ones((900, 2)), factors) == 0.5


def test_the_area_is_scikit_learns():
    random = np.random.default_rng(3)
    truth, answer = random.integers(3, size=(200, 1)), random.random((200, 3)).round(1)
    slow = np.mean([roc_auc_score(truth[:, 0] == value, answer[:, value]) for value in range(3)])
    assert mean_auc(truth, [answer]) == pytest.approx(slow, abs=1e-12)


def test_values_that_one_side_lacks_are_survived():
    truth = np.zeros((5, 1), dtype=int)
    assert mean_auc(truth, [np.ones((5, 3))]) == 0.5


def test_the_metric_keeps_the_contract():
    check_metric(Explicitness, name="explicitness")


def test_reference_points_and_preset(tmp_path):
    found = Explicitness(ExplicitnessConfig()).measure(subject(tmp_path, blocks(2000, splits=False)))
    value = found.values["explicitness"]
    assert value.floor == pytest.approx(0, abs=0.05)
    assert value.low <= value.value <= value.high
    assert value.value == pytest.approx(0.99, abs=0.02)
    raw = Explicitness(ExplicitnessConfig(rescale=False)).measure(subject(tmp_path, blocks(2000, splits=False)))
    assert raw.values["explicitness"].value == pytest.approx((1 + value.value) / 2)
