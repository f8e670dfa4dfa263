from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.metric_files import codes, subject
from hypothesis import given, settings
from hypothesis import strategies as st

from disent_plugins.errors import UsageError
from disent_plugins.metrics.content_style.cycle import Cycle, CycleConfig, explained, identified
from disent_plugins.metrics.content_style.donors import donors

PIXELS = 5


def measured(given, **options):
    return Cycle(CycleConfig(**options)).measure(given)


def model(out, some=None, encode=None, *, seed=0):
    """Images that are the codes themselves, scaled into [0, 1], so that encoding can be exact."""
    some = codes() if some is None else some

    def decode(content, style):
        return (np.concatenate([content, style], axis=1) / 100 + 0.5).reshape(-1, PIXELS, 1, 1)

    def exact(images):
        both = (images.reshape(-1, PIXELS) - 0.5) * 100
        return both[:, :3], both[:, 3:]

    return replace(subject(out, some, seed=seed), decode=decode, encode=encode or exact)


def test_an_exact_model_explains_and_identifies_everything(tmp_path):
    values = measured(model(tmp_path)).values
    for value in values.values():
        assert value.value == pytest.approx(1.0, abs=1e-6)
        assert value.low <= value.value + 1e-9
        assert value.ceiling == 1.0


def test_a_model_without_information_scores_chance(tmp_path):
    generator = np.random.default_rng(0)

    def blind(images):
        return generator.normal(size=(len(images), 3)) * 1e-3, generator.normal(size=(len(images), 2)) * 1e-3

    values = measured(model(tmp_path, codes(3000), blind)).values
    for block in ("content", "style"):
        assert values[f"{block}/explained"].normalised < 0.03
        assert abs(values[f"{block}/identified"].normalised) < 0.03


def test_a_style_that_is_lost_shows_in_the_style_alone(tmp_path):
    def forgets(images):
        both = (images.reshape(-1, PIXELS) - 0.5) * 100
        return both[:, :3], np.zeros((len(both), 2))

    values = measured(model(tmp_path, encode=forgets)).values
    assert values["content/identified"].value == 1.0
    assert values["style/explained"].value < 0.01
    assert values["style/identified"].value < 0.05


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 999), n=st.integers(2, 30), d=st.integers(1, 4))
def test_plain_loops_agree_and_moving_or_turning_the_codes_changes_nothing(seed, n, d):
    generator = np.random.default_rng(seed)
    a, b = generator.normal(size=(2, n, d))
    mean = sum(a) / n
    wanted = 1 - sum(np.sum((y - x) ** 2) for x, y in zip(a, b, strict=True)) / sum(np.sum((x - mean) ** 2) for x in a)
    assert explained(a, b) == pytest.approx(wanted)
    nearest = [int(np.argmin([np.linalg.norm(y - x) for x in a])) for y in b]
    np.testing.assert_array_equal(identified(a, b), np.array(nearest) == np.arange(n))
    turn = np.linalg.qr(generator.normal(size=(d, d)))[0]
    assert explained(3 * a @ turn + 1, 3 * b @ turn + 1) == pytest.approx(explained(a, b))


def test_the_scale_of_a_single_column_matters():
    a = np.random.default_rng(7).normal(size=(50, 2))
    b = a + np.array([0, 2]) * np.random.default_rng(8).normal(size=(50, 2))
    assert explained(a * [10, 1], b * [10, 1]) > explained(a, b) + 0.5
    assert identified(a * [10, 1], b * [10, 1]).mean() > identified(a, b).mean() + 0.1


def test_golden_values():
    a = np.random.default_rng(7).normal(size=(50, 3))
    b = a + 0.5 * np.random.default_rng(8).normal(size=(50, 3))
    assert explained(a, b) == pytest.approx(0.6471400, abs=1e-6)
    assert identified(a, b).mean() == pytest.approx(0.32)


def test_equal_codes_share_the_answer_and_set_the_ceiling(tmp_path):
    some = codes()
    shared = replace(some, content=some.labels[:, None].repeat(3, axis=1).astype(np.float32))
    result = measured(model(tmp_path, shared))
    value = result.values["content/identified"]
    assert value.value == pytest.approx(value.ceiling) == pytest.approx(4 / value.n)


@pytest.mark.parametrize("n", range(60, 90))
def test_codes_that_are_all_equal_score_their_floor_to_the_last_bit(tmp_path, n):
    some = codes(n)
    dead = replace(some, content=np.zeros_like(some.content))
    value = measured(model(tmp_path, dead)).values["content/identified"]
    assert value.value == value.floor == value.ceiling
    assert value.normalised is None


def test_a_block_that_does_not_vary_explains_nothing(tmp_path):
    some = codes()
    result = measured(model(tmp_path, replace(some, style=np.zeros_like(some.style))))
    value = result.values["style/identified"]
    assert (result.values["style/explained"].value, value.value, value.floor) == (
        0.0,
        pytest.approx(1 / value.n),
        1 / value.n,
    )
    assert "style code does not vary" in result.notes[0]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 999), n=st.integers(2, 40), most=st.integers(1, 40))
def test_donors_differ_in_content_and_serve_once_in_a_role(seed, n, most):
    generator = np.random.default_rng(seed)
    labels = np.concatenate([[0, 1], generator.integers(3, size=n)])
    rows = np.sort(np.append(generator.permutation(np.arange(2, n + 2))[: n // 2], [0, 1]))
    pairs = donors(labels, rows, most, generator)
    assert 1 <= len(pairs) <= most
    assert np.isin(pairs, rows).all()
    assert (labels[pairs[:, 0]] != labels[pairs[:, 1]]).all()
    assert all(len(np.unique(column)) == len(pairs) for column in pairs.T)


def test_same_seed_same_result(tmp_path):
    assert measured(model(tmp_path, seed=3), pairs=40) == measured(model(tmp_path, seed=3), pairs=40)


def test_one_content_or_no_model_is_told(tmp_path):
    some = codes()
    one = replace(some, factors=some.factors * np.array([0, 1]))
    with pytest.raises(UsageError, match="No swap can be made"):
        measured(model(tmp_path, one))
    with pytest.raises(UsageError, match="no encoder"):
        measured(subject(tmp_path))
    with pytest.raises(UsageError, match="codes only"):
        measured(replace(subject(tmp_path), decode=None))
