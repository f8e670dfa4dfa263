"""Few-shot recognition."""

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
from disent_plugins.metrics.content_style.few_shot import FewShot, FewShotConfig
from disent_plugins.metrics.content_style.nearest import fused, share_right
from disent_plugins.metrics.statistics.seeds import stream


def measured(given_codes: Codes, *, seed: int = 0, fuse: Any = None, bootstrap: int = 10, **options: Any) -> Result:
    given_subject = dataclasses.replace(subject(Path("unused"), given_codes, seed=seed), fuse=fuse)
    return FewShot(FewShotConfig(bootstrap=bootstrap, **options)).measure(given_subject)


def test_classes_that_lie_apart_are_recognised_and_noise_is_guessed() -> None:
    assert min(value.value for value in measured(codes("split-apart")).values.values()) > 0.97
    for kind in ("blind", "swapped"):
        values = measured(codes(kind, 6000)).values
        assert set(values) == {"1-shot", "5-shot"}
        for value in values.values():
            assert value.floor == 0.1
            assert abs(value.normalised or 0) < 0.03
            assert value.low <= value.value <= value.high  # type: ignore[operator]


def test_more_shots_average_noise_away() -> None:
    given_codes = codes("split-apart", 3000)
    given_codes.content += np.random.default_rng(5).normal(size=given_codes.content.shape).astype(np.float32)
    values = measured(given_codes).values
    assert values["5-shot"].value > values["1-shot"].value + 0.05


def test_rotation_shift_and_scale_change_nothing_and_constant_codes_guess() -> None:
    given_codes = codes("split-apart", 900)
    given_codes.content += np.random.default_rng(5).normal(size=given_codes.content.shape).astype(np.float32)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    moved = dataclasses.replace(given_codes, content=(given_codes.content @ turn * 30 + 4).astype(np.float32))
    first, second = measured(given_codes), measured(moved)
    assert first.values["1-shot"].value == pytest.approx(second.values["1-shot"].value, abs=2e-3)
    given_codes.content[:] = 2.0
    assert measured(given_codes).values["5-shot"].value == pytest.approx(0.1)


def test_the_scale_of_a_column_matters_and_the_style_does_not() -> None:
    given_codes = codes("split-apart", 900)
    given_codes.content[:, 7] = np.random.default_rng(5).normal(size=900)
    before = measured(given_codes, episodes=50).values
    restyled = dataclasses.replace(given_codes, style=given_codes.style[::-1] * 1000)
    assert measured(restyled, episodes=50).values == before
    given_codes.content[:, 7] *= 1000
    assert measured(given_codes, episodes=50).values["1-shot"].value < before["1-shot"].value / 2


@pytest.mark.parametrize(("distance", "golden"), [("euclid", (0.6025, 0.7025)), ("cosine", (0.605, 0.6875))])
def test_golden_values_are_those_of_plain_loops(distance: str, golden: tuple[float, float]) -> None:
    given_codes = fixed()
    found = measured(given_codes, seed=3, ways=4, queries=2, episodes=50, distance=distance).values
    x, rows = given_codes.content.astype(float), given_codes.rows("test")
    for shots, name in ((1, "1-shot"), (5, "5-shot")):
        draw, right = stream(3, "few-shot", str(shots)), []
        members = [[int(r) for r in rows if given_codes.labels[r] == label] for label in range(10)]
        members = [m for m in members if len(m) > shots]
        for _ in range(50):
            drawn = [draw.choice(members[k], shots + 2, replace=False) for k in draw.choice(len(members), 4, False)]
            centres = [sum(x[i] for i in of[:shots]) / shots for of in drawn]
            for way, of in enumerate(drawn):
                for i in of[shots:]:
                    far = [distances(x[i], c)[distance] for c in centres]
                    ties = np.flatnonzero(np.isclose(far, min(far), rtol=0, atol=1e-9))
                    right.append((way in ties) / len(ties))
        assert found[name].value == pytest.approx(np.mean(right), abs=1e-12)
    assert (found["1-shot"].value, found["5-shot"].value) == pytest.approx(golden, abs=1e-3)


def distances(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    cosine = sum(a * b) / (sum(a * a) * sum(b * b)) ** 0.5
    return {"euclid": float(sum((a - b) ** 2)), "cosine": float(1 - cosine)}


def test_evidence_is_fused_by_the_models_rule_then_gaussians_then_mean() -> None:
    given_codes = codes("split-apart", 300)
    rows, group = np.array([0, 1, 2, 3]), np.array([1, 0, 1, 0])
    plain = subject(Path("unused"), given_codes)
    x = given_codes.content[rows].astype(np.float64)
    assert fused(plain, rows, group, 2) == pytest.approx(np.stack([(x[1] + x[3]) / 2, (x[0] + x[2]) / 2]))
    given_codes = dataclasses.replace(given_codes, content_logvar=np.log(np.arange(1, 301))[:, None] * np.ones((1, 8)))
    gaussian = dataclasses.replace(plain, codes=given_codes)
    assert fused(gaussian, rows, group, 2)[1] == pytest.approx((x[0] + x[2] / 3) / (1 + 1 / 3))
    ruled = dataclasses.replace(gaussian, fuse=lambda mean, logvar, ids: np.full((2, 8), 7.0))
    assert fused(ruled, rows, group, 2).tolist() == np.full((2, 8), 7.0).tolist()
    assert (
        "model's own rule"
        in measured(given_codes, episodes=20, fuse=lambda m, v, i: m[: i.max() + 1]).settings["fused_by"]
    )
    assert "Gaussians" in measured(given_codes, episodes=20).settings["fused_by"]


def test_a_note_says_whether_training_saw_the_classes() -> None:
    given_codes = codes("split-apart")
    assert "10 of the 10 classes occur in the training split" in measured(given_codes, episodes=20).notes[0]
    held = dataclasses.replace(given_codes, split=np.where(given_codes.labels < 6, 0, 2).astype(np.uint8))
    result = measured(held, episodes=20)
    assert "None of the 4 classes" in result.notes[0]
    assert result.values["1-shot"].floor == 0.25


def test_small_classes_are_left_out_and_too_few_is_an_error() -> None:
    given_codes = codes("split-apart", 300)
    given_codes.factors[:, 0] = np.concatenate([np.zeros(200), [0, 0, 0, 1, 1, 1, 2], np.full(93, 3)])
    result = measured(given_codes)
    assert set(result.values) == {"1-shot"}
    assert result.settings["episode"]["1-shot"]["classes"] == 3
    assert any("leaves out 1 classes" in note for note in result.notes)
    given_codes.factors[:, 0] = np.arange(300)
    with pytest.raises(UsageError, match="two classes"):
        measured(given_codes)


def test_the_interval_is_that_of_other_images_of_the_same_classes() -> None:
    values = []
    for seed in range(14):
        random = np.random.default_rng(seed)
        given_codes = codes("blind", 300, seed=seed)
        centres = 0.6 * np.random.default_rng(1).normal(size=(10, 8))
        given_codes.content[:] = centres[given_codes.labels] + random.normal(size=(300, 8))
        given_codes = dataclasses.replace(given_codes, split=np.full(300, 2, dtype=np.uint8))
        values.append(measured(given_codes, seed=seed, shots=(1,), episodes=100).values["1-shot"])
    spread = 1.96 * np.std([value.value for value in values], ddof=1)
    widths = [(value.high - value.low) / 2 for value in values]  # type: ignore[operator]
    assert np.mean(widths) == pytest.approx(spread, rel=0.4)


def test_n_is_the_images_asked_for_and_halves_too_small_give_no_interval() -> None:
    given_codes = codes("split-apart", 300)
    assert measured(given_codes, shots=(1,)).values["1-shot"].n == 100  # each is asked for in some of 200 episodes
    given_codes.factors[:, 0] = np.arange(300) % 50  # two of a class in the test split
    result = measured(given_codes, shots=(1,), episodes=3)
    value = result.values["1-shot"]
    assert (value.low, value.high) == (None, None)
    assert value.n <= 60
    assert any("No interval of 1-shot" in note for note in result.notes)


def test_same_seed_same_bits_and_another_seed_other_episodes() -> None:
    given_codes = codes("blind", 600)
    given_codes.content[:, 0] += given_codes.labels
    assert measured(given_codes, seed=4, episodes=40).values == measured(given_codes, seed=4, episodes=40).values
    assert measured(given_codes, seed=4, episodes=40).values != measured(given_codes, seed=5, episodes=40).values


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(2, 7), st.integers(1, 3), st.integers(0, 10_000), st.sampled_from(["euclid", "cosine"]))
def test_nearest_agrees_with_a_loop(n: int, size: int, seed: int, distance: Any) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.integers(-3, 4, size=(n, size)).astype(float), rng.integers(2, size=n)
    slow = []
    for i in range(n):

        def far(j: int, i: int = i) -> float:
            if distance == "euclid":
                return float(np.linalg.norm(x[i] - x[j]))
            lengths = [np.linalg.norm(x[k]) or 1.0 for k in (i, j)]
            return float(np.linalg.norm(x[i] / lengths[0] - x[j] / lengths[1]))

        others = [j for j in range(n) if j != i]
        best = min(far(j) for j in others)
        slow.append(np.mean([y[j] == y[i] for j in others if far(j) < best + 1e-6]))
    assert share_right(x, y, x, y, distance=distance, same_rows=True) == pytest.approx(slow)
