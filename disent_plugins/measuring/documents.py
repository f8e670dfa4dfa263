"""Results as plain JSON documents: what a plugin returns need not be plain.

A document says all that its values depend on, so that values which are not comparable can be told apart.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from disent_plugins.contracts import Result, Value

SCHEMA = 2
"""Of documents; 1 had no versions, options and fingerprint."""


def document(
    result: Result, *, subject: str = "", group: str = "", of: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """A result with stable keys.

    ``schema``; ``metric``, its ``version`` and ``maker``; ``subject`` in words, and ``of``: what exactly was measured,
    by digests (``measuring.provenance``); ``group``; ``values`` and their ``reference`` points; ``options`` of the
    metric and all ``settings`` that the values depend on; ``fingerprint``, of what was measured, by which version, with
    which options and seed: equal where the values must be; ``artifacts``, files that were written; ``notes``.
    """
    reference = {
        name: {**{key: part for key, part in vars(value).items() if key != "value"}, "normalised": value.normalised}
        for name, value in result.values.items()
    }
    options = plain(result.options)
    depends = [result.metric, result.version, plain(of), options, plain(result.settings.get("seed"))]
    return plain(
        {
            "schema": SCHEMA,
            "metric": result.metric,
            "version": result.version,
            "maker": dict(result.maker),
            "subject": subject,
            "of": of,
            "group": group,
            "values": {name: value.value for name, value in result.values.items()},
            "reference": reference,
            "options": options,
            "settings": dict(result.settings),
            "fingerprint": "sha256:" + hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest(),
            "artifacts": {name: str(path) for name, path in result.artifacts.items()},
            "notes": list(result.notes),
        }
    )


def value_of(found: Mapping[str, Any], name: str) -> Value:
    """A value of a document, with its reference points."""
    return Value(
        found["values"][name], **{key: part for key, part in found["reference"][name].items() if key in _POINTS}
    )


_POINTS = {field.name for field in fields(Value)} - {"value"}


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
