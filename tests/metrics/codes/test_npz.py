"""Headers that claim what is not there: refused before anything of that size is allocated or read."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers.code_array_files import N, arrays, saved

from disent_plugins.errors import UsageError
from disent_plugins.metrics.codes.file import read_codes
from disent_plugins.npz import believed

FIELDS = "{'descr': %r, 'fortran_order': False, 'shape': %s, }"
DATA = np.ones((N, 3)).tobytes()


def npy(header: str, version: int = 1, data: bytes = DATA) -> bytes:
    text = header.encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + data


def with_content(path: Path, content: bytes) -> Path:
    saved(path, content=None)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("content.npy", content)
    return path


def overwrite(path: Path, offset: int, form: str, value: int) -> None:
    """Change a field of the entry of ``content.npy`` in the zip's table of contents."""
    whole = bytearray(path.read_bytes())
    struct.pack_into(form, whole, whole.rindex(b"content.npy") - 46 + offset, value)
    path.write_bytes(whole)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    "header",
    [
        FIELDS % ("<f8", "(1000000000000, 3)"),
        FIELDS % ("<f8", f"({2**63 - 1}, {2**63 - 1})"),
        FIELDS % ("<f8", f"(-{N}, 3)"),
        FIELDS % ("<f8", "(0, 1000000000000)"),
        FIELDS % ("<f8", f"({N}, 2)"),
        FIELDS % ("|V0", "(1000000000000, 3)"),
        FIELDS % ("<U0", "(1000000000000, 3)"),
        FIELDS % ("|S2147483647", "(1000000, 3)"),
        FIELDS % ("<f8", "(" + "1, " * 100 + ")"),
        FIELDS % ("<f8", "'many'"),
        FIELDS % ("no type", f"({N}, 3)"),
        "[" * 3000,
        "{'descr': " + "(" * 2000,
        "{}",
        "\0",
    ],
    ids=lambda header: header[:60],
)
def test_a_header_that_is_not_true(tmp_path, header, version):
    with pytest.raises(UsageError, match=r"cannot be read\.\nIt is damaged") as error:
        read_codes(with_content(tmp_path / "codes.npz", npy(header, version)))
    assert "codes.npz" in error.value.what


@pytest.mark.parametrize("version", [1, 2])
def test_a_header_that_is_true(tmp_path, version):
    content = np.random.default_rng(0).normal(size=(N, 3))
    path = with_content(tmp_path / "codes.npz", npy(FIELDS % ("<f8", f"({N}, 3)"), version, content.tobytes()))
    np.testing.assert_array_equal(read_codes(path).content, content.astype(np.float32))


@pytest.mark.parametrize("content", [b"", b"text", npy("")[:9], b"\x93NUMPY\2\0\xff\xff\xff\xff ", npy("{}", 9)])
def test_what_is_no_array(tmp_path, content):
    with pytest.raises(UsageError, match="cannot be read"):
        read_codes(with_content(tmp_path / "codes.npz", content))


@pytest.mark.parametrize(
    ("offset", "form", "value"),
    [
        (24, "<I", 2**32 - 2),  # unpacked size
        (24, "<I", 0),
        (20, "<I", 0),  # packed size
        (8, "<H", 1),  # encrypted
        (10, "<H", 99),  # compression
        (10, "<H", 12),
        (16, "<I", 1),  # checksum
    ],
)
def test_a_zip_that_is_not_true(tmp_path, offset, form, value):
    path = with_content(tmp_path / "codes.npz", npy(FIELDS % ("<f8", f"({N}, 3)")))
    overwrite(path, offset, form, value)
    with pytest.raises(UsageError, match="cannot be read"):
        read_codes(path)


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("disent_plugins.npz._CERTAIN", 1 << 16)
    rows = 1 << 17
    path = with_content(tmp_path / "codes.npz", npy(FIELDS % ("<f8", f"({rows}, 1)"), data=bytes(8 * rows)))
    with pytest.raises(UsageError, match=r"'content' says that it has 10486\d\d bytes, and \d{4} are there"):
        read_codes(path)


@pytest.mark.parametrize(("claimed", "stored", "good"), [
    (1 << 30, 0, True), ((1 << 30) + 1, 1000, False), (20 << 30, 1 << 30, True), ((20 << 30) + 1, 1 << 30, False),
])  # fmt: skip
def test_what_is_believed(claimed, stored, good):
    if good:
        believed("codes", claimed, stored)
        return
    with pytest.raises(ValueError, match=f"'codes' says that it has {claimed} bytes, and {stored} are there"):
        believed("codes", claimed, stored)


@pytest.mark.parametrize(
    "options",
    [
        {"shape": (2**45, 3), "chunks": (1024, 3)},
        {"shape": (2**45, 3)},
        {"shape": (N, 3), "chunks": (2**27, 3), "maxshape": (None, 3)},
    ],
)
@pytest.mark.parametrize("name", ["content", "labels"])
def test_a_data_set_that_is_not_there(tmp_path, name, options):
    with h5py.File(tmp_path / "codes.h5", "w") as file:
        for other, array in arrays(**{name: None}).items():
            file[other] = array
        file.create_dataset(name, dtype="f8", **options)
    with pytest.raises(UsageError, match=f"of '{name}' were ever written|'{name}' was never|'{name}' claims"):
        read_codes(tmp_path / "codes.h5")


def test_more_than_the_memory_holds(tmp_path, monkeypatch):
    def full(*_, **__):
        raise MemoryError("Unable to allocate 4 TiB")

    monkeypatch.setattr(np.lib.format, "read_array", full)
    with pytest.raises(UsageError, match=r"does not fit into the memory\.\nUnable to allocate 4 TiB"):
        read_codes(saved(tmp_path / "codes.npz"))
