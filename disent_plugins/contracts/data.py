"""Images and what is known of them: the data contract's types."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disent_plugins.content import Factor, content_labels

if TYPE_CHECKING:
    import numpy as np

SUBSET = "subset"
"""The option that every data set with raw files has."""

SPLITS = ("train", "validation", "test")
"""Names of the values 0, 1, 2 of a ``split`` array."""

_LONGEST = 40
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def short_name(data: str) -> str:
    """What files and tables call a data set: one that is named with a place by the last part of that.

    >>> short_name("digits"), short_name("folder:/home/me/birds"), short_name("arrays:/data/my faces.npz")
    ('digits', 'folder-birds', 'arrays-my_faces')
    """
    kind, _, place = data.partition(":")
    last = re.sub(r"\.(npz|csv)$", "", Path(place).name)
    return "-".join(re.sub("[^A-Za-z0-9_.-]+", "_", part)[:_LONGEST] for part in (kind, last) if part)


@dataclass(frozen=True)
class ImageSpec:
    """Size of the images a data set holds and a model takes."""

    channels: int
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.channels, self.height, self.width


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a data set before a byte of it is read.

    Attributes:
        name: Registry name; files and folders of the cache are named by it.
        image: Size of the prepared images.
        factors: Its factors, in the order of the columns of ``ImageTable.factors``.
        content: Name of the factor that groups share, the group key; several are joined by ``+``: ``"shape+hue"``.
        groups_are_distinct: Whether different groups are known to differ in content (needed by repulsion terms).
        preprocessing: From raw file to image, exactly: part of the cache's identity.
        licence: Terms of use, in one line.
        reference: Publication.
        options: What was chosen of the adapter's ``Config``, set by its maker, and ``subset``: part of the cache's
            identity.

    Raises:
        ValueError: The name could lead out of a folder: it is no word of letters, digits, ``-``, ``_`` and ``.``.
    """

    name: str
    image: ImageSpec
    factors: tuple[Factor, ...]
    content: str
    groups_are_distinct: bool
    preprocessing: str
    licence: str
    reference: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and _NAME.fullmatch(self.name)):
            raise ValueError(f"a data set cannot be named {self.name!r}: letters, digits, -, _ and . only")

    @property
    def factor_names(self) -> tuple[str, ...]:
        """Names of the factors, in the order of their columns."""
        return tuple(factor.name for factor in self.factors)

    @property
    def subset(self) -> str:
        """Somebody's own name for raw files that are not the published ones, or not all; otherwise empty."""
        return str(self.options.get(SUBSET, ""))

    @property
    def subset_words(self) -> str:
        """To be said after the name wherever results are: ``", subset 'mine'"``, or nothing."""
        return f", subset '{self.subset}'" if self.subset else ""


@dataclass
class ImageTable:
    """A prepared data set.

    Attributes:
        info: Its description.
        images: [N, H, W, C] uint8, usually a read-only memory map (NHWC is what channels-last tensors are made of).
        factors: [N, F] int64, or float64 if any factor is continuous; a missing value is -1, in continuous ones NaN.
        split: [N] uint8, an index into SPLITS.
        digest: SHA-256 of images, factors, split and their description (see ``data_adapters.cache_hash``).
        path: The cache file, if there is one.
    """

    info: DatasetInfo
    images: np.ndarray
    factors: np.ndarray
    split: np.ndarray
    digest: str
    path: Path | None = None

    @property
    def labels(self) -> np.ndarray:
        """[N] int64 the content: equal label, same group; -1 where it is not known."""
        return content_labels(self.factors, self.info.factor_names, self.info.content)

    def rows(self, split: str) -> np.ndarray:
        """Positions of a split's images, ascending, int64."""
        return (self.split == SPLITS.index(split)).nonzero()[0]


Report = Callable[[int, int, str], None]
"""Progress of long work: (done, total, what); total 0 while unknown."""
