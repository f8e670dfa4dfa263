"""Arrays at the door: what rounding would lose, what is not there, and labels and shapes that do not fit."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers.code_array_files import N, arrays, with_codes, with_hole

from disent_plugins.errors import UsageError
from disent_plugins.metrics.codes.file import make_codes, read_codes

# Rounding to 32-bit floats


@pytest.mark.parametrize(
    ("content", "why", "hint"),
    [
        (np.eye(N, 3) + 1e8, "around 1e+08 and differ by about 0.218, and there 32-bit floats lie 8 apart", "mean"),
        (1e-300 * np.eye(N, 3), "differ by about 2.18e-301", "largest size"),
        (with_hole(-1e300), "row 4 holds -1e+300, and they end at 3.4e+38", "largest size"),
    ],
)
def test_an_error_of_rounding_says_what_to_do(content, why: str, hint: str):
    with pytest.raises(UsageError) as caught:
        make_codes(arrays(content=content))
    assert why in caught.value.why
    assert hint in caught.value.hint


def test_what_the_hints_advise_is_accepted():
    far, tiny = np.eye(N, 3) + 1e8, 1e-300 * np.eye(N, 3)
    found = make_codes(arrays(content=far - far.mean(axis=0))).content
    np.testing.assert_allclose(found, np.eye(N, 3) - np.eye(N, 3).mean(axis=0), atol=1e-7)
    found = make_codes(arrays(content=tiny / np.abs(tiny).max(axis=0))).content
    np.testing.assert_array_equal(found, np.eye(N, 3))


def test_the_column_is_that_of_the_array_before_it_is_cut():
    whole = np.random.default_rng(3).normal(size=(N, 6)) + np.array([0, 0, 0, 0, 1e8, 0])
    with pytest.raises(UsageError, match="in 'codes', column 4 "):
        make_codes(arrays(**with_codes(whole)), blocks=("0:2", "2:6"))


@pytest.mark.parametrize(
    "content",
    [
        (np.eye(N, 3) + 1e8).astype(np.float32),  # what was lost before it came here cannot be known
        (np.eye(N, 3) + 1e8).astype(np.float32).astype(np.float64),
        np.eye(N, 3, dtype=np.uint8),
        np.eye(N, 3, dtype=np.int64) * 2**40,
        np.eye(N, 3, dtype=np.float16),
        np.random.default_rng(0).normal(size=(N, 3)) + 100,
        np.random.default_rng(0).normal(size=(N, 3)) * np.where(np.arange(N) == 5, 1e12, 1)[:, None],
        np.random.default_rng(0).normal(size=(N, 3)) * 1e-30,
        np.full((N, 3), 0.1),
        np.full((N, 3), 0.1) + np.random.default_rng(0).integers(3, size=(N, 3)) * 2.0**-56,  # a constant, rounded
    ],
    ids=["float32", "float32 as 64", "bytes", "integers", "float16", "plain", "outlier", "small", "constant", "noise"],
)
def test_codes_that_keep_their_content_are_rounded_as_they_are(content):
    found = make_codes(arrays(content=content)).content
    np.testing.assert_array_equal(found, content.astype(np.float32))
    assert found.dtype == np.float32


def test_log_variances_of_collapsed_dimensions_are_accepted():
    logvar = -0.5 + 1e-9 * np.random.default_rng(0).normal(size=(N, 3))
    assert make_codes(arrays(content_logvar=logvar)).content_logvar.shape == (N, 3)


# What is not there


@pytest.mark.parametrize("kind", ["npz", "h5"])
def test_a_name_that_comes_near_is_pointed_out(kind: str, tmp_path: Path):
    path, given = tmp_path / f"codes.{kind}", arrays(content=None, labels=None)
    given |= {"contents": np.ones((N, 3)), "Label": np.arange(N) % 2, "other": np.ones(3)}
    if kind == "npz":
        np.savez(path, **given)
    else:
        with h5py.File(path, "w") as file:
            for name, value in given.items():
                file[name] = value
    with pytest.raises(UsageError, match="has no array 'content'") as caught:
        read_codes(path)
    assert caught.value.why == "It holds: Label, contents, other, style."
    assert "If 'contents' is meant as 'content', save it under that name." in caught.value.hint
    assert "If 'Label' is meant as 'labels'" in caught.value.hint
    assert "other" not in caught.value.hint


def test_a_group_is_told_from_an_array(tmp_path: Path):
    with h5py.File(tmp_path / "codes.h5", "w") as file:
        file["codes/content"] = np.ones((N, 3))
    with pytest.raises(UsageError, match=r"has no array 'codes'\.\nIt holds: codes/\."):
        read_codes(tmp_path / "codes.h5")


def test_the_first_names_of_many_are_shown():
    with pytest.raises(UsageError, match=r"It holds: x00, .*, x11, \.\.\.\."):
        make_codes({f"x{i:02}": np.ones(3) for i in range(20)})


# Labels and shapes


def test_missing_labels_are_counted():
    labels = np.where(np.arange(N) % 7 == 3, np.nan, np.arange(N) % 2)
    with pytest.raises(UsageError) as caught:
        make_codes(arrays(labels=labels))
    assert caught.value.why == "Rows with NaN in place of a value: 3, the first is row 3 (counted from 0)."
    assert "unique" not in caught.value.hint


def test_examples_of_unusable_labels_are_distinct():
    with pytest.raises(UsageError, match=r"it holds 0\.5, 3\.5\."):
        make_codes(arrays(labels=np.array([3.5, 3.5, 3.5, 0.5, 1.0] * 4)))


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"factors": np.arange(N) % 2}, "A single column is given as factors[:, None], or as labels."),
        ({"content": np.ones(N)}, "A single column is given as content[:, None]."),
        ({"labels": np.ones((N, 2))}, "Several columns are given as factors; a single one as labels[:, 0]."),
    ],
)
def test_another_number_of_dimensions_is_told_with_the_way_out(changes, hint: str):
    with pytest.raises(UsageError) as caught:
        make_codes(arrays(**changes))
    assert caught.value.hint == hint
