"""How much a Gaussian code holds: divergence from the standard normal, and active units."""

from __future__ import annotations

import numpy as np


def kl_to_standard_normal(mean: np.ndarray, logvar: np.ndarray) -> np.ndarray:
    """KL(N(mean, diag exp(logvar)) || N(0, I)) of every row, in nats.

    1/2 * sum_d (sigma_d^2 + mu_d^2 - 1 - log sigma_d^2): an upper bound, averaged over the data, of the information
    the code holds about its image.

    Args:
        mean: [N, D].
        logvar: [N, D].

    Returns:
        [N] float64.

    >>> kl_to_standard_normal(np.array([[0.0, 2.0]]), np.zeros((1, 2)))
    array([2.])
    """
    mean, logvar = mean.astype(np.float64), logvar.astype(np.float64)
    return 0.5 * (np.exp(logvar) + mean**2 - 1 - logvar).sum(axis=1)


def active_units(mean: np.ndarray, threshold: float = 0.01) -> int:
    """Number of dimensions whose mean varies over the rows [N, D] with a variance above ``threshold``.

    In units of the prior variance 1 (Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, 2016).

    >>> active_units(np.array([[0.0, 3.0], [1.0, 3.0]]))
    1
    """
    return int((mean.astype(np.float64).var(axis=0) > threshold).sum())
