"""``... list`` for every kind of spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from disent_plugins.cli import show, state
from disent_plugins.registry.host import Catalogue


def list_specs(
    catalogue: Catalogue[Any], title: str, *, capability: str, hint: str, json: bool, columns: Sequence[str] = (),
    more: Callable[[str], Mapping[str, Any]] = lambda name: {}, words: Mapping[str, Callable[[Any], str]] = {},
) -> None:  # fmt: skip
    """Print the specs of a kind.

    ``capability`` names their list of needs or offers, ``columns`` further columns; ``more`` gives further facts by
    name, and ``words`` says how those of a column are printed.
    """
    entries = [
        {
            "name": name,
            "summary": spec.summary,
            capability: list(getattr(spec, capability)),
            "reference": spec.reference,
            "distribution": plugin.distribution,
            "version": plugin.version,
            **more(spec.name),
        }
        for name, (spec, plugin) in zip(catalogue.labels(), catalogue.entries, strict=True)
    ]
    if json:
        state.print_json(entries)
        return
    rows = []
    for e in entries:
        further = (words.get(column, ", ".join)(e[column]) for column in columns)
        rows.append([e["name"], e["summary"], *further, e["distribution"]])
    show.print_listing(show.table(title, ["name", "what it is", *columns, "from"], rows))
    state.out.print(f"\n{hint}", style="dim", markup=False, soft_wrap=True)
