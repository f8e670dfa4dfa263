"""The digits that scikit-learn brings."""

from __future__ import annotations

import hashlib

import numpy as np
from helpers.data_files import pixels

from disent_plugins.data_adapters.digits import Digits


def test_digits_have_a_stratified_split_and_real_contrast():
    table, images = pixels(Digits(), None)
    assert images.shape == (1797, 32, 32, 1)
    assert images.dtype == np.uint8
    assert [int((table.split == part).sum()) for part in range(3)] == [1297, 200, 300]
    for part, each in ((1, 20), (2, 30)):
        assert np.bincount(table.factors[table.split == part, 0]).tolist() == [each] * 10
    assert images.min() == 0
    assert images.max() == 255


def test_the_split_of_digits_is_the_published_one():
    split = Digits().read(None).split
    assert (
        hashlib.sha256(split.tobytes()).hexdigest()
        == "fee0ecff7ad4d8f9a29210bf06cfcd050715a2e77e57d122708b863fc140646a"
    )
