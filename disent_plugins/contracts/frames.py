"""Rows of values as a pandas DataFrame, where pandas is there; nothing of ours needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from disent_plugins.errors import UsageError


def has_pandas() -> bool:
    """Whether pandas is installed; it is not imported."""
    return find_spec("pandas") is not None


def frame(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Any:
    """A ``pandas.DataFrame`` of rows.

    Raises:
        UsageError: pandas is not installed.
    """
    if not has_pandas():
        raise UsageError(
            "A table needs pandas.", "It is not installed.", "pip install 'disent-plugins[pandas]', or read the values."
        )
    import pandas

    return pandas.DataFrame(list(rows), columns=list(columns))
