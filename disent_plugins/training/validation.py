"""The loss on images that the training has not seen, in evaluation mode and with the same noise every time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from disent_plugins.data_adapters.samplers import Batches
from disent_plugins.training.feed import Feed
from disent_plugins.training.pixels import Pixels
from disent_plugins.training.precision import Precision, calculating
from disent_plugins.training.randomness import own_noise
from disent_plugins.training.step import as_vector


def validate(
    model: nn.Module, pixels: Pixels, batches: Batches, progress: Tensor, precision: Precision
) -> tuple[list[str], Tensor]:
    """Names and means over the batches of the total and the terms, [1 + T]; leaves the model in evaluation mode.

    Args:
        model: On its device.
        pixels: The images.
        batches: n of them.
        progress: Scalar, share of the training that is done.
        precision: Of convolutions and matrix products.
    """
    model.eval()
    found = []
    with torch.no_grad(), own_noise(pixels.device), calculating(precision, pixels.device):
        for inputs in Feed(pixels)(batches, progress.expand(len(batches.rows))):
            loss = model.loss(inputs.batch(pixels))  # type: ignore[operator]
            found.append(as_vector(loss).double())
    return ["total", *loss.terms], torch.stack(found).mean(dim=0)
