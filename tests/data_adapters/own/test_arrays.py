"""Files of arrays as data sets: what is read, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.own_files import arrays, arrays_file

from disent_plugins.data_adapters.cache import cache_path
from disent_plugins.data_adapters.store import prepare
from disent_plugins.errors import DataMissing


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path_factory.mktemp("own-cache")))


def test_labels_are_classes(tmp_path):
    made = prepare(arrays(arrays_file(tmp_path / "my faces.npz", label_names=np.array(["left", "right"]))))
    assert made.info.name == "arrays-my_faces"
    assert (made.info.content, made.info.factors[0].values) == ("class", ("left", "right"))
    assert made.images[:, 0, 0, 0].tolist() == list(range(20))
    assert made.labels.tolist() == [0, 1] * 10
    for label in (0, 1):
        assert np.bincount(made.split[made.labels == label]).tolist() == [7, 1, 2]


def test_factors_have_names_and_kinds(tmp_path):
    factors = np.stack([np.arange(20) % 2 * 5, np.arange(20) / 4], axis=1)
    factors[3] = [-1, np.nan]
    file = arrays_file(
        tmp_path / "a.npz", labels=None, factors=factors, factor_names=np.array(["kind", "weight"]),
        factor_kinds=np.array(["category", "continuous"]), split=np.array(["train"] * 10 + ["test"] * 10),
    )  # fmt: skip
    made = prepare(arrays(file))
    assert (made.info.content, made.info.factors[0].values) == ("kind", ("0", "5"))
    assert made.factors[2].tolist() == [0, 0.5]
    assert made.factors[3, 0] == -1
    assert np.isnan(made.factors[3, 1])
    assert made.split.tolist() == [0] * 10 + [2] * 10


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_real_numbers_are_of_0_to_1(tmp_path, dtype):
    images = np.linspace(0, 1, 20, dtype=dtype)[:, None, None, None] + np.zeros((20, 16, 16, 3), dtype)
    made = prepare(arrays(arrays_file(tmp_path / "a.npz", images=images)))
    assert made.images.shape == (20, 16, 16, 3)
    assert made.images[:, 0, 0, 2].tolist() == np.rint(images[:, 0, 0, 0] * 255).astype(int).tolist()


def test_they_are_resized_where_that_is_asked(tmp_path):
    assert prepare(arrays(arrays_file(tmp_path / "a.npz"), size=32)).images.shape == (20, 32, 32, 1)


def test_another_file_is_another_cache(tmp_path):
    first = arrays(arrays_file(tmp_path / "a.npz"))
    assert cache_path(arrays(tmp_path / "a.npz").info) == cache_path(first.info)
    arrays_file(tmp_path / "a.npz", labels=1 - np.arange(20) % 2)
    assert cache_path(arrays(tmp_path / "a.npz").info) != cache_path(first.info)
    with pytest.raises(DataMissing, match="changed while it was read"):
        prepare(first)


def _nan():
    images = np.zeros((20, 16, 16), np.float32)
    images[7, 3, 3] = np.nan
    return images


BAD = {
    "NaN": ({"images": _nan()}, "image 7 has values outside 0..1, or NaN"),
    "0 to 255 as real numbers": ({"images": np.full((20, 16, 16), 200.0)}, "image 0 has values outside 0..1"),
    "0 and 1 as uint8": ({"images": np.ones((20, 16, 16), np.uint8)}, "0 and 1 only"),
    "objects": ({"images": np.array([object()] * 20)}, "holds Python objects in 'images'"),
    "objects as labels": ({"labels": np.array([{}] * 20)}, "holds Python objects in 'labels'"),
    "whole numbers of another type": ({"images": np.zeros((20, 16, 16), np.int64)}, "'images' are int64."),
    "truth values": ({"images": np.zeros((20, 16, 16), bool)}, "'images' are bool."),
    "channels first": ({"images": np.zeros((20, 3, 16, 16), np.uint8)}, "channels first"),
    "four channels": ({"images": np.zeros((20, 16, 16, 4), np.uint8)}, "1 or 3 channels"),
    "flat": ({"images": np.zeros((20, 256), np.uint8)}, "'images' are [20, 256]."),
    "no image": ({"images": np.zeros((0, 16, 16), np.uint8), "labels": np.zeros(0, int)}, "'images' are [0, 16, 16]."),
    "images absent": ({"images": None, "imgs": np.zeros((20, 16, 16), np.uint8)}, "Did you mean 'imgs'?"),
    "labels absent": ({"labels": None}, "both or neither of 'labels' and 'factors'"),
    "labels and factors": ({"factors": np.zeros((20, 1), int)}, "both or neither of 'labels' and 'factors'"),
    "fewer labels": ({"labels": np.zeros(19, int)}, "'labels' is [19] for 20 images."),
    "labels of two dimensions": ({"labels": np.zeros((20, 1), int)}, "'labels' is [20, 1] for 20 images."),
    "no whole labels": ({"labels": np.arange(20) / 2}, "'class' is 0.5 in row 2; quantities are of kind"),
    "negative labels": ({"labels": np.arange(20) - 5}, "'class' is -5 in row 1"),
    "complex labels": ({"labels": np.zeros(20, complex)}, "'class' is complex128"),
    "a label without a name": ({"label_names": np.array(["a"])}, "'class' is 1 in row 2, and there are 1 names"),
    "names of other factors": ({"factor_names": np.array(["a", "b"])}, "'factor_names' are 2 texts for 1 factors"),
    "an unknown split": ({"split": np.full(20, 3)}, "the split of row 1 is '3'"),
    "nothing to train with": ({"split": np.full(20, 2)}, "no image to train with"),
    "a name with a line break": ({"factor_names": np.array(["a\nb"])}, "or one is no word"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_is_no_data_set_is_one_clear_error(tmp_path, case):
    changes, words = BAD[case]
    with pytest.raises(DataMissing) as error:
        prepare(arrays(arrays_file(tmp_path / "a.npz", **changes)))
    assert words in str(error.value)
    assert error.value.exit_code == 3


@pytest.mark.parametrize("keep", [0, 100, 1500])
def test_a_damaged_file_is_one_clear_error(tmp_path, keep):
    file = arrays_file(tmp_path / "a.npz")
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(DataMissing, match="no data set"):
        arrays(file)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    for place in (tmp_path / "no.npz", tmp_path):
        with pytest.raises(DataMissing, match="There is no file"):
            arrays(place)
