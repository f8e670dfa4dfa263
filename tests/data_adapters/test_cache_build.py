"""Building the HDF5 cache: once, whole or absent, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from helpers import builders, data_files

from disent_plugins.data_adapters.adapter import RawFile, RawTable
from disent_plugins.data_adapters.cache_read import verify
from disent_plugins.data_adapters.store import prepare
from disent_plugins.errors import DataMissing, PluginFailure, UsageError, WorkFailed


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """The cache folder of a test; the network is off."""
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DISENT_OFFLINE", "1")
    return tmp_path / "cache"


def h5_files(folder: Path) -> list[str]:
    """Everything but the lock file and the note that a cache was checked."""
    return sorted(path.name for path in folder.iterdir() if path.suffix not in (".lock", ".checked"))


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
        (raw(factors=[[4, 0]] * 6), "from 4 to 4, and its size is 4"),
        (raw(factors=[[-2, 0]] * 6), "from -2 to -2, and its size is 4"),
        (raw(factors=[[0]] * 6), "for 2 factors"),
        (raw(factors=np.zeros((0, 2), int), split=np.zeros(0, np.uint8)), "no image"),
        (raw(split=np.full(6, 3, np.uint8)), "a split lies outside"),
        (raw(split=np.array([0, 0, 0, 1, 1, 1], np.uint8)), "it has no test image"),
        (raw(split=np.array([1, 1, 1, 2, 2, 2], np.uint8)), "it has no train image"),
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


def test_a_killed_build_is_cleared_away_by_the_next(folder):
    process = multiprocessing.get_context("spawn").Process(target=prepare, args=(builders.Dies(),))
    process.start()
    process.join()
    assert process.exitcode == -9
    assert [name.endswith(".partial") for name in h5_files(folder)] == [True]
    table = prepare(data_files.Tiny())
    assert h5_files(folder) == [table.path.name]
    verify(table.path)


def test_two_processes_build_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    adapter = builders.Slow(tmp_path / "notes", context.Event())
    processes = [context.Process(target=builders.prepare_and_note, args=(adapter,)) for _ in range(2)]
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
    adapter = data_files.Large(600)
    with pytest.raises(WorkFailed, match="The disk is full"):
        prepare(adapter)
    assert h5_files(small_disk) == []
    assert adapter.made == 0  # it showed before the work


def fill(folder: Path, leave: int) -> None:
    space = os.statvfs(folder)
    (folder / "filler.lock").write_bytes(bytes(space.f_bavail * space.f_frsize - leave))


def test_a_disk_that_fills_up_during_a_build_does_not_matter(small_disk):
    adapter = data_files.Large(20)
    adapter._slabs = lambda: (fill(small_disk, leave=0) or image for image in np.zeros((20, 1, 64, 64, 1), np.uint8))
    verify(prepare(adapter).path)


@pytest.mark.parametrize("spare_pages", range(0, 90, 16))
def test_a_disk_with_hardly_enough_space(small_disk, spare_pages):
    """Whatever it is that does not fit any more: a clear error and nothing left, or a good cache."""
    adapter = data_files.Large(20)
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
