"""Named parameter groups, each with an optimiser of its own: what a model's training step may update."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from disent_plugins.errors import PluginFailure, UsageError, suggestion

EVERYTHING = "everything"
"""The one group of a model that names none."""


class Updates:
    """The optimisers of a model; ``updates(total, "encoder")`` is one backward pass and one step of that group.

    Adam with its default betas (GM-VAE paper, appendix D), in one fused kernel for each group.

    Args:
        model: On its device.
        lr: The run's learning rate; a group's own is a multiple of it.
        average: Called with the parameters that are about to step: their gradients become those of all processes.

    Attributes:
        idle: Groups that no step has updated so far, in the model's order.

    Raises:
        PluginFailure: The model's ``parameter_groups`` are not what the contract says.
    """

    def __init__(
        self, model: nn.Module, lr: float, average: Callable[[Iterable[nn.Parameter]], None] = lambda parameters: None
    ) -> None:
        self._owner, self._average = type(model).__name__, average
        self._parameters: dict[str, list[nn.Parameter]] = {}
        self._factors: dict[str, float] = {}
        for name, group in _groups_of(model).items():
            self._parameters[name], self._factors[name] = self._checked(name, group)
        self._check_complete(model)
        self._optimizers = {
            name: torch.optim.Adam(parameters, lr=lr * self._factors[name], fused=True)
            for name, parameters in self._parameters.items()
        }
        self.idle = list(self._parameters)
        self._on_gpu = any(p.device.type == "cuda" for parameters in self._parameters.values() for p in parameters)
        self._arrange()

    @property
    def names(self) -> tuple[str, ...]:
        """The groups."""
        return tuple(self._parameters)

    def set_rate(self, lr: float) -> None:
        """The run's learning rate from now on."""
        for name, optimizer in self._optimizers.items():
            for part in optimizer.param_groups:
                if isinstance(part["lr"], Tensor):
                    part["lr"].fill_(lr * self._factors[name])
                else:
                    part["lr"] = lr * self._factors[name]

    def __call__(self, total: Tensor, *groups: str) -> None:
        """See ``disent_plugins.contracts.Update``.

        Raises:
            PluginFailure: A group is unknown, or ``total`` is no scalar that depends on a parameter.
        """
        for name in groups:
            if name not in self._parameters:
                raise self._fault(f"updates a group '{name}'", suggestion(name, self.names))
        if not isinstance(total, Tensor) or total.ndim or not total.requires_grad:
            raise self._fault("updates on something that is no scalar with a gradient", "It takes the scalar loss.")
        chosen = groups or self.names
        for name in chosen:
            self._optimizers[name].zero_grad(set_to_none=True)
        # Only these leaves: what the others would get is neither computed nor left behind.
        leaves = None if chosen == self.names else [p for name in chosen for p in self._parameters[name]]
        with torch.autocast(total.device.type, enabled=False):  # a backward pass has its forward pass's precision
            total.backward(inputs=leaves)
        self._average(dict.fromkeys(p for name in chosen for p in self._parameters[name]))
        for name in chosen:
            self._optimizers[name].step()
        if self.idle:
            self.idle = [name for name in self.idle if name not in chosen]

    def tensors(self) -> list[Tensor]:
        """All that the optimisers keep of past steps; all of it is 0 before the first."""
        states = [state for optimizer in self._optimizers.values() for state in optimizer.state.values()]
        return [value for state in states for value in state.values() if isinstance(value, Tensor)]

    def set_capturable(self, on: bool) -> None:
        """Whether steps are recorded in a CUDA graph; the optimisers refuse one, or warn of none, otherwise."""
        for optimizer in self._optimizers.values():
            for part in optimizer.param_groups:
                part["capturable"] = on

    def forget_gradients(self) -> None:
        """Let go of the gradients of the last step."""
        for optimizer in self._optimizers.values():
            optimizer.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, Any]:
        """Group to its optimiser's state, the same on every kind of device."""
        found = {name: optimizer.state_dict() for name, optimizer in self._optimizers.items()}
        for state in found.values():
            for part in state["param_groups"]:
                part.update(lr=float(part["lr"]), capturable=False)
        return found

    def load_state_dict(self, state: Mapping[str, Any], where: str) -> None:
        """Go on as the state says.

        Raises:
            UsageError: It is that of a model with other groups or other parameters in them.
        """
        if set(state) != set(self._optimizers):
            raise UsageError(
                f"{where} does not fit the model of its run.",
                f"It has optimisers for {', '.join(state)}; the model now names {', '.join(self.names)}.",
                "Was the model's code changed since the run was started?",
            )
        for name, optimizer in self._optimizers.items():
            try:
                optimizer.load_state_dict(state[name])
            except (ValueError, KeyError, TypeError) as error:
                raise UsageError(
                    f"{where} does not fit the model of its run.",
                    f"The parameters of the group '{name}' are not what they were: {error}.",
                    "Was the model's code changed since the run was started?",
                ) from error
        self._arrange()

    def _arrange(self) -> None:
        """On a GPU a step can be recorded and replayed, so the learning rate, which changes, is in its memory."""
        if not self._on_gpu:
            return
        for parameters, optimizer in zip(self._parameters.values(), self._optimizers.values(), strict=True):
            for part in optimizer.param_groups:
                rate = torch.tensor(float(part["lr"]), dtype=torch.float32, device=parameters[0].device)
                part.update(lr=rate, capturable=False)

    def _checked(self, name: str, group: Any) -> tuple[list[nn.Parameter], float]:
        found, settings = group if isinstance(group, tuple) and len(group) == 2 else (group, {})
        if isinstance(found, nn.Parameter) or not isinstance(settings, Mapping) or set(settings) - {"lr"}:
            raise self._fault(f"has a parameter group '{name}' that is none", _FORM)
        try:
            parameters = list(found)
            factor = float(settings.get("lr", 1.0))
        except (TypeError, ValueError) as error:
            raise self._fault(f"has a parameter group '{name}' that is none", f"{error}. {_FORM}") from error
        if not all(isinstance(p, nn.Parameter) for p in parameters) or not 0 < factor < float("inf"):
            raise self._fault(f"has a parameter group '{name}' that is none", _FORM)
        parameters = [p for p in dict.fromkeys(parameters) if p.requires_grad]
        if not parameters:
            raise self._fault(f"has a parameter group '{name}' without a trainable parameter", _FORM)
        return parameters, factor

    def _check_complete(self, model: nn.Module) -> None:
        held = {id(p) for parameters in self._parameters.values() for p in parameters}
        lost = [name for name, p in model.named_parameters() if p.requires_grad and id(p) not in held]
        if lost:
            raise self._fault(
                f"has parameters in no group: {', '.join(lost)}",
                "parameter_groups names every trainable parameter, or else it would stay as it was made.",
            )

    def _fault(self, what: str, why: str) -> PluginFailure:
        return PluginFailure(f"{self._owner} {what}.", why, "Its author can check it with check_model")


_FORM = 'A group is parameters, or (parameters, {"lr": factor}) with a factor above 0.'


def _groups_of(model: nn.Module) -> dict[str, Any]:
    named = getattr(model, "parameter_groups", None)
    if not callable(named):
        return {EVERYTHING: model.parameters()}
    try:
        groups = named()
    except Exception as error:
        raise PluginFailure(
            f"{type(model).__name__}.parameter_groups failed.", f"{type(error).__name__}: {error}",
            "Its author can check it with check_model",
        ) from error  # fmt: skip
    if not isinstance(groups, Mapping) or not groups or not all(isinstance(name, str) and name for name in groups):
        raise PluginFailure(
            f"{type(model).__name__}.parameter_groups gives no groups by name.", _FORM,
            "Its author can check it with check_model",
        )  # fmt: skip
    return dict(groups)
