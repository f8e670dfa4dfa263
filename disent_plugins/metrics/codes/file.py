"""Codes on disk: our own ``codes.h5``, and anybody's arrays in an ``.npz`` or HDF5 file.

Arrays: ``content`` [N, Dc] and ``style`` [N, Ds], or both as one array ``codes`` [N, D]; ``labels`` [N] and/or
``factors`` [N, F], whole numbers, -1 where one is missing. Optional: ``factor_names`` (F texts), ``factor_kinds`` (F of
category, ordered, circular, continuous; continuous columns hold real numbers, NaN where one is missing),
``content_factor`` (a name, or several as an array or joined by ``+``; otherwise ``labels``, or the first factor),
``split`` [N] (0, 1, 2, or train, validation, test), ``content_logvar`` and ``style_logvar`` (like ``content`` and
``style``). The texts may be HDF5 attributes too.
``labels`` that ``factors`` hold as well, or a factor that comes twice, count once (see ``twice.py``).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from disent_plugins.content import MISSING, Factor, FactorKind, content_labels
from disent_plugins.contracts import SPLITS, Codes
from disent_plugins.errors import UsageError, suggestion
from disent_plugins.files import write_bytes
from disent_plugins.hdf5 import NotPlain, names, opened, read
from disent_plugins.metrics.codes.arrays import BLOCKS, HELP, KNOWN, Door, taken
from disent_plugins.metrics.codes.blocks import EXAMPLE, Block, cut
from disent_plugins.metrics.codes.kinds import as_text, coded, from_text, read_table, size_of
from disent_plugins.metrics.codes.twice import counted_once
from disent_plugins.metrics.statistics.partition import stratified
from disent_plugins.metrics.statistics.seeds import stream
from disent_plugins.npz import read_npz
from disent_plugins.version import __version__

FORMAT_VERSION = 2
LOGVARS = ("content_logvar", "style_logvar")
TEST_SHARE = 0.2

Blocks = tuple[Block | None, Block | None]


def write_codes(path: Path, codes: Codes) -> None:
    """Write codes to an HDF5 file, atomically.

    Raises:
        WorkFailed: The disk is full.
        UsageError: The place cannot be written to.
    """
    # Not straight to the disk: HDF5 crashes where that is full as a file is closed.
    with h5py.File(whole := io.BytesIO(), "w") as file:
        arrays = {name: getattr(codes, name) for name in (*BLOCKS, *LOGVARS, "factors", "split")}
        if not codes.style.shape[1]:  # codes in one piece
            arrays |= {"codes": codes.content, "content": None, "style": None, "style_logvar": None}
        for name, array in arrays.items():
            if array is not None:
                file[name] = array
        file["described"] = as_text(codes.described)
        file.attrs["format_version"] = FORMAT_VERSION
        file.attrs["factor_names"] = list(codes.factor_names)
        file.attrs["content_factor"] = codes.content_factor
        file.attrs["split_source"] = codes.split_source
        if codes.notes:
            file.attrs["notes"] = list(codes.notes)
        file.attrs["maker"] = f"disent-plugins {__version__}"
    write_bytes(path, whole.getbuffer())


def read_codes(path: Path, seed: int = 0, blocks: Blocks | None = None) -> Codes:
    """Read codes from an ``.npz`` or HDF5 file, told apart by their content.

    Args:
        path: The file.
        seed: For the train/test split of a file that holds none.
        blocks: Which columns of the array ``codes`` are content and which are style (see ``make_codes``).

    Raises:
        UsageError: The file is missing or of another kind, or an array is missing or unusable (see ``make_codes``).
    """
    if path.is_dir():
        why = "It takes one file with arrays; a folder that is a run is measured without being named as codes."
        raise UsageError(f"{path} is a folder.", why, "Give the .npz or HDF5 file in it, or: disent metrics NAME RUN")
    if not path.is_file():
        raise UsageError(f"There is no file {path}.", hint="Give an .npz or HDF5 file with codes. " + HELP)
    try:
        if h5py.is_hdf5(path):
            arrays, holds = _read_hdf5(path)
        elif zipfile.is_zipfile(path):
            arrays, holds = read_npz(path, KNOWN)
        else:
            raise _unknown_kind(path)
    except UsageError:
        raise
    except NotPlain as error:
        why, hint = f"Only arrays in the file itself are read: {error}.", "Save the arrays themselves: numpy.savez."
        raise UsageError(f"{path} cannot be read.", why, hint) from error
    except MemoryError as error:
        raise UsageError(f"{path} does not fit into the memory.", f"{error}.", "Measure fewer rows of it.") from error
    except Exception as error:  # a damaged or encrypted file makes its readers fail in many ways
        raise _damaged(path, str(error).rstrip(".") or type(error).__name__) from error
    version = arrays.pop("format_version", None)
    if version is not None and version != FORMAT_VERSION:
        why = f"It has format version {version}, this is disent-plugins {__version__}, which reads {FORMAT_VERSION}."
        raise UsageError(f"{path} cannot be read.", why, "Encode the run again, or install the version that wrote it.")
    try:
        described = None if version is None else from_text(str(arrays.pop("described", "[]")))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _damaged(path, f"its factors are not described: {error}") from error
    if described:
        kinds = {factor.name: factor.kind for factor in described}
        arrays["factor_kinds"] = [kinds.get(str(name), "category") for name in arrays.get("factor_names", ())]
    return make_codes(arrays, source=str(path), seed=seed, blocks=blocks, holds=holds, described=described)


def make_codes(
    arrays: Mapping[str, Any],
    *,
    source: str = "codes",
    seed: int = 0,
    blocks: Blocks | None = None,
    holds: Sequence[str] = (),
    described: tuple[Factor, ...] | None = None,
) -> Codes:
    """Check arrays and make them into codes; every problem is named.

    Args:
        arrays: Array name to array, as in the description of this module.
        source: Where they come from, for messages.
        seed: For the stratified train/test split that is made if there is none.
        blocks: Which columns of the array ``codes`` are content and which are style: ``("0:8", "8:16")``, or slices.
            Without it, ``codes`` are in one piece: all columns are content, and the style has none.
        holds: Names of everything that the source holds, for messages, if that is more than ``arrays``.
        described: What is known of the factors of our own codes, which stay as they are; None: every factor that is
            not continuous is coded 0..size-1 in the order of its values.

    Raises:
        UsageError: An array is missing, has the wrong number of dimensions, another length than the codes, no rows
            or columns, objects, NaN or infinity; codes that 32-bit floats cannot hold, or that are the same in every
            row; both ``codes`` and blocks, or blocks that do not share out the columns; labels that are missing or no
            whole numbers; a factor without a name; a content factor with one value only, or with another one in every
            row; a split without training or test rows.
    """
    parts = [name for name in BLOCKS if name in arrays]
    door = Door(source, arrays, "codes" if blocks or not parts else "content", holds)
    if parts and "codes" in arrays and not blocks:
        raise door.error(
            f"has 'codes' and also {' and '.join(map(repr, parts))}.",
            "One of them is measured, and it is not said which.",
            f"Leave the other out, or say which columns of 'codes' are which: {EXAMPLE}",
        )
    content, style = _codes(door, blocks)
    n = len(content)
    factors, names, kinds = _factors(door, n)
    compact = described is None
    if described is None:
        factors = np.stack([coded(door, *of) for of in zip(names, factors.T, kinds, strict=True)], axis=1)
        sizes = [size_of(column, kind) for column, kind in zip(factors.T, kinds, strict=True)]
        described = tuple(Factor(*of) for of in zip(names, sizes, kinds, strict=True))
    content_factor = "+".join(door.texts("content_factor") or ("labels" if "labels" in names else names[0],))
    for part in [content_factor] if content_factor in names else content_factor.split("+"):
        if part not in names:
            raise door.error(f"has no factor '{part}'.", suggestion(part, names))
    notes = door.texts("notes") or ()
    if compact:  # a run's own factors are those of its data set
        columns = dict(zip(names, factors.T, strict=True))
        left, content_factor, notes = counted_once(columns, content_factor)
        factors = factors[:, [names.index(name) for name in left]]
        names, described = tuple(left), tuple(factor for factor in described if factor.name in left)
    for name in content_factor.split("+"):
        if any(factor.name == name and factor.kind == "continuous" for factor in described):
            why = "Groups share one value of a category, and hardly ever a quantity."
            raise door.error(f"has the continuous factor '{name}' as content.", why, "Name another one.")
    labels = content_labels(factors, names, content_factor)
    labelled = labels[labels != MISSING]
    if not len(labelled) or labelled.min() == labelled.max():
        why = f"The factor '{content_factor}' has one value in all {n} rows, so there is nothing to tell."
        raise door.error("holds one class only.", why, "Give codes of at least two classes.")
    if compact and len(np.unique(labelled)) == n:  # a short run's own codes may be so, and other metrics still work
        why = f"The factor '{content_factor}' has another value in each of the {n} rows, so nothing can be learned."
        raise door.error("holds as many classes as rows.", why, "Give several codes of every class.")
    split = _split(door, n)
    split_source = door.text("split_source", default="as given")
    if split is None:
        split = np.where(stratified(labels, TEST_SHARE, stream(seed, "split")), 2, 0).astype(np.uint8)
        tested = int((split == 2).sum())
        split_source = (
            f"made: {n - tested} rows train, {tested} rows test, stratified by '{content_factor}', seed {seed}"
        )
    for value in (0, 2):
        if not (split == value).any():
            raise door.error(
                f"has no {SPLITS[value]} rows.",
                "The array 'split' needs rows of train (0) and of test (2).",
                "Correct it, or leave it out: then about a fifth of every class becomes the test set.",
            )
    logvars = {name: _logvar(door, name, block) for name, block in zip(BLOCKS, (content, style), strict=True)}
    return Codes(
        content, style, factors, names, content_factor, split, logvars["content"], logvars["style"], split_source,
        notes, described,
    )  # fmt: skip


def _codes(door: Door, blocks: Blocks | None) -> tuple[np.ndarray, np.ndarray]:
    """Content [N, Dc] and style [N, Ds], not both the same in every row."""
    if door.first == "codes":
        if blocks and "codes" not in door.arrays and "content" in door.arrays:
            why = "Blocks say which columns of one array 'codes' are which; here content and style are two arrays."
            raise door.error(
                "has no array 'codes' to cut into blocks.", why, "Leave --content and --style (in Python: blocks) out."
            )
        content, style = (np.ascontiguousarray(block) for block in cut(door.block("codes"), blocks))
    else:
        content, style = (door.block(name) for name in BLOCKS)
        door.length("style", style, len(content))
    if not any((block != block[0]).any() for block in (content, style)):
        why = "Every column has zero variance: the encoder says the same of every input."
        raise door.error("holds the same codes in every row.", why, "Find out whether the encoder was trained.")
    return content, style


def _factors(door: Door, n: int) -> tuple[np.ndarray, tuple[str, ...], list[FactorKind]]:
    columns, names = [], []
    kinds: list[FactorKind] = []
    if "labels" in door.arrays:
        columns.append(door.whole("labels", 1)[:, None])
        door.length("labels", columns[0], n)
        names.append("labels")
        kinds.append("category")
    if "factors" in door.arrays:
        table, of = read_table(door)
        door.length("factors", table, n)
        given = door.texts("factor_names") or tuple(f"factor{i}" for i in range(table.shape[1]))
        if len(given) != table.shape[1] or not given:
            raise door.error(f"has {table.shape[1]} columns in 'factors' but {len(given)} 'factor_names'.")
        columns.append(table)
        names.extend(given)
        kinds.extend(of)
    if not columns:
        raise door.lacks("has neither 'labels' nor 'factors'.")
    if not all(name.strip() for name in names):
        why = f"The names are: {', '.join(map(repr, names))}."
        raise door.error("has a factor without a name.", why, "Give every column of 'factors' a name of its own.")
    if len(set(names)) != len(names):
        raise door.error(f"names a factor twice: {', '.join(names)}.")
    return np.concatenate(columns, axis=1), tuple(names), kinds


def _split(door: Door, n: int) -> np.ndarray | None:
    if "split" not in door.arrays:
        return None
    array = taken(door.source, "split", door.arrays["split"])
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


def _logvar(door: Door, block: str, mean: np.ndarray) -> np.ndarray | None:
    name = f"{block}_logvar"
    if door.arrays.get(name) is None:
        return None
    array = door.numbers(name)
    if array.shape != mean.shape:
        raise door.error(f"has '{name}' of shape {array.shape}, but '{block}' has {mean.shape}.")
    return array


def _unknown_kind(path: Path) -> UsageError:
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(b"PK"):  # a zip's table of contents stands at its end
        return _damaged(path, "it begins as an .npz does, and its end is missing")
    why = f"It begins with {start!r}." if start else "It is empty."
    return UsageError(f"{path} is neither an .npz nor an HDF5 file.", why, "Save it with numpy.savez. " + HELP)


def _damaged(path: Path, why: str) -> UsageError:
    return UsageError(f"{path} cannot be read.", f"It is damaged or incomplete: {why}.", "Save or copy it once more.")


def _read_hdf5(path: Path) -> tuple[dict[str, Any], list[str]]:
    """The arrays and attributes that are ours, and the names of all; a group's ends in ``/``."""
    wanted = (*KNOWN, "format_version", "split_source", "notes")
    with opened(path) as file:
        found = {name: file.attrs[name] for name in wanted if name in file.attrs}
        holds = names(file)
        return found | {name: read(file, name) for name in holds if name in (*KNOWN, "described")}, holds
