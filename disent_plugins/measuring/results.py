"""What is kept of measurements: ``results.json`` with a document per metric, ``results.csv`` with a line per value."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from disent_plugins.files import read_json, write_json, write_text
from disent_plugins.training.folder import RunFolder

JSON, CSV = "results.json", "results.csv"
COLUMNS = (
    "subject", "group", "metric", "preset", "name", "value", "unit", "better", "floor", "ceiling", "normalised", "low",
    "high", "n", "seed", "estimator",
)  # fmt: skip


def kept_name(name: str, settings: Mapping[str, Any]) -> str:
    """The name that a metric's document is kept by: a preset's values stand beside those of the defaults.

    >>> kept_name("mig", {"bins": 0}), kept_name("mig", {"preset": "dlib"})
    ('mig', 'mig@dlib')
    """
    return f"{name}@{settings['preset']}" if settings.get("preset") else name


def write_results(folder: Path, documents: Mapping[str, Any]) -> None:
    """Write documents by the name that they are kept by, and their values as lines, each atomically.

    Raises:
        UsageError, WorkFailed: See ``files.clear_disk_errors``.
    """
    write_json(folder / JSON, documents)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(_lines(documents))
    write_text(folder / CSV, text.getvalue())


def add_results(folder: RunFolder, documents: Mapping[str, Any]) -> None:
    """Merge metric documents, by the name they are kept by, into a run's ``results.json`` and ``results.csv``."""
    with folder.measuring():
        before = read_json(folder.results) if folder.results.is_file() else {}
        write_results(folder.path, {**before, **documents})


def _lines(documents: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, document in documents.items():
        settings = document.get("settings", {})
        for value_name, value in document.get("values", {}).items():
            yield {
                **document.get("reference", {}).get(value_name, {}),
                "subject": document.get("subject"),
                "group": document.get("group"),
                "metric": name.split("@")[0],
                "preset": settings.get("preset"),
                "name": value_name,
                "value": value,
                "seed": settings.get("seed"),
            }
