"""Codes made comparable, and those that say too little to be counted left out."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.stats import rankdata

Scale = Literal["rank", "raw"]


def scaled(codes: np.ndarray, scale: Scale = "rank", least: float | None = None) -> np.ndarray:
    """The active codes on one scale.

    Args:
        codes: [N, D] finite.
        scale: ``rank``: every code's ranks, equal values sharing their mean rank, as numbers of variance 1 where no
            values are equal; neither monotone rescaling nor outliers matter. ``raw``: as they are.
        least: Least standard deviation of an active code, on that scale; None: 0.05 on ranks, which leaves out codes
            that have one value in more than 99.9 % of the rows, 0 on raw codes. A constant code is never active.

    Returns:
        [N, D'] float64, D' <= D.

    >>> scaled(np.array([[7.0, 1.0], [7.0, 2.0], [7.0, 4000.0]])).round(3).ravel()
    array([-1.225,  0.   ,  1.225])
    """
    n = len(codes)
    if least is None:
        least = 0.05 if scale == "rank" else 0.0
    if scale == "rank":
        codes = (rankdata(codes, axis=0) - (n + 1) / 2) / np.sqrt((n * n - 1) / 12)
    varies = codes.max(axis=0) > codes.min(axis=0)
    return np.asarray(codes, dtype=np.float64)[:, varies & (codes.std(axis=0) >= least)]
