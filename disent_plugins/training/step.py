"""One step of training: images of a batch, loss, backward pass and update; nothing in it waits for a GPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from disent_plugins.contracts import Loss
from disent_plugins.contracts.outputs import check_form
from disent_plugins.training.feed import Inputs
from disent_plugins.training.pixels import Pixels
from disent_plugins.training.precision import Precision, calculating
from disent_plugins.training.updates import Updates


class Step:
    """Trains a model on one batch; steps of its own where the model has them.

    Args:
        model: On its device.
        updates: Its optimisers.
        pixels: The images.
        precision: Of convolutions and matrix products.

    Attributes:
        names: What the numbers are that the latest step gave.
    """

    def __init__(self, model: nn.Module, updates: Updates, pixels: Pixels, precision: Precision) -> None:
        self.model, self.updates, self.pixels, self.precision = model, updates, pixels, precision
        self.own = getattr(model, "training_step", None)
        self.names: list[str] = []

    def __call__(self, inputs: Inputs) -> Tensor:
        """Take the step; the total and the named terms as one vector [1 + T] on the device."""
        batch, owner = inputs.batch(self.pixels), type(self.model).__name__
        with calculating(self.precision, self.pixels.device):
            if self.own is None:
                loss = self.model.loss(batch)  # type: ignore[operator]
                check_form(f"{owner}.loss", loss)
                self.updates(loss.total)
            else:
                loss = self.own(batch, self.updates)
                check_form(f"{owner}.training_step", loss)
        self.names = ["total", *loss.terms]
        return as_vector(loss)


def as_vector(loss: Loss) -> Tensor:
    """The total and the named terms, [1 + T]."""
    return torch.stack([loss.total.detach(), *(term.detach() for term in loss.terms.values())])
