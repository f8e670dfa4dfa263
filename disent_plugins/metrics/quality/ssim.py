"""SSIM, the structural similarity of two images (Wang, Bovik, Sheikh and Simoncelli 2004, Eq. 13).

    ssim = (2 mx my + c1) (2 sxy + c2) / ((mx^2 + my^2 + c1) (sx^2 + sy^2 + c2)),    c1 = 0.01^2, c2 = 0.03^2

for images x, y in [0, 1], where the means m, variances s^2 and the covariance sxy at a pixel are weighted by a Gaussian
of standard deviation 1.5 in a window of 11 x 11 around it. An image's value is the mean over its pixels and channels.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

SIGMA, RADIUS = 1.5, 5
C1, C2 = 0.01**2, 0.03**2


def ssim(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Structural similarity of images [B, H, W, C] and others of the same shape, or one [H, W, C] for all.

    As in the paper's program, the pixels whose window reaches over the border are left out. An image of less than 11
    pixels a side has no other pixels: there all count, and the window sees the image mirrored at its border.

    Returns:
        [B] float64 in [-1, 1]; 1 for equal images. Colours are compared channel by channel.

    >>> ssim(np.zeros((1, 16, 16, 1)), np.ones((1, 16, 16, 1))).round(4)
    array([0.0001])
    """
    x = images.astype(np.float64)
    y = np.broadcast_to(others, x.shape).astype(np.float64)
    mx, my = _blurred(x), _blurred(y)
    covariance = _blurred(x * y) - mx * my
    variances = _blurred(x * x + y * y) - mx * mx - my * my
    value = (2 * mx * my + C1) * (2 * covariance + C2) / ((mx * mx + my * my + C1) * (variances + C2))
    inside = tuple(slice(RADIUS, -RADIUS) if size > 2 * RADIUS else slice(None) for size in x.shape[1:3])
    return np.asarray(value[(slice(None), *inside)].mean(axis=(1, 2, 3)))


def _blurred(images: np.ndarray) -> np.ndarray:
    """[B, H, W, C] under the window."""
    return np.asarray(gaussian_filter(images, (0, SIGMA, SIGMA, 0), mode="reflect", truncate=(RADIUS + 0.1) / SIGMA))
