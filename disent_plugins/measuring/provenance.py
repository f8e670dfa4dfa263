"""What a result is of, exactly: a run's checkpoint with its weights and data, a file of codes, or several runs.

Digests are of content: copying, moving or touching files changes nothing, and other numbers are another subject.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disent_plugins.files import digest

if TYPE_CHECKING:
    from disent_plugins.training.checkpoint import Checkpoint

_SHA = "sha256:"
_SHORT = 8


def of_run(which: str, checkpoint: Checkpoint, data: str, subset: str = "") -> dict[str, Any]:
    """A run's checkpoint ``last`` or ``best``, and the content hash of the data, with the name of a subset.

    ``epoch`` counts the epochs that are done, ``step`` the batches beyond them; ``weights`` is of the weights alone, so
    that equal training gives equal digests.
    """
    progress = checkpoint.progress
    return {
        "checkpoint": which,
        "epoch": progress.done,
        "step": progress.step,
        "weights": _SHA + checkpoint.weights_digest(),
        "data": _SHA + data,
    } | ({"subset": subset} if subset else {})


def of_file(path: Path, blocks: Sequence[str | None] | None) -> dict[str, Any]:
    """A file of codes, by its bytes, and what was said of its columns."""
    return {"codes": _SHA + digest(path)} | ({"blocks": list(blocks)} if blocks else {})


def of_runs(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A mean over runs."""
    return {"runs": [dict(run) for run in runs]}


def label(of: Mapping[str, Any]) -> str:
    """A name for folders that differs where the subject does.

    >>> label({"checkpoint": "last", "epoch": 20, "step": 0, "weights": "sha256:3fa9c1d2e5", "data": "sha256:77"})
    'last-epoch20-3fa9c1d2'
    >>> label({"codes": "sha256:3fa9c1d2e5", "blocks": ["0:8", "8:16"]})
    '3fa9c1d2-0_8-8_16'
    >>> label({})
    'unknown'
    """
    if "weights" in of:
        step = f"-step{of['step']}" if of["step"] else ""
        return f"{of['checkpoint']}-epoch{of['epoch']}{step}-{_short(of['weights'])}"
    if "codes" in of:
        return "-".join([_short(of["codes"]), *(str(block).replace(":", "_") for block in of.get("blocks", ()))])
    return _short(hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()) if of else "unknown"


def _short(digest: str) -> str:
    return digest.removeprefix(_SHA)[:_SHORT]
