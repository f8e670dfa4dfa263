"""The suite over several runs: which may be put together, their means, and where those are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from disent_plugins.contracts.data import short_name
from disent_plugins.errors import UsageError
from disent_plugins.files import read_table
from disent_plugins.measuring.means import mean_value
from disent_plugins.measuring.provenance import label
from disent_plugins.measuring.suite import Entry
from disent_plugins.training.checkpoint import load
from disent_plugins.training.folder import RunFolder
from disent_plugins.training.settings import SETTING_NAMES, RunSettings


def check_alike(folders: Sequence[RunFolder]) -> bool:
    """Refuse runs whose mean means nothing: they may differ in their seed, and in the device, and in nothing else.

    Returns:
        Whether their seeds all differ; where some do not, the spread of the runs is too small.

    Raises:
        UsageError: A run twice, or another setting, number of trained epochs, or content of the data set.
    """
    if len({folder.path.resolve() for folder in folders}) < len(folders):
        raise UsageError("A run was named twice.", "The spread of a run with itself is 0.", "Name every run once.")
    traits = [_traits(folder) for folder in folders]
    lines = []
    for name in dict.fromkeys(name for one in traits for name in one):
        values = list(dict.fromkeys(one.get(name, "not set") for one in traits))
        if len(values) > 1:
            lines.append(f"  {name}: {', '.join(values)}")
    if lines:
        raise UsageError(
            "These runs differ in more than their seed, so that their mean would mean nothing.",
            "\n".join(lines),
            "Measure the others on their own, and compare the tables.",
        )
    return len({folder.settings().seed for folder in folders}) == len(folders)


def _traits(folder: RunFolder) -> dict[str, str]:
    """Everything in which runs of one mean agree, in words."""
    settings, progress = folder.settings(), load(folder.checkpoint("last")).progress
    record = read_table(folder.path / "data.json")
    return {
        **{name: str(getattr(settings, name)) for name in SETTING_NAMES if name not in _MAY_DIFFER},
        **{f"options.{name}": str(value) for name, value in settings.options.items()},
        # Of every checkpoint: which epoch was the best is a matter of the seed.
        "trained": f"{progress.done} epochs" + (f" and {progress.step} batches" if progress.step else ""),
        "content of the data": str(record.get("content_hash")),
    }


_MAY_DIFFER = ("seed", "device", "options")


def mean_folder(settings: RunSettings, of: Mapping[str, Any]) -> Path:
    """Where the mean over runs of these settings is kept, a place for every choice of runs and their weights."""
    name = f"mean-of-{len(of['runs'])}-{settings.model}-{short_name(settings.data)}-{label(of)}"
    return Path("figures") / name.replace(":", "-")


def over_runs(runs: Sequence[Sequence[Entry]]) -> list[Entry]:
    """The suite over several runs: means, with the 95 % interval of the mean over runs (see ``mean_value``).

    Only values that every run has are kept. The values of the single runs stand in the settings; pictures are theirs.
    """
    if len(runs) == 1:
        return list(runs[0])
    merged = []
    for entries in zip(*runs, strict=True):
        results = [entry.result for entry in entries if entry.result is not None]
        first = entries[0]
        if len(results) < len(runs):
            lacking = next(entry for entry in entries if entry.result is None).left_out
            reason = f"Not in every run: {lacking}" if results else lacking
            merged.append(Entry(first.group, first.name, None, reason))
            continue
        names = [name for name in results[0].values if all(name in result.values for result in results)]
        try:
            values = {name: mean_value([result.values[name] for result in results]) for name in names}
        except OverflowError:
            merged.append(Entry(first.group, first.name, None, "Its values are too large for a mean."))
            continue
        single = {name: [result.values[name].value for result in results] for name in names}
        settings = {**results[0].settings, "seed": [result.settings.get("seed") for result in results], "runs": single}
        notes = list(dict.fromkeys(note for result in results for note in result.notes))
        mean = replace(results[0], values=values, settings=settings, artifacts={}, notes=notes, items={})
        merged.append(Entry(first.group, first.name, mean))
    return merged
