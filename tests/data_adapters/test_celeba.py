"""CelebA on a few JPEGs in the official layout."""

from __future__ import annotations

import io
import os
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers import data_files
from helpers.data_files import pixels

from disent_plugins.data_adapters.celeba import Celeba
from disent_plugins.errors import DataMissing


@pytest.fixture
def celeba(tmp_path):
    data_files.write_celeba(tmp_path)
    return tmp_path


def to_zip(folder: Path, extra: str = "") -> None:
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
        archive.mkdir("img_align_celeba")
        for path in sorted((folder / "img_align_celeba").iterdir()):
            archive.write(path, f"img_align_celeba/{path.name}")
        if extra:
            archive.writestr(extra, b"x")
    shutil.rmtree(folder / "img_align_celeba")


@pytest.mark.parametrize("zipped", [False, True])
def test_faces_are_cropped_and_grouped_by_person(celeba, zipped):
    if zipped:
        to_zip(celeba)
    table, images = pixels(Celeba(), celeba)
    assert images.shape == (8, 64, 64, 3)
    assert table.factors[:, 0].tolist() == [0, 0, 0, 2, 2, 1, 3, 3]
    assert table.split.tolist() == list(data_files.PARTITIONS)
    # x = 89 of 19..159 is where the dark half ends: column 32 of 64.
    assert np.abs(images[:, :, :30].mean(axis=(1, 2, 3)) - (40 + np.arange(8))).max() < 2
    assert np.abs(images[:, :, 34:].mean(axis=(1, 2, 3)) - 200).max() < 2
    assert set(table.sources) == {
        "identity_CelebA.txt",
        "list_eval_partition.txt",
        "all JPEGs in the order of the rows",
    }


def test_the_crop_is_the_documented_one(tmp_path):
    from PIL import Image

    from disent_plugins.data_adapters.celeba import shrink

    array = np.zeros((218, 178, 3), np.uint8)
    array[39:179, 19:159] = 255
    file = io.BytesIO()
    Image.fromarray(array).save(file, "JPEG", quality=100, subsampling=0)
    assert shrink(file.getvalue()).min() > 240


def test_what_celeba_needs_is_printed(tmp_path):
    (tmp_path / "identity_CelebA.txt").write_text("000001.jpg 1\n")
    with pytest.raises(DataMissing) as error:
        Celeba().read(tmp_path)
    text = str(error.value)
    for needed in ("img_align_celeba.zip", "identity_CelebA.txt", "list_eval_partition.txt", str(tmp_path), "--source"):
        assert needed in text
    assert "no img_align_celeba.zip and no list_eval_partition.txt" in error.value.what


@pytest.mark.parametrize("zipped", [False, True])
def test_a_missing_face_is_named(celeba, zipped):
    (celeba / "img_align_celeba" / "000005.jpg").unlink()
    if zipped:
        to_zip(celeba)
    with pytest.raises(DataMissing, match=r"1 listed images are missing, the first is 000005\.jpg"):
        pixels(Celeba(), celeba)


def claiming(width: int, height: int) -> bytes:
    """A JPEG whose header gives another size."""
    jpeg = bytearray(data_files.face(1))
    struct.pack_into(">HH", jpeg, jpeg.index(b"\xff\xc0") + 5, height, width)
    return bytes(jpeg)


def photo(**options) -> bytes:
    """A JPEG that differs in every pixel."""
    from PIL import Image

    file = io.BytesIO()
    array = np.random.default_rng(0).integers(0, 256, (218, 178, 3), dtype=np.uint8)
    Image.fromarray(array).save(file, "JPEG", **options)
    return file.getvalue()


def cut_short(kept: float, **options) -> bytes:
    """A whole JPEG, by its first and last bytes, that lacks data."""
    jpeg = photo(**options)
    return jpeg[: int(kept * len(jpeg))] + b"\xff\xd9"


CUT = [cut_short(kept, **options) for kept in (0.1, 0.5, 0.99) for options in ({}, {"progressive": True})]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"no image", data_files.face(1)[:900], data_files.face(1, (178, 200)), data_files.face(1)[:-2],
        claiming(12_000, 12_000), claiming(65_500, 65_500), claiming(178, 219), photo() + bytes(2 << 20), *CUT,
    ],
    ids=len,
)  # fmt: skip
def test_an_unreadable_face_is_named(celeba, content):
    (celeba / "img_align_celeba" / "000005.jpg").write_bytes(content)
    with pytest.raises(DataMissing, match=r"000005\.jpg of CelebA cannot be read"):
        pixels(Celeba(), celeba)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 30}])
def test_a_whole_face_that_ends_in_grey_is_read(celeba, options):
    from PIL import Image

    array = np.full((218, 178, 3), 128, np.uint8)
    array[:100] = np.random.default_rng(0).integers(0, 256, (100, 178, 3))
    Image.fromarray(array).save(celeba / "img_align_celeba" / "000005.jpg", "JPEG", **options)
    assert np.abs(pixels(Celeba(), celeba)[1][4, -20:].astype(int) - 128).max() < 5


@pytest.mark.parametrize("kind", ["fifo", "folder", "link"])
def test_only_regular_files_are_faces(celeba, kind):
    path = celeba / "img_align_celeba" / "000005.jpg"
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(DataMissing, match=r"000005\.jpg of CelebA cannot be read.*\n.*it is a .*, not a file"):
        pixels(Celeba(), celeba)


@pytest.mark.parametrize(("offset", "value"), [(8, 1), (10, 99), (24, 0)], ids=["encrypted", "method", "size"])
def test_a_zip_whose_members_cannot_be_read(celeba, offset, value):
    to_zip(celeba)
    path = celeba / "img_align_celeba.zip"
    whole = bytearray(path.read_bytes())
    struct.pack_into("<H", whole, whole.rindex(b"img_align_celeba/000005.jpg") - 46 + offset, value)
    path.write_bytes(whole)
    with pytest.raises(DataMissing, match=r"000005\.jpg of CelebA cannot be read"):
        pixels(Celeba(), celeba)


def test_a_member_larger_than_a_face_is_not_unpacked(celeba):
    (celeba / "img_align_celeba" / "000005.jpg").write_bytes(bytes(4 << 20))
    to_zip(celeba)
    with pytest.raises(DataMissing, match="it has more than 1048576 bytes"):
        pixels(Celeba(), celeba)


def test_a_member_that_escapes_the_zip_is_refused(celeba):
    to_zip(celeba, extra="../../outside.jpg")
    with pytest.raises(DataMissing, match="outside the archive's own folder"):
        pixels(Celeba(), celeba)


def test_a_truncated_zip_is_named(celeba):
    to_zip(celeba)
    path = celeba / "img_align_celeba.zip"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataMissing, match=r"img_align_celeba\.zip cannot be read"):
        pixels(Celeba(), celeba)


NAMES = [f"{number:06d}.jpg" for number in range(1, 9)]


@pytest.mark.parametrize(
    ("names", "identities", "partitions", "why"),
    [
        (NAMES, data_files.IDENTITIES, (0, 0, 1, 0, 0, 1, 2, 2), "Identity 7 is in more than one"),
        (NAMES, data_files.IDENTITIES, (0, 0, 0, 0, 0, 1, 2, 3), "partition 3"),
        (["../secret.jpg", *NAMES[1:]], data_files.IDENTITIES, data_files.PARTITIONS, "Line 1 is not"),
        ([NAMES[1], *NAMES[1:]], data_files.IDENTITIES, data_files.PARTITIONS, "Line 2 names 000002.jpg again"),
        (NAMES, ("x", *data_files.IDENTITIES[1:]), data_files.PARTITIONS, "Line 1 is not"),
        (NAMES, ("9" * 5000, *data_files.IDENTITIES[1:]), data_files.PARTITIONS, "Line 1 is not"),
        (NAMES, (2**70, *data_files.IDENTITIES[1:]), data_files.PARTITIONS, "Line 1 is not"),
        (NAMES, data_files.IDENTITIES, (0,) * 8, "it lacks one of them"),
        ([f"{n}.jpg" for n in range(10178)], range(10178), [0] * 10000 + [2] * 178, "10178 people; there are 10177"),
    ],
)
def test_bad_lists_are_refused(celeba, names, identities, partitions, why):
    data_files.write_lists(celeba, names, identities, partitions)
    with pytest.raises(DataMissing, match=why):
        Celeba().read(celeba)


def test_lists_of_different_images_are_refused(celeba):
    lines = (celeba / "list_eval_partition.txt").read_bytes().splitlines(keepends=True)
    (celeba / "list_eval_partition.txt").write_bytes(b"".join(lines[:-1]))
    with pytest.raises(DataMissing, match=r"Only one of them has 000008\.jpg"):
        Celeba().read(celeba)


def test_a_list_of_a_terabyte_is_not_read(celeba):
    os.truncate(celeba / "identity_CelebA.txt", 1 << 40)
    with pytest.raises(DataMissing, match="1099511627776 bytes, and more than 67108864 are not read"):
        Celeba().read(celeba)
