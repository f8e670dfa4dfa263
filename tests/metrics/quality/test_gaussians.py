"""KL and active units of Gaussian codes."""

from __future__ import annotations

import numpy as np
import torch

from disent_plugins.metrics.quality.gaussians import active_units, kl_to_standard_normal


def test_kl_agrees_with_torch():
    generator = np.random.default_rng(0)
    mean, logvar = generator.normal(size=(2, 50, 7)).astype(np.float32) * 2
    posterior = torch.distributions.Normal(torch.tensor(mean), torch.tensor(np.exp(0.5 * logvar)))
    expected = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum(dim=1)
    np.testing.assert_allclose(kl_to_standard_normal(mean, logvar), expected.numpy(), rtol=1e-5)


def test_active_units_do_not_depend_on_order_or_sign():
    mean = np.random.default_rng(0).normal(size=(500, 4)) * [1.0, 0.05, 0.2, 0.0]
    assert active_units(mean) == active_units(-mean[:, ::-1]) == 2
