"""Retrieval by content codes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.content_style_files import codes, fixed, subject
from hypothesis import given, settings
from hypothesis import strategies as st

from disent_plugins.contracts import Codes, Result
from disent_plugins.errors import UsageError
from disent_plugins.metrics.content_style.retrieval import Retrieval, RetrievalConfig, chance
from disent_plugins.metrics.statistics.partition import stratified
from disent_plugins.metrics.statistics.seeds import stream


def measured(given_codes: Codes, *, seed: int = 0, **options: Any) -> Result:
    return Retrieval(RetrievalConfig(**options)).measure(subject(Path("unused"), given_codes, seed=seed))


@pytest.mark.parametrize("distance", ["euclid", "cosine"])
def test_endpoints(distance: str) -> None:
    for name in ("precision-at-1", "evidence"):
        good = measured(codes("split-apart"), distance=distance).values[name]
        assert good.value > 0.97
        assert good.ceiling == 1.0
        noise = measured(codes("blind", 9000), distance=distance).values[name]
        assert abs(noise.normalised or 0) < 0.03
        assert noise.low <= noise.value <= noise.high  # type: ignore[operator]


def test_precision_agrees_with_scikit_learn() -> None:
    from sklearn.neighbors import NearestNeighbors

    given_codes = codes("split-apart", 900)
    given_codes.content += np.random.default_rng(3).normal(size=given_codes.content.shape).astype(np.float32)
    rows = given_codes.rows("test")
    x, y = given_codes.content[rows].astype(float), given_codes.labels[rows]
    nearest = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(x).kneighbors(x, return_distance=False)[:, 1]
    result = measured(given_codes)
    assert result.values["precision-at-1"].value == pytest.approx((y[nearest] == y).mean())
    assert result.values["precision-at-1"].floor == chance(y)


def test_golden_values_are_those_of_plain_loops() -> None:
    given_codes = fixed()
    rows = given_codes.rows("test")
    x, y = given_codes.content[rows].astype(float), given_codes.labels[rows]
    single = []
    for i in range(100):
        far = [float(sum((x[i] - x[j]) ** 2)) if i != j else np.inf for j in range(100)]
        nearest = [j for j in range(100) if far[j] == min(far)]
        single.append(np.mean([y[j] == y[i] for j in nearest]))
    held = stratified(y, 0.5, stream(3, "retrieval", "gallery"))
    assert (np.bincount(y[held]) >= 1).all()
    centres = [x[held & (y == label)].mean(axis=0) for label in range(10)]
    fused = [np.argmin([float(sum((x[i] - c) ** 2)) for c in centres]) == y[i] for i in np.flatnonzero(~held)]
    found = measured(given_codes, seed=3).values
    assert found["precision-at-1"].value == pytest.approx(np.mean(single), abs=1e-12)
    assert found["evidence"].value == pytest.approx(np.mean(fused), abs=1e-12)
    assert (found["precision-at-1"].value, found["evidence"].value) == pytest.approx((0.48, 32 / 49), abs=1e-6)


def test_rotation_shift_and_scale_change_nothing_but_the_scale_of_a_column_does() -> None:
    given_codes = fixed()
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    moved = dataclasses.replace(given_codes, content=(given_codes.content @ turn * -30 + 4).astype(np.float32))
    before = measured(given_codes).values["precision-at-1"].value
    assert measured(moved).values["precision-at-1"].value == pytest.approx(before, abs=0.011)  # a tie, one way or other
    assert (
        measured(dataclasses.replace(given_codes, style=given_codes.style * 9)).values == measured(given_codes).values
    )
    given_codes.content[:, 0] = np.random.default_rng(2).normal(size=300) * 1000
    assert measured(given_codes).values["precision-at-1"].value < before / 2


def test_constant_codes_score_exactly_chance_and_an_outlier_changes_little() -> None:
    given_codes = codes("split-apart", 900)
    given_codes.content[given_codes.rows("test")[0]] *= 1000
    assert measured(given_codes).values["precision-at-1"].value > 0.97
    given_codes.content[:] = 1.0
    value = measured(given_codes).values["precision-at-1"]
    assert value.value == pytest.approx(value.floor)


def test_evidence_beats_single_images_where_classes_are_noisy() -> None:
    given_codes = codes("split-apart", 3000)
    given_codes.content += np.random.default_rng(5).normal(size=given_codes.content.shape).astype(np.float32)
    result = measured(given_codes)
    assert result.values["evidence"].value > result.values["precision-at-1"].value
    assert result.settings["fused_by"] == "mean of the codes"


def test_single_images_are_left_out_and_too_few_is_an_error() -> None:
    given_codes = codes("split-apart", 300)
    given_codes.factors[given_codes.rows("test")[0], 0] = 99
    result = measured(given_codes)
    assert result.settings["n"] == 99
    assert any("1 images" in note for note in result.notes)
    with pytest.raises(UsageError, match="two classes"):
        measured(dataclasses.replace(given_codes, factors=np.arange(900).reshape(300, 3)))


def test_all_right_leaves_room_for_doubt() -> None:
    for value in measured(codes("split-apart", 300)).values.values():
        assert (value.value, value.high) == (1.0, 1.0)
        assert value.low == pytest.approx(0.025 ** (1 / value.n))


def test_same_seed_same_bits_and_rows_are_capped() -> None:
    given_codes = codes("leaky", 900)
    first = measured(given_codes, seed=2, samples=100)
    assert first.values == measured(given_codes, seed=2, samples=100).values
    assert first.settings["n"] <= 100


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 3), min_size=2, max_size=9))
def test_chance_is_the_share_of_equal_pairs(labels: list[int]) -> None:
    pairs = [a == b for i, a in enumerate(labels) for j, b in enumerate(labels) if i != j]
    assert chance(np.array(labels)) == pytest.approx(np.mean(pairs))
