"""``check_dataset``: digits pass, and every kind of break is named with its remedy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from helpers.contract_files import broken

from disent_plugins import DatasetInfo, Factor, ImageSpec
from disent_plugins.data_adapters.adapter import RawFile, RawTable
from disent_plugins.data_adapters.digits import Digits
from disent_plugins.errors import DataMissing
from disent_plugins.testing import check_dataset


def test_digits_pass():
    check_dataset(Digits)


class ToyData:
    """Twelve images of three shapes and two poses."""

    info = DatasetInfo(
        name="toy", image=ImageSpec(1, 8, 8), factors=(Factor("shape", 3), Factor("pose", 2)), content="shape",
        groups_are_distinct=True, preprocessing="none", licence="CC0", reference="made up",
    )  # fmt: skip
    files = (RawFile("toy.bin", obtain="from the author"),)
    factors = np.stack([np.arange(12) % 3, np.arange(12) // 6], axis=1)
    split = np.array([0] * 8 + [2] * 4, np.uint8)
    images = np.arange(12 * 64, dtype=np.uint8).reshape(12, 8, 8, 1)

    def read(self, source):
        return RawTable(self.factors, self.split, [self.images[:5], self.images[5:]])


def test_the_toy_data_pass():
    check_dataset(ToyData)


class Shuffled(ToyData):
    calls = 0

    def read(self, source):
        Shuffled.calls += 1
        return RawTable(self.factors, self.split, [np.roll(self.images, self.calls, axis=0)])


class NoTable(ToyData):
    def read(self, source):
        return self.images


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"info": None}, "info is None"),
        ({"info": dataclasses.replace(ToyData.info, content="colour")}, "content is 'colour'"),
        ({"info": dataclasses.replace(ToyData.info, factors=())}, r"has factors \[\]"),
        ({"info": dataclasses.replace(ToyData.info, licence=" ")}, "info.licence is empty"),
        ({"info": dataclasses.replace(ToyData.info, factors=(Factor("shape", 1),))}, "fewer than two"),
        ({"files": [RawFile("a")]}, "not a tuple of RawFile"),
        ({"files": (RawFile("a"),)}, "neither a URL nor words"),
        ({"files": (RawFile("a", obtain="x", hash="abc"),)}, "the hash of a is 'abc'"),
        ({"factors": ToyData.factors.astype(np.int32)}, "factors are int32"),
        ({"factors": ToyData.factors[:, :1]}, r"factors are int64 \(12, 1\)"),
        ({"factors": ToyData.factors + 1}, "'shape' has values from 1 to 3, and its size is 3"),
        ({"factors": ToyData.factors[:9]}, "12 images, 9 rows of factors and 12 of split"),
        ({"split": ToyData.split.astype(np.int64)}, "split is int64"),
        ({"split": ToyData.split + np.uint8(1)}, "with values up to 3"),
        ({"split": np.zeros(12, np.uint8)}, "no test image"),
        ({"split": np.array([0, 0, 0] + [2] * 9, np.uint8)}, "no two training images share a 'shape'"),
        ({"images": ToyData.images.astype(np.float32)}, "slab float32"),
        ({"images": ToyData.images[..., 0]}, r"slab uint8 \(5, 8, 8\)"),
    ],
)
def test_a_broken_data_set_is_told_what_is_wrong(change, words):
    broken(check_dataset, type("Broken", (ToyData,), change), words)


@pytest.mark.parametrize(("toy", "words"), [(Shuffled, "the second time"), (NoTable, "read returns ndarray")])
def test_a_data_set_that_reads_wrongly_is_told_so(toy, words):
    broken(check_dataset, toy, words)


def test_a_data_sets_own_error_is_passed_on(tmp_path):
    class Absent(ToyData):
        def read(self, source):
            raise DataMissing("toy.bin is missing.", f"It is not in {source}.")

    with pytest.raises(DataMissing, match=r"toy\.bin is missing"):
        check_dataset(Absent, tmp_path)
