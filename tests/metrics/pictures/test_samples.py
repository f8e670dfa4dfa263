"""Random codes: their moments, and what is drawn of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.metric_files import IMAGE, arrays, codes, decode, subject

from disent_plugins.errors import UsageError
from disent_plugins.metrics.pictures.samples import Samples, SamplesConfig, draw_codes, group_means


def test_normal_samples_are_standard_normal():
    content, style = draw_codes(codes(), "normal", 20_000, np.random.default_rng(0))
    for block in (content, style):
        np.testing.assert_allclose(block.mean(axis=0), 0, atol=0.03)
        np.testing.assert_allclose(np.cov(block, rowvar=False), np.eye(block.shape[1]), atol=0.04)


def test_group_means_agree_with_a_loop():
    generator = np.random.default_rng(0)
    mean, logvar = generator.normal(size=(2, 50, 3))
    labels = generator.choice([2, 5, 9], size=50)
    for found, label in zip(group_means(mean, logvar, labels), (2, 5, 9), strict=True):
        for d in range(3):
            precision = [1 / np.exp(logvar[i, d]) for i in range(50) if labels[i] == label]
            weighted = [mean[i, d] / np.exp(logvar[i, d]) for i in range(50) if labels[i] == label]
            assert found[d] == pytest.approx(sum(weighted) / sum(precision))


def test_group_mixture_lies_around_the_means_of_the_training_groups():
    given = codes()
    given.content *= 20
    test = given.rows("test")
    given.content[test] += 1000  # must not matter
    train = given.rows("train")
    means = np.stack([given.content[train][given.labels[train] == label].mean(axis=0) for label in range(4)])
    content, style = draw_codes(given, "group_mixture", 4000, np.random.default_rng(0))
    distance = np.linalg.norm(content[:, None] - means, axis=2)
    nearest = distance.argmin(axis=1)
    np.testing.assert_allclose(np.bincount(nearest) / 4000, 0.25, atol=0.03)
    assert np.square(distance.min(axis=1)).mean() == pytest.approx(3, abs=0.15)  # a standard normal of 3 dimensions
    np.testing.assert_allclose(style.mean(axis=0), 0, atol=0.06)


def test_fitted_samples_have_the_moments_of_the_training_codes():
    given = codes()
    given.style[:, 1] = 7.0  # a dead mean: only the posterior's variance is left
    train = given.rows("train")
    content, style = draw_codes(given, "fitted", 50_000, np.random.default_rng(0))
    expected = np.cov(given.content[train], rowvar=False, bias=True) + np.exp(-2) * np.eye(3)
    np.testing.assert_allclose(np.cov(content, rowvar=False), expected, rtol=0.05, atol=0.1)
    np.testing.assert_allclose(content.mean(axis=0), given.content[train].mean(axis=0), atol=0.05)
    assert style[:, 1].mean() == pytest.approx(7.0, abs=0.01)
    assert style[:, 1].var() == pytest.approx(np.exp(-1), rel=0.03)


def test_samples_are_the_decoded_codes(tmp_path):
    result = Samples(SamplesConfig(prior="group_mixture", n=2)).measure(subject(tmp_path))
    found = arrays(result, "samples")
    np.testing.assert_allclose(found["samples"].reshape(4, *IMAGE), decode(found["content"], found["style"]), rtol=1e-6)
    assert result.artifacts["samples"].name == "samples-group-mixture.png"  # beside, not over, those of the other prior


def test_group_mixture_needs_log_variances(tmp_path):
    given = subject(tmp_path, replace(codes(), content_logvar=None))
    with pytest.raises(UsageError, match="no log-variances"):
        Samples(SamplesConfig(prior="group_mixture")).measure(given)
