"""The HDF5 cache: built once, whole or absent, opened by memory map, refused when damaged."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import multiprocessing
import os
import shutil
import subprocess
from pathlib import Path

import data_files
import h5py
import numpy as np
import pytest

from disent_plugins.contracts import ImageSpec
from disent_plugins.data_adapters.adapter import RawFile, RawTable
from disent_plugins.data_adapters.cache import cache_folder, cache_path, open_table, read_attributes, verify
from disent_plugins.data_adapters.store import prepare
from disent_plugins.errors import DataMissing, PluginFailure, UsageError, WorkFailed


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """The cache folder of a test; the network is off."""
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DISENT_OFFLINE", "1")
    return tmp_path / "cache"


def h5_files(folder: Path) -> list[str]:
    """Everything but the lock file."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


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
    assert progress == [(0, 6, "building tiny"), (4, 6, "building tiny"), (6, 6, "building tiny")]
    assert table.path == cache_path(data_files.Tiny.info)
    assert h5_files(folder) == [table.path.name]
    verify(table.path)


def test_a_cache_says_what_it_is():
    table = prepare(data_files.Tiny())
    attributes = read_attributes(table.path)
    arrays = (table.images, table.factors.astype("<i8"), table.split)
    assert attributes["content_hash"] == table.digest
    assert table.digest == hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
    assert attributes["sources"] == {"made": "here"}
    assert attributes["format_version"] == 1
    assert attributes["dataset"] == "tiny"
    assert attributes["preprocessing"] == "none"
    assert attributes["maker"].startswith("disent-plugins ")
    with h5py.File(table.path) as file:
        assert file["images"].chunks is None
        assert (file["images"][:] == data_files.Tiny.images).all()


def test_images_start_on_a_page():
    with h5py.File(prepare(Large(2)).path) as file:
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
    table = prepare(Mnist(), tmp_path / "raw")
    assert (table.images[:, 2:30, 2:30, 0] == raw).all()
    assert (prepare(Mnist()).images == table.images).all()


def test_a_source_that_is_no_folder(tmp_path):
    with pytest.raises(DataMissing, match="There is no folder"):
        prepare(data_files.Tiny(), tmp_path / "nowhere")


# Damage


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
    assert_refused(path, "HDF5 cannot open it")


def test_a_file_that_is_not_hdf5_is_refused(path):
    path.write_text("hello")
    assert_refused(path, "HDF5 cannot open it")


def test_an_absent_cache_names_the_command(path):
    path.unlink()
    assert_refused(path, "There is no")


def test_an_unknown_format_version_is_refused(path):
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = 99
    assert_refused(path, "format version 99, this release reads 1")


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


def test_verify_finds_one_flipped_bit(path):
    verify(path)
    with h5py.File(path) as file:
        offset = file["images"].id.get_offset()
    with path.open("r+b") as file:
        file.seek(offset + 50)
        file.write(b"\x33")
    assert open_table(path, data_files.Tiny.info).images.shape == (6, 2, 3, 3)  # opening does not hash
    with pytest.raises(DataMissing, match="its content hashes to"):
        verify(path)


# Building


def raw(images=data_files.Tiny.images, factors=None, split=None) -> RawTable:
    good = data_files.Tiny().read(None)
    return RawTable(
        good.factors if factors is None else np.array(factors), good.split if split is None else split, [images]
    )


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (raw(data_files.Tiny.images[:5]), "6 rows of factors but 5 images"),
        (raw(np.concatenate([data_files.Tiny.images] * 2)), "more images"),
        (raw(data_files.Tiny.images.astype(float)), "float64"),
        (raw(data_files.Tiny.images[:, :1]), "a slab is uint8"),
        (raw(factors=[[4, 0]] * 6), "outside 0..size-1"),
        (raw(factors=[[-1, 0]] * 6), "outside 0..size-1"),
        (raw(factors=[[0]] * 6), "for 2 factors"),
        (raw(factors=np.zeros((0, 2), int), split=np.zeros(0, np.uint8)), "no image"),
        (raw(split=np.full(6, 3, np.uint8)), "a split lies outside"),
    ],
)
def test_an_adapter_that_contradicts_itself_is_a_plugin_failure(folder, table, why):
    adapter = data_files.Tiny()
    adapter.read = lambda source: table
    with pytest.raises(PluginFailure, match=why):
        prepare(adapter)
    assert h5_files(folder) == []


def test_a_failed_build_leaves_nothing_and_ends_its_reader(folder):
    ended = []

    def slabs():
        try:
            yield data_files.Tiny.images[:4]
            raise DataMissing("A raw file is damaged.")
        finally:
            ended.append(True)

    adapter = data_files.Tiny()
    adapter.read = lambda source: dataclasses.replace(raw(), slabs=slabs())
    with pytest.raises(DataMissing, match="damaged"):
        prepare(adapter)
    assert h5_files(folder) == []
    assert ended == [True]


def test_a_failed_rebuild_keeps_the_old_cache():
    good = prepare(data_files.Tiny())
    adapter = data_files.Tiny()
    adapter.read = lambda source: raw(data_files.Tiny.images[:5])
    with pytest.raises(PluginFailure):
        prepare(adapter, rebuild=True)
    assert (prepare(adapter).images == good.images).all()


class Dies(data_files.Tiny):
    """Kills its own process, as ``kill -9`` would, in the middle of a build."""

    def read(self, source):
        table = super().read(source)

        def slabs():
            yield self.images[:4]
            os.kill(os.getpid(), 9)

        return dataclasses.replace(table, slabs=slabs())


def test_a_killed_build_is_cleared_away_by_the_next(folder):
    process = multiprocessing.get_context("spawn").Process(target=prepare, args=(Dies(),))
    process.start()
    process.join()
    assert process.exitcode == -9
    assert [name.endswith(".partial") for name in h5_files(folder)] == [True]
    table = prepare(data_files.Tiny())
    assert h5_files(folder) == [table.path.name]
    verify(table.path)


class Slow(data_files.Tiny):
    """Builds only after the other process was seen waiting; notes that it was read."""

    def __init__(self, notes: Path, waiting) -> None:
        self.notes, self.waiting = notes, waiting

    def read(self, source):
        with self.notes.open("a") as file:
            file.write("read\n")
        assert self.waiting.wait(60)
        return super().read(source)


def prepare_and_note(adapter: Slow) -> None:
    def report(done, total, what):
        if what.startswith("waiting for another process"):
            with adapter.notes.open("a") as file:
                file.write(what + "\n")
            adapter.waiting.set()

    table = prepare(adapter, report=report)
    assert (table.images == adapter.images).all()


def test_two_processes_build_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    adapter = Slow(tmp_path / "notes", context.Event())
    processes = [context.Process(target=prepare_and_note, args=(adapter,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    notes = (tmp_path / "notes").read_text().splitlines()
    assert sorted(notes) == ["read", "waiting for another process that is building tiny"]


def test_a_cache_folder_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path / "file"))
    with pytest.raises(UsageError, match="Cannot write"):
        prepare(data_files.Tiny())


class Large(data_files.Tiny):
    """Images that fill a small disk; only as many as asked for are made."""

    info = dataclasses.replace(data_files.Tiny.info, name="large", image=ImageSpec(1, 64, 64))

    def __init__(self, count: int) -> None:
        self.count, self.made = count, 0

    def read(self, source):
        factors = np.stack([np.arange(self.count) % 4, np.arange(self.count) % 2], axis=1)
        return RawTable(factors, np.zeros(self.count, np.uint8), self._slabs())

    def _slabs(self):
        for _ in range(self.count):
            self.made += 1
            yield np.zeros((1, 64, 64, 1), np.uint8)


@pytest.fixture
def small_disk(folder):
    """The cache folder on a file system of 2 MiB."""
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("mounting a small file system takes root")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("this system does not allow mounting a tmpfs")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_leaves_nothing(small_disk):
    adapter = Large(600)
    with pytest.raises(WorkFailed, match="The disk is full"):
        prepare(adapter)
    assert h5_files(small_disk) == []
    assert adapter.made == 0  # it showed before the work


def fill(folder: Path, leave: int) -> None:
    space = os.statvfs(folder)
    (folder / "filler.lock").write_bytes(bytes(space.f_bavail * space.f_frsize - leave))


def test_a_disk_that_fills_up_during_a_build_does_not_matter(small_disk):
    adapter = Large(20)
    adapter._slabs = lambda: (fill(small_disk, leave=0) or image for image in np.zeros((20, 1, 64, 64, 1), np.uint8))
    verify(prepare(adapter).path)


@pytest.mark.parametrize("spare_pages", range(0, 90, 16))
def test_a_disk_with_hardly_enough_space(small_disk, spare_pages):
    """Whatever it is that does not fit any more: a clear error and nothing left, or a good cache."""
    adapter = Large(20)
    needed = 20 * 64 * 64 + spare_pages * 4096
    fill(small_disk, leave=needed)
    with contextlib.suppress(WorkFailed):
        verify(prepare(adapter).path)
        return
    assert h5_files(small_disk) == []


def test_a_disk_full_while_writing(folder, monkeypatch):
    """Without reserving in advance, as on systems that cannot."""
    import errno

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("disent_plugins.data_adapters.cache_build._write_images", full)
    with pytest.raises(WorkFailed, match="The disk is full"):
        prepare(data_files.Tiny())
    assert h5_files(folder) == []


def test_what_has_to_be_fetched_by_hand_is_printed(folder):
    adapter = data_files.Tiny()
    adapter.files = (RawFile("faces.zip", obtain="ask the authors", hash="md5:12"),)
    with pytest.raises(DataMissing) as error:
        prepare(adapter)
    for part in ("faces.zip: ask the authors (md5 12)", str(folder / "raw" / "tiny"), "--source DIR"):
        assert part in str(error.value)
    (folder / "raw" / "tiny" / "faces").mkdir(parents=True)
    assert len(prepare(adapter).images) == 6
