"""The HDF5 cache: opened by memory map, refused when damaged."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers import data_files

from disent_plugins.contracts import ImageSpec
from disent_plugins.data_adapters.adapter import make_adapter
from disent_plugins.data_adapters.cache import ATTRIBUTES, cache_folder, cache_path, checked_path
from disent_plugins.data_adapters.cache_read import open_table, read_attributes, verify
from disent_plugins.data_adapters.store import prepare
from disent_plugins.errors import DataMissing


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """The cache folder of a test; the network is off."""
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DISENT_OFFLINE", "1")
    return tmp_path / "cache"


def h5_files(folder: Path) -> list[str]:
    """Everything but the lock file and the note that a cache was checked."""
    return sorted(path.name for path in folder.iterdir() if path.suffix not in (".lock", ".checked"))


class Counting(data_files.Tiny):
    """Counts how often it is read."""

    def __init__(self) -> None:
        self.reads = 0

    def read(self, source):
        self.reads += 1
        return super().read(source)


def test_round_trip(folder):
    progress = []
    table = prepare(data_files.Tiny(), report=lambda *step: progress.append(step))
    assert (table.images == data_files.Tiny.images).all()
    assert isinstance(table.images, np.memmap)
    assert not table.images.flags.writeable
    assert table.factors.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1]]
    assert table.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert table.rows("train").tolist() == [0, 1, 2, 3]
    assert (table.factors.dtype, table.split.dtype) == (np.int64, np.uint8)
    built = [(0, 6, "building tiny"), (4, 6, "building tiny"), (6, 6, "building tiny")]
    assert progress == [*built, (6, 6, "checking tiny")]
    assert table.path == cache_path(data_files.Tiny.info)
    assert h5_files(folder) == [table.path.name]
    verify(table.path)


def test_a_cache_says_what_it_is():
    table = prepare(data_files.Tiny())
    attributes = read_attributes(table.path)
    assert attributes["content_hash"] == table.digest
    blocks = hashlib.sha256(hashlib.sha256(table.images.tobytes()).digest())  # the images are a single block
    assert attributes["images_hash"] == blocks.hexdigest()
    head = [
        ["tiny", [3, 2, 3], [vars(factor) | {"values": []} for factor in data_files.Tiny.info.factors], "kind", True,
         "none", {}],
        [6, 2, 3, 3], blocks.hexdigest(), [6, 2], "int64",
    ]  # fmt: skip
    arrays = (table.factors.astype("<i8"), table.split)
    content = json.dumps(head).encode() + b"\n" + b"".join(array.tobytes() for array in arrays)
    assert table.digest == hashlib.sha256(content).hexdigest()
    kept = {name: attributes[name] for name in ATTRIBUTES if name != "seal"}
    kept |= {name: json.dumps(kept[name]) for name in ("info", "sources")}
    assert attributes["seal"] == hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
    assert attributes["sources"] == {"made": "here"}
    assert attributes["format_version"] == 3
    assert attributes["dataset"] == "tiny"
    assert attributes["preprocessing"] == "none"
    assert attributes["maker"].startswith("disent-plugins ")
    with h5py.File(table.path) as file:
        assert file["images"].chunks is None
        assert (file["images"][:] == data_files.Tiny.images).all()


def test_images_start_on_a_page():
    with h5py.File(prepare(data_files.Large(2)).path) as file:
        assert file["images"].id.get_offset() % 4096 == 0


def test_the_sizes_that_were_found_are_recorded():
    assert [factor.size for factor in prepare(data_files.Tiny()).info.factors] == [3, 2]


def test_it_is_read_once_and_rebuilt_on_demand():
    adapter = Counting()
    digests = [prepare(adapter).digest, prepare(adapter).digest, prepare(adapter, rebuild=True).digest]
    assert adapter.reads == 2
    assert len(set(digests)) == 1


def test_another_preprocessing_is_another_cache():
    info = data_files.Tiny.info
    assert cache_path(info) != cache_path(dataclasses.replace(info, preprocessing="inverted"))
    assert cache_path(info) == cache_path(dataclasses.replace(info, licence="other words"))


def test_the_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("DISENT_CACHE")
    assert cache_folder() == tmp_path / "disent-plugins"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "disent-plugins"


def test_a_real_format_goes_through_the_cache(tmp_path):
    from disent_plugins.data_adapters.mnist import Mnist

    raw = data_files.write_mnist(tmp_path / "raw")
    few = make_adapter(Mnist, {"subset": "few"}, "mnist")
    table = prepare(few, tmp_path / "raw")
    assert (table.images[:, 2:30, 2:30, 0] == raw).all()
    assert (prepare(few).images == table.images).all()


def test_a_source_that_is_no_folder(tmp_path):
    with pytest.raises(DataMissing, match="There is no folder"):
        prepare(data_files.Tiny(), tmp_path / "nowhere")


@pytest.fixture
def path() -> Path:
    return prepare(data_files.Tiny()).path


def assert_refused(path: Path, why: str) -> None:
    for action in (lambda: open_table(path, data_files.Tiny.info), lambda: verify(path)):
        with pytest.raises(DataMissing, match=why) as error:
            action()
        assert "disent data prepare tiny" in error.value.hint
        assert error.value.exit_code == 3


@pytest.mark.parametrize("keep", [0, 100, 4096, -1])
def test_a_truncated_cache_is_refused(path, keep):
    os.truncate(path, keep if keep >= 0 else path.stat().st_size - 1)
    assert_refused(path, "HDF5 cannot read it")


def test_a_file_that_is_not_hdf5_is_refused(path):
    path.write_text("hello")
    assert_refused(path, "HDF5 cannot read it")


def test_an_absent_cache_names_the_command(path):
    path.unlink()
    assert_refused(path, "There is no")


def test_an_unknown_format_version_is_refused(path):
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = 99
    assert_refused(path, "format version 99, this release reads 3")


@pytest.mark.parametrize("name", ["content_hash", "info", "sources"])
def test_a_cache_without_an_attribute_is_refused(path, name):
    with h5py.File(path, "r+") as file:
        del file.attrs[name]
    assert_refused(path, f"it has no {name}")


def test_a_cache_without_an_array_is_refused(path):
    with h5py.File(path, "r+") as file:
        del file["split"]
    assert_refused(path, "it lacks something")


def test_arrays_that_do_not_fit_are_refused(path):
    with h5py.File(path, "r+") as file:
        del file["split"]
        file["split"] = np.zeros(5, np.uint8)
    assert_refused(path, "do not fit")


def test_a_chunked_file_is_refused(path):
    with h5py.File(path, "r+") as file:
        del file["images"]
        file.create_dataset("images", data=data_files.Tiny.images, chunks=True)
    assert_refused(path, "do not fit")


def test_a_description_that_is_not_json_is_refused(path):
    with h5py.File(path, "r+") as file:
        file.attrs["info"] = "{"
    assert_refused(path, "not JSON")


def test_a_description_with_unknown_fields_is_refused(path):
    with h5py.File(path, "r+") as file:
        file.attrs["info"] = json.dumps(json.loads(file.attrs["info"]) | {"surprise": 1})
    assert_refused(path, "surprise")


def test_another_data_set_under_this_name_is_refused(path):
    with pytest.raises(DataMissing, match="it holds 'tiny'"):
        open_table(path, dataclasses.replace(data_files.Tiny.info, image=ImageSpec(1, 8, 8)))


def flip(path: Path, place: int = 50) -> None:
    """Change a byte of the images and leave the times of the file as they were."""
    before = path.stat()
    with h5py.File(path) as file:
        offset = file["images"].id.get_offset()
    with path.open("r+b") as file:
        file.seek(offset + place)
        byte = file.read(1)[0]
        file.seek(offset + place)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_one_flipped_bit_is_found(path):
    flip(path)
    assert_refused(path, "its images hash to")
    flip(path)
    verify(path)


def test_images_are_checked_once_per_file(path, tmp_path):
    said = []
    report = lambda *step: said.append(step)  # noqa: E731
    open_table(path, data_files.Tiny.info, report)
    assert said == []  # it was checked when it was built
    os.utime(path)
    open_table(path, data_files.Tiny.info, report)
    assert said == [(6, 6, "checking tiny")]
    copy = Path(shutil.copy2(path, tmp_path))
    shutil.copy2(checked_path(path), checked_path(copy))
    open_table(copy, data_files.Tiny.info, report)
    open_table(copy, data_files.Tiny.info, report)
    assert len(said) == 2
    verify(path, report)
    assert said[2:] == [(6, 6, "verifying tiny")]


@pytest.mark.parametrize("note", ["", "[1]", "{", "[" * 10_000])
def test_a_note_that_is_none_is_no_harm(path, note):
    checked_path(path).write_text(note)
    flip(path)
    assert_refused(path, "its images hash to")


def test_where_nothing_can_be_noted_it_is_checked_every_time(path):
    checked_path(path).unlink()
    checked_path(path).mkdir()
    assert len(open_table(path, data_files.Tiny.info).images) == 6


def test_images_of_many_blocks_and_slabs_of_any_size(folder, monkeypatch):
    monkeypatch.setattr("disent_plugins.data_adapters.cache_hash.BLOCK", 5000)
    table = prepare(data_files.Large(9))
    said = []
    verify(table.path, lambda *step: said.append(step))
    assert len(said) == 8
    assert said[-1] == (9, 9, "verifying large")
    flip(table.path, 4096 * 9 - 1)
    with pytest.raises(DataMissing, match="its images hash to"):
        verify(table.path)
