"""Codes in HDF5 files that point elsewhere or hold less than they say."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest
from helpers.code_array_files import N, arrays
from helpers.metric_files import codes

from disent_plugins.errors import UsageError
from disent_plugins.metrics.codes.file import read_codes, write_codes


def external(file: h5py.File) -> None:
    file["content"] = h5py.ExternalLink("other.h5", "content")


def looped(file: h5py.File) -> None:
    file["content"], file["b"] = h5py.SoftLink("/b"), h5py.SoftLink("/content")


def unwritten(file: h5py.File) -> None:
    file.create_dataset("content", (N, 3), float, chunks=(5, 3))[:7] = 1


@pytest.mark.parametrize("change", [external, looped, unwritten], ids=lambda change: change.__name__)
def test_only_arrays_in_the_file_itself_are_read(tmp_path: Path, change):
    for name in ("codes.h5", "other.h5"):
        with h5py.File(tmp_path / name, "w") as file:
            for key, value in arrays().items():
                file[key] = value
    with h5py.File(tmp_path / "codes.h5", "r+") as file:
        del file["content"]
        change(file)
    with pytest.raises(UsageError, match=r"Only arrays in the file itself are read: .*'content'"):
        read_codes(tmp_path / "codes.h5")


def test_links_that_are_not_needed_do_no_harm(tmp_path: Path):
    write_codes(tmp_path / "codes.h5", codes(80))
    with h5py.File(tmp_path / "codes.h5", "r+") as file:
        file["more"] = h5py.ExternalLink("nowhere.h5", "a")
    assert len(read_codes(tmp_path / "codes.h5").content) == 80
