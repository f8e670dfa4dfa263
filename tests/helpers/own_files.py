"""Small data of one's own: class folders of pictures, tables of them, files of arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from disent_plugins.data_adapters.own.arrays import Arrays
from disent_plugins.data_adapters.own.description import OwnConfig
from disent_plugins.data_adapters.own.folder import Folder


def picture(path: Path, level: int = 100, size: tuple[int, int] = (16, 16), mode: str = "L") -> Path:
    """A plain picture, as wide and high as ``size``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, level).convert(mode).save(path)
    return path


def class_folders(place: Path, classes: tuple[str, ...] = ("cat", "dog"), each: int = 10, **named: Any) -> Path:
    """``each`` pictures of every class; the level of the n-th of class c is 100 c + n."""
    for number, name in enumerate(classes):
        for one in range(each):
            picture(place / name / f"{one:02d}.png", 100 * number + one, **named)
    return place


def table(path: Path, text: str) -> Path:
    """A CSV file beside pictures ``0.png``, ``1.png``, ... for each of its lines."""
    for number in range(len(text.splitlines()) - 1):
        picture(path.parent / f"{number}.png", number)
    path.write_text(text)
    return path


def arrays_file(path: Path, **changes: Any) -> Path:
    """Twenty images of two classes; a change of None leaves an array out."""
    images = np.arange(20, dtype=np.uint8)[:, None, None] + np.zeros((20, 16, 16), np.uint8)
    arrays = {"images": images, "labels": np.arange(20) % 2} | changes
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def folder(place: Path, **options: Any) -> Folder:
    """The adapter of a folder."""
    return Folder(OwnConfig(**options), str(place))


def arrays(place: Path, **options: Any) -> Arrays:
    """The adapter of a file of arrays."""
    return Arrays(OwnConfig(**options), str(place))
