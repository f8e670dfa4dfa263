"""Results as plain JSON documents: what a plugin returns need not be plain."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from disent_plugins.contracts import Result


def document(
    result: Result, *, subject: str = "", group: str = "", of: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """A result with the stable keys ``metric, subject, of, group, values, reference, settings, artifacts, notes``."""
    reference = {
        name: {**{key: part for key, part in vars(value).items() if key != "value"}, "normalised": value.normalised}
        for name, value in result.values.items()
    }
    return plain(
        {
            "metric": result.metric,
            "subject": subject,
            "of": of,
            "group": group,
            "values": {name: value.value for name, value in result.values.items()},
            "reference": reference,
            "settings": dict(result.settings),
            "artifacts": {name: str(path) for name, path in result.artifacts.items()},
            "notes": list(result.notes),
        }
    )


def plain(value: Any) -> Any:
    """The value as JSON knows it: no NaN or infinity (null), arrays as lists, anything unknown as text."""
    if hasattr(value, "tolist"):  # NumPy's and torch's arrays and scalars
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(part) for part in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else str(value)
