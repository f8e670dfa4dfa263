"""Nearest neighbours among codes, with fair shares for ties, and the fused code of several images of a class."""

from __future__ import annotations

from typing import Literal

import numpy as np

from disent_plugins.contracts import Subject

Distance = Literal["euclid", "cosine"]

_CHUNK = 1 << 22


def share_right(
    queries: np.ndarray, query_labels: np.ndarray, gallery: np.ndarray, gallery_labels: np.ndarray,
    *, distance: Distance = "euclid", same_rows: bool = False,
) -> np.ndarray:  # fmt: skip
    """For every query, the share of its nearest gallery codes that have its label: 0 or 1 where one is nearest.

    Args:
        queries, query_labels: [Q, D], [Q].
        gallery, gallery_labels: [G, D], [G].
        distance: Euclidean, or 1 - cosine of the angle.
        same_rows: Whether queries and gallery are the same rows, of which none may find itself.

    Returns:
        [Q] in [0, 1].

    >>> x, y = np.array([[0.0], [1.0], [5.0], [5.5]]), np.array([0, 0, 1, 0])
    >>> share_right(x, y, x, y, same_rows=True)
    array([1., 1., 0., 0.])
    """
    q, g = np.asarray(queries, dtype=np.float64), np.asarray(gallery, dtype=np.float64)
    if distance == "cosine":
        q, g = _unit(q), _unit(g)
    middle = np.median(g, axis=0)  # differences of large numbers lose digits
    q, g = q - middle, g - middle
    lengths, found = (g * g).sum(axis=1), np.empty(len(q))
    step = max(1, _CHUNK // len(g))
    for start in range(0, len(q), step):
        part = q[start : start + step]
        own = (part * part).sum(axis=1, keepdims=True)
        squared = own + lengths - 2 * part @ g.T
        if same_rows:
            squared[np.arange(len(part)), start + np.arange(len(part))] = np.inf
        nearest = squared <= squared.min(axis=1, keepdims=True) + 1e-12 * own
        right = nearest & (query_labels[start : start + step, None] == gallery_labels)
        found[start : start + step] = right.sum(axis=1) / nearest.sum(axis=1)
    return found


def _unit(x: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(length > 0, length, 1.0)


def fused(subject: Subject, rows: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """Content codes [groups, Dc] of groups of images: by the model's rule, else by what is known of the codes.

    Args:
        subject: The codes, and the model's rule if it has one.
        rows: [B] positions among the codes.
        group: [B] ids, every one of 0..groups-1 present.
        groups: Number of groups.
    """
    means, logvar = subject.codes.content[rows], subject.codes.content_logvar
    if subject.fuse is not None and logvar is not None:
        return np.asarray(subject.fuse(means, logvar[rows], group), dtype=np.float64)
    precision = np.ones(means.shape) if logvar is None else np.exp(-logvar[rows].astype(np.float64))
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(groups))
    total = np.add.reduceat(precision[order], starts, axis=0)
    product: np.ndarray = np.add.reduceat((precision * means)[order], starts, axis=0) / total
    return product


def rule(subject: Subject) -> str:
    """How ``fused`` fuses, in words."""
    if subject.codes.content_logvar is None:
        return "mean of the codes"
    return "the model's own rule" if subject.fuse is not None else "product of the images' Gaussians"


def seen_note(subject: Subject, labels: np.ndarray) -> str:
    """Whether the classes ``labels`` of test rows occur in the training split."""
    codes, classes = subject.codes, np.unique(labels)
    seen = int(np.isin(classes, codes.labels[codes.rows("train")]).sum())
    if not seen:
        return f"None of the {len(classes)} classes occurs in the training split."
    return (
        f"{seen} of the {len(classes)} classes occur in the training split: this is no test of classes that the "
        "encoder has never seen."
    )
