"""HDF5 files: only plain arrays of the file itself are read."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from disent_plugins.hdf5 import NotPlain, names, opened, plain, read


def other_file(folder: Path) -> Path:
    with h5py.File(folder / "other.h5", "w") as file:
        file["a"] = np.arange(4.0)
    np.arange(4.0).tofile(folder / "raw.bin")
    os.mkfifo(folder / "pipe")
    return folder / "other.h5"


def external_link(file: h5py.File) -> None:
    file["a"] = h5py.ExternalLink("other.h5", "a")


def external_link_to_a_pipe(file: h5py.File) -> None:
    file["a"] = h5py.ExternalLink("pipe", "a")


def soft_link(file: h5py.File) -> None:
    file["b"] = np.arange(4.0)
    file["a"] = h5py.SoftLink("/b")


def soft_link_loop(file: h5py.File) -> None:
    file["a"] = h5py.SoftLink("/b")
    file["b"] = h5py.SoftLink("/a")


def dangling_soft_link(file: h5py.File) -> None:
    file["a"] = h5py.SoftLink("/nowhere")


def external_storage(file: h5py.File) -> None:
    file.create_dataset("a", (4,), float, external=[("raw.bin", 0, 32)])


def external_storage_in_a_pipe(file: h5py.File) -> None:
    file.create_dataset("a", (4,), float, external=[("pipe", 0, 32)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), float)
    layout[:] = h5py.VirtualSource("other.h5", "a", (4,))
    file.create_virtual_dataset("a", layout)


def virtual_without_source(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), float)
    layout[:] = h5py.VirtualSource("nowhere.h5", "a", (4,))
    file.create_virtual_dataset("a", layout)


def unwritten_chunks(file: h5py.File) -> None:
    file.create_dataset("a", (40,), float, chunks=(10,))[:10] = 1


def never_written(file: h5py.File) -> None:
    file.create_dataset("a", (40,), float)


def petabytes(file: h5py.File) -> None:
    file.create_dataset("a", (1 << 47,), float)


def petabytes_in_chunks(file: h5py.File) -> None:
    file.create_dataset("a", (1 << 47,), float, chunks=(1 << 20,))


def too_large_once_unpacked(file: h5py.File) -> None:
    shape = ((4 << 30) + 1,)
    data = file.create_dataset("a", shape, np.uint8, chunks=((1 << 31) + 1,), compression="gzip")
    for number in range(2):  # the chunks are there, each a few bytes
        data.id.write_direct_chunk((number * ((1 << 31) + 1),), b"x")


def group(file: h5py.File) -> None:
    file.create_group("a")


def empty(file: h5py.File) -> None:
    file["a"] = h5py.Empty(float)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (external_link, "link"),
        (external_link_to_a_pipe, "link"),
        (soft_link, "link"),
        (soft_link_loop, "link"),
        (dangling_soft_link, "link"),
        (external_storage, "external storage"),
        (external_storage_in_a_pipe, "external storage"),
        (virtual, "virtual data set"),
        (virtual_without_source, "virtual data set"),
        (unwritten_chunks, "only 1 of the 4 chunks"),
        (never_written, "never written"),
        (petabytes, "never written"),
        (petabytes_in_chunks, "only 0 of the"),
        (too_large_once_unpacked, "claims 4,294,967,298 bytes"),
        (group, "no array"),
        (empty, "no array"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_no_plain_array_of_the_file_is_refused(tmp_path: Path, monkeypatch, make, why):
    monkeypatch.chdir(tmp_path)
    other_file(tmp_path)
    with h5py.File(tmp_path / "it.h5", "w") as file:
        make(file)
    with opened(tmp_path / "it.h5") as file:
        assert set(names(file)) >= {"a/" if make is group else "a"}
        with pytest.raises(NotPlain, match=why):
            plain(file, "a")


@pytest.mark.parametrize(
    "options",
    [{}, {"chunks": (3,)}, {"chunks": (7,), "compression": "gzip", "shuffle": True}, {"maxshape": (None,)}],
    ids=str,
)
def test_plain_arrays_are_read_however_they_are_laid_out(tmp_path: Path, options):
    with h5py.File(tmp_path / "it.h5", "w") as file:
        file.create_dataset("a", data=np.arange(20.0), **options)
        file["hard"] = file["a"]
        file["texts"] = ["one", "two"]
        file["none"] = np.zeros((0, 3))
        file.create_group("group")
    with opened(tmp_path / "it.h5") as file:
        assert (read(file, "a") == np.arange(20.0)).all()
        assert (read(file, "hard") == np.arange(20.0)).all()
        assert read(file, "texts").tolist() == ["one", "two"]
        assert read(file, "none").shape == (0, 3)
        assert names(file) == ["a", "group/", "hard", "none", "texts"]
        with pytest.raises(KeyError, match="no 'other'"):
            plain(file, "other")


@pytest.mark.parametrize("kind", ["folder", "named pipe", "device", "missing"])
def test_only_regular_files_are_opened(tmp_path: Path, kind):
    path = {"device": Path("/dev/zero")}.get(kind, tmp_path / "it.h5")
    {"folder": path.mkdir, "named pipe": lambda: os.mkfifo(path)}.get(kind, lambda: None)()
    with pytest.raises(OSError, match="No such file" if kind == "missing" else kind), opened(path):
        pass
