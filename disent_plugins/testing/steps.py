"""What ``check_model`` asks of training: every parameter is reached, and going on equals never having stopped."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from disent_plugins.contracts import GroupBatch, Loss
from disent_plugins.contracts.broken import ContractError, demand
from disent_plugins.errors import DisentError
from disent_plugins.training.updates import Updates

LR = 1e-3


def check_gradients(model: Any, name: str, batches: dict[str, GroupBatch], untrained: set[str]) -> None:
    """Every parameter gets a finite gradient that is not always 0."""
    parameters = _trainable(model, name, untrained)
    model.train()
    reached = set()
    for kind, batch in batches.items():
        model.zero_grad(set_to_none=True)
        total = model.loss(batch).total
        demand(total.requires_grad, f"{name}.loss: total has no gradient.", "Do not detach it, nor use no_grad.")
        total.backward()
        for key, value in parameters.items():
            gradient = value.grad
            demand(
                gradient is None or gradient.isfinite().all(),
                f"{name}: the gradient of {key} is not finite for a batch with {kind}.",
                "Look for 0/0 and square roots of 0; torch.where does not stop a NaN in the branch not taken.",
            )
            if gradient is not None and gradient.any():
                reached.add(key)
    lost = [key for key in parameters if key not in reached and key not in untrained]
    demand(
        not lost,
        f"{name}: the loss never reaches {', '.join(lost)}.",
        "Something cuts the gradient (detach, .data, an unused layer); if that is meant, name them in untrained=(...).",
    )


def check_own_steps(model: Any, name: str, batches: dict[str, GroupBatch], untrained: set[str]) -> None:
    """The model's own training step gives a loss, updates every group it names, and changes every parameter."""
    parameters = _trainable(model, name, untrained)
    updates = _updates(model)
    model.train()
    before = {key: value.detach().clone() for key, value in parameters.items()}
    # A model may do other things early and late.
    moments = [
        (kind, replace(batch, progress=torch.tensor(at))) for at in (0.0, 1.0) for kind, batch in batches.items()
    ]
    for kind, batch in moments:
        loss = _step(model, updates, batch, f"{name}.training_step, batch with {kind}")
        demand(
            isinstance(loss, Loss),
            f"{name}.training_step returns {type(loss).__name__}.",
            "Return what is logged: a Loss.",
        )
        demand(
            all(value.isfinite().all() for value in parameters.values()),
            f"{name}: after a step on a batch with {kind} a parameter is not finite.",
            "Look for 0/0 and square roots of 0; torch.where does not stop a NaN in the branch not taken.",
        )
    demand(
        not updates.idle,
        f"{name}.training_step never updates the group {', '.join(updates.idle)}.",
        "Name it in a call of update, or leave it out of parameter_groups.",
    )
    lost = [key for key, value in parameters.items() if torch.equal(value, before[key]) and key not in untrained]
    demand(
        not lost,
        f"{name}: no step changes {', '.join(lost)}.",
        "Something cuts the gradient (detach, .data, the wrong group); if that is meant, name them in untrained=(...).",
    )


def check_going_on(make: Callable[[], nn.Module], name: str, batch: GroupBatch) -> None:
    """Stopped in the middle of an epoch and resumed, the steps that follow are the same to the bit."""

    def steps(model: nn.Module, updates: Updates, count: int) -> None:
        for _ in range(count):
            _step(model, updates, batch, f"{name}, training")

    torch.manual_seed(3)
    model = make().train()
    updates = _updates(model)
    steps(model, updates, 2)
    file = io.BytesIO()
    torch.save({"model": model.state_dict(), "updates": updates.state_dict(), "random": torch.get_rng_state()}, file)
    steps(model, updates, 2)
    file.seek(0)
    kept = torch.load(file, weights_only=True)
    resumed = make().train()
    resumed.load_state_dict(kept["model"])
    again = _updates(resumed)
    again.load_state_dict(kept["updates"], name)
    torch.set_rng_state(kept["random"])
    steps(resumed, again, 2)
    other = dict(resumed.state_dict())
    apart = [key for key, value in model.state_dict().items() if not torch.equal(value, other[key])]
    demand(
        not apart,
        f"{name} is another model after it was stopped and resumed: {', '.join(apart)} differ.",
        "Keep all that steps depend on in parameters and buffers, and draw all noise from torch's own generator.",
    )


def _trainable(model: Any, name: str, untrained: set[str]) -> dict[str, Tensor]:
    parameters = {key: value for key, value in model.named_parameters() if value.requires_grad}
    strange = sorted(untrained - set(parameters))
    demand(not strange, f"{name} has no trainable parameter {', '.join(strange)}.", "Correct 'untrained'.")
    demand(parameters, f"{name} has no trainable parameter.", "Register its layers as attributes of the module.")
    return parameters


def _updates(model: Any) -> Updates:
    try:
        return Updates(model, LR)
    except DisentError as error:
        raise ContractError(error.what, error.why) from error


def _step(model: Any, updates: Updates, batch: GroupBatch, where: str) -> Any:
    """One training step, as the trainer takes it."""
    own = getattr(model, "training_step", None)
    try:
        if own is not None:
            return own(batch, updates)
        loss = model.loss(batch)
        updates(loss.total)
        return loss
    except DisentError as error:
        raise ContractError(f"{where}: {error.what}", error.why) from error
