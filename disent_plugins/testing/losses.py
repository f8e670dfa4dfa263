"""What ``check_model`` asks of a loss: its form for every kind of batch, and the same numbers from the same seed."""

from __future__ import annotations

from typing import Any

import torch

from disent_plugins.contracts import GroupBatch
from disent_plugins.contracts.broken import demand
from disent_plugins.contracts.outputs import check_form
from disent_plugins.testing.batches import validation_of

RESERVED = {"total", "seconds", "images_per_second", "data_wait", "learning_rate"}
"""Names that the trainer logs beside a model's terms."""


def check_loss(model: Any, name: str, batches: dict[str, GroupBatch]) -> None:
    """Form of the loss for every kind of groups, while training and while validating."""
    names: list[str] | None = None
    validation = {"groups that training lacks": validation_of(batches["groups"])}
    for training in (True, False):
        model.train(training)
        for kind, batch in (batches if training else {**batches, **validation}).items():
            where = f"{name}.loss, batch with {kind}{'' if training else ', evaluation mode'}"
            with torch.set_grad_enabled(training):
                loss = model.loss(batch)
            check_form(where, loss)
            for term, value in {"total": loss.total, **loss.terms}.items():
                demand(
                    value.isfinite(),
                    f"{where}: {term} is {value.item()}.",
                    "Guard logarithms and divisions: groups may be unknown (-1), empty or of one image.",
                )
            reserved = sorted(term for term in loss.terms if term in RESERVED or "/" in term)
            demand(
                not reserved,
                f"{where}: terms are named {', '.join(reserved)}.",
                "The log uses these names and '/': choose others.",
            )
            names = list(loss.terms) if names is None else names
            demand(
                list(loss.terms) == names,
                f"{where}: its terms are {', '.join(loss.terms)}; before they were {', '.join(names)}.",
                "Give the same terms in the same order for every batch; 0 where one does not apply.",
            )


def check_repeatable(model: Any, name: str, batch: GroupBatch) -> None:
    """Same seed, same numbers: otherwise a resumed run is another run."""
    totals = []
    model.eval()
    for _ in range(2):
        torch.manual_seed(1)
        with torch.no_grad():
            totals.append(model.loss(batch).total)
    demand(
        torch.equal(*totals),
        f"{name}.loss gives {totals[0].item()} and then {totals[1].item()} for the same batch, weights and seed.",
        "Draw all noise from torch's own generator, and keep no state outside parameters and buffers.",
    )
