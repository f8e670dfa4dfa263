"""``--data arrays:FILE.npz``: images and what is known of them as arrays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from disent_plugins.contracts import ImageSpec
from disent_plugins.contracts.data import short_name
from disent_plugins.data_adapters.adapter import RawFile, RawTable
from disent_plugins.data_adapters.own.columns import coded, joined, named
from disent_plugins.data_adapters.own.description import OwnConfig, Rows, describe, lasting, split_of
from disent_plugins.data_adapters.own.pictures import as_array
from disent_plugins.errors import DataMissing, UsageError, suggestion
from disent_plugins.files import digest
from disent_plugins.npz import read_npz, shape_in

KNOWN = ("labels", "label_names", "factors", "factor_names", "factor_kinds", "split")
HELP = "It takes the arrays images [N, H, W] or [N, H, W, C], labels [N] or factors [N, F], and if you like split [N]."
_SLAB = 4096


class Arrays:
    """Arrays of anybody. The cache is known by the file's content: a changed file is another data set."""

    Config = OwnConfig
    files: tuple[RawFile, ...] = ()

    def __init__(self, config: OwnConfig, place: str) -> None:
        self.size, self.path = config.size, lasting(place)
        self.place = str(self.path)
        if not self.path.is_file() or not self.place.isprintable():
            raise DataMissing(f"There is no file {self.place!r}.", hint=f"Name an .npz file. {HELP}")
        self.sha256, shape, rows = self._reading(self._head)
        channels = shape[3] if len(shape) == 4 else 1
        image = ImageSpec(channels, *((self.size, self.size) if self.size else shape[1:3]))
        how = "arrays, uint8 as they are, real numbers 0..1 times 255 (version 1)"
        how += f", cut square and resized to {self.size} (LANCZOS)" if self.size else ""
        self.info, self.split = describe(short_name(f"arrays:{self.place}"), image, rows, config, how, self.sha256)
        self.rows = rows

    def read(self, source: Path | None) -> RawTable:
        """Read the images; ``source`` is not needed.

        Raises:
            DataMissing: They are no images, or the file has changed meanwhile.
        """
        images = self._reading(lambda: read_npz(self.path, ("images",))[0]["images"])
        if digest(self.path) != self.sha256:
            raise self._bad("It was changed while it was read.", "Start again when it is whole.")
        sources = {self.path.name: f"sha256:{self.sha256}"}
        return RawTable(self.rows.values, self.split, self._slabs(images), sources)

    def _slabs(self, images: np.ndarray) -> Iterator[np.ndarray]:
        images = images.reshape(*images.shape[:3], -1)
        if images.dtype == np.uint8 and images.max() <= 1:
            raise self._bad("'images' are 0 and 1 only, which is nearly black of 255.", "Save 255 * images.")
        for first in range(0, len(images), _SLAB):
            slab = images[first : first + _SLAB]
            if slab.dtype != np.uint8:
                if not ((slab >= 0) & (slab <= 1)).all():  # neither is NaN
                    row = first + int(np.argmax(~((slab >= 0) & (slab <= 1)).all(axis=(1, 2, 3))))
                    why = f"'images' are {slab.dtype}, and image {row} has values outside 0..1, or NaN."
                    raise self._bad(why, "Save uint8 of 0..255, or real numbers of 0..1.")
                slab = np.rint(slab * 255).astype(np.uint8)
            yield np.stack([self._resized(image) for image in slab]) if self.size else slab

    def _resized(self, image: np.ndarray) -> np.ndarray:
        from PIL import Image

        grey = image.shape[2] == 1
        return as_array(Image.fromarray(image[..., 0] if grey else image), grey, self.size)

    def _head(self) -> tuple[str, tuple[int, ...], Rows]:
        """All but the images themselves, of which only the shape is read."""
        sha256 = digest(self.path)
        arrays, holds = read_npz(self.path, KNOWN)
        if "images" not in holds:
            near = suggestion("images", [name for name in holds if name not in KNOWN])
            raise self._bad("It has no array 'images'.", f"{near} {HELP}")
        shape, dtype = shape_in(self.path, "images")
        self._check_images(shape, dtype)
        rows = self._rows(arrays, shape[0])
        return sha256, shape, rows

    def _check_images(self, shape: tuple[int, ...], dtype: np.dtype) -> None:
        if dtype.kind != "f" and dtype != np.uint8:
            raise self._bad(f"'images' are {dtype}.", "Save uint8 of 0..255, or real numbers of 0..1.")
        if len(shape) == 4 and shape[1] in (1, 3) and shape[3] not in (1, 3):
            raise self._bad(f"'images' are {list(shape)}: channels first.", "Save images.transpose(0, 2, 3, 1).")
        if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (1, 3)) or not all(shape):
            raise self._bad(f"'images' are {list(shape)}.", "They are [N, H, W], or [N, H, W, C] with 1 or 3 channels.")

    def _rows(self, arrays: dict[str, np.ndarray], count: int) -> Rows:
        if ("labels" in arrays) == ("factors" in arrays):
            raise self._bad("It has both or neither of 'labels' and 'factors'.", HELP)
        for name, dimensions in (("labels", 1), ("factors", 2), ("split", 1)):
            found = arrays.get(name)
            if found is not None and (found.ndim != dimensions or len(found) != count):
                raise self._bad(f"'{name}' is {list(found.shape)} for {count} images.", HELP)
        columns = arrays["labels"][:, None] if "labels" in arrays else arrays["factors"]
        count = columns.shape[1]
        default = ["class"] if "labels" in arrays else [f"factor_{number}" for number in range(count)]
        names = self._texts(arrays, "factor_names", count, default)
        kinds = self._texts(arrays, "factor_kinds", count, ["category"] * count)
        pairs: list[Any] = []
        for name, kind, column in zip(names, kinds, columns.T, strict=True):
            if "label_names" in arrays and "labels" in arrays:
                pairs.append(named(name, column, [str(text) for text in arrays["label_names"].reshape(-1)]))
            else:
                pairs.append(coded(name, column, kind))  # type: ignore[arg-type]
        split = split_of([str(word) for word in arrays["split"]]) if "split" in arrays else None
        return Rows(tuple(factor for factor, _ in pairs), joined([codes for _, codes in pairs]), split)

    def _texts(self, arrays: dict[str, np.ndarray], name: str, count: int, default: list[str]) -> list[str]:
        texts = [str(text) for text in arrays[name].reshape(-1)] if name in arrays else default
        if len(texts) != count or not all(text and text.isprintable() for text in texts):
            raise self._bad(f"'{name}' are {len(texts)} texts for {count} factors, or one is no word.", HELP)
        if name == "factor_names" and len(set(texts)) != count:
            raise self._bad(f"'{name}' names a factor twice.", "Name each once.")
        return texts

    def _reading(self, read: Any) -> Any:
        try:
            return read()
        except UsageError as error:  # Python objects, which are never loaded
            raise DataMissing(error.what, error.why, error.hint) from error
        except DataMissing:
            raise
        except Exception as error:  # a damaged file makes its readers fail in many ways
            kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
            raise self._bad(f"{kind}{' '.join(str(error).split())}.", HELP) from error

    def _bad(self, why: str, hint: str) -> DataMissing:
        return DataMissing(f"{self.place} is no data set.", why, hint)
