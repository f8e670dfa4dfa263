"""Archives that are encrypted, packed in unknown ways or damaged at any place: one clear error that names the file."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from disent_plugins.errors import UsageError
from disent_plugins.metrics.codes.file import read_codes

LOCAL, CENTRAL = b"PK\x03\x04", b"PK\x01\x02"


def archive(packing: int = zipfile.ZIP_STORED, *, content: bytes | None = None) -> bytes:
    generator = np.random.default_rng(0)
    arrays = {"content": generator.normal(size=(50, 3)), "style": generator.normal(size=(50, 2))}
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", packing) as file:
        for name, array in {**arrays, "labels": np.arange(50) % 3}.items():
            part = io.BytesIO()
            np.save(part, array)
            file.writestr(f"{name}.npy", content if content and name == "content" else part.getvalue())
    return whole.getvalue()


def with_fields(local: int, central: int, change: Callable[[int], int]) -> bytes:
    """The archive with a 16-bit field of every member changed, at these places of its two headers."""
    data = bytearray(archive(zipfile.ZIP_DEFLATED))
    for mark, place in ((LOCAL, local), (CENTRAL, central)):
        at = data.find(mark)
        while at >= 0:
            (before,) = struct.unpack_from("<H", data, at + place)
            struct.pack_into("<H", data, at + place, change(before))
            at = data.find(mark, at + 1)
    return bytes(data)


def spoilt(data: bytes, at: int) -> bytes:
    return data[:at] + b"\xff" * 8 + data[at + 8 :]


def headed(header: bytes) -> bytes:
    return archive(content=b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(1200))


CASES = {
    "encrypted": with_fields(6, 8, lambda flags: flags | 1),
    **{f"packing {number}": with_fields(8, 10, lambda _, n=number: n) for number in (1, 9, 12, 14, 97, 99)},
    "name is not UTF-8": with_fields(6, 8, lambda flags: flags | 0x800).replace(b"labels.npy", b"\xff\xfebels.npy"),
    "deflate": spoilt(archive(zipfile.ZIP_DEFLATED), 60),
    "bzip2": spoilt(archive(zipfile.ZIP_BZIP2), 60),
    "lzma": spoilt(archive(zipfile.ZIP_LZMA), 60),
    "header of no dtype": headed(b"{'descr': 3, 'fortran_order': False, 'shape': (50, 3), }"),
    "header of no shape": headed(b"{'descr': '<f8', 'fortran_order': False, 'shape': None, }"),
    "header of a nest": headed(b"(" * 2000),
    "header of no text": headed(b"\xff\xfe" * 50),
}


@pytest.mark.parametrize("case", CASES)
def test_an_archive_that_cannot_be_read_is_one_clear_error(case, tmp_path: Path):
    path = tmp_path / "codes.npz"
    path.write_bytes(CASES[case])
    with pytest.raises(UsageError, match=r"codes\.npz (cannot be read|has )") as caught:
        read_codes(path)
    assert caught.value.exit_code == 2


def test_hdf5_names_need_not_be_utf8(tmp_path: Path):
    path = tmp_path / "codes.h5"
    with h5py.File(path, "w") as file:
        file["content"] = np.zeros((4, 2))
        file[b"\xff\xfe"] = np.zeros(3)
    with pytest.raises(UsageError, match="has no array 'style'"):
        read_codes(path)
