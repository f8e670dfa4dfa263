"""MNIST from its four IDX files, in their original order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from disent_plugins.contracts import DatasetInfo, Factor, ImageSpec
from disent_plugins.data_adapters.adapter import RawFile, RawTable
from disent_plugins.data_adapters.idx import read_idx
from disent_plugins.errors import DataMissing
from disent_plugins.files import digest

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)
SLAB = 4096


def _file(name: str, size: int, sha256: str, unpacked: str) -> RawFile:
    urls = tuple(mirror + name for mirror in MIRRORS)
    return RawFile(name, urls, f"sha256:{sha256}", size, unpacked=f"sha256:{unpacked}")


class Mnist:
    """70,000 images of 28x28 pixels; one factor, the digit.

    The last sixth of the training file is the validation split: original indices 50,000 to 59,999.
    """

    info = DatasetInfo(
        name="mnist",
        image=ImageSpec(1, 32, 32),
        factors=(Factor("digit", 10, values=tuple("0123456789")),),
        content="digit",
        groups_are_distinct=True,
        preprocessing=(
            "28x28 padded with 2 zeros on every side; original order; train = original indices 0..49999, "
            "validation = 50000..59999, test = the test file"
        ),
        licence="CC BY-SA 3.0",
        reference="LeCun et al., Gradient-based learning applied to document recognition, 1998",
    )
    files = (
        _file(
            "train-images-idx3-ubyte.gz", 9912422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        _file(
            "train-labels-idx1-ubyte.gz", 28881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        _file(
            "t10k-images-idx3-ubyte.gz", 1648877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        _file(
            "t10k-labels-idx1-ubyte.gz", 4542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    )  # fmt: skip

    def read(self, source: Path | None) -> RawTable:
        """Read the four files, with or without ``.gz``, from the folder ``source``; a subset may have other numbers.

        Raises:
            DataMissing: A file is missing, damaged, or contradicts another.
        """
        paths = [_find(source, file.name) for file in self.files]
        train, train_digit = _pair(*paths[:2])
        test, test_digit = _pair(*paths[2:])
        digit = np.concatenate([train_digit, test_digit]).astype(np.int64)
        split = np.zeros(len(digit), np.uint8)
        split[len(train) - len(train) // 6 :] = 1
        split[len(train) :] = 2
        return RawTable(digit[:, None], split, _padded(train, test), {path.name: _hash(path) for path in paths})


def _find(source: Path | None, name: str) -> Path:
    folder = source or Path()
    for path in (folder / name, folder / name.removesuffix(".gz")):
        if path.is_file():
            return path
    raise DataMissing(
        f"MNIST is incomplete: there is no {name} in {folder}.",
        "The four files are: " + ", ".join(file.name for file in Mnist.files) + " (with or without .gz).",
        "Download them: disent data prepare mnist; or name the folder that holds them: --source DIR",
    )


def _pair(image_path: Path, label_path: Path) -> tuple[np.ndarray, np.ndarray]:
    images, labels = read_idx(image_path, 3), read_idx(label_path, 1)
    hint = "Get both files from the same place: disent data prepare mnist --rebuild"
    if images.shape[1:] != (28, 28) or not len(images):
        raise DataMissing(
            f"{image_path} does not hold MNIST images.", f"It says {images.shape}, MNIST has N x 28 x 28.", hint
        )
    if len(images) != len(labels):
        why = f"{len(images)} images, {len(labels)} labels."
        raise DataMissing(f"{image_path.name} and {label_path} do not belong together.", why, hint)
    if labels.max() > 9:
        raise DataMissing(f"{label_path} does not hold digits.", f"It contains the label {labels.max()}.", hint)
    return images, labels


def _padded(*parts: np.ndarray) -> Iterator[np.ndarray]:
    for part in parts:
        for start in range(0, len(part), SLAB):
            yield np.pad(part[start : start + SLAB], ((0, 0), (2, 2), (2, 2)))[..., None]


def _hash(path: Path) -> str:
    return "sha256:" + digest(path)
