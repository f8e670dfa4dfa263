"""Reference points of a factor metric: the floor of permuted factors, the ceiling of ideal codes, the interval."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disent_plugins.metrics.factors.references import Says, best_code, interval, referenced, value_of
from disent_plugins.metrics.factors.sample import CeilingOptions, Sample, sample_of
from disent_plugins.metrics.factors.scale import scaled
from disent_plugins.metrics.factors.variants import halved, permuted, resampled
from disent_plugins.metrics.statistics.seeds import stream

N = 500


def right(sample: Sample, seed: int) -> Mapping[str, float]:
    """Share of the rows to judge whose code is their factor."""
    return {"right": float((sample.codes[sample.test, 0] == sample.factors[sample.test, 0]).mean())}


def guessed() -> Sample:
    """Codes that are the factor of four values in about seven rows of ten; the last 400 rows are to judge."""
    random = np.random.default_rng(0)
    factor = random.integers(4, size=(N, 1))
    return sample_of(
        np.where(random.random((N, 1)) < 0.6, factor, random.integers(4, size=(N, 1))), factor, at_least(100)
    )


def at_least(first: int) -> np.ndarray:
    return np.arange(N) >= first


def test_floor_ceiling_and_interval_are_what_they_say() -> None:
    steps: list[tuple[int, int]] = []
    value = referenced(
        right, guessed(), 7, {"right": Says("accuracy", "in words")}, permutations=6, bootstrap=400,
        report=lambda done, total, what: steps.append((done, total)),
    )["right"]  # fmt: skip
    assert value.value == right(guessed(), 0)["right"]
    floors = [right(permuted(guessed(), stream(7, "floor", str(i))), 0)["right"] for i in range(6)]
    assert value.floor == pytest.approx(np.median(floors))
    assert value.floor == pytest.approx(1 / 4, abs=0.05)
    assert value.ceiling == 1.0
    assert (value.n, value.unit, value.estimator) == (400, "accuracy", "in words")
    half = 1.96 * np.sqrt(value.value * (1 - value.value) / 400)  # binomial
    assert value.low == pytest.approx(value.value - half, abs=0.15 * half)
    assert value.high == pytest.approx(value.value + half, abs=0.15 * half)
    assert steps == [(i, 408) for i in range(1, 409)]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10_000))
def test_permuting_and_resampling_leave_the_rows_to_fit_on_apart(seed: int) -> None:
    sample = guessed()
    shuffled, drawn = (make(sample, np.random.default_rng(seed)) for make in (permuted, resampled))
    for part in (sample.test, ~sample.test):
        assert sorted(shuffled.factors[part, 0]) == sorted(sample.factors[part, 0])
    assert np.array_equal(shuffled.codes, sample.codes)
    assert np.array_equal(drawn.codes[~drawn.test], sample.codes[~sample.test])
    pairs = {tuple(row) for row in np.hstack([sample.codes, sample.factors])[sample.test]}
    assert {tuple(row) for row in np.hstack([drawn.codes, drawn.factors])[drawn.test]} <= pairs
    assert drawn.test.sum() == sample.test.sum()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.floats(-2, 2), st.lists(st.floats(-2, 2), min_size=2, max_size=9))
def test_the_interval_is_two_standard_errors_cut_where_scores_end(found: float, draws: list[float]) -> None:
    mean = sum(draws) / len(draws)
    error = (sum((draw - mean) ** 2 for draw in draws) / (len(draws) - 1)) ** 0.5
    low, high = interval(found, draws)
    assert low <= found <= high
    inside = 0 <= found <= 1
    assert low == pytest.approx(max(found - 1.96 * error, 0) if inside else found - 1.96 * error, abs=1e-3)
    assert high == pytest.approx(min(found + 1.96 * error, 1) if inside else found + 1.96 * error, abs=1e-3)


def test_half_samples_hold_no_row_twice_and_all_rows_to_fit_on() -> None:
    sample = guessed()
    sample.codes[:, 0] = np.arange(N)
    for seed in range(20):
        half = halved(sample, np.random.default_rng(seed))
        assert half.test.sum() == 200
        assert half.codes[~half.test, 0].tolist() == list(range(100))
        kept = half.codes[half.test, 0].astype(int)
        assert len(set(kept)) == 200
        assert kept.min() >= 100
        assert half.factors[half.test].tolist() == sample.factors[kept].tolist()


def test_an_interval_of_halves_is_two_standard_errors_too_and_sees_a_shift() -> None:
    value = referenced(right, guessed(), 7, {"right": Says("accuracy", "")}, bootstrap=400, halves=True)["right"]
    half = 1.96 * np.sqrt(value.value * (1 - value.value) / 400)  # binomial
    assert value.low == pytest.approx(value.value - half, abs=0.15 * half)

    def selecting(sample: Sample, seed: int) -> Mapping[str, float]:
        return {"selecting": 0.8 if sample.test.sum() == 400 else 0.7}

    value = referenced(selecting, guessed(), 7, {"selecting": Says("share", "")}, halves=True)["selecting"]
    assert value.low == pytest.approx(0.8 - 1.96 * 0.1, abs=1e-4)
    assert value.high == pytest.approx(0.8 + 1.96 * 0.1, abs=1e-4)


def test_one_accident_among_permutations_does_not_move_the_floor() -> None:
    assert value_of(Says("share", ""), 0.5, [0.0, 1.0, 0.0, 0.0, 0.0], 1.0, [], 9).floor == 0.0


def test_the_ideal_of_codes_without_ties_has_none_and_is_the_factors_in_order() -> None:
    factors = np.random.default_rng(0).integers(5, size=(N, 2))
    spread = factors + np.random.default_rng(1).random(factors.shape)
    still = np.ones((N, 1))
    for codes, without in ((spread, True), (factors, False), (np.hstack([still, spread]), True),
                           (np.hstack([factors[:, :1], spread]), False)):  # fmt: skip
        best = best_code(sample_of(codes, factors), CeilingOptions(), 3)
        assert best.continuous == without
        assert len(best.samples) == (5 if without else 1)
        for one in best.samples:
            assert np.array_equal(np.rint(one.codes), factors)
            assert all(len(np.unique(code)) == (N if without else 5) for code in one.codes.T)
        assert not best_code(sample_of(codes, factors), CeilingOptions(ceiling="factors"), 3).continuous
    assert not best_code(sample_of(still, factors), CeilingOptions(), 3).continuous


def test_a_code_of_one_value_in_nearly_all_rows_is_no_code_on_ranks() -> None:
    rare = (np.arange(4000) % 200 == 0).astype(float)  # in half a per cent of the rows
    rarer = (np.arange(4000) % 2000 == 0).astype(float)
    assert scaled(np.stack([rare, rarer, np.ones(4000)], axis=1)).shape == (4000, 1)
    assert scaled(np.stack([rare, rarer, np.ones(4000)], axis=1), "raw").shape == (4000, 2)
