"""One immutable HDF5 file per data set and description: written once, opened in no time, read by memory map.

``images`` uint8 [N, H, W, C] (contiguous, uncompressed, page-aligned), ``factors`` [N, F] int64, or float64 if one is
continuous, ``split`` uint8 [N]; ``ATTRIBUTES`` say what it is, where it came from, and what its bytes hash to.
This module knows names and places; ``cache_build`` writes, ``cache_read`` opens and checks.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from disent_plugins.contracts import DatasetInfo, ImageTable
from disent_plugins.errors import UsageError
from disent_plugins.files import read_json

FORMAT_VERSION = 3
"""3: the content hash covers the description too, and a seal covers all attributes."""

ATTRIBUTES = (
    "format_version", "dataset", "info", "sources", "preprocessing", "code", "images_hash", "content_hash", "maker",
    "seal",
)  # fmt: skip
"""``info`` and ``sources`` are JSON; ``code`` is the hash of the adapter's code; for the hashes see ``cache_hash``."""

_SHORT = 10  # digits of the digest in a cache's name
_CACHE = re.compile(rf"(.+)-[0-9a-f]{{{_SHORT}}}\.h5")


def quiet(done: int, total: int, what: str) -> None:
    """A ``Report`` that says nothing."""


def cache_folder() -> Path:
    """``$DISENT_CACHE``, otherwise ``disent-plugins`` in the user's cache folder. Nothing is created."""
    if chosen := os.environ.get("DISENT_CACHE"):
        return _expanded(chosen)
    return _expanded(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "disent-plugins"


def _expanded(folder: str) -> Path:
    try:
        return Path(folder).expanduser()
    except RuntimeError as error:
        raise UsageError(
            f"There is no place for the cache: {folder}.",
            "HOME is not set, and this user has no home folder.",
            "Name a folder: DISENT_CACHE=FOLDER disent ...",
        ) from error


def identity(info: DatasetInfo) -> list[Any]:
    """What of a description decides a result, as plain JSON: all but licence and reference."""
    factors = [asdict(factor) for factor in info.factors]
    options = dict(info.options)
    parts = [info.name, info.image.shape, factors, info.content, info.groups_are_distinct, info.preprocessing, options]
    plain: list[Any] = json.loads(json.dumps(parts, default=str))
    return plain


def cache_path(info: DatasetInfo) -> Path:
    """Where the cache of a data set belongs; its name changes with what decides a result, and with the format."""
    short = hashlib.sha256(json.dumps([FORMAT_VERSION, *identity(info)]).encode()).hexdigest()[:_SHORT]
    return cache_folder() / f"{info.name}-{short}.h5"


def caches_of(name: str) -> list[Path]:
    """All caches of a data set: of every choice of options, every description and every release."""
    folder = cache_folder()
    found = folder.iterdir() if folder.is_dir() else ()
    ours = (path for path in found if (match := _CACHE.fullmatch(path.name)) and match[1] == name)
    return sorted(path for path in ours if path.is_file())


def checked_path(path: Path) -> Path:
    """Beside a cache: which file it was whose images were last found to be as they were written."""
    return path.with_name(f"{path.name}.checked")


def read_checked(path: Path) -> Mapping[str, Any]:
    """What ``checked_path`` holds: ``file`` and ``content_hash``, and ``images``, their number. Empty if nothing."""
    try:
        found = read_json(checked_path(path))
    except UsageError:
        return {}
    return found if isinstance(found, dict) else {}


def size_of(path: Path) -> dict[str, Any]:
    """A cache for listings: ``path``, ``images`` (None where it was never opened here) and ``bytes``."""
    images = read_checked(path).get("images")
    return {"path": str(path), "images": images if isinstance(images, int) else None, "bytes": path.stat().st_size}


def derived_folder(table: ImageTable) -> Path:
    """Folder for what is made of a data set's content alone and worth keeping. Nothing is created."""
    return cache_folder() / "derived" / f"{table.info.name}-{table.digest[:_SHORT]}"
