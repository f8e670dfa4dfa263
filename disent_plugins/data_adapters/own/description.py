"""What all data sets of one's own have: options, content, splits, and the description that their cache is known by."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from disent_plugins.content import Factor, content_labels
from disent_plugins.contracts import SPLITS, DatasetInfo, ImageSpec
from disent_plugins.errors import DataMissing, UsageError, suggestion
from disent_plugins.options import Options, option

SPLIT_SEED = 20
TEST, VALIDATION = 0.2, 0.1
_SAID = {"val": "validation", "valid": "validation", **{name: name for name in SPLITS}}
USUAL = ("class", "label")


@dataclass(frozen=True)
class OwnConfig(Options):
    """Options of data sets of one's own."""

    size: int = option(0, "Pixels of a side: images are cut square and resized; 0: as they are.", low=0, high=512)
    content: str = option("", "Factor that groups share, several joined by +; none: class, label or the first.")


@dataclass(frozen=True)
class Rows:
    """What is known of every image.

    Attributes:
        factors: Their factors.
        values: [N, F].
        split: [N] uint8, or None where none is given.
    """

    factors: tuple[Factor, ...]
    values: np.ndarray
    split: np.ndarray | None


def describe(
    name: str, image: ImageSpec, rows: Rows, config: OwnConfig, made: str, digest: str
) -> tuple[DatasetInfo, np.ndarray]:
    """The description of a data set, and its split [N].

    Args:
        name: Of its cache.
        image: Size of its images.
        rows: What is known of them.
        config: What was chosen.
        made: How the images come from the files.
        digest: Of the files' content, which makes the cache of other files another one.

    Raises:
        UsageError: There is no such factor.
        DataMissing: A split has no image to train or to test with.
    """
    names = [factor.name for factor in rows.factors]
    content = config.content or next((usual for usual in USUAL if usual in names), names[0])
    parts = [content] if content in names else content.split("+")
    for part in parts:
        if part not in names:
            raise UsageError(f"There is no factor '{part}' for the content.", suggestion(part, names))
        if rows.factors[names.index(part)].kind == "continuous":
            why = "Groups share a content, and of real numbers hardly two are equal."
            raise UsageError(f"The factor '{part}' is continuous and cannot be the content.", why)
    labels = content_labels(rows.values, names, content)
    split = stratified(labels) if rows.split is None else rows.split
    for number in (0, 2):
        if not (split == number).any():
            raise DataMissing(
                f"There is no image to {'train' if number == 0 else 'test'} with among these {len(split)}.",
                f"Models are trained on the split '{SPLITS[0]}' and measured on '{SPLITS[2]}'.",
                "Give at least two images of each class, or both splits.",
            )
    shares = f"{TEST:.0%} of every content test, {VALIDATION:.0%} validation, the rest train, seed {SPLIT_SEED}"
    how = shares if rows.split is None else "given"
    info = DatasetInfo(
        name=name,
        image=image,
        factors=rows.factors,
        content=content,
        groups_are_distinct=True,
        preprocessing=f"{made}; split {how}; sha256 of the content {digest}",
        licence="not known: data of your own",
        reference="data of your own",
    )
    return info, split


def lasting(place: str) -> Path:
    """A place as it is seen from any folder; links stay as they are."""
    return Path(os.path.abspath(os.path.expanduser(place)))


def stratified(labels: np.ndarray) -> np.ndarray:
    """[N] uint8 split in which every content [N] has its share of each part, and of two images one to test with.

    RandomState, whose stream NumPy keeps for ever, makes the split one that can be published.
    """
    random = np.random.RandomState(SPLIT_SEED)
    split = np.zeros(len(labels), np.uint8)
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        test = max(round(TEST * len(rows)), int(len(rows) > 1))
        split[rows[:test]] = 2
        split[rows[test : test + round(VALIDATION * len(rows))]] = 1
    return split


def split_of(words: Sequence[str]) -> np.ndarray:
    """[N] uint8 of the splits' names or numbers.

    Raises:
        ValueError: One is neither.
    """
    said = _SAID | {str(number): name for number, name in enumerate(SPLITS)}
    found = np.array([SPLITS.index(said[word]) if word in said else 255 for word in words], np.uint8)
    if (found == 255).any():
        row = int(np.argmax(found == 255))
        raise ValueError(f"the split of row {row + 1} is {words[row]!r}; there are {', '.join(SPLITS)}")
    return found


def is_split(name: str) -> bool:
    """Whether it names a split."""
    return name in _SAID
