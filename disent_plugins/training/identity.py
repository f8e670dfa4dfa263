"""Which run a checkpoint is of: written into it, and compared with the folder that it lies in when it is read.

Files that are exchanged or edited would otherwise give numbers under another run's name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from disent_plugins.contracts import TrainingData
from disent_plugins.errors import UsageError
from disent_plugins.training.settings import MAY_CHANGE, RunSettings


def identity(settings: RunSettings, content_hash: str, data: TrainingData) -> dict[str, Any]:
    """All that a run's weights depend on and that does not change on the way, as plain values.

    Args:
        settings: Of the run.
        content_hash: Of the images that it was trained on.
        data: What the model was told of them.
    """
    fixed = {name: value for name, value in asdict(settings).items() if name not in MAY_CHANGE}
    found = {"settings": fixed, "data": {"content_hash": content_hash, "training": asdict(data)}}
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def check_identity(path: Path, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Refuse a checkpoint of another run. What only one of the two knows of came with another release.

    Args:
        path: The checkpoint.
        found: Its own identity; nothing if it says none.
        expected: That of the run in whose folder it lies.

    Raises:
        UsageError: They differ.
    """
    own, runs = dict(_flat(found)), dict(_flat(expected))
    lines = [
        f"  {name}: {own[name]}, its run: {runs[name]}" for name in own if name in runs and own[name] != runs[name]
    ]
    if lines:
        raise UsageError(
            f"{path} is of another run.",
            "\n".join(lines),
            "Was it copied from there, or config.json or data.json edited? Its numbers would be another run's.",
        )


def _flat(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, part in value.items():
        if isinstance(part, Mapping):
            yield from _flat(part, f"{before}{name}.")
        else:
            yield f"{before}{name}", part
