"""Data sets in Python: stand-ins with what torchvision's and Hugging Face's have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.own_files import arrays
from PIL import Image

import disent_plugins
from disent_plugins.data_adapters.store import prepare as opened
from disent_plugins.errors import UsageError


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path_factory.mktemp("own-cache")))


class Vision:
    """As torchvision's: pairs by number, an index beyond the last is no IndexError; names of classes."""

    classes = ("left", "right")

    def __init__(self, form=lambda image: image, count=20):
        self.form, self.count = form, count

    def __len__(self):
        return self.count

    def __getitem__(self, number):
        assert number < self.count
        return self.form(Image.new("RGB", (16, 16), (number, 0, 0))), number % 2


class ClassLabel:
    names = ("left", "right")


class Rows:
    """As Hugging Face's: rows by number."""

    features = {"picture": object(), "label": ClassLabel()}  # noqa: RUF012

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, number):
        return {"picture": Image.new("L", (16, 16), number), "label": number % 2}


def to_tensor(image):
    return torch.from_numpy(np.asarray(image).transpose(2, 0, 1).astype(np.float32) / 255)


@pytest.mark.parametrize("form", [lambda image: image, np.asarray, to_tensor], ids=["Pillow", "array", "tensor"])
def test_pairs_of_image_and_label(form, tmp_path):
    name = disent_plugins.prepare(Vision(form), name="eyes", folder=tmp_path)
    assert name == f"arrays:{tmp_path / 'eyes.npz'}"
    made = opened(arrays(tmp_path / "eyes.npz"))
    assert made.images[:, 0, 0].tolist() == [[number, 0, 0] for number in range(20)]
    assert made.labels.tolist() == [0, 1] * 10
    assert made.info.factors[0].values == ("left", "right")


def test_rows_by_split(tmp_path):
    parts = {"train": Rows(8), "test": Rows(4)}
    disent_plugins.prepare(parts, name="eyes", size=32, image="picture", folder=tmp_path)
    made = opened(arrays(tmp_path / "eyes.npz"))
    assert made.images.shape == (12, 32, 32, 1)
    assert made.split.tolist() == [0] * 8 + [2] * 4
    assert made.info.factors[0].values == ("left", "right")


def test_without_a_folder_it_lies_in_the_cache_and_is_the_same_twice():
    first = disent_plugins.prepare(Vision(), name="eyes")
    file = Path(first.partition(":")[2])
    content = file.read_bytes()
    assert disent_plugins.prepare(Vision(), name="eyes") == first
    assert file.read_bytes() == content


GREY = np.zeros((16, 16), np.uint8)
BAD = {
    "a name that leads elsewhere": ([(GREY, 0)], {"name": "../a"}, "cannot be named '../a'"),
    "no rows": ([], {}, "is empty"),
    "no sequence": (iter([]), {}, "no length, or no rows by number"),
    "no pair": ([GREY], {}, "Row 0 is"),
    "no image": ([("x", 0)], {}, "Row 0 of the data set 'a' is no image"),
    "no column": ([{"img": GREY, "label": 0}], {}, "There is no column 'image'.\nIt has: img, label."),
    "NaN": ([(GREY, 0), (GREY + np.nan, 1)], {}, "Row 1 of the data set 'a' is out of bounds"),
    "0 to 255 as real numbers": ([(GREY + 255.0, 0)], {}, "out of bounds"),
    "another size": ([(GREY, 0), (GREY[:8], 1)], {}, "Row 1 of the data set 'a' differs in size.\nIt has 16 x 8"),
    "a text for a label": ([(GREY, "cat")], {}, "no label that can be used.\nIt is 'cat'"),
    "half a label": ([(GREY, 0.5)], {}, "no label that can be used"),
    "an unknown split": ({"unsupervised": []}, {}, "'unsupervised' is no split"),
    "an image of 16 bits": ([(Image.new("I;16", (16, 16)), 0)], {}, "no image of 8 bits"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_data_set_is_one_clear_error(tmp_path, case):
    dataset, options, words = BAD[case]
    with pytest.raises(UsageError) as error:
        disent_plugins.prepare(dataset, **{"name": "a", "folder": tmp_path, **options})
    assert words in str(error.value)
    assert not list(tmp_path.iterdir())
