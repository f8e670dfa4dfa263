"""Blocks: which block holds which factor."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from helpers.content_style_files import codes, fixed, subject, without_style_factors
from hypothesis import given, settings
from hypothesis import strategies as st

from disent_plugins.contracts import Codes, Result
from disent_plugins.metrics.content_style.blocks import Blocks, BlocksConfig, one_sided, scores
from disent_plugins.metrics.content_style.leakage import Leakage, LeakageConfig


def measured(out: Path, given_codes: Codes, *, seed: int = 0, **options: int) -> Result:
    return Blocks(BlocksConfig(**options)).measure(subject(out, given_codes, seed=seed))


@pytest.mark.parametrize(
    ("kind", "completeness", "disentanglement", "placement"),
    [("swapped", 1, 1, -1), ("leaky", 2 / 3, 1 / 2, 1 / 2)],
)
def test_endpoints(tmp_path: Path, kind: str, completeness: float, disentanglement: float, placement: float) -> None:
    values = measured(tmp_path, codes(kind, 750)).values
    assert values["informativeness"].value > 0.97
    assert values["placement"].value == pytest.approx(placement, abs=0.05)
    for name, expected in (("completeness", completeness), ("disentanglement", disentanglement)):
        assert values[name].value == pytest.approx(expected, abs=0.03)
    assert all(value.low <= value.value <= value.high for value in values.values())  # type: ignore[operator]


def test_noise_scores_chance(tmp_path: Path) -> None:
    values = measured(tmp_path, codes("blind", 4500), train=300).values
    for name in ("informativeness", "completeness", "disentanglement", "placement"):
        assert abs(values[name].normalised or 0) < 0.03


def test_labels_alone_have_no_disentanglement(tmp_path: Path) -> None:
    result = measured(tmp_path, without_style_factors(codes("split-apart", 900)))
    assert "disentanglement" not in result.values
    assert result.values["placement"].value > 0.95
    assert result.artifacts["matrix"].exists()


def test_same_seed_same_bits(tmp_path: Path) -> None:
    given_codes = without_style_factors(codes("leaky", 300))
    assert measured(tmp_path, given_codes, seed=1).values == measured(tmp_path, given_codes, seed=1).values


def test_golden_scores_of_a_fixed_matrix() -> None:
    found = scores(np.array([[0.9, 0.1, 0.2], [0.3, 0.6, 0.2]]), ["label", "angle", "size"])
    assert found["informativeness"] == pytest.approx((0.9 + 0.6 + 0.2) / 3)
    assert found["completeness/label"] == pytest.approx(0.9 * (1 - 0.8112781), abs=1e-6)
    assert found["completeness/size"] == pytest.approx(0.0, abs=1e-12)
    assert found["placement"] == pytest.approx(((0.9 - 0.3) + (0.4 - 0.15)) / 2)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=5))
def test_scores_agree_with_the_definition_and_exchange_as_they_should(cells: list[tuple[float, float]]) -> None:
    matrix = np.array(cells).T
    names = [f"factor{k}" for k in range(len(cells))]

    def slow(x: float, y: float) -> float:
        parts = [z / (x + y) for z in (x, y) if z > 0] if x + y > 0 else []
        return max(x, y) * (1 + sum(p * math.log2(p) for p in parts if p > 0))

    found, exchanged = scores(matrix, names), scores(matrix[::-1], names)
    assert found["completeness"] == pytest.approx(np.mean([slow(x, y) for x, y in cells]), abs=1e-9)
    assert exchanged["completeness"] == pytest.approx(found["completeness"])
    assert exchanged["placement"] == pytest.approx(-found["placement"])
    assert all(-1 <= value <= 1 for value in found.values())


def test_golden_values_follow_from_the_accuracies_that_leakage_measures(tmp_path: Path) -> None:
    given_codes = fixed()
    given_subject = subject(tmp_path, given_codes)
    values = Blocks(BlocksConfig()).measure(given_subject).values
    cells = Leakage(LeakageConfig()).measure(given_subject).values
    told = {}
    for block in ("content", "style"):
        for name in given_codes.factor_names:
            cell = cells[f"{block}/{name}/nonlinear"]
            floor = cell.floor or 0.0
            limit = floor + 3 * math.sqrt(floor * (1 - floor) / 100)
            told[block, name] = (cell.value - floor) / (1 - floor) if cell.value > limit else 0.0
    both = [(told["content", name], told["style", name]) for name in given_codes.factor_names]
    assert values["informativeness"].value == pytest.approx(np.mean([max(pair) for pair in both]), abs=1e-12)
    right = both[0][0] - np.mean([content for content, _ in both[1:]])
    left = np.mean([style for _, style in both[1:]]) - both[0][1]
    assert values["placement"].value == pytest.approx((right + left) / 2, abs=1e-12)
    names = ("informativeness", "completeness", "disentanglement", "placement")
    assert [values[name].value for name in names] == pytest.approx((0.823, 0.658, 0.290, 0.500), abs=0.05)


def test_turning_stretching_and_dead_columns_hardly_matter(tmp_path: Path) -> None:
    given_codes = without_style_factors(codes("split-apart", 450))
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    style = np.hstack([np.full((450, 1), 7.0), given_codes.style[:, ::-1] * [-1000, 1, 0.01, 5]])
    moved = dataclasses.replace(given_codes, content=given_codes.content @ turn - 3, style=style)
    before = measured(tmp_path, given_codes).values
    for name, value in measured(tmp_path, moved).values.items():
        assert value.value == pytest.approx(before[name].value, abs=0.05)


def test_ideal_blocks_score_one_everywhere() -> None:
    ideal = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 1.0]])
    assert set(scores(ideal, list("abcd")).values()) == {1.0}
    assert one_sided(np.zeros((2, 2))).tolist() == [0.0, 0.0]
