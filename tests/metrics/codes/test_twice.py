"""Factors that are given twice are counted once, and every result says so."""

from __future__ import annotations

import numpy as np
import pytest

import disent_plugins
from disent_plugins.metrics.codes.file import make_codes, read_codes, write_codes
from disent_plugins.metrics.codes.twice import held_by

N = 1200
RANDOM = np.random.default_rng(0)
FACTORS = np.stack([RANDOM.integers(0, size, N) for size in (6, 5, 4)], axis=1)
CODES = FACTORS + 0.05 * RANDOM.normal(size=FACTORS.shape)
SHAPE, HUE = FACTORS[:, 0], FACTORS[:, 1]
NAMES = ("shape", "hue", "pose")


def made(**more):
    return make_codes({"codes": CODES, "factors": FACTORS, "factor_names": NAMES, **more})


def wider(*columns: np.ndarray, names: tuple[str, ...]):
    return {"factors": np.column_stack([FACTORS, *columns]), "factor_names": (*NAMES, *names)}


@pytest.mark.parametrize("labels", [SHAPE, 7 - SHAPE, np.array([3, 90, 5, 1, 0, 2])[SHAPE]])
def test_labels_are_the_factor_that_divides_the_rows_alike(labels):
    found, alone = made(labels=labels), made(content_factor="shape")
    assert (found.factor_names, found.content_factor) == (NAMES, "shape")
    np.testing.assert_array_equal(found.factors, alone.factors)
    np.testing.assert_array_equal(found.split, alone.split)
    assert found.notes == ("'labels' divides the rows as 'shape' does: counted once, as 'shape'.",)
    assert alone.notes == ()
    assert made(labels=labels, content_factor="labels").content_factor == "shape"
    assert made(labels=labels, content_factor="pose").content_factor == "pose"


def test_labels_are_the_factors_that_divide_the_rows_alike_together():
    found = made(labels=1000 - (10 * SHAPE + HUE))
    assert (found.factor_names, found.content_factor) == (NAMES, "shape+hue")
    assert found.style_factors == ("pose",)
    assert "as 'shape+hue'" in found.notes[0]


@pytest.mark.parametrize(
    "labels",
    [SHAPE // 2, np.where(np.arange(N) == 5, 6, SHAPE), np.random.default_rng(1).permutation(SHAPE)],
    ids=["coarser", "another in one row", "permuted"],
)
def test_other_labels_are_a_factor_of_their_own(labels):
    found = made(labels=labels)
    assert (found.factor_names, found.content_factor, found.notes) == (("labels", *NAMES), "labels", ())


def test_the_first_of_like_columns_is_left():
    found = made(**wider(9 - HUE, HUE, names=("hue again", "and again")), content_factor="and again+pose")
    assert (found.factor_names, found.content_factor) == (NAMES, "hue+pose")
    assert [note.split(" ")[0] for note in found.notes] == ["'hue", "'and"]


def test_columns_that_divide_nothing_are_not_alike():
    rows = np.arange(N)
    nothing = wider(np.zeros(N, int), np.ones(N, int), rows, rows[::-1], names=("zero", "one", "row", "back"))
    assert made(**nothing).factor_names == nothing["factor_names"]


def test_a_name_with_a_plus_is_never_joined():
    labels = 10 * SHAPE + HUE
    assert held_by(labels, {"shape": SHAPE, "hue": HUE}) == "shape+hue"
    assert held_by(labels, {"shape": SHAPE, "h+s": HUE}) is None
    found = make_codes(
        {"codes": CODES[:, :2], "factors": FACTORS[:, :2], "factor_names": ["shape", "h+s"], "labels": HUE + 1}
    )
    assert found.content_factor == "h+s"
    np.testing.assert_array_equal(found.labels, HUE)


def test_notes_are_kept_with_the_codes(tmp_path):
    found = made(labels=SHAPE)
    write_codes(tmp_path / "codes.h5", found)
    assert read_codes(tmp_path / "codes.h5").notes == found.notes
    write_codes(tmp_path / "codes.h5", made())
    assert read_codes(tmp_path / "codes.h5").notes == ()


@pytest.mark.parametrize("metric", ["mig", "sap", "modularity", "dci", "info-mec", "explicitness"])
@pytest.mark.parametrize("twice", ["labels", "column"])
def test_a_factor_given_twice_changes_no_value(tmp_path, metric, twice):
    """Before, a nearly perfect code lay far above its ceiling: MIG normalised 1.9."""
    same = {"labels": {"labels": 9 - SHAPE, "factors": FACTORS, "factor_names": NAMES}}
    same["column"] = wider(9 - SHAPE, names=("copy",))
    found = disent_plugins.measure(metric, codes=CODES, **same[twice], out=tmp_path)
    once = disent_plugins.measure(metric, codes=CODES, factors=FACTORS, factor_names=NAMES, out=tmp_path)
    assert found.values == once.values
    assert all(value.normalised < 1.01 for value in found.values.values())
    assert [note for note in found.notes if note not in once.notes] == [
        f"'{'labels' if twice == 'labels' else 'copy'}' divides the rows as 'shape' does: counted once, as 'shape'."
    ]


def test_the_content_is_not_read_as_a_style_that_leaks(tmp_path):
    codes = {"content": CODES[:, :1], "style": CODES[:, 1:]}
    found = disent_plugins.measure("leakage", **codes, labels=SHAPE, factors=FACTORS, factor_names=NAMES, out=tmp_path)
    assert not [name for name in found.values if "/labels/" in name]
    assert found.values["leakage"].value < 0.1
