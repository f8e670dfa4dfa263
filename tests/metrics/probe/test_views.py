"""What classifiers are given of codes, against scipy and numpy written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from disent_plugins.metrics.probe.linear import LINEAR, Discriminant
from disent_plugins.metrics.probe.views import CLIP, Views, standardised

ROWS = np.random.default_rng(0).normal(size=(500, 4)) @ np.random.default_rng(1).normal(size=(4, 4)) + 3


def test_whitened_columns_do_not_correlate_and_are_about_one_in_deviation() -> None:
    white = Views.of(ROWS).whitened(ROWS)
    np.testing.assert_allclose(np.corrcoef(white.T), np.eye(4), atol=0.02)
    np.testing.assert_allclose(white.std(axis=0), 1, atol=0.05)


def test_whitening_leaves_columns_that_do_not_correlate_where_they_are() -> None:
    x = np.linalg.qr(np.random.default_rng(2).normal(size=(500, 3)))[0] * [1, 100, 1e-4]
    views = Views.of(x)
    assert (np.abs(np.corrcoef(views.whitened(x).T, x.T)[:3, 3:].diagonal()) > 0.98).all()


def test_a_small_difference_of_two_large_columns_stands_out() -> None:
    rng = np.random.default_rng(3)
    faint = rng.normal(size=2000)
    common = 1000 * rng.normal(size=2000)
    x = np.stack([common, common + faint], axis=1)
    white = Views.of(x).whitened(x)
    weights = np.linalg.lstsq(white, faint, rcond=None)[0]
    assert np.corrcoef(white @ weights, faint)[0, 1] > 0.99
    assert np.abs(weights).max() < 3  # not by large weights: it is as long as any other direction
    flat = standardised(x, np.arange(2000))
    assert np.abs(np.linalg.lstsq(flat, faint, rcond=None)[0]).max() > 300


def test_a_copied_and_a_constant_column_are_no_directions() -> None:
    x = np.hstack([ROWS, ROWS[:, :1], np.full((500, 1), 7.0)])
    full = Views.of(x).full(x)
    assert full.shape == (500, 12)
    assert np.isfinite(full).all()
    assert not full[:, [5, 11]].any()


def test_levelled_codes_hold_the_normal_score_and_keep_the_order() -> None:
    x = np.random.default_rng(4).standard_cauchy(size=(801, 1))
    rank = x[:, 0].argsort().argsort()
    level = Views.of(x).levelled(x)[:, 0]
    assert (np.diff(level[x[:, 0].argsort()]) >= 0).all()
    half = np.quantile(x, [0.25, 0.75])
    bent = np.arcsinh((x[:, 0] - np.median(x)) / x[:, 0].clip(*half).std())
    inner = np.sort(bent)[[4, -5]]
    expected = norm.ppf((rank + 0.5) / 801) + ((bent - np.median(bent)) / bent.clip(*inner).std()).clip(-CLIP, CLIP)
    np.testing.assert_allclose(level, expected / 2, atol=0.02)


def test_equal_values_have_one_level_and_sparse_codes_are_not_lost() -> None:
    x = np.zeros((300, 1))
    x[:20, 0] = 5.0
    level = Views.of(x).levelled(x)[:, 0]
    assert len(set(level.tolist())) == 2
    assert level[0] - level[-1] > 1


def test_a_view_is_that_of_the_rows_it_was_fitted_on() -> None:
    views = Views.of(ROWS[:300])
    other = ROWS[300:].copy()
    before = views.full(other)[0]
    other[1:] *= 1000
    np.testing.assert_array_equal(views.full(other)[0], before)


def test_the_discriminant_is_bayes_rule_of_its_estimates() -> None:
    from scipy.stats import multivariate_normal

    rng = np.random.default_rng(5)
    y = np.repeat([0, 1, 2], [50, 100, 150])
    x = rng.normal(size=(300, 2)) + np.array([[0, 0], [1, 0], [0, 2]])[y]
    means = [x[y == k].mean(axis=0) for k in range(3)]
    within = sum(np.cov(x[y == k].T, bias=True) * (y == k).sum() for k in range(3)) / 297
    joint = np.stack([(y == k).mean() * multivariate_normal(means[k], within).pdf(x) for k in range(3)], axis=1)
    found = Discriminant()
    found.fit(x, y)
    np.testing.assert_allclose(found.predict_proba(x), joint / joint.sum(axis=1, keepdims=True), atol=1e-5)


@pytest.mark.parametrize("line", LINEAR, ids=lambda line: line.words)
def test_codes_that_are_the_label_and_nothing_else_are_told(line) -> None:
    y = np.arange(60) % 3
    x = np.eye(3)[y]
    told = line.answers(Views.of(x), x, y, x, x, 0)
    assert told.right(y) == 1
    np.testing.assert_allclose(told.asked.sum(axis=1), 1, atol=1e-5)
