"""Nothing in a loss waits for the device: it runs on tensors that have shapes and no values."""

from __future__ import annotations

import pytest
import torch

from disent_plugins.contracts import GroupBatch, ImageSpec, TrainingData
from disent_plugins.models.gmvae import GMVAE
from disent_plugins.models.mlvae import MLVAE
from disent_plugins.options import build


@pytest.mark.parametrize(
    ("model_class", "options"),
    [
        (GMVAE, {}),
        (GMVAE, {"center": "leave_one_out", "singleton": "prior", "k_unlabelled": 1.0, "k_mode": "prior_precision"}),
        (GMVAE, {"singleton": "skip", "center_gradient": False, "variance": "softplus_std"}),
        (MLVAE, {}),
        (MLVAE, {"reparam": "per_group", "likelihood": "gaussian_learned", "include_prior_in_product": True}),
    ],
)
def test_loss_and_gradient_need_no_value(model_class, options):
    """On the meta device ``item``, ``unique``, boolean indexing and ``if tensor`` raise: all that would synchronise."""
    config = build(model_class.Config, {"width": 0.1, **options}, owner="test")
    with torch.device("meta"):
        model = model_class(config, TrainingData(ImageSpec(1, 32, 32), 6, 9))
        ids = torch.zeros(6, dtype=torch.int64)
        batch = GroupBatch(torch.zeros(6, 1, 32, 32), ids, 9, ids, ids, ids, torch.tensor(0.5))
        loss = model.loss(batch)
        loss.total.backward()
    assert loss.total.shape == ()
    assert all(term.shape == () for term in loss.terms.values())
    with pytest.raises(RuntimeError, match="meta"):
        loss.total.item()
