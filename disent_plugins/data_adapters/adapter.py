"""The data contract: an adapter names its raw files and turns them into arrays; everything else is done for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from disent_plugins.contracts import SUBSET, DatasetInfo
from disent_plugins.errors import UsageError
from disent_plugins.options import build

if TYPE_CHECKING:
    import numpy as np

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


@dataclass(frozen=True)
class RawFile:
    """One raw file.

    Attributes:
        name: File name, or path inside the source folder, its parts separated by ``/``.
        urls: Mirrors, tried in order; empty where a licence forbids a direct download.
        hash: ``"sha256:..."`` or ``"md5:..."``; empty if none is published (then the first download pins it).
        size: Bytes, 0 if unknown; a download of another size is refused.
        obtain: Where people get it by hand, shown when there is no URL.
        unpacked: The hash of what a ``.gz`` holds, where it may also lie unpacked, under its name without ``.gz``.

    Raises:
        ValueError: The name leads out of the source folder.
    """

    name: str
    urls: tuple[str, ...] = ()
    hash: str = ""
    size: int = 0
    obtain: str = ""
    unpacked: str = ""

    def __post_init__(self) -> None:
        parts = str(self.name).split("/")
        if {"", ".", ".."} & set(parts) or any(sign in self.name for sign in "\\:\0"):
            raise ValueError(f"a raw file cannot be named {self.name!r}: it has to be a path inside the source folder")


@dataclass
class RawTable:
    """Raw files as arrays: labels at once, images in slabs so that no data set has to fit into memory.

    Attributes:
        factors: [N, F] int64, every column coded 0..size-1; float64 if any factor is continuous. A missing value is
            -1, in a continuous column NaN.
        split: [N] uint8, an index into ``contracts.SPLITS``.
        slabs: uint8 arrays [n, H, W, C] in row order, N rows together.
        sources: File name to hash, for the cache's record of where it came from.
    """

    factors: np.ndarray
    split: np.ndarray
    slabs: Iterable[np.ndarray]
    sources: dict[str, str] = field(default_factory=dict)


class DataAdapter(Protocol):
    """A data set. The class is called without arguments, or with its ``Config`` if it has one.

    ``Config`` is a frozen dataclass of options (``disent_plugins.Options``), each with a default, such as the size of
    the images. What was chosen is part of the cache's identity.

    Attributes:
        info: Its description.
        files: Its raw files; empty for embedded data.
    """

    info: DatasetInfo
    files: tuple[RawFile, ...]

    def read(self, source: Path | None) -> RawTable:
        """Open the raw files in the folder ``source`` (None for embedded data).

        Raises:
            DataMissing: A file is missing, truncated, of the wrong format or contradicts another.
        """


def make_adapter(adapter_class: Any, chosen: Mapping[str, Any], name: str, *place: str) -> Any:
    """An adapter with the options ``chosen``, which may be text; its ``info.options`` holds all of them.

    ``place`` is what stands behind the name, where it takes something there.

    Every data set with raw files has the option ``subset``, which is no part of its ``Config`` (see
    ``DatasetInfo.subset``).

    Raises:
        UsageError: The data set ``name`` takes no options, not this one, or not this value.
    """
    subset = chosen.get(SUBSET, "")
    chosen = {key: value for key, value in chosen.items() if key != SUBSET}
    adapter = _configured(adapter_class, chosen, name, *place)
    if subset == "":
        return adapter
    if not adapter.files:
        why = "It has no raw files of which there could be others."
        raise UsageError(f"The data set '{name}' has no subsets.", why, "Leave --set-data subset=... out.")
    if not isinstance(subset, str) or not _NAME.fullmatch(subset):
        why = "It takes 1 to 40 letters, digits, '.', '_' and '-'."
        raise UsageError(
            f"{SUBSET}={subset} is no name for a subset.", why, "For example: --set-data subset=first-1000"
        )
    adapter.info = replace(adapter.info, options={**adapter.info.options, SUBSET: subset})
    return adapter


def _configured(adapter_class: Any, chosen: Mapping[str, Any], name: str, *place: str) -> Any:
    config_class = getattr(adapter_class, "Config", None)
    if config_class is None:
        if chosen:
            why = f"Given: {', '.join(f'{key}={value}' for key, value in chosen.items())}."
            raise UsageError(f"The data set '{name}' takes no options.", why, "Leave --set-data out.")
        return adapter_class(*place)
    hint = f"See them all with: disent data show {name}"
    config: Any = build(config_class, chosen, owner=f"data set '{name}'", hint=hint)
    adapter = adapter_class(config, *place)
    adapter.info = replace(adapter.info, options=asdict(config))
    return adapter
