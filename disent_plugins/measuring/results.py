"""What is kept of measurements: ``results.json`` with a document per metric, ``results.csv`` with a line per value.

A folder keeps results of one subject. Once it is another, a run that was trained further for example, those of before
are set aside: moved below ``superseded/`` together with their pictures; nothing is lost, and nothing stale is shown.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from disent_plugins.errors import UsageError
from disent_plugins.files import clear_disk_errors, digest, read_json, write_json, write_text
from disent_plugins.measuring.provenance import label
from disent_plugins.training.folder import measuring

JSON, CSV, SUPERSEDED = "results.json", "results.csv", "superseded"
COLUMNS = (
    "subject", "group", "metric", "preset", "name", "value", "unit", "better", "floor", "ceiling", "normalised", "low",
    "high", "n", "seed", "checkpoint", "epoch", "weights", "data", "codes", "estimator",
)  # fmt: skip
_FOREIGN = "foreign"
"""What ``results.json`` files that are not ours are set aside as."""


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
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(value_rows(documents))
    write_text(folder / CSV, text.getvalue())


def add_results(place: Path, documents: Mapping[str, Any]) -> None:
    """Merge documents of one subject, by the name they are kept by, into what a folder keeps of it.

    Raises:
        UsageError, WorkFailed: See ``files.clear_disk_errors``.
    """
    if not documents:
        return
    drawn = {Path(path).resolve() for found in documents.values() for path in found.get("artifacts", {}).values()}
    with measuring(place):
        own = _only(place, [found.get("of") for found in documents.values()], drawn)
        write_results(place, {**own, **documents})


def require_place(place: Path) -> None:
    """Make the folder where results are going to be kept: told before the work, not after it.

    Raises:
        UsageError: It cannot be made, or not be written to.
    """
    with clear_disk_errors(place):
        place.mkdir(parents=True, exist_ok=True)
    if not os.access(place, os.W_OK):
        raise UsageError(
            f"{place} cannot be written to.", "Results are kept there.", "Measure it all the same with: --out FOLDER"
        )


def set_aside(place: Path, of: Mapping[str, Any], out: Path) -> None:
    """Set aside what a folder keeps of other subjects than the one that is about to be measured.

    Done before measuring: the new pictures have the names of the old.

    Args:
        place: The folder.
        of: What is about to be measured.
        out: Where its pictures go; if that is a folder in ``place``, nothing else lies there.

    Raises:
        UsageError, WorkFailed: See ``files.clear_disk_errors``.
    """
    if not (place / JSON).is_file():
        return
    with measuring(place):
        _only(place, [of], figures=out if out.parent == place else None)


def _only(
    place: Path, subjects: Sequence[Any], drawn: Collection[Path] = (), figures: Path | None = None
) -> dict[str, Any]:
    """The documents of these subjects; all others are set aside, a folder for each subject.

    Args:
        place: The folder.
        subjects: What the documents that stay are of.
        drawn: Pictures that are new: a document that names one has lost its own.
        figures: Folder of nothing but pictures; if no document stays, none of them does.
    """
    kept = _kept(place)
    own = {name: found for name, found in kept.items() if found.get("of") in subjects}
    others: dict[str, dict[str, Any]] = {}
    for name, found in kept.items():
        if name not in own:
            others.setdefault(label(found.get("of") or {}), {})[name] = found
    for name, documents in others.items():
        aside = place / SUPERSEDED / name
        moved = {}
        with clear_disk_errors(aside):
            for key, found in documents.items():
                files = {
                    what: _move(file, place, aside, drawn) for what, file in (found.get("artifacts") or {}).items()
                }
                moved[key] = {**found, "artifacts": {what: file for what, file in files.items() if file}}
            if figures is not None and not own:
                for file in [file for file in figures.rglob("*") if file.is_file()]:
                    _move(str(file.relative_to(place)), place, aside, drawn)
        write_results(aside, {**_kept(aside), **moved})
    if others:
        write_results(place, own)
    return own


def _kept(place: Path) -> dict[str, Any]:
    """The documents that a folder keeps.

    A file that holds anything else, edited or of another program, is moved to ``superseded/`` as it is, and what are
    documents in it stay.
    """
    path = place / JSON
    if not path.is_file():
        return {}
    try:
        found = read_json(path)
    except UsageError:
        found = None
    documents = {name: part for name, part in found.items() if _is_document(part)} if isinstance(found, dict) else {}
    if documents != found:
        aside = place / SUPERSEDED / f"{_FOREIGN}-{digest(path)[:8]}" / JSON
        with clear_disk_errors(aside):
            aside.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, aside)
        write_results(place, documents)
    return documents


def _is_document(value: Any) -> bool:
    """Whether a part of ``results.json`` can be one of our documents."""
    if not isinstance(value, dict):
        return False
    tables = [value.get(name) for name in ("of", "values", "reference", "settings", "artifacts")]
    if not all(table is None or isinstance(table, dict) for table in tables):
        return False
    of, _, reference, _, artifacts = (table or {} for table in tables)
    points = all(isinstance(part, dict) for part in reference.values())
    return points and all(isinstance(file, str) for file in artifacts.values()) and _has_label(of) and _is_json(value)


def _is_json(value: Any) -> bool:
    """JSON has no NaN and no infinity, and Python reads both."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def _has_label(of: Mapping[str, Any]) -> bool:
    try:
        return bool(label(of))
    except (KeyError, TypeError, AttributeError):
        return False


def _move(file: str, place: Path, aside: Path, drawn: Collection[Path]) -> str | None:
    """Where a file is that was written below ``place``, once it is moved to the same place below ``aside``.

    Documents name files as seen from where the command ran, so the end of the path that lies below ``place`` is looked
    for. None if a new picture has taken its name.
    """
    parts = Path(file).parts
    for below in (Path(*parts[start:]) for start in range(len(parts))):
        here, there = place / below, aside / below
        if below.is_absolute() or ".." in below.parts or not (here.is_file() or there.is_file()):
            continue
        if here.resolve() in drawn:
            return None
        if here.is_file():
            there.parent.mkdir(parents=True, exist_ok=True)
            os.replace(here, there)
        return str(there)
    return file


def value_rows(documents: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each value of documents, by the name that they are kept by, with all of ``COLUMNS``."""
    rows = []
    for name, document in documents.items():
        settings, of, reference = (document.get(table) or {} for table in ("settings", "of", "reference"))
        for value_name, value in (document.get("values") or {}).items():
            known = {
                **of,
                **reference.get(value_name, {}),
                "subject": document.get("subject"),
                "group": document.get("group"),
                "metric": name.split("@")[0],
                "preset": settings.get("preset"),
                "name": value_name,
                "value": value,
                "seed": settings.get("seed"),
            }
            rows.append({column: known.get(column) for column in COLUMNS})
    return rows
