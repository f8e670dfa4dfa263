"""What a metric returns, checked: a result whose every part is what the contract says, with finite numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from disent_plugins.contracts.broken import demand
from disent_plugins.contracts.metrics import Items, Result, Value
from disent_plugins.errors import shown
from disent_plugins.options import by_name

NUMBERS = ("value", "floor", "ceiling", "low", "high")
"""The numbers of a value: a NaN or infinity in any of them would be shown and kept as if it were known."""


def check_result(owner: str, result: Any, name: str | None = None) -> None:
    """Check a result in its form, before anything reads it.

    Args:
        owner: The metric's class, for messages.
        result: What its ``measure`` returned.
        name: Its registry name; None if that is not known.

    Raises:
        ContractError: It is no ``Result``, or of another metric, or a part of it is of the wrong type or not finite.
    """
    where = f"{owner}.measure"
    demand(
        isinstance(result, Result),
        f"{where} returns {type(result).__name__}, not a disent_plugins.Result.",
        "Return a Result.",
    )
    demand(
        isinstance(result.metric, str) and result.metric == (name or result.metric) != "",
        f"{where}: Result.metric is {result.metric!r}" + f", and the metric is registered as '{name}'." * bool(name),
        "It is the metric's registry name.",
    )
    for part in ("values", "settings", "artifacts"):
        table = getattr(result, part)
        demand(
            by_name(table),
            f"{where}: Result.{part} is {shown(table)}, no table by names.",
            "Give a dictionary whose keys are texts.",
        )
    for key, path in result.artifacts.items():
        demand(
            isinstance(path, str | Path),
            f"{where}: artifact '{key}' is {shown(path)}.",
            "Name the file that was written, as pathlib.Path.",
        )
    demand(
        _texts(result.notes), f"{where}: Result.notes is {shown(result.notes)}.", "Notes are a sequence of sentences."
    )
    for key, value in result.values.items():
        check_value(f"{owner}: value '{key}'", value)
    _check_items(where, result)


def _check_items(where: str, result: Result) -> None:
    demand(
        by_name(result.items) and set(result.items) <= set(result.values),
        f"{where}: Result.items is {shown(result.items)}, no table by names of values.",
        "Give a dictionary: name of a value to Items.",
    )
    for key, items in result.items.items():
        name = f"{where}: items of '{key}'"
        demand(
            isinstance(items, Items),
            f"{name} are {type(items).__name__}, no Items.",
            "Wrap them: Items(item, outcome).",
        )
        item, outcome = np.asarray(items.item), np.asarray(items.outcome)
        demand(
            item.ndim == outcome.ndim == 1 and len(item) == len(outcome) > 0,
            f"{name} have the shapes {item.shape} and {outcome.shape}.",
            "Give an outcome for every item.",
        )
        demand(item.dtype.kind in "iu", f"{name}: item is {item.dtype}.", "Items are named by whole numbers.")
        demand(
            outcome.dtype.kind in "biuf" and bool(np.isfinite(outcome).all()),
            f"{name}: outcome is {outcome.dtype} or not finite.",
            "An outcome is True or False, or a finite number.",
        )
        mean, value = float(outcome.mean(dtype=np.float64)), float(result.values[key].value)
        demand(
            abs(mean - value) <= _SAME * max(1.0, abs(value)),
            f"{name} have the mean {mean:.6g}, and the value is {value:.6g}.",
            "Give the items only of values that are their mean.",
        )


_SAME = 1e-5
"""By how much, of the value, a mean of items may differ from it by rounding."""


def check_value(where: str, value: Any) -> None:
    """Check one value of a result in its form.

    Raises:
        ContractError: It is no ``Value``, a number is not finite, ``n`` counts nothing, or a word is none of ours.
    """
    demand(
        isinstance(value, Value),
        f"{where} is {type(value).__name__}, no disent_plugins.Value.",
        "Wrap it: Value(number, unit, floor=...).",
    )
    for part in NUMBERS:
        number = getattr(value, part)
        demand(
            _finite(number) or (number is None and part != "value"),
            f"{where}: {part} is {shown(number)}, no finite number.",
            "Numbers are finite Python floats; what is unknown is None. Are the codes all alike, or the rows too few?",
        )
    demand(
        value.n is None or (isinstance(value.n, int | np.integer) and not isinstance(value.n, bool) and value.n >= 0),
        f"{where}: n is {shown(value.n)}.",
        "n counts the test samples.",
    )
    for part in ("unit", "estimator"):
        text = getattr(value, part)
        demand(isinstance(text, str), f"{where}: {part} is {shown(text)}, no text.", "Say in words what it is.")
    demand(
        isinstance(value.better, str) and value.better in ("up", "down", ""),
        f"{where}: better is {shown(value.better)}.",
        "It is up, down or ''.",
    )


def _finite(number: Any) -> bool:
    if not isinstance(number, int | float | np.integer | np.floating) or isinstance(number, bool):
        return False
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number beyond all floats
        return False


def _texts(notes: Any) -> bool:
    return isinstance(notes, Sequence) and not isinstance(notes, str) and all(isinstance(note, str) for note in notes)
