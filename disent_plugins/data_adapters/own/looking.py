"""Many picture files looked at on every core. What was seen of a file that has not changed since is remembered.

A file is the one that was seen if its size, inode and times are, the time of its last change among them, which no
program sets. One that was changed just before it was looked at is not remembered: it could change again within the
same tick of the clock.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import TypeVar

from disent_plugins.data_adapters.cache import cache_folder
from disent_plugins.data_adapters.own.pictures import Seen, look
from disent_plugins.data_adapters.parallel import ordered_map
from disent_plugins.errors import DataMissing, DisentError
from disent_plugins.files import read_json, write_json

T = TypeVar("T")

SETTLED = 2.0
"""Seconds after which a file's times tell a change from what was seen."""


def look_at(place: Path, paths: Sequence[Path]) -> list[Seen]:
    """What is seen of the files of a data set at ``place``, in their order.

    Raises:
        DataMissing: One is no readable picture.
    """
    note = cache_folder() / "seen" / f"{hashlib.sha256(os.fsencode(place)).hexdigest()[:16]}.json"
    known = _kept(note)
    started, found, new = time.time(), [], {}
    for path, (state, seen) in zip(paths, ordered_map(lambda path: _looked(path, known), paths), strict=True):
        found.append(seen)
        if started - max(state[1], state[2]) / 1e9 > SETTLED:
            new[str(path)] = [*state, *astuple(seen)]
    if new != known:
        with contextlib.suppress(DisentError, OSError):  # where nothing can be written, all are looked at again
            write_json(note, new)
    return found


def _looked(path: Path, known: dict[str, list[object]]) -> tuple[list[int], Seen]:
    def looked() -> tuple[list[int], Seen]:
        status = path.stat()
        state = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev]
        kept = known.get(str(path), [])
        return state, Seen(*kept[5:]) if kept[:5] == state else look(path)  # type: ignore[arg-type]

    return reading(path, looked)


def reading(path: Path, read: Callable[[], T]) -> T:
    """What ``read`` makes of a picture file.

    Raises:
        DataMissing: It fails, in whatever way.
    """
    try:
        return read()
    except Exception as error:  # a damaged picture makes its readers fail in many ways
        why = " ".join(str(error).split()) or type(error).__name__
        raise DataMissing(f"The picture {str(path)!r} cannot be read.", f"{why}.", "Mend or remove it.") from error


def _kept(note: Path) -> dict[str, list[object]]:
    try:
        kept = read_json(note) if note.is_file() else {}
    except DisentError:
        return {}
    good = isinstance(kept, dict) and all(isinstance(line, list) and len(line) == 9 for line in kept.values())
    return kept if good else {}
