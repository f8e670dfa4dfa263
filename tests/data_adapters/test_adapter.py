"""Raw files that are not the published ones: refused, unless somebody gives them a name, which then stays."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest
from helpers import data_files

from disent_plugins.contracts import DatasetInfo
from disent_plugins.data_adapters.adapter import RawFile, make_adapter
from disent_plugins.data_adapters.cache import cache_path
from disent_plugins.data_adapters.cache_read import open_table
from disent_plugins.data_adapters.celeba import Celeba
from disent_plugins.data_adapters.digits import Digits
from disent_plugins.data_adapters.mnist import Mnist
from disent_plugins.data_adapters.store import prepare
from disent_plugins.errors import DataMissing, UsageError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """The cache folder of a test; the network is off."""
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DISENT_OFFLINE", "1")
    return tmp_path / "cache"


def mnist(folder: Path) -> None:
    data_files.write_mnist(folder)


def unpacked_mnist(folder: Path) -> None:
    mnist(folder)
    for path in list(folder.iterdir()):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()


def celeba(folder: Path) -> None:
    data_files.write_celeba(folder)


FOREIGN = [("mnist", Mnist, mnist), ("mnist", Mnist, unpacked_mnist), ("celeba", Celeba, celeba)]


@pytest.mark.parametrize(("name", "adapter_class", "write"), FOREIGN)
def test_other_files_are_not_taken_for_the_published_ones(tmp_path, folder, name, adapter_class, write):
    write(tmp_path / "raw")
    with pytest.raises(DataMissing, match=f"is not the published file of data set '{name}'") as error:
        prepare(make_adapter(adapter_class, {}, name), tmp_path / "raw")
    assert "expected" in error.value.why
    assert f"disent data prepare {name} --source DIR --set-data subset=NAME" in error.value.hint
    assert not list(folder.glob("*.h5"))


@pytest.mark.parametrize(("name", "adapter_class", "write"), FOREIGN)
def test_other_files_are_taken_by_name(tmp_path, name, adapter_class, write):
    write(tmp_path / "raw")
    adapter = make_adapter(adapter_class, {"subset": "mine"}, name)
    table = prepare(adapter, tmp_path / "raw")
    assert (table.info.subset, table.info.subset_words) == ("mine", ", subset 'mine'")
    other = make_adapter(adapter_class, {"subset": "other"}, name)
    assert table.path not in (cache_path(adapter_class.info), cache_path(other.info))
    assert open_table(table.path, adapter.info).info.options == {"subset": "mine"}
    assert adapter_class.info.subset_words == ""


def test_files_put_by_hand_are_compared_as_well(folder):
    data_files.write_celeba(folder / "raw" / "celeba")
    with pytest.raises(DataMissing, match="is not the published file of data set 'celeba'"):
        prepare(Celeba())


class Raw(data_files.Tiny):
    """Its raw file may lie unpacked."""

    content = b"the published bytes"
    files: tuple[RawFile, ...]

    def __init__(self) -> None:
        packed = gzip.compress(self.content, mtime=0)
        hashes = [f"sha256:{hashlib.sha256(content).hexdigest()}" for content in (packed, self.content)]
        self.files = (RawFile("raw.gz", hash=hashes[0], size=len(packed), obtain="-", unpacked=hashes[1]),)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("raw.gz", gzip.compress(Raw.content, mtime=0), ""),
        ("raw", Raw.content, ""),
        ("raw.gz", Raw.content, "Its sha256 is "),
        ("raw.gz", gzip.compress(Raw.content * 9, mtime=1) * 2, "It has [0-9]+ bytes, expected "),
        ("raw", Raw.content * 2, "Its sha256 is "),
    ],
)
def test_declared_hashes_are_compared(tmp_path, name, content, why):
    adapter, source = Raw(), tmp_path / "source"
    source.mkdir()
    (source / name).write_bytes(content)
    if not why:
        assert len(prepare(adapter, source).images) == 6
        return
    with pytest.raises(DataMissing, match=why):
        prepare(adapter, source)


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "x" * 41, "\x1b[2J", "ä", 7, None])
def test_a_subset_has_a_plain_name(name):
    if name == "":
        assert make_adapter(Mnist, {"subset": ""}, "mnist").info.options == {}
        return
    with pytest.raises(UsageError, match="no name for a subset"):
        make_adapter(Mnist, {"subset": name}, "mnist")


def test_a_subset_needs_raw_files():
    with pytest.raises(UsageError, match="The data set 'digits' has no subsets"):
        make_adapter(Digits, {"subset": "mine"}, "digits")
    with pytest.raises(DataMissing, match="The subset 'mine' is of files of your own"):
        prepare(make_adapter(Mnist, {"subset": "mine"}, "mnist"))


def test_other_options_stand_beside_the_subset():
    adapter = make_adapter(data_files.FewCars, {"subset": "mine", "size": "32"}, "cars3d")
    assert adapter.info.options == {"size": 32, "subset": "mine"}
    assert isinstance(adapter.info, DatasetInfo)


@pytest.mark.parametrize(
    ("names", "good"),
    [((2, 10), True), ((1, 10), False), ((2,), False), ((), False)],
)
def test_a_part_of_the_cars_needs_some_to_train_and_some_to_test(tmp_path, names, good):
    for number in names:
        name = f"car_{number:03d}_mesh.mat"
        (tmp_path / name).write_bytes(data_files.car_file(im=data_files.car(number)) if good else b"")
    adapter = make_adapter(data_files.FewCars, {"subset": "mine"}, "cars3d")
    if not good:
        with pytest.raises(DataMissing, match=r"incomplete|is not in"):
            adapter.read(tmp_path)
        return
    adapter.im_digest = "sha256:0"
    table, images = data_files.pixels(adapter, tmp_path)
    assert len(images) == len(table.split) == 2 * 96
    assert np.unique(table.factors[:, 2]).tolist() == [0, 1]
    assert set(table.split.tolist()) == {0, 2}
