"""MNIST on small IDX files, and on the real ones where they are at hand."""

from __future__ import annotations

import gzip
import hashlib

import numpy as np
import pytest
from helpers import data_files
from helpers.data_files import REAL, pixels

from disent_plugins.data_adapters.mnist import Mnist
from disent_plugins.errors import DataMissing


def test_mnist_is_padded_in_original_order(tmp_path):
    raw = data_files.write_mnist(tmp_path)
    table, images = pixels(Mnist(), tmp_path)
    assert images.shape == (16, 32, 32, 1)
    assert (images[:, 2:30, 2:30, 0] == raw).all()
    assert images.sum() == raw.sum(dtype=np.int64)
    assert table.factors[:, 0].tolist() == [*range(10), 0, 1, 2, 3, 4, 5]
    assert table.split.tolist() == [0] * 10 + [1] * 2 + [2] * 4
    assert set(table.sources) == {file.name for file in Mnist.files}


def test_mnist_takes_unpacked_files(tmp_path):
    raw = data_files.write_mnist(tmp_path)
    for path in list(tmp_path.iterdir()):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert (pixels(Mnist(), tmp_path)[1][:, 2:30, 2:30, 0] == raw).all()


def packed(content: bytes) -> bytes:
    """Without the time: names of tests are made of it."""
    return gzip.compress(content, mtime=0)


IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


GOOD = data_files.idx(np.zeros((12, 28, 28)))


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        (IMAGES, packed(b"\0\0\x08\x01" + GOOD[4:]), "0x00000801"),
        (IMAGES, packed(GOOD[:-1]), "12 x 28 x 28 bytes, but 9407 follow"),
        (IMAGES, packed(GOOD + b"x"), "9409 follow"),
        (IMAGES, packed(GOOD[:10]), "inside its header"),
        (IMAGES, packed(b""), "magic"),
        (IMAGES, packed(data_files.idx(np.zeros((0, 28, 28)))), "(0, 28, 28)"),
        (IMAGES, packed(GOOD[:4] + b"\xff" * 12), "more than 1073741824 are not read"),
        (IMAGES, packed(GOOD[:4] + bytes([0, 16, 0, 0]) + GOOD[8:]), "bytes, and the file has"),
        (IMAGES, packed(GOOD + bytes(1 << 20)), "at least 9409 follow"),
        (IMAGES, packed(GOOD)[:-30], "cannot be read"),
        (IMAGES, b"not gzip at all", "cannot be read"),
        (IMAGES, packed(data_files.idx(np.zeros((12, 27, 28)))), "27, 28"),
        (LABELS, packed(data_files.idx(np.zeros(11))), "12 images, 11 labels"),
        (LABELS, packed(data_files.idx(np.full(12, 10))), "label 10"),
    ],
)
def test_a_bad_idx_file_is_named(tmp_path, name, content, why):
    data_files.write_mnist(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataMissing) as error:
        Mnist().read(tmp_path)
    assert name in str(error.value)
    assert why in str(error.value)
    assert "disent data prepare mnist" in error.value.hint


def test_a_missing_idx_file_is_named(tmp_path):
    data_files.write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataMissing, match="no t10k-labels-idx1-ubyte"):
        Mnist().read(tmp_path)


def test_an_unpacked_file_has_what_its_header_says(tmp_path):
    data_files.write_mnist(tmp_path)
    (tmp_path / IMAGES).unlink()
    (tmp_path / IMAGES).with_suffix("").write_bytes(GOOD[:4] + bytes([0, 1, 0, 0]) + GOOD[8:])
    with pytest.raises(DataMissing, match="Its header says 65536 x 28 x 28 bytes, and the file has 9424 in all"):
        Mnist().read(tmp_path)


@pytest.mark.skipif(not (REAL / "mnist").is_dir(), reason="the real MNIST files are not at hand")
def test_the_real_mnist():
    table = Mnist().read(REAL / "mnist")
    assert table.factors[:10, 0].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(table.split).tolist() == [50_000, 10_000, 10_000]
    assert table.sources == {file.name: file.hash for file in Mnist.files}
    for file in Mnist.files:
        unpacked = gzip.decompress((REAL / "mnist" / file.name).read_bytes())
        assert file.unpacked == "sha256:" + hashlib.sha256(unpacked).hexdigest()
