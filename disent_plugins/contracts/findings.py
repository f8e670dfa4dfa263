"""What a metric returns, checked: a result whose every part is what the contract says, with finite numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from disent_plugins.contracts.broken import demand
from disent_plugins.contracts.metrics import Result, Value
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
