"""Codes on disk: our own ``codes.h5``, and anybody's arrays in an ``.npz`` or HDF5 file.

Arrays: ``content`` [N, Dc] and ``style`` [N, Ds], or both as one array ``codes`` [N, D]; ``labels`` [N] and/or
``factors`` [N, F], whole numbers. Optional: ``factor_names`` (F texts), ``content_factor`` (a name, or several as an
array or joined by ``+``; otherwise ``labels``, or the first factor), ``split`` [N] (0, 1, 2, or train, validation,
test), ``content_logvar`` and ``style_logvar`` (like ``content`` and ``style``). The texts may be HDF5 attributes too.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from disent_plugins import __version__
from disent_plugins.content import content_labels
from disent_plugins.contracts import SPLITS, Codes
from disent_plugins.errors import UsageError, suggestion
from disent_plugins.files import replacing
from disent_plugins.metrics.code_blocks import Block, cut
from disent_plugins.metrics.partition import stratified
from disent_plugins.metrics.seeds import stream

FORMAT_VERSION = 1
TEST_SHARE = 0.2

Blocks = tuple[Block | None, Block | None]

_BLOCKS = ("content", "style")
_LOGVARS = ("content_logvar", "style_logvar")
_KNOWN = (*_BLOCKS, *_LOGVARS, "codes", "labels", "factors", "factor_names", "content_factor", "split")
_HELP = "It takes the arrays content [N, Dc] and style [N, Ds], or codes [N, D], and labels [N] or factors [N, F]."


def write_codes(path: Path, codes: Codes) -> None:
    """Write codes to an HDF5 file, atomically.

    Raises:
        WorkFailed: The disk is full.
        UsageError: The place cannot be written to.
    """
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        for name in ("content", "style", "content_logvar", "style_logvar", "factors", "split"):
            array = getattr(codes, name)
            if array is not None:
                file[name] = array
        file.attrs["format_version"] = FORMAT_VERSION
        file.attrs["factor_names"] = list(codes.factor_names)
        file.attrs["content_factor"] = codes.content_factor
        file.attrs["split_source"] = codes.split_source
        file.attrs["maker"] = f"disent-plugins {__version__}"


def read_codes(path: Path, seed: int = 0, blocks: Blocks | None = None) -> Codes:
    """Read codes from an ``.npz`` or HDF5 file, told apart by their content.

    Args:
        path: The file.
        seed: For the train/test split of a file that holds none.
        blocks: Which columns of the array ``codes`` are content and which are style (see ``make_codes``).

    Raises:
        UsageError: The file is missing or of another kind, or an array is missing or unusable (see ``make_codes``).
    """
    if not path.is_file():
        raise UsageError(f"There is no file {path}.", hint="Give an .npz or HDF5 file with codes. " + _HELP)
    try:
        if h5py.is_hdf5(path):
            arrays = _read_hdf5(path)
        elif zipfile.is_zipfile(path):
            arrays = _read_npz(path)
        else:
            with path.open("rb") as file:
                start = file.read(16)
            why = f"It begins with {start!r}." if start else "It is empty."
            raise UsageError(f"{path} is neither an .npz nor an HDF5 file.", why, "Save it with numpy.savez. " + _HELP)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UsageError(f"{path} cannot be read.", f"It is damaged or incomplete: {error}.") from error
    version = arrays.pop("format_version", None)
    if version is not None and version != FORMAT_VERSION:
        why = f"It has format version {version}, this is disent-plugins {__version__}, which reads {FORMAT_VERSION}."
        raise UsageError(f"{path} cannot be read.", why, "Encode the run again, or install the version that wrote it.")
    return make_codes(arrays, source=str(path), seed=seed, compact=version is None, blocks=blocks)


def make_codes(
    arrays: Mapping[str, Any],
    *,
    source: str = "codes",
    seed: int = 0,
    compact: bool = True,
    blocks: Blocks | None = None,
) -> Codes:
    """Check arrays and make them into codes; every problem is named.

    Args:
        arrays: Array name to array, as in the description of this module.
        source: Where they come from, for messages.
        seed: For the stratified train/test split that is made if there is none.
        compact: Code every factor 0..size-1 in the order of its values.
        blocks: Which columns of the array ``codes`` are content and which are style: ``("0:8", "8:16")``, or slices.
            Without it, ``codes`` are in one piece: all columns are content, and the style has none.

    Raises:
        UsageError: An array is missing, has the wrong number of dimensions, another length than the codes, no rows
            or columns, objects, NaN or infinity; codes that are the same in every row; blocks that do not share out
            the columns; labels that are no whole numbers; a content factor with one value only, or with another one in
            every row; a split without training or test rows.
    """
    door = _Door(source, arrays, "codes" if blocks or not set(_BLOCKS) & set(arrays) else "content")
    content, style = _codes(door, blocks)
    n = len(content)
    factors, names = _factors(door, n, compact)
    content_factor = "+".join(door.texts("content_factor") or ("labels" if "labels" in names else names[0],))
    for part in [content_factor] if content_factor in names else content_factor.split("+"):
        if part not in names:
            raise door.error(f"has no factor '{part}'.", suggestion(part, names))
    labels = content_labels(factors, names, content_factor)
    if labels.min() == labels.max():
        why = f"The factor '{content_factor}' has one value in all {n} rows, so there is nothing to tell."
        raise door.error("holds one class only.", why, "Give codes of at least two classes.")
    if compact and len(np.unique(labels)) == n:  # a short run's own codes may be so, and other metrics still work
        why = f"The factor '{content_factor}' has another value in each of the {n} rows, so nothing can be learned."
        raise door.error("holds as many classes as rows.", why, "Give several codes of every class.")
    split = _split(door, n)
    split_source = door.text("split_source", default="as given")
    if split is None:
        split = np.where(stratified(labels, TEST_SHARE, stream(seed, "split")), 2, 0).astype(np.uint8)
        split_source = f"made: 80 % train, 20 % test, stratified by '{content_factor}', seed {seed}"
    for value in (0, 2):
        if not (split == value).any():
            raise door.error(
                f"has no {SPLITS[value]} rows.",
                "The array 'split' needs rows of train (0) and of test (2).",
                "Correct it, or leave it out: then 20 % of the rows become the test set.",
            )
    logvars = {name: _logvar(door, name, block) for name, block in zip(_BLOCKS, (content, style), strict=True)}
    return Codes(
        content, style, factors, names, content_factor, split, logvars["content"], logvars["style"], split_source
    )


class _Door:
    """The arrays of one source, handed out checked."""

    def __init__(self, source: str, arrays: Mapping[str, Any], first: str) -> None:
        self.source, self.arrays, self.first = source, arrays, first

    def error(self, what: str, why: str = "", hint: str = _HELP) -> UsageError:
        return UsageError(f"{self.source} {what}", why, hint)

    def get(self, name: str, dimensions: int) -> np.ndarray:
        if name not in self.arrays:
            raise self.error(f"has no array '{name}'.", f"It holds: {', '.join(sorted(self.arrays)) or 'nothing'}.")
        array = np.asarray(self.arrays[name])
        if array.dtype == object:
            raise self.error(
                f"holds Python objects in '{name}'.", "Only plain numbers are read; objects could run code."
            )
        if array.ndim != dimensions:
            raise self.error(f"has '{name}' with {array.ndim} dimensions, shape {array.shape}; it needs {dimensions}.")
        return array

    def block(self, name: str) -> np.ndarray:
        """[N, D] float32, finite, at least one row and one column."""
        array = self.get(name, 2)
        if array.dtype.kind not in "fiu":
            raise self.error(f"has '{name}' of type {array.dtype}; it needs numbers.")
        if not array.size:
            raise self.error(f"has no {'columns' if len(array) else 'rows'} in '{name}', shape {array.shape}.")
        with np.errstate(over="ignore"):
            array = np.ascontiguousarray(array, dtype=np.float32)
        bad = ~np.isfinite(array).all(axis=1)
        if bad.any():
            why = f"Rows with them: {bad.sum()}, the first is row {bad.argmax()} (counted from 0)."
            raise self.error(f"has NaN or infinity in '{name}'.", why, "Find out why the encoder made them.")
        return array

    def whole(self, name: str, dimensions: int) -> np.ndarray:
        """int64, from integers, truth values, or floats that are whole."""
        array = self.get(name, dimensions)
        kind = array.dtype.kind
        # Beyond 2^53 a float no longer tells neighbouring whole numbers apart; NaN fails both comparisons.
        good = np.full(array.shape, kind in "iub")
        if kind == "f":
            good = (array == np.rint(array)) & (np.abs(array) < 2**53)
        if kind not in "iubf" or not good.all():
            raise self.error(
                f"has '{name}' that are no whole numbers (type {array.dtype}).",
                f"Classes are whole numbers, and it holds {', '.join(f'{value!s:.8}' for value in array[~good][:3])}.",
                "Number them: numpy.unique(values, return_inverse=True)[1]. Cut a quantity into bins: numpy.digitize.",
            )
        return array.astype(np.int64)

    def length(self, name: str, array: np.ndarray, n: int) -> None:
        if len(array) != n:
            raise self.error(
                f"has {n} rows in '{self.first}' but {len(array)} in '{name}'.",
                "Row i of every array belongs to the same image.",
                "Save all arrays from the same pass over the images.",
            )

    def texts(self, name: str) -> tuple[str, ...] | None:
        if name not in self.arrays:
            return None
        values = np.atleast_1d(self.arrays[name]).ravel().tolist()
        return tuple(value.decode() if isinstance(value, bytes) else str(value) for value in values)

    def text(self, name: str, default: str) -> str:
        return (self.texts(name) or (default,))[0]


def _codes(door: _Door, blocks: Blocks | None) -> tuple[np.ndarray, np.ndarray]:
    """Content [N, Dc] and style [N, Ds], not both the same in every row."""
    if door.first == "codes":
        if blocks and "codes" not in door.arrays and "content" in door.arrays:
            why = "Blocks say which columns of one array 'codes' are which; here content and style are two arrays."
            raise door.error("has no array 'codes' to cut into blocks.", why, "Leave --content and --style out.")
        content, style = (np.ascontiguousarray(block) for block in cut(door.block("codes"), blocks))
    else:
        content, style = (door.block(name) for name in _BLOCKS)
        door.length("style", style, len(content))
    if not any((block != block[0]).any() for block in (content, style)):
        why = "Every column has zero variance: the encoder says the same of every input."
        raise door.error("holds the same codes in every row.", why, "Find out whether the encoder was trained.")
    return content, style


def _factors(door: _Door, n: int, compact: bool) -> tuple[np.ndarray, tuple[str, ...]]:
    columns, names = [], []
    if "labels" in door.arrays:
        columns.append(door.whole("labels", 1)[:, None])
        door.length("labels", columns[0], n)
        names.append("labels")
    if "factors" in door.arrays:
        table = door.whole("factors", 2)
        door.length("factors", table, n)
        given = door.texts("factor_names") or tuple(f"factor{i}" for i in range(table.shape[1]))
        if len(given) != table.shape[1] or not given:
            raise door.error(f"has {table.shape[1]} columns in 'factors' but {len(given)} 'factor_names'.")
        columns.append(table)
        names.extend(given)
    if not columns:
        raise door.error("has neither 'labels' nor 'factors'.", f"It holds: {', '.join(sorted(door.arrays))}.")
    if len(set(names)) != len(names):
        raise door.error(f"names a factor twice: {', '.join(names)}.")
    factors = np.concatenate(columns, axis=1)
    if compact:
        factors = np.stack([np.unique(column, return_inverse=True)[1] for column in factors.T], axis=1)
    return factors, tuple(names)


def _split(door: _Door, n: int) -> np.ndarray | None:
    if "split" not in door.arrays:
        return None
    array = np.asarray(door.arrays["split"])
    if array.dtype.kind in "iu" and array.ndim == 1:
        door.length("split", array, n)
        if not np.isin(array, (0, 1, 2)).all():
            raise door.error(f"has values in 'split' outside 0, 1, 2: {np.setdiff1d(array, (0, 1, 2))[:5].tolist()}.")
        return array.astype(np.uint8)
    if array.dtype.kind not in "USO" or array.ndim != 1:
        raise door.error(f"has 'split' of type {array.dtype} and shape {array.shape}.", _SPLIT_HELP)
    words = door.texts("split") or ()
    door.length("split", array, n)
    for word in set(words) - set(SPLITS):
        raise door.error(f"has '{word}' in 'split'.", suggestion(word, SPLITS), _SPLIT_HELP)
    return np.array([SPLITS.index(word) for word in words], dtype=np.uint8)


_SPLIT_HELP = "It takes [N] of 0, 1, 2 or of train, validation, test."


def _logvar(door: _Door, block: str, mean: np.ndarray) -> np.ndarray | None:
    name = f"{block}_logvar"
    if door.arrays.get(name) is None:
        return None
    array = door.block(name)
    if array.shape != mean.shape:
        raise door.error(f"has '{name}' of shape {array.shape}, but '{block}' has {mean.shape}.")
    return array


def _read_npz(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as file:
        return dict(_without_objects(path, file, file.files))


def _without_objects(path: Path, file: Mapping[str, Any], names: list[str]) -> Iterator[tuple[str, Any]]:
    for name in names:
        if name not in _KNOWN:
            continue
        try:
            yield name, file[name]
        except ValueError as error:
            if "allow_pickle" not in str(error):
                raise
            raise UsageError(
                f"{path} holds Python objects in '{name}'.",
                "Only plain numbers and texts are read: loading objects could run code.",
                f"Save it as numbers, for example with {name}.astype(float), or as text with {name}.astype(str).",
            ) from error


def _read_hdf5(path: Path) -> dict[str, Any]:
    wanted = (*_KNOWN, "format_version", "split_source")
    with h5py.File(path, "r") as file:
        found = {name: file.attrs[name] for name in wanted if name in file.attrs}
        return found | {name: _array(file[name]) for name in _KNOWN if isinstance(file.get(name), h5py.Dataset)}


def _array(dataset: h5py.Dataset) -> np.ndarray:
    """What a dataset holds; texts as in an ``.npz``, where h5py would give Python objects."""
    is_text = h5py.check_string_dtype(dataset.dtype)
    return np.asarray(dataset.asstr()[()], dtype=str) if is_text else np.asarray(dataset[()])
