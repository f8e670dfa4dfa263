"""What the pictures show: test images of different classes, chosen by seed, and their decoded codes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from disent_plugins.contracts import Codes, Subject
from disent_plugins.errors import UsageError
from disent_plugins.metrics.statistics.seeds import stream

Decode = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Content [B, Dc], style [B, Ds] -> images [B, H, W, C]."""

Images = Callable[[np.ndarray], np.ndarray]
"""Positions [B] -> images [B, H, W, C]."""


def pick_rows(codes: Codes, n: int, seed: int, *, sets: int = 1) -> list[np.ndarray]:
    """Choose test rows of different classes, ``sets`` times, no row twice where the classes are large enough.

    Args:
        codes: The codes.
        n: Rows in a set; fewer if the test split has fewer classes.
        seed: Decides which.
        sets: Number of sets. They show the same classes: the first set in ascending order, the others shuffled.

    Returns:
        ``sets`` arrays of positions among the codes.
    """
    generator = stream(seed, "examples")
    test = generator.permutation(codes.rows("test", labelled=True))
    labels = codes.labels[test]
    classes = np.sort(generator.permutation(np.unique(labels))[:n])
    chosen = []
    for number in range(sets):
        order = classes if number == 0 else generator.permutation(classes)
        members = [test[labels == label] for label in order]
        chosen.append(np.array([rows[number % len(rows)] for rows in members]))
    return chosen


def model_of(subject: Subject) -> tuple[Decode, Images]:
    """The subject's (decode, images).

    Raises:
        UsageError: Only codes were given.
    """
    return decoder_of(subject), _present(subject, subject.images, "the images that were encoded")


def decoder_of(subject: Subject) -> Decode:
    """The subject's decoder, its images clamped to [0, 1].

    Raises:
        UsageError: Only codes were given.
    """
    decode = _present(subject, subject.decode, "a decoder")
    return lambda content, style: np.clip(decode(content, style), 0, 1)


def _present(subject: Subject, found: Callable | None, what: str) -> Callable:
    if found is None:
        raise UsageError(
            f"This metric needs {what}, and {subject.name} holds codes only.",
            "Pictures and reconstructions come from the model of a run.",
            "Give a run folder instead, or measure the codes with: disent metrics probe",
        )
    return found
