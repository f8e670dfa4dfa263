"""Digits: the real handwriting that ships inside scikit-learn, so that everything can be tried without a download."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from disent_plugins.contracts import DatasetInfo, Factor, ImageSpec
from disent_plugins.data_adapters.adapter import RawFile, RawTable

SPLIT_SEED = 20
TEST_PER_DIGIT, VALIDATION_PER_DIGIT = 30, 20


class Digits:
    """1,797 images of 8x8 pixels with values 0..16; one factor, the digit."""

    info = DatasetInfo(
        name="digits",
        image=ImageSpec(1, 32, 32),
        factors=(Factor("digit", 10, values=tuple("0123456789")),),
        content="digit",
        groups_are_distinct=True,
        preprocessing=(
            "values 0..16 scaled to 0..255; 8x8 to 32x32 with Pillow BICUBIC; per digit, shuffled with seed "
            f"{SPLIT_SEED}: {TEST_PER_DIGIT} test, {VALIDATION_PER_DIGIT} validation, the rest train"
        ),
        licence="CC BY 4.0 (UCI Machine Learning Repository)",
        reference="Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998",
    )
    files: tuple[RawFile, ...] = ()

    def read(self, source: Path | None) -> RawTable:
        """Load from scikit-learn; ``source`` is not needed."""
        import sklearn
        from sklearn.datasets import load_digits

        data = load_digits()
        digit = data.target.astype(np.int64)
        return RawTable(
            factors=digit[:, None],
            split=stratified_split(digit),
            slabs=[enlarge(data.images)],
            sources={"sklearn.datasets.load_digits": f"scikit-learn {sklearn.__version__}"},
        )


def stratified_split(digit: np.ndarray) -> np.ndarray:
    """[N] split with the same number of test and of validation images of every digit.

    RandomState, whose stream NumPy keeps for ever, makes the split a published one.
    """
    random = np.random.RandomState(SPLIT_SEED)
    split = np.zeros(len(digit), np.uint8)
    for value in range(10):
        rows = random.permutation(np.flatnonzero(digit == value))
        split[rows[:TEST_PER_DIGIT]] = 2
        split[rows[TEST_PER_DIGIT : TEST_PER_DIGIT + VALIDATION_PER_DIGIT]] = 1
    return split


def enlarge(images: np.ndarray) -> np.ndarray:
    """[N, 8, 8] with values 0..16 -> [N, 32, 32, 1] uint8."""
    from PIL import Image

    grey = np.rint(images * (255 / 16)).astype(np.uint8)
    large = [np.asarray(Image.fromarray(one).resize((32, 32), Image.Resampling.BICUBIC)) for one in grey]
    return np.stack(large)[..., None]
