"""SAP: endpoints, invariances, a slow reference, published values under the preset, and edge cases."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import factor_codes as made
from helpers.metric_files import codes as blocks
from helpers.metric_files import subject
from hypothesis import given, settings
from hypothesis import strategies as st

from disent_plugins.metrics.factors.sample import sample_of
from disent_plugins.metrics.factors.sap import Sap, SapConfig, _most_frequent, gap, predictability


def factors(sizes: tuple[int, ...], n: int = 3000) -> np.ndarray:
    random = np.random.default_rng(0)
    return np.stack([random.integers(size, size=n) for size in sizes], axis=1)


def sap(codes: np.ndarray, v: np.ndarray, predictor: str = "threshold") -> float:
    return gap(predictability(sample_of(codes.astype(float), v, np.arange(len(v)) % 3 == 0), predictor))


V = factors((8, 4, 24))


def test_the_factors_themselves_are_perfect_in_any_order_sign_and_scale():
    outlier = V.astype(float)
    outlier[0] *= 1000
    for codes in (V, V[:, [2, 0, 1]], -V, V * [0.01, 1.0, 100.0], np.hstack([0 * V[:, :1], V]), outlier):
        assert sap(codes, V) > 0.97


def test_what_has_no_single_best_code_scores_nothing():
    assert sap(np.hstack([V, V]), V) == 0
    assert sap(np.zeros_like(V), V) == 0
    assert sap(np.random.default_rng(1).normal(size=(3000, 5)), V) < 0.02


def test_rotation_is_seen():
    v = factors((8,) * 4)
    assert sap(v @ np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0], v) < 0.3


def test_one_code_tells_its_factor_only():
    assert sap(V[:, :1], V) == pytest.approx(1 / 3, abs=0.02)


def test_published_values_under_the_preset():
    v = factors((8,) * 6, n=6000)
    assert sap(v, v, "svm") == pytest.approx(0.242, abs=0.08)  # a line cannot tell ordered values apart
    assert sap(v, v, "r2") == pytest.approx(0.9999, abs=0.005)
    assert sap(np.hstack([v, v]), v, "r2") == pytest.approx(0, abs=1e-12)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_the_threshold_classifier_agrees_with_loops(seed):
    random = np.random.default_rng(seed)
    code, factor = random.integers(6, size=60).astype(float), random.integers(3, size=60)
    factor[:3] = (0, 1, 2)
    test = np.arange(60) >= 40
    answers = {}
    for value in np.unique(code[:40]):
        votes = np.bincount(factor[:40][code[:40] == value], minlength=3)
        answers[value] = votes.argmax()
    known = np.array(sorted(answers))
    right = np.mean(
        [answers[known[np.abs(known - z).argmin()]] == y for z, y in zip(code[40:], factor[40:], strict=True)]
    )
    chance = np.mean(np.bincount(factor[:40]).argmax() == factor[40:])
    expected = max((right - chance) / (1 - chance), 0)
    if len(known) == 6:  # otherwise a value between two others may be answered by either
        found = predictability(sample_of(code[:, None], factor[:, None], test))[0, 0]
        assert found == pytest.approx(expected, abs=1e-12)


def squared_correlation(x, y):
    dx, dy = x - sum(x) / len(x), y - sum(y) / len(y)
    return sum(dx * dy) ** 2 / (sum(dx * dx) * sum(dy * dy))


def test_golden_values_of_a_fixed_matrix():
    codes, factors, test = made.fixed()
    squared = np.sort([[squared_correlation(z[test], v[test]) for v in factors.T] for z in codes.T], axis=0)
    sample = sample_of(codes, factors, test)
    found = {name: gap(predictability(sample, name)) for name in ("threshold", "r2", "svm")}
    assert found["r2"] == pytest.approx((squared[-1] - squared[-2]).mean(), abs=1e-12)
    assert found["r2"] == pytest.approx(0.754846506, abs=1e-9)
    assert found["threshold"] == pytest.approx(0.439753394, abs=1e-9)
    assert found["svm"] == pytest.approx(0.19333, abs=0.01)  # its solver stops short of the optimum


def test_a_continuous_code_is_cut_into_twice_as_many_pieces_as_there_are_values():
    random = np.random.default_rng(4)
    factor = random.integers(30, size=1500)
    code, test = factor + 0.6 * random.normal(size=1500), np.arange(1500) >= 1000
    edges = [float(np.quantile(code[:1000], q / 60)) for q in range(1, 60)]
    piece = np.array([sum(edge < z for edge in edges) for z in code])
    answers = {p: int(np.bincount(factor[:1000][piece[:1000] == p]).argmax()) for p in range(60)}
    right = np.mean([answers[p] == v for p, v in zip(piece[1000:], factor[1000:], strict=True)])
    chance = np.mean(factor[1000:] == np.bincount(factor[:1000]).argmax())
    found = predictability(sample_of(code[:, None], factor[:, None], test))[0, 0]
    assert found == pytest.approx((right - chance) / (1 - chance), abs=1e-12)


def test_golden_value_and_determinism(tmp_path):
    first, second = (Sap(SapConfig()).measure(subject(tmp_path, blocks(3000, splits=False))) for _ in range(2))
    assert first == second
    value = first.values["sap"]
    assert value.value == pytest.approx(GOLDEN, abs=0.01)  # of this code on the day it was written
    assert value.low <= value.value <= value.high
    assert value.floor == pytest.approx(0, abs=0.03)
    assert value.ceiling == pytest.approx(0.94, abs=0.03)  # these codes have no ties


GOLDEN = 0.4626


@settings(max_examples=50, deadline=None, derandomize=True)
@given(seed=st.integers(0, 999), count=st.integers(1, 60), size=st.integers(1, 60), n=st.integers(1, 80))
def test_answers_are_the_same_whether_or_not_empty_cells_are_skipped(seed, count, size, n):
    generator = np.random.default_rng(seed)
    piece, factor = generator.integers(count, size=n), generator.integers(size, size=n)
    table = np.bincount(piece * size + factor, minlength=count * size).reshape(count, size)
    assert np.array_equal(_most_frequent(piece, factor, count, size), table.argmax(axis=1))


@pytest.mark.parametrize("width", [0.1, 0.9])
def test_an_invertible_continuous_code_is_at_its_ceiling(width, tmp_path):
    v = factors((8,) * 6, n=6000)
    given_to = made.subject(tmp_path, v + width * np.random.default_rng(2).random(v.shape), v)
    given_to.codes.split[:4000] = 0
    result = Sap(SapConfig(bootstrap=20)).measure(given_to)
    value = result.values["sap"]
    assert value.normalised == pytest.approx(1.0, abs=0.03)
    assert value.low <= value.ceiling <= value.high
    assert value.ceiling < 0.97
    assert result.settings["continuous_ceiling"]
    other = Sap(SapConfig(ceiling="factors", bootstrap=10)).measure(given_to)
    assert other.values["sap"].ceiling > 0.99
