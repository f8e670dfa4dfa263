"""Codes of anybody's images as an ``.npz`` file that ``disent metrics --codes`` takes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from disent_plugins.files import write_bytes
from disent_plugins.measuring.pictures import Found


def write_npz(path: Path, columns: Mapping[str, np.ndarray], found: Found) -> dict[str, np.ndarray]:
    """Write codes with what is known of their images, atomically.

    Args:
        path: The file.
        columns: ``content`` [N, Dc], ``style`` [N, Ds] and their log-variances (``measuring.encode.encoded``); codes in
            one piece, whose style has no columns, are written as ``codes``.
        found: The images.

    Returns:
        The arrays by name.

    Raises:
        UsageError: The place cannot be written to.
        WorkFailed: The disk is full.
    """
    arrays = dict(columns)
    if not arrays["style"].shape[1]:
        arrays = {"codes": arrays["content"]}
    if found.labels is not None:
        arrays["labels"] = found.labels
    for name, texts in (("classes", found.classes), ("files", found.names)):
        if texts:
            arrays[name] = np.array(texts)
    np.savez_compressed(whole := io.BytesIO(), **arrays)  # type: ignore[arg-type]  # its other arguments have no array
    write_bytes(path, whole.getbuffer())
    return arrays
