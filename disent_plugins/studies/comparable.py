"""Which runs may stand in one table, and under which names: the rows of a comparison.

A row is a model under one set of settings; its runs differ in their seed, and in how a machine did the same steps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from disent_plugins.errors import UsageError
from disent_plugins.measuring.kept import KeptRun

NO_TRAIT = ("seed", "device", "graph", "compile", "group_statistics")
"""Settings that tell no row from another."""


@dataclass(frozen=True)
class Runs:
    """The runs of a row.

    Attributes:
        label: The model, and the settings that tell it from other rows of the same model.
        model: Its registry name.
        runs: By seed.
    """

    label: str
    model: str
    runs: tuple[KeptRun, ...]


def by_data(runs: Sequence[KeptRun]) -> dict[str, list[KeptRun]]:
    """Data set, with its options where runs differ in them, to its runs, in the order of the runs."""
    found: dict[str, list[KeptRun]] = {}
    options: dict[str, set[str]] = {}
    for run in runs:
        options.setdefault(run.dataset, set()).add(_text(run.settings.get("data_options") or {}))
    for run in runs:
        own = run.settings.get("data_options") or {}
        words = ", ".join(f"{key}={value}" for key, value in own.items()) if len(options[run.dataset]) > 1 else ""
        found.setdefault(f"{run.dataset} ({words})" if words else run.dataset, []).append(run)
    return found


def rows_of(runs: Sequence[KeptRun]) -> list[Runs]:
    """The rows that runs on one data set make, in the order of the runs.

    Raises:
        UsageError: Two runs are of the same settings and seed.
    """
    traits = {id(run): dict(_traits(run.settings)) for run in runs}
    rows: dict[str, list[KeptRun]] = {}
    for run in runs:
        rows.setdefault(_text(traits[id(run)]), []).append(run)
    made = []
    for alike in rows.values():
        seeds = [run.seed for run in alike]
        twice = next((run for run in alike if seeds.count(run.seed) > 1), None)
        if twice is not None:
            same = ", ".join(str(run.path) for run in alike if run.seed == twice.seed)
            raise UsageError(
                f"Runs of the same settings and seed: {same}.",
                "Counted twice, a run would make the spread over seeds too small.",
                "Name one of them.",
            )
        model = alike[0].model
        others = [traits[id(other[0])] for other in rows.values() if other[0].model == model]
        own = traits[id(alike[0])]
        apart = [key for key in own if any(other.get(key) != own[key] for other in others)]
        words = [f"{key.removeprefix('options.')}={_shown(own[key])}" for key in apart]
        ordered = sorted(alike, key=lambda run: (run.seed is None, run.seed or 0))
        made.append(Runs(", ".join([model, *words]), model, tuple(ordered)))
    return made


def _traits(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if key == "options" and isinstance(value, dict):
            yield from ((f"options.{name}", part) for name, part in value.items())
        elif key not in NO_TRAIT:
            yield key, value


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ":".join(map(_shown, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def document_of(run: KeptRun, name: str) -> Mapping[str, Any] | None:
    """The document of a metric if it is of the run as it is now."""
    found = run.documents.get(name)
    if found is None or (found.get("of") or {}).get("epoch", run.done) != run.done:
        return None
    return found


def differing(runs: Sequence[KeptRun], name: str) -> list[str]:
    """In what the documents of a metric differ so that their values are not comparable, in words."""
    found: dict[str, dict[str, list[str]]] = {}
    for run in runs:
        document = document_of(run, name)
        if document is None:
            continue
        for trait, value in _of_document(document).items():
            found.setdefault(trait, {}).setdefault(value, []).append(run.path.name)
    lines = []
    for trait, values in found.items():
        count = sum(len(names) for names in values.values())
        known = sum(len(names) for names in found["metric version"].values())
        told = [f"{value} in {names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
                for value, names in values.items()]  # fmt: skip
        if trait.startswith(_OPTION) and count < known:
            told.append("not in the others")
        if len(told) > 1:
            lines.append(f"{name}, {trait}: " + "; ".join(told))
    return lines


_OPTION = "option "


def _of_document(document: Mapping[str, Any]) -> dict[str, str]:
    of, settings = document.get("of") or {}, document.get("settings") or {}
    traits = {
        "metric version": str(document.get("version") or "1"),
        "content of the data": str(of.get("data")),
        "checkpoint": str(of.get("checkpoint")),
    }
    if "classifier_weights" in settings:  # a judge of swaps, trained anew for every seed
        traits[f"classifier of seed {settings.get('seed')}"] = str(settings["classifier_weights"])
    options = document.get("options") or {}
    return traits | {f"{_OPTION}{key}": _text(value) for key, value in options.items() if key not in _NO_NUMBER}


_NO_NUMBER = ("jobs",)
"""Options that no number depends on."""
