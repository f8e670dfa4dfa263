"""Which images an epoch leaves out, where batches of exactly B do not use all: the same chance for all, in whole units.

The images of every group lie in units, such as a ten or a pair, that had better stay whole. The units lie round a
circle of N places, and what an epoch leaves out is a window of L places that starts anywhere. So an image is left out
with probability L/N, however large its unit and its group are, and no unit is cut but those at the window's two ends.
"""

from __future__ import annotations

import numpy as np


class Units:
    """Units of images that an epoch leaves some out of.

    Args:
        group: [U] the group of every unit, 0..G-1.
        size: [U] its number of images, N together.
        groups: G.
        left_out: L, how many of the images an epoch leaves out, at most N.
    """

    def __init__(self, group: np.ndarray, size: np.ndarray, groups: int, left_out: int) -> None:
        # Mixed once, so that a window takes a little of many groups and not all of a few.
        mixed = np.random.default_rng(0).permutation(len(size))
        self.circle = np.repeat(group[mixed], size[mixed])
        self.sizes = np.bincount(self.circle, minlength=groups)
        self.window = np.arange(left_out)

    def used(self, random: np.random.Generator) -> np.ndarray:
        """How many images of every group an epoch uses, [G], N - L together; which of a group's, its order decides."""
        if not len(self.window):
            return self.sizes
        places = (random.integers(len(self.circle)) + self.window) % len(self.circle)
        return self.sizes - np.bincount(self.circle[places], minlength=len(self.sizes))
