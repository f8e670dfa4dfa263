"""Evidence accumulation against the product of Gaussians written out by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from disent_plugins.contracts import Codes
from disent_plugins.errors import UsageError
from disent_plugins.metrics.probe.evidence import accumulate


def some_codes(n: int = 60) -> Codes:
    random = np.random.default_rng(3)
    return Codes(
        content=random.normal(size=(n, 2)).astype(np.float32),
        style=random.normal(size=(n, 2)).astype(np.float32),
        factors=(np.arange(n) % 3)[:, None],
        factor_names=("digit",),
        content_factor="digit",
        split=(np.arange(n) >= n // 2).astype(np.uint8) * 2,
        content_logvar=random.normal(size=(n, 2)).astype(np.float32),
        style_logvar=np.zeros((n, 2), np.float32),
    )


def test_all_others_give_the_product_of_the_whole_class_within_its_split() -> None:
    codes = some_codes()
    fused = accumulate(codes, 1000, seed=0)
    assert codes.content_logvar is not None
    assert fused.content_logvar is not None
    for split in (0, 2):
        for digit in range(3):
            rows = (codes.split == split) & (codes.labels == digit)
            precision = np.exp(-codes.content_logvar[rows])
            mean = (precision * codes.content[rows]).sum(axis=0) / precision.sum(axis=0)
            np.testing.assert_allclose(fused.content[rows], np.tile(mean, (rows.sum(), 1)), rtol=1e-4, atol=1e-5)
            expected = np.tile(-np.log(precision.sum(axis=0)), (rows.sum(), 1))
            np.testing.assert_allclose(fused.content_logvar[rows], expected, rtol=1e-4, atol=1e-5)
    assert fused.style is codes.style


def test_equal_precisions_add_up_and_the_image_itself_counts() -> None:
    codes = dataclasses.replace(some_codes(), content_logvar=np.zeros((60, 2), np.float32))
    fused = accumulate(codes, 3, seed=0)
    np.testing.assert_allclose(fused.content_logvar, np.full((60, 2), -np.log(4)), rtol=1e-6)


def test_a_class_of_one_keeps_its_own_code() -> None:
    codes = some_codes(4)
    codes = dataclasses.replace(codes, factors=np.arange(4)[:, None], split=np.zeros(4, np.uint8))
    np.testing.assert_allclose(accumulate(codes, 5, seed=1).content, codes.content, rtol=1e-6)


def test_the_seed_decides() -> None:
    codes = some_codes()
    same = accumulate(codes, 1, seed=0).content
    assert np.array_equal(same, accumulate(codes, 1, seed=0).content)
    assert not np.array_equal(same, accumulate(codes, 1, seed=1).content)


def test_means_alone_are_refused() -> None:
    with pytest.raises(UsageError, match="content_logvar"):
        accumulate(dataclasses.replace(some_codes(), content_logvar=None), 1, seed=0)
