"""Which pictures a folder holds and what is known of each: by class folders, or by a table of paths and factors."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from disent_plugins.data_adapters.own.columns import Unfit, coded, joined
from disent_plugins.data_adapters.own.description import Rows, is_split, split_of
from disent_plugins.data_adapters.own.pictures import ENDINGS
from disent_plugins.errors import DataMissing
from disent_plugins.files import read_bytes

_TABLE = 256 << 20  # bytes


@dataclass(frozen=True)
class Listing:
    """Pictures in the order of the rows."""

    paths: list[Path]
    rows: Rows


def listing(place: Path) -> Listing:
    """Of a folder, or of a CSV file.

    Raises:
        DataMissing: There is none, or it is laid out in no way that is known.
    """
    if not str(place).isprintable():
        raise bad(place, "Its name has a line break or another control character.", "Rename it.")
    if place.suffix.lower() == ".csv":
        return _table(place)
    if not place.is_dir():
        hint = "Name a folder with a folder for each class, or a CSV file: --data folder:PATH"
        raise DataMissing(f"There is no folder {place}.", hint=hint)
    tables = [path for path in _entries(place) if path.suffix.lower() == ".csv"]
    if len(tables) > 1:
        raise bad(place, f"It holds {len(tables)} CSV files.", f"Name the one that is meant: --data folder:{tables[0]}")
    return _table(tables[0]) if tables else _class_folders(place)


def bad(place: Path, why: str, hint: str) -> DataMissing:
    """Why a place holds no data set that can be used."""
    return DataMissing(f"{str(place)!r} is no data set.", why, hint)


def _class_folders(place: Path) -> Listing:
    folders, loose = _folders(place), _pictures(_entries(place))
    layout = "It takes a folder of pictures for each class, or train/ and test/ with these, or a CSV file."
    if not folders:
        raise bad(place, f"It holds no folder{f', only {len(loose)} pictures' if loose else ''}.", layout)
    if loose:
        raise bad(place, f"{loose[0].name!r} lies beside the class folders, so its class is not known.", layout)
    given = all(is_split(folder.name) for folder in folders)
    splits = {folder.name: _folders(folder) for folder in folders} if given else {"": folders}
    paths, classes, words = [], [], []
    for split, members in splits.items():
        for folder in members:
            found = list(_below(folder))
            if not found:
                hint = f"Add some ({', '.join(ENDINGS)}), or remove the folder."
                raise bad(place, f"The class {folder.name!r} has no picture.", hint)
            paths += found
            classes += [folder.name] * len(found)
            words += [split] * len(found)
    factor, codes = coded("class", np.array(classes, dtype=str))
    return Listing(paths, Rows((factor,), codes[:, None], split_of(words) if given else None))


def _below(folder: Path) -> Iterator[Path]:
    entries = _entries(folder)
    yield from _pictures(entries)
    for inner in _folders(folder):
        yield from _below(inner)


def _folders(folder: Path) -> list[Path]:
    found = [path for path in _entries(folder) if path.is_dir()]
    for path in found:
        if path.is_symlink():
            why = f"{str(path)!r} is a link to a folder, and such links may lead in circles."
            raise bad(folder, why, "Put the folder itself there, or list its pictures in a CSV file.")
    return found


def _pictures(entries: Sequence[Path]) -> list[Path]:
    return [path for path in entries if path.suffix.lower() in ENDINGS and not path.is_dir()]


def _entries(folder: Path) -> list[Path]:
    """What a folder holds, sorted by name; not what is hidden."""
    names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    for name in names:
        if not name.isprintable():
            raise bad(
                folder, f"It holds {name!r}, a name with a line break or another control character.", "Rename it."
            )
    return [folder / name for name in names]


def _table(path: Path) -> Listing:
    """The header names ``path``, the factors as ``name`` or ``name:kind``, and, if it is known, ``split``."""
    header, lines = _read_table(path)
    columns = dict(zip(header, zip(*lines, strict=True), strict=True))
    places, words = columns.pop("path"), columns.pop("split", None)
    if not columns:
        raise bad(path, "It has no column beside 'path' and 'split'.", "Give at least the factor that groups share.")
    seen: dict[str, int] = {}
    for number, place in enumerate(places, 2):
        if not place.strip() or not place.isprintable():
            raise bad(
                path, f"Line {number} names no picture: {place!r}.", "Each line names one, below the CSV's folder."
            )
        if place in seen:
            raise bad(path, f"Lines {seen[place]} and {number} name the same picture, {place!r}.", "Name each once.")
        seen[place] = number
    factors, values = [], []
    try:
        for head, column in columns.items():
            name, _, kind = head.partition(":")
            factor, codes = coded(name, np.array(column, dtype=str), kind or "category")  # type: ignore[arg-type]
            factors.append(factor)
            values.append(codes)
        split = None if words is None else split_of(words)
    except ValueError as error:
        line = f"Line {error.row + 2}: " if isinstance(error, Unfit) and error.row is not None else ""
        hint = "The header says the kind of a factor: name:ordered, name:circular or name:continuous."
        raise bad(path, f"{line}{error}.", hint) from error
    return Listing([path.parent / place for place in places], Rows(tuple(factors), joined(values), split))


def _read_table(path: Path) -> tuple[list[str], list[list[str]]]:
    form = "Its first line is: path,class or path,NAME,NAME:KIND,..."
    try:
        text = read_bytes(path, _TABLE).decode("utf-8-sig")
        read = csv.reader(io.StringIO(text), strict=True)
        header, *lines = [[cell.strip() for cell in line] for line in read if line]
    except (OSError, ValueError, csv.Error) as error:
        why = "It is empty" if "unpack" in str(error) else " ".join(str(error).split())
        raise DataMissing(f"The table {str(path)!r} cannot be read.", f"{why}.", form) from error
    names = [head.partition(":")[0] for head in header]
    if "path" not in header or "" in names or len(set(names)) != len(names):
        raise bad(path, f"Its first line is {','.join(header)[:80]!r}, and names 'path' and every factor once.", form)
    if not all(name.isprintable() for name in names):
        raise bad(path, f"Its first line has a control character: {','.join(header)[:80]!r}.", form)
    if not lines:
        raise bad(path, "It has no line behind the first.", "Each line names a picture and its factors.")
    for number, line in enumerate(lines, 2):
        if len(line) != len(header):
            raise bad(path, f"Line {number} has {len(line)} cells, and the first line {len(header)}.", form)
    return header, lines
