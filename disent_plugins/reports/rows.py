"""The values of result documents as rows, read with care: a document may be of any maker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from disent_plugins.contracts import Value
from disent_plugins.measuring.kept import finite


@dataclass(frozen=True)
class Row:
    """A value where it stands.

    Attributes:
        group: The metric's group, ``leakage`` for example; empty if the document does not say.
        metric: The name that its document is kept by.
        name: The value's name.
        value: The number with its reference points.
    """

    group: str
    metric: str
    name: str
    value: Value

    @property
    def label(self) -> str:
        """Both names; a value that is called as its metric is named once.

        >>> Row("", "mig", "mig", Value(0.5, "")).label, Row("", "dci", "completeness", Value(0.5, "")).label
        ('mig', 'dci completeness')
        """
        own = self.metric.rsplit(":", 1)[-1]
        return self.name if self.name == own or self.name.startswith(f"{own}/") else f"{self.metric} {self.name}"


def rows_of(documents: Mapping[str, Any]) -> Iterator[Row]:
    """Every value of documents by the name that they are kept by, in their order; what is no number is left out."""
    for metric, document in documents.items():
        reference = table(document, "reference")
        for name, number in table(document, "values").items():
            if finite(number):
                yield Row(text(document, "group"), metric, name, value_of(number, table(reference, name)))


GROUPS = ("leakage", "swap", "blocks", "factors", "quality")
"""Order of the groups, as in the suite's table; groups of other names follow."""


def by_group(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows by group."""
    found: dict[str, list[Row]] = {group: [] for group in GROUPS}
    for row in rows:
        found.setdefault(row.group or "other", []).append(row)
    return {group: those for group, those in found.items() if those}


def value_of(number: float, point: Mapping[str, Any]) -> Value:
    """A value of a document with its reference points; what they lack, or what is no number in them, is None."""
    known = {key: point.get(key) if finite(point.get(key)) else None for key in ("floor", "ceiling", "low", "high")}
    n, better = point.get("n"), text(point, "better")
    return Value(
        number,
        text(point, "unit"),
        **known,
        n=n if isinstance(n, int) else None,
        estimator=text(point, "estimator"),
        better=better if better in ("up", "down") else "",
    )


def table(of: Any, key: str) -> Mapping[str, Any]:
    """The part ``key`` of something if it is a table by names; an empty one otherwise."""
    found = of.get(key) if isinstance(of, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def text(of: Any, key: str) -> str:
    """The part ``key`` if it is text; none otherwise."""
    found = of.get(key) if isinstance(of, Mapping) else None
    return found if isinstance(found, str) else ""


def texts(of: Any, key: str) -> list[str]:
    """The texts in the part ``key`` if it is a list."""
    found = of.get(key) if isinstance(of, Mapping) else None
    return [part for part in found if isinstance(part, str)] if isinstance(found, list | tuple) else []
