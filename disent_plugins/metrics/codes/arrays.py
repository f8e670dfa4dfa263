"""Arrays from anywhere, checked one by one: every fault is a sentence, and no number changes unnoticed."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from disent_plugins.errors import UsageError

BLOCKS = ("content", "style")
KNOWN = (
    *BLOCKS, "content_logvar", "style_logvar", "codes", "labels", "factors", "factor_names", "factor_kinds",
    "content_factor", "split",
)  # fmt: skip
"""Names of the arrays that codes are made of."""

HELP = "It takes the arrays content [N, Dc] and style [N, Ds], or codes [N, D], and labels [N] or factors [N, F]."

MOVED = 1e-3
"""Of a column's standard deviation: as far as rounding to 32-bit floats may move a value."""

NOISE = 1e-14
"""Of a column's largest value: what varies less is the rounding of a constant in 64-bit floats."""

_SHOWN = 12


def taken(source: str, name: str, given: Any, help: str = HELP) -> np.ndarray:
    """What was given as a NumPy array: lists, arrays, or torch's tensors of any device, layout and precision.

    Args:
        source: Where it comes from, for messages.
        name: Its name.
        given: The array.
        help: What is taken, for messages.

    Raises:
        UsageError: It is no array, or a masked one, whose mask would not be seen.
    """
    if _masked(given):
        why = "Its mask would not be seen, and the values under it measured."
        hint = f"Leave those rows out of every array, or write a number in their place: {name}.filled(-1)."
        raise UsageError(f"{source} has a masked array in '{name}'.", why, hint)
    torch = sys.modules.get("torch")
    try:
        if torch is not None and isinstance(given, torch.Tensor):
            given = _of_tensor(given)
        return np.asarray(given)
    except Exception as error:  # anything may be given, and answer with any error
        why = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise UsageError(f"{source} has '{name}' that cannot be read as an array.", why, help) from error


def _masked(given: Any) -> bool:
    parts = given if isinstance(given, list | tuple) else ()
    return any(isinstance(part, np.ma.MaskedArray) for part in (given, *parts))


def _of_tensor(tensor: Any) -> np.ndarray:
    tensor = tensor.detach()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    tensor = tensor.cpu().to_dense().resolve_conj().resolve_neg()
    if tensor.is_floating_point() and tensor.element_size() < 4:  # such as bfloat16, which NumPy lacks
        tensor = tensor.float()
    return np.asarray(tensor)


class Door:
    """The arrays of one source, handed out checked.

    Args:
        source: Where they come from, for messages.
        arrays: Array name to array.
        first: The array whose rows the others are counted against.
        holds: Names of everything that the source holds, if that is more than ``arrays``.
    """

    def __init__(self, source: str, arrays: Mapping[str, Any], first: str, holds: Sequence[str] = ()) -> None:
        self.source, self.arrays, self.first = source, arrays, first
        # HDF5 gives a name that is not UTF-8 as bytes.
        names = (name if isinstance(name, str) else bytes(name).decode("utf-8", "backslashreplace") for name in holds)
        self.holds = sorted({*arrays, *names})

    def error(self, what: str, why: str = "", hint: str = HELP) -> UsageError:
        """An error that names the source."""
        return UsageError(f"{self.source} {what}", why, hint)

    def lacks(self, what: str) -> UsageError:
        """The error for something that is not there: what is, and which of its names come near to one of ours."""
        shown = ", ".join(self.holds[:_SHOWN]) + ", ..." * (len(self.holds) > _SHOWN)
        absent = [name for name in KNOWN if name not in self.arrays]
        near = {
            name: close[0]
            for name in self.holds
            if name not in KNOWN and (close := difflib.get_close_matches(name.lower(), absent, n=1, cutoff=0.7))
        }
        hint = " ".join(f"If '{name}' is meant as '{ours}', save it under that name." for name, ours in near.items())
        return self.error(what, f"It holds: {shown or 'nothing'}.", hint or HELP)

    def get(self, name: str, dimensions: int) -> np.ndarray:
        """An array of plain values with that many dimensions."""
        if name not in self.arrays:
            raise self.lacks(f"has no array '{name}'.")
        array = taken(self.source, name, self.arrays[name])
        if array.dtype == object:
            raise self.error(
                f"holds Python objects in '{name}'.", "Only plain numbers are read; objects could run code."
            )
        if array.ndim != dimensions:
            raise self.error(
                f"has '{name}' with {array.ndim} dimension{'s' * (array.ndim != 1)}, shape {array.shape}; "
                f"it needs {dimensions}.",
                hint=_reshaping(name, array.ndim, dimensions),
            )
        return array

    def numbers(self, name: str) -> np.ndarray:
        """[N, D] float32, finite, at least one row and one column."""
        array = self.get(name, 2)
        if array.dtype.kind not in "fiu":
            raise self.error(f"has '{name}' of type {array.dtype}; it needs numbers.")
        if not array.size:
            raise self.error(f"has no {'columns' if len(array) else 'rows'} in '{name}', shape {array.shape}.")
        bad = ~np.isfinite(array).all(axis=1)
        if bad.any():
            why = f"Rows with them: {bad.sum()}, the first is row {bad.argmax()} (counted from 0)."
            raise self.error(f"has NaN or infinity in '{name}'.", why, "Find out why the encoder made them.")
        with np.errstate(over="ignore"):
            rounded = np.ascontiguousarray(array, dtype=np.float32)
        huge = ~np.isfinite(rounded)
        if huge.any():
            row, column = (int(place[0]) for place in np.nonzero(huge))
            raise self._does_not_fit(
                name, column, f"row {row} holds {array[row, column]:.3g}, and they end at 3.4e+38", _SCALE
            )
        return rounded

    def block(self, name: str) -> np.ndarray:
        """[N, D] float32 as ``numbers``, with the content of what was given: no column lost its differences."""
        rounded = self.numbers(name)
        given = taken(self.source, name, self.arrays[name])
        for column in np.flatnonzero((rounded != given).any(axis=0)):
            exact = given[:, column].astype(np.result_type(given, np.float64))
            size = np.abs(exact).max()
            # Relative to the first value a constant has no spread at all, and relative to the largest no square is 0.
            spread = ((exact - exact[0]) / size).std()
            if spread > NOISE and np.abs((rounded[:, column] - exact) / size).max() > MOVED * spread:
                raise self._does_not_fit(
                    name,
                    int(column),
                    f"its values lie around {exact.mean():.3g} and differ by about {spread * size:.3g}, and there "
                    f"32-bit floats lie {np.spacing(np.abs(rounded[:, column]).max()):.2g} apart",
                    _SCALE if size < np.finfo(np.float32).tiny else _CENTRE,
                )
        return rounded

    def _does_not_fit(self, name: str, column: int, why: str, hint: str) -> UsageError:
        return self.error(
            f"has numbers in '{name}', column {column} (counted from 0), that 32-bit floats cannot hold.",
            f"Codes are measured as 32-bit floats; {why}.",
            hint,
        )

    def whole(self, name: str, dimensions: int) -> np.ndarray:
        """int64, from integers, truth values, or floats that are whole."""
        array = self.get(name, dimensions)
        kind = array.dtype.kind
        good = np.full(array.shape, kind in "iub")
        if kind == "f":
            missing = np.isnan(array)
            if missing.any():
                rows = np.flatnonzero(missing.reshape(len(array), -1).any(axis=1))
                why = f"Rows with NaN in place of a value: {len(rows)}, the first is row {rows[0]} (counted from 0)."
                hint = "Write -1 in their place, or leave those rows out of every array."
                raise self.error(f"has '{name}' with missing values.", why, hint)
            # Beyond 2^53 a float no longer tells neighbouring whole numbers apart.
            good = (array == np.rint(array)) & (np.abs(array) < 2**53)
        if kind == "u":
            good = array < 2**63
        if kind not in "iubf" or not good.all():
            shown = ", ".join(f"{value!s:.8}" for value in np.unique(array[~good])[:3])
            raise self.error(
                f"has '{name}' that are no whole numbers (type {array.dtype}).",
                f"Classes are whole numbers, and it holds {shown}.",
                "Number them: numpy.unique(values, return_inverse=True)[1]. Quantities: factor_kinds 'continuous'.",
            )
        return array.astype(np.int64)

    def length(self, name: str, array: np.ndarray, n: int) -> None:
        """Refuse another number of rows than ``n``."""
        if len(array) != n:
            raise self.error(
                f"has {n} rows in '{self.first}' but {len(array)} in '{name}'.",
                "Row i of every array belongs to the same image.",
                "Save all arrays from the same pass over the images.",
            )

    def texts(self, name: str) -> tuple[str, ...] | None:
        """One text or several, or None."""
        if name not in self.arrays:
            return None
        values = np.atleast_1d(self.arrays[name]).ravel().tolist()
        return tuple(value.decode() if isinstance(value, bytes) else str(value) for value in values)

    def text(self, name: str, default: str) -> str:
        """The first text."""
        return (self.texts(name) or (default,))[0]


_SCALE = "Divide the column by its largest size: values / abs(values).max(axis=0)."
_CENTRE = (
    "Subtract the column's mean: values - values.mean(axis=0). If its differences are mere rounding, make it constant."
)


def _reshaping(name: str, dimensions: int, needed: int) -> str:
    if (dimensions, needed) == (1, 2):
        other = ", or as labels" if name == "factors" else ""
        return f"A single column is given as {name}[:, None]{other}."
    if (dimensions, needed) == (2, 1):
        return f"Several columns are given as factors; a single one as {name}[:, 0]."
    return HELP
