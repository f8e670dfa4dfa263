"""CelebA: aligned faces, grouped by person. Its terms forbid passing it on, so people fetch the files themselves."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import zipfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from disent_plugins.contracts import DatasetInfo, Factor, ImageSpec
from disent_plugins.data_adapters.adapter import RawFile, RawTable
from disent_plugins.data_adapters.archives import check_member
from disent_plugins.data_adapters.fetch import require_by_hand
from disent_plugins.data_adapters.parallel import ordered_map
from disent_plugins.errors import DataMissing
from disent_plugins.files import digest, read_bytes

FOLDER, ARCHIVE = "img_align_celeba", "img_align_celeba.zip"
IDENTITY, PARTITION = "identity_CelebA.txt", "list_eval_partition.txt"
_PAGE = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
_SIZE, _CROP, _SIDE = (178, 218), (19, 39, 159, 179), 64
_SLAB = 128
_PEOPLE = 10177
_LIST, _JPEG = 64 << 20, 1 << 20  # bytes; the real lists have 3 MB, a JPEG 7 kB on average


_NUMBER = re.compile("[0-9]{1,9}")


class Celeba:
    """202,599 aligned JPEGs of 178x218 pixels; one factor, the identity. The official split is by person."""

    info = DatasetInfo(
        name="celeba",
        image=ImageSpec(3, _SIDE, _SIDE),
        factors=(Factor("identity", _PEOPLE),),
        content="identity",
        groups_are_distinct=True,
        preprocessing=(
            "aligned 178x218; centre crop 140x140 at x 19..159, y 39..179; to 64x64 with Pillow BILINEAR "
            "(antialiased); official split; identities numbered 0.. in ascending order"
        ),
        licence="non-commercial research only, no redistribution (see " + _PAGE + ")",
        reference="Liu, Luo, Wang and Tang, Deep learning face attributes in the wild, ICCV 2015",
    )
    files = (
        RawFile(
            ARCHIVE,
            hash="md5:00d2c5bc6d35e252742224ab0c1e8fcb",
            obtain=f"'Align&Cropped Images' at {_PAGE} (the terms forbid passing it on), or unpacked as {FOLDER}",
        ),
        RawFile(IDENTITY, hash="md5:32bd1bd63d3c78cd57e08160ec5ed1e2", obtain=f"'Identities Annotations' at {_PAGE}"),
        RawFile(
            PARTITION, hash="md5:d32c9cbf5e040fd4025c592c306e6668", obtain=f"'Train/Val/Test Partitions' at {_PAGE}"
        ),
    )

    def read(self, source: Path | None) -> RawTable:
        """Read the label files and the JPEGs, from the folder or the zip, in ``source``.

        Raises:
            DataMissing: A file is missing or unreadable, the label files contradict each other, name more people than
                there are, none to train or to test with, or a person in two splits, or the zip has a member that
                escapes its folder.
        """
        source = source or Path()
        require_by_hand("celeba", self.files, source)
        names, factors, split = _labels(source)
        sources = {name: "md5:" + digest(source / name, "md5") for name in (IDENTITY, PARTITION)}
        return RawTable(factors, split, _slabs(source, names, sources), sources)


def _labels(source: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """File names, compact identities [N, 1] and split [N], in the order of the identity list."""
    identities, parts = _read_list(source / IDENTITY), _read_list(source / PARTITION)
    if identities.keys() != parts.keys():
        name = min(identities.keys() ^ parts.keys())
        raise _bad(f"{IDENTITY} and {PARTITION} do not list the same images.", f"Only one of them has {name}.")
    names = list(identities)
    split = np.array([parts[name] for name in names])
    if split.max() > 2:
        raise _bad(f"{source / PARTITION} is not CelebA's.", f"It has the partition {split.max()}; 0, 1 and 2 exist.")
    if not (split == 0).any() or not (split == 2).any():
        why = "Models are trained on partition 0 and measured on partition 2, and it lacks one of them."
        raise _bad(f"{source / PARTITION} is not CelebA's.", why)
    people, identity = np.unique([identities[name] for name in names], return_inverse=True)
    if len(people) > _PEOPLE:
        raise _bad(f"{source / IDENTITY} is not CelebA's.", f"It names {len(people)} people; there are {_PEOPLE}.")
    first, last = np.full(len(people), 3), np.full(len(people), -1)
    np.minimum.at(first, identity, split)
    np.maximum.at(last, identity, split)
    if (first != last).any():
        person = people[np.flatnonzero(first != last)[0]]
        raise _bad("The splits share people.", f"Identity {person} is in more than one of train, validation and test.")
    return names, identity[:, None].astype(np.int64), split.astype(np.uint8)


def _read_list(path: Path) -> dict[str, int]:
    """``NAME NUMBER`` lines, in order."""
    found: dict[str, int] = {}
    try:
        content = read_bytes(path, _LIST)
    except OSError as error:
        raise _bad(f"{path} cannot be read.", f"{error}.") from error
    for number, line in enumerate(content.splitlines(), 1):
        words = line.decode("utf-8", "replace").split()
        if not words:
            continue
        if len(words) != 2 or not _NUMBER.fullmatch(words[1]) or PurePosixPath(words[0]).name != words[0]:
            raise _bad(f"{path} is not a list of CelebA.", f"Line {number} is not 'NAME NUMBER': {line[:80]!r}.")
        if words[0] in found:
            raise _bad(f"{path} is not a list of CelebA.", f"Line {number} names {words[0]} again.")
        found[words[0]] = int(words[1])
    if not found:
        raise _bad(f"{path} is not a list of CelebA.", "It is empty.")
    return found


def _slabs(source: Path, names: list[str], sources: dict[str, str]) -> Iterator[np.ndarray]:
    with _images(source, names) as read:
        chunks = [names[start : start + _SLAB] for start in range(0, len(names), _SLAB)]
        seen = hashlib.sha256()
        for jpegs, slab in ordered_map(lambda chunk: _decode(chunk, read), chunks):
            for jpeg in jpegs:
                seen.update(jpeg)
            yield slab
    sources["all JPEGs in the order of the rows"] = "sha256:" + seen.hexdigest()


@contextlib.contextmanager
def _images(source: Path, names: list[str]) -> Iterator[Callable[[str], bytes]]:
    """A function from file name to JPEG bytes, on the folder if there is one, otherwise on the zip."""
    folder, path = source / FOLDER, source / ARCHIVE
    if folder.is_dir():
        _require(names, {entry.name for entry in os.scandir(folder)}, folder)
        yield lambda name: read_bytes(folder / name, _JPEG)
        return
    with _opened(path) as archive:
        for member in archive.namelist():
            check_member(member, path)
        members = {PurePosixPath(member).name: member for member in archive.namelist() if not member.endswith("/")}
        _require(names, members.keys(), path)
        yield lambda name: _member(archive, members[name])


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        content = file.read(_JPEG + 1)
    if len(content) > _JPEG:
        raise OSError(f"it has more than {_JPEG} bytes")
    return content


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _bad(f"{path} cannot be read.", f"It is truncated or no zip archive: {error}.") from error


def _require(names: list[str], present: Collection[str], place: Path) -> None:
    missing = [name for name in names if name not in present]
    if missing:
        raise _bad(f"{place} is incomplete.", f"{len(missing)} listed images are missing, the first is {missing[0]}.")


def _decode(names: list[str], read: Callable[[str], bytes]) -> tuple[list[bytes], np.ndarray]:
    """The JPEGs as bytes, and as [n, 64, 64, 3]."""
    jpegs, images = [], np.empty((len(names), _SIDE, _SIDE, 3), np.uint8)
    for row, name in enumerate(names):
        try:
            jpegs.append(read(name))
            images[row] = shrink(jpegs[-1])
        except Exception as error:  # damaged or encrypted archives and JPEGs make their readers fail in many ways
            raise _bad(f"{name} of CelebA cannot be read.", f"{type(error).__name__}: {error}.") from error
    return jpegs, images


def shrink(jpeg: bytes) -> np.ndarray:
    """A JPEG of 178x218 pixels -> its centre crop as uint8 [64, 64, 3].

    Raises:
        OSError, SyntaxError, ValueError: It is not such a JPEG, or it is cut short.
    """
    from PIL import Image

    pixels, progressive = _rgb(jpeg)
    # A decoder paints grey what a JPEG lacks, or coarse if it is progressive. If such a one takes more data than there
    # is before the mark of its end, it was cut short.
    if progressive or (pixels[-2:, -2:] == 128).all():
        end = jpeg.rindex(b"\xff\xd9")
        more, _ = _rgb(jpeg[:end] + b"\x55" * 64 + jpeg[end:])
        if (pixels != more).any():
            raise ValueError("it holds less than its 178x218 pixels")
    face = Image.fromarray(pixels).crop(_CROP)
    return np.asarray(face.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR))


def _rgb(jpeg: bytes) -> tuple[np.ndarray, bool]:
    """[218, 178, 3] uint8, and whether the JPEG is progressive."""
    from PIL.JpegImagePlugin import JpegImageFile

    # Opened as what it is, for ``Image.open`` warns of sizes that are refused here anyway.
    with JpegImageFile(io.BytesIO(jpeg)) as image:
        if image.size != _SIZE:
            raise ValueError(f"it has {image.size[0]}x{image.size[1]} pixels, aligned faces have 178x218")
        return np.asarray(image.convert("RGB")), "progressive" in image.info


def _bad(what: str, why: str) -> DataMissing:
    return DataMissing(what, why, f"Get the file again from {_PAGE}, then: disent data prepare celeba --source DIR")
