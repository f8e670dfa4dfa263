"""Data sets in Python, such as torchvision's and Hugging Face's, as files of arrays that every command takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from disent_plugins.contracts import SPLITS
from disent_plugins.data_adapters.cache import cache_folder
from disent_plugins.data_adapters.own.description import is_split, split_of
from disent_plugins.data_adapters.own.pictures import as_array
from disent_plugins.errors import UsageError, shown
from disent_plugins.files import replacing

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")


def prepare(
    dataset: Any, *, name: str, size: int | None = None, image: str = "image", label: str = "label",
    folder: str | Path | None = None,
) -> str:  # fmt: skip
    """Write a data set in Python to ``NAME.npz`` and return what to train on: ``arrays:/.../NAME.npz``.

        data = prepare(torchvision.datasets.SVHN("raw", download=True), name="svhn", size=32)
        data = prepare(datasets.load_dataset("ylecun/mnist"), name="mnist-hf")

    Args:
        dataset: A sequence of pairs (image, label) or of rows with the columns ``image`` and ``label``; or such
            sequences by split, ``{"train": ..., "validation": ..., "test": ...}``. Without splits a fifth of every
            class is for testing and a tenth for validation. An image is a Pillow image, an array [H, W] or [H, W, C],
            or a torch tensor [C, H, W]; uint8, or real numbers of 0..1. Labels are whole numbers from 0 on, -1 where
            there is none.
        name: Of the file: letters, digits, ``_``, ``.`` and ``-``.
        size: Pixels of a side to which images are cut square and resized; otherwise all must be of one size.
        image, label: Names of the columns.
        folder: Where to write; the folder of prepared data if it is None.

    Raises:
        UsageError: Something of it is no image or label, or images differ in size. The row is named.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError(
            f"A data set cannot be named {shown(name)}.", "It takes 1 to 40 letters, digits, '_', '.', '-'."
        )
    parts = _by_split(dataset)
    images, labels, words = [], [], []
    for split, part in parts.items():
        for row, (picture, number) in enumerate(_rows(part, image, label)):
            where = f"Row {row}{f' of {split}' if split else ''} of the data set '{name}'"
            images.append(_pixels(picture, size or 0, where))
            labels.append(_label(number, where))
            words.append(split)
            if images[-1].shape[:2] != images[0].shape[:2]:
                sizes = ["{1} x {0}".format(*one.shape) for one in (images[-1], images[0])]
                why = f"It has {sizes[0]} pixels, and the first image {sizes[1]}."
                raise UsageError(f"{where} differs in size.", why, "Make them of one size with: size=64")
    if not images:
        raise UsageError(f"The data set '{name}' is empty.", "It has no row.")
    if len({one.shape[2] for one in images}) > 1:  # some grey, some not
        images = [np.broadcast_to(one, (*one.shape[:2], 3)) for one in images]
    arrays: dict[str, Any] = {"images": np.stack(images), "labels": np.array(labels, np.int64)}
    if names := _class_names(next(iter(parts.values())), label):
        arrays["label_names"] = np.array(names, dtype=str)
    if "" not in parts:
        arrays["split"] = split_of(words)
    path = (Path(folder) if folder is not None else cache_folder() / "arrays").absolute() / f"{name}.npz"
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)
    return f"arrays:{path}"


def _by_split(dataset: Any) -> dict[str, Any]:
    if not isinstance(dataset, Mapping):
        return {"": dataset}
    if unknown := [key for key in dataset if not is_split(str(key))]:
        why = f"'{unknown[0]}' is no split; there are {', '.join(SPLITS)}."
        raise UsageError("These splits cannot be used.", why, "Leave the others out: {'train': d['train'], ...}")
    return {str(split): part for split, part in dataset.items()}


def _rows(part: Any, image: str, label: str) -> Iterator[tuple[Any, Any]]:
    """Images and labels of a sequence: by number, as these classes ask for, which do not all end an iteration."""
    if not (hasattr(part, "__len__") and hasattr(part, "__getitem__")):
        why = f"{type(part).__name__} has no length, or no rows by number."
        raise UsageError("This is no data set that can be used.", why, "Give a sequence of (image, label).")
    for number in range(len(part)):
        row = part[number]
        if isinstance(row, Mapping):
            if missing := [key for key in (image, label) if key not in row]:
                why = f"It has: {', '.join(map(str, row))}."
                raise UsageError(f"There is no column '{missing[0]}'.", why, f"Name it: {image=}, {label=}")
            yield row[image], row[label]
        elif isinstance(row, Sequence) and not isinstance(row, str) and len(row) == 2:
            yield row[0], row[1]
        else:
            raise UsageError(f"Row {number} is {shown(type(row).__name__)}.", "It has to be (image, label), or a row.")


def _pixels(picture: Any, size: int, where: str) -> np.ndarray:
    """uint8 [H, W, C] of a picture in one of the forms that ``prepare`` takes."""
    from PIL import Image

    if not isinstance(picture, Image.Image):
        array = _array(picture, where)
        if not size:
            return array
        picture = Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)
    if picture.mode.startswith(("I", "F")):
        raise UsageError(f"{where} is no image of 8 bits.", f"Its mode is {picture.mode}.")
    return as_array(picture, picture.mode in ("1", "L", "LA"), size)


def _array(picture: Any, where: str) -> np.ndarray:
    try:
        array = np.asarray(picture)
    except Exception as error:
        raise UsageError(f"{where} is no image.", f"{type(error).__name__}: {error}.") from error
    if array.ndim == 3 and hasattr(picture, "numpy") and array.shape[0] in (1, 3):  # torch has channels first
        array = array.transpose(1, 2, 0)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3) or array.dtype.kind not in "uf" or not array.size:
        raise UsageError(
            f"{where} is no image.", f"It is {array.dtype} {list(array.shape)}.", "It takes [H, W, 1 or 3]."
        )
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind != "f" or not ((array >= 0) & (array <= 1)).all():  # neither is NaN
        raise UsageError(f"{where} is out of bounds.", f"It is {array.dtype}.", "It takes uint8, or numbers of 0..1.")
    return np.rint(array * 255).astype(np.uint8)


def _label(number: Any, where: str) -> int:
    try:
        found = int(number)
        if found == number and found >= -1:
            return found
    except (TypeError, ValueError):
        pass
    raise UsageError(f"{where} has no label that can be used.", f"It is {shown(number)}.", "It takes 0, 1, 2, ...")


def _class_names(part: Any, label: str) -> list[str]:
    """Names of the classes, where torchvision's or Hugging Face's data sets say them."""
    features = getattr(part, "features", None)
    names = getattr(features.get(label), "names", None) if isinstance(features, Mapping) else None
    names = names or getattr(part, "classes", None)
    return [str(name) for name in names] if isinstance(names, list | tuple) and names else []
