"""Run folders made by hand: what a trained and measured run leaves, without training or measuring."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from disent_plugins.contracts import Items, Result, Value
from disent_plugins.measuring.documents import document
from disent_plugins.measuring.items import with_items
from disent_plugins.measuring.results import write_results


def made_run(
    folder: Path,
    *,
    model: str = "gmvae",
    data: str = "digits",
    seed: int = 0,
    epochs: int = 2,
    done: int | None = None,
    values: Mapping[str, float | Sequence[bool]] | None = None,
    metric: str = "probe",
    version: str = "1",
    digest: str = "77",
    metric_options: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    better: str = "up",
) -> Path:
    """A run whose metric has these values: numbers, or the outcomes of single items.

    Args:
        folder: Where.
        model, data, seed, epochs, options: Of its settings.
        done: Epochs that are done; None for all.
        values: Name to a number, with an interval of .02 about it, or to outcomes; none for a run that is not measured.
        metric, version, metric_options: The metric.
        digest: Content hash of the data.
        better: Of all values.
    """
    folder.mkdir(parents=True)
    settings = {"model": model, "data": data, "seed": seed, "epochs": epochs, "options": dict(options or {}),
                "device": f"cuda:{seed}"}  # fmt: skip
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "data.json").write_text(json.dumps({"content_hash": digest}))
    (folder / "environment.json").write_text("{}")
    lines = [
        json.dumps({"epoch": epoch + 1, "total": 2.0, "seconds": 1.5})
        for epoch in range(epochs if done is None else done)
    ]
    (folder / "metrics.jsonl").write_text("".join(f"{line}\n" for line in lines))
    if values is not None:
        found, items = {}, {}
        for name, value in values.items():
            if not isinstance(value, float):
                outcome = np.asarray(value)
                items[name] = Items(np.arange(len(outcome)), outcome)
                value = float(outcome.mean())
            found[name] = Value(value, "accuracy", 0.1, 1.0, value - 0.01, value + 0.01, 100, better=better)
        result = Result(metric, found, {"seed": seed}, items=items, options=metric_options or {}, version=version)
        of = {"checkpoint": "last", "epoch": epochs, "step": 0, "weights": f"sha256:{model}{seed}", "data": digest}
        kept = document(with_items(result, folder), subject=folder.name, group="leakage", of=of)
        write_results(folder, {metric: kept})
    return folder
