"""Reference points where the factors of the data depend on each other: what the ideal code tells of the wrong block."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.content_style_files import codes, subject, without_style_factors
from hypothesis import given, settings
from hypothesis import strategies as st

from disent_plugins.contracts import Codes
from disent_plugins.metrics.content_style.blocks import Blocks, BlocksConfig
from disent_plugins.metrics.content_style.ideal import dependence_notes, ideal_accuracies, looked_up
from disent_plugins.metrics.content_style.leakage import Leakage, LeakageConfig
from disent_plugins.metrics.content_style.reading import ReadingOptions, targets
from disent_plugins.metrics.probe.rows import Rows


def dependent(n: int = 1500, share: float = 0.6, others: int = 0) -> Codes:
    """A perfect code of five digits and five styles; a style is its digit in ``share`` of the rows, else any.

    The ``others`` are style factors of two values that depend on nothing.
    """
    rng = np.random.default_rng(0)
    digit, style = rng.integers(5, size=(2, n))
    style = np.where(rng.random(n) < share, digit, style)
    rest = rng.integers(2, size=(n, others))
    return Codes(
        np.eye(5, dtype=np.float32)[digit],
        np.hstack([np.eye(5)[style], rest]).astype(np.float32),
        np.column_stack([digit, style, rest]),
        ("digit", "style", *(f"other{i}" for i in range(others))),
        "digit",
        np.where(np.arange(n) < 2 * n // 3, 0, 2).astype(np.uint8),
    )


def ideal(some: Codes) -> np.ndarray:
    return ideal_accuracies(some, targets(some, ReadingOptions(), 0)[0])


def test_a_perfect_code_of_dependent_factors_leaks_as_little_as_can_be(tmp_path: Path) -> None:
    found = Leakage(LeakageConfig(bootstrap=50)).measure(subject(tmp_path, dependent()))
    value = found.values["leakage"]
    assert value.value > 0.5
    assert value.normalised == pytest.approx(0, abs=0.03)
    assert np.mean([found.settings["ideal"][0][1], found.settings["ideal"][1][0]]) == value.floor
    (note,) = found.notes
    assert "the style factors tell 'digit' (0." in note
    assert "'digit' tells 'style' (0." in note


def test_a_perfect_code_of_dependent_factors_has_perfect_blocks(tmp_path: Path) -> None:
    found = Blocks(BlocksConfig(bootstrap=20)).measure(subject(tmp_path, dependent()))
    assert found.values["placement"].value < 0.5
    for name in ("informativeness", "completeness", "disentanglement", "placement"):
        assert found.values[name].normalised == pytest.approx(1, abs=0.05)
    assert "depend on each other" in found.notes[0]


def test_style_that_also_holds_the_content_is_above_the_floor(tmp_path: Path) -> None:
    some = dependent()
    leaky = replace(some, style=np.hstack([some.style, some.content]))
    leak = Leakage(LeakageConfig(bootstrap=50)).measure(subject(tmp_path, leaky)).values["leakage"]
    assert leak.normalised == pytest.approx(0.5, abs=0.05)  # one of two factors, all of it


def test_the_same_factor_twice_leaves_nothing_to_score(tmp_path: Path) -> None:
    given_subject = subject(tmp_path, dependent(600, share=1.0))
    leak = Leakage(LeakageConfig(bootstrap=20)).measure(given_subject).values["leakage"]
    assert (leak.floor, leak.normalised) == (1.0, None)
    values = Blocks(BlocksConfig(bootstrap=20)).measure(given_subject).values
    assert (values["completeness"].value, values["completeness"].normalised) == (0.0, None)


def test_a_blind_code_is_not_perfect_where_nothing_is_left_to_score(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(size=(2, 600, 3)).astype(np.float32)
    some = replace(dependent(600, share=1.0), content=noise[0], style=noise[1])
    found = (
        Blocks(BlocksConfig(bootstrap=20, permutations=2000)).measure(subject(tmp_path, some)).values["completeness"]
    )
    assert found.floor is not None
    assert found.floor > 0  # some permutations are significant, and the ideal code scores 0
    assert found.normalised is None


def test_shares_are_those_of_the_best_guess() -> None:
    """0.6 + 0.4 / 5 of the styles are the digit, so that 0.6 of the way from chance, 1 in 5, to 1 is told."""
    assert ideal(dependent(60_000))[[0, 1], [1, 0]] == pytest.approx(0.6, abs=0.02)
    many = ideal(dependent(2000, others=9))  # a combination of ten style factors has a row or none
    assert many[1, 0] == pytest.approx(0.6, abs=0.05)
    assert many[0, 2:].tolist() == [0] * 9


def test_factors_that_only_together_tell_the_content() -> None:
    some = dependent(2000, share=0.0, others=1)
    some.factors[:, 0] = (some.factors[:, 1] + 5 * some.factors[:, 2]) % 7
    assert ideal(some)[1, 0] == 1.0


@pytest.mark.parametrize("kind", ["split-apart", "swapped"])
def test_independent_factors_tell_exactly_nothing(kind: str) -> None:
    some = codes(kind, 900)
    found = targets(some, ReadingOptions(), 0)[0]
    assert ideal(some).tolist() == [[1, 0, 0], [0, 1, 1]]
    assert dependence_notes(ideal(some), found, "it is that") == []
    assert ideal(without_style_factors(some)).tolist() == [[1], [0]]


def test_a_note_names_a_few_factors_only() -> None:
    some = codes("blind", 900)
    (label, angle, _) = targets(some, ReadingOptions(), 0)[0]
    matrix = np.array([[1, *np.linspace(0.9, 0.2, 7)], [0.4, *[1] * 7]])
    (note,) = dependence_notes(matrix, [label, *[angle] * 7], "it is that")
    assert note.count("'label' tells 'angle'") == 4
    assert "(0.90)" in note
    assert ", and 3 more;" in note


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 999), n=st.integers(4, 40), columns=st.integers(1, 3), values=st.integers(1, 4))
def test_tables_answer_as_slow_ones_do(seed: int, n: int, columns: int, values: int) -> None:
    rng = np.random.default_rng(seed)
    keys, labels = rng.integers(values, size=(n, columns)), rng.choice([-3, 2, 9], size=n)
    train, test = np.arange(n // 2), np.arange(n // 2, n)

    def most(rows: np.ndarray) -> int:
        counts = Counter(labels[rows].tolist())
        return min(counts, key=lambda label: (-counts[label], label))

    same = [train[(keys[train] == keys[row]).all(axis=1)] for row in test]
    slow = [most(rows if len(rows) else train) for rows in same]
    assert looked_up(keys, labels, Rows(train, train, test, test, "")).tolist() == slow
