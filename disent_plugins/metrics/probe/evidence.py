"""Evidence accumulation: an image's content fused with that of other images known to share it (ML-VAE, section 3).

It answers another question than a probe of single images does: which of several images show the same content is then
*given*, for test images too. Accuracies read from fused codes are close to 1 whatever the model has learnt.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from disent_plugins.content import has_value
from disent_plugins.contracts import Codes
from disent_plugins.errors import UsageError
from disent_plugins.metrics.statistics.seeds import stream


def accumulate(codes: Codes, others: int, seed: int) -> Codes:
    """Codes whose content is the product of each image's Gaussian and those of ``others`` more.

    The others are drawn from the same split and content class, without repetition; a class with too few gives all.

    Args:
        codes: Codes with content log-variances.
        others: Images to add, at least 1.
        seed: Of the draw.

    Raises:
        UsageError: The codes hold no content log-variances.
    """
    if codes.content_logvar is None:
        why = "Evidence weighs every image by its precision, and these codes hold no content_logvar."
        raise UsageError("Evidence cannot be accumulated.", why, "Leave evidence out.")
    precision = np.exp(-codes.content_logvar.astype(np.float64))
    weighted = precision * codes.content
    group = np.unique(np.stack([codes.split, codes.labels], axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    alone = ~has_value(codes.labels)  # which images share what they show is not known of these
    group[alone] = group.max() + 1 + np.arange(alone.sum())
    group = np.unique(group, return_inverse=True)[1]
    shuffled = stream(seed, "evidence").permutation(len(group))
    order = shuffled[np.argsort(group[shuffled], kind="stable")]
    size = np.bincount(group)[group[order]]
    start = (np.cumsum(np.bincount(group)) - np.bincount(group))[group[order]]
    place = np.arange(len(order)) - start
    total, mean = precision[order], weighted[order]
    for step in range(1, others + 1):
        # Neighbours on the ring of a shuffled class: distinct as long as the ring has not been gone round.
        mate = order[start + (place + step) % size]
        known = (step < size)[:, None]
        total = total + known * precision[mate]
        mean = mean + known * weighted[mate]
    content, logvar = np.empty_like(codes.content), np.empty_like(codes.content_logvar)
    content[order], logvar[order] = mean / total, -np.log(total)
    return dataclasses.replace(codes, content=content, content_logvar=logvar)
