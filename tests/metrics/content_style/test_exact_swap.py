from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.metric_files import codes, decode, subject
from hypothesis import given, settings
from hypothesis import strategies as st

from disent_plugins.contracts import Codes
from disent_plugins.errors import UsageError
from disent_plugins.metrics.content_style.exact_swap import ExactSwap, ExactSwapConfig, targets


def grid(sizes=(5, 3, 4), *, content="shape", seed=0):
    """Every combination once; content tells the shape, style the rest, exactly."""
    factors = np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), axis=1)
    split = np.random.default_rng(seed).integers(3, size=len(factors)).astype(np.uint8)
    return Codes(factors[:, :1].astype(np.float32), factors[:, 1:].astype(np.float32), factors,
                 ("shape", "angle", "size"), content, split)  # fmt: skip


def measured(given, **options):
    return ExactSwap(ExactSwapConfig(**options)).measure(given)


def test_perfect_codes_swap_exactly(tmp_path):
    values = measured(subject(tmp_path, grid())).values
    assert values["psnr"].value == pytest.approx(100.0)
    assert values["ssim"].value == pytest.approx(1.0)
    assert values["psnr"].floor < 40


def test_exchanged_blocks_give_the_style_donor(tmp_path):
    """A content code that holds all and a style code that holds nothing give the content donor back."""
    some = grid()
    whole = replace(some, content=some.factors.astype(np.float32), style=np.zeros((60, 1), np.float32))
    result = measured(subject(tmp_path, whole))
    references = result.settings["references"]
    assert result.values["psnr"].value == pytest.approx(references["content donor"]["psnr"])
    assert references["reconstruction"]["psnr"] == pytest.approx(100.0)


def test_the_values_are_those_of_a_plain_loop(tmp_path):
    some = grid(seed=3)
    noisy = replace(some, style=some.style + np.random.default_rng(0).normal(size=some.style.shape).astype(np.float32))
    given = replace(subject(tmp_path, noisy), images=lambda rows: decode(some.content[rows], some.style[rows]))
    found = []
    test = [int(row) for row in np.flatnonzero(some.split == 2)]
    table = {tuple(row): place for place, row in enumerate(some.factors.tolist())}
    for i in test:
        for j in test:
            a, b = some.factors[i], some.factors[j]
            if a[0] != b[0] and tuple(a[1:]) != tuple(b[1:]):
                true = given.images(np.array([table[(a[0], b[1], b[2])]]))
                error = np.mean((true.astype(float) - given.decode(noisy.content[[i]], noisy.style[[j]])) ** 2)
                found.append(-10 * np.log10(error))
    result = measured(given)
    assert result.settings["n"] == len(found)
    assert result.values["psnr"].value == pytest.approx(np.mean(found), rel=1e-6)
    assert result.values["psnr"].low < result.values["psnr"].value < result.values["psnr"].high
    # Of this code on the day it was written.
    golden = {"psnr": 26.92267, "ssim": 0.87170}
    assert {name: result.values[name].value for name in golden} == pytest.approx(golden, abs=1e-3)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 99), content=st.sampled_from(["shape", "shape+size", "angle"]), most=st.integers(10, 40))
def test_targets_have_the_content_of_one_and_the_style_of_the_other(seed, content, most):
    some = grid((4, 3, 4), content=content, seed=seed)
    some.split[:24] = 2
    found, repeated = targets(some, most, np.random.default_rng(seed))
    assert len(found) <= most
    assert repeated == 0
    assert (some.split[found[:, :2]] == 2).all()
    shared = [some.factor_names.index(name) for name in content.split("+")]
    rest = [column for column in range(3) if column not in shared]
    i, j, k = (some.factors[column] for column in found.T)
    assert (k[:, shared] == i[:, shared]).all()
    assert (k[:, rest] == j[:, rest]).all()
    assert (i[:, shared] != j[:, shared]).any(axis=1).all()


def test_repeated_factors_are_told(tmp_path):
    result = measured(subject(tmp_path, codes()))
    assert "588 rows repeat the factors" in result.notes[0]


def test_same_seed_same_result(tmp_path):
    given = subject(tmp_path, grid(), seed=4)
    assert measured(given, pairs=20) == measured(given, pairs=20)


def test_without_style_factors_or_targets_it_says_so(tmp_path):
    some = grid()
    alone = replace(some, factors=some.factors[:, :1], factor_names=("shape",))
    with pytest.raises(UsageError, match="no style factors"):
        measured(subject(tmp_path, alone))
    diagonal = np.repeat(np.arange(20)[:, None], 3, axis=1)
    sparse = Codes(some.content[:20], some.style[:20], diagonal, some.factor_names, "shape", np.full(20, 2, np.uint8))
    with pytest.raises(UsageError, match="not hold the image"):
        measured(subject(tmp_path, sparse))
    with pytest.raises(UsageError, match="no test rows"):
        measured(subject(tmp_path, replace(some, split=np.zeros(60, np.uint8))))
    with pytest.raises(UsageError, match="training split has no rows"):
        measured(subject(tmp_path, replace(some, split=np.full(60, 2, np.uint8))))
    with pytest.raises(UsageError, match="codes only"):
        measured(replace(subject(tmp_path, some), decode=None))
