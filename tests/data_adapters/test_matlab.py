"""MATLAB files whose headers are not true, on an array of six numbers."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest

from disent_plugins.data_adapters.matlab import read_array

ARRAY = np.arange(6, dtype=np.uint8).reshape(2, 3)


def saved(packed: bool = False, **arrays) -> bytes:
    from scipy.io import savemat

    file = io.BytesIO()
    savemat(file, arrays or {"im": ARRAY}, do_compression=packed)
    return file.getvalue()


def read(content: bytes) -> np.ndarray:
    return read_array(content, "im", (2, 3), "uint8", 10_000)


def claiming(rows: int, columns: int) -> bytes:
    whole = bytearray(saved())
    struct.pack_into("<ii", whole, whole.index(struct.pack("<II", 5, 8)) + 8, rows, columns)
    return bytes(whole)


def packed(content: bytes) -> bytes:
    inside = zlib.compress(content)
    return saved()[:128] + struct.pack("<II", 15, len(inside)) + inside


@pytest.mark.parametrize("content", [
    saved(), saved(packed=True), packed(saved()[128:]), saved(mask=np.ones(3), im=ARRAY), saved() + saved()[128:],
    packed(struct.pack("<II", 14, 2**32 - 8) + saved()[136:]), saved(a=np.array(["text"]), im=ARRAY, z={"x": 1}),
])  # fmt: skip
def test_an_array_is_read(content):
    found = read(content)
    np.testing.assert_array_equal(found, ARRAY)
    assert found.dtype == np.uint8


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (claiming(2**31 - 1, 2**31 - 1), r"\(2147483647, 2147483647\), expected 'im' uint8 \(2, 3\)"),
        (claiming(-1, 3), r"\(-1, 3\), expected"),
        (saved(im=ARRAY.astype(float)), "double"),
        (saved(im=np.array([["text"]], object)), "cell"),
        (saved(mask=ARRAY), "no 'im'"),
        (saved()[:128], "no 'im'"),
    ],
)
def test_another_array_is_not_read(content, why):
    with pytest.raises(LookupError, match=why):
        read(content)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no header"),
        (b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM" + b"\x89HDF" * 9, "ends inside an element"),
        (struct.pack("<5i", 0, 2**31 - 1, 2**31 - 1, 0, 3) + b"im\0" + bytes(200), "no header"),
        (saved()[:-10], "ends inside an element"),
        (saved(packed=True)[:-10], "ends inside an element"),
        (saved() + b"\1\2\3", "buffer"),
        (packed(saved()[128:])[:128] + struct.pack("<II", 15, 10) + zlib.compress(saved()[128:])[:10], "compressed"),
        (packed(bytes(20_000)), "more than 10000 bytes"),
        (saved() * 100, "more than 10000 bytes|ends inside"),
        (saved().replace(struct.pack("<II", 2, 6), struct.pack("<II", 2, 2**32 - 8)), "could not read"),
    ],
)
def test_a_damaged_file_is_refused(content, why):
    with pytest.raises(Exception, match=why):
        read(content)
