"""How steps are started: one by one, compiled, or as a recorded graph; what cannot be done falls back, and says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from disent_plugins.errors import UsageError
from disent_plugins.training.feed import Inputs
from disent_plugins.training.graph import CudaRecorder, Recorder, Replayed, Snapshot
from disent_plugins.training.step import Step

Switch = Literal["auto", "on", "off"]

COMPILED = ("encoder", "decoder")
"""Parts of a model that are compiled."""


def check_graph(graph: Switch, device: torch.device) -> None:
    """Refuse a graph where there is none.

    Raises:
        UsageError: It is asked for on the CPU.
    """
    if graph == "on" and device.type != "cuda":
        raise UsageError(
            f"There are no graphs on the device '{device}'.",
            "A recorded step saves the time in which a CPU starts a GPU's work.",
            "Leave --graph out, or train on a GPU: --device cuda",
        )


class Launch:
    """Takes steps. The first one finds out how, and leaves no other trace than that step.

    Args:
        step: The step.
        graph: Whether to record it; ``auto`` does on a GPU.
        compiled: Whether to compile encoder and decoder; ``auto`` does not, as few runs last long enough to repay it.
        say: Told why something is not done.
        recorder: What records; None for CUDA's on a GPU, nothing elsewhere.
    """

    def __init__(
        self,
        step: Step,
        graph: Switch,
        compiled: Switch,
        say: Callable[[str], None],
        recorder: Recorder | None = None,
    ) -> None:
        device = step.pixels.device
        if recorder is None and device.type == "cuda":
            recorder = CudaRecorder(device)
        self.step, self._say = step, say
        self._recorder = None if graph == "off" else recorder
        self._compile = compiled == "on"
        self._take: Callable[[Inputs], Tensor] | None = None

    @property
    def names(self) -> list[str]:
        """What the numbers are that steps give."""
        return self.step.names

    @property
    def recorded(self) -> bool:
        """Whether steps are replayed."""
        return isinstance(self._take, Replayed)

    def __call__(self, inputs: Inputs) -> Tensor:
        """Take a step; the total and the named terms, [1 + T], good until the next."""
        if self._take is None:
            if self._compile:
                self._compile_parts(inputs)
            self._take = self._recording(inputs)
        return self._take(inputs)

    def _recording(self, inputs: Inputs) -> Callable[[Inputs], Tensor]:
        """The step as a graph, or as it is."""
        if self._recorder is None:
            return self.step
        if self.step.own is not None:
            self._say("no graph: the model takes steps of its own, which may look at values")
            return self.step
        before = self._snapshot()
        # What fails here would fail without a graph as well.
        self._recorder.warm_up(lambda: self.step(inputs))
        changed = ", ".join(name.strip(".") for name in before.changed())
        before.restore()
        if changed:
            self._say(f"no graph: the step changes {changed} of the model, which a recording would not")
            return self.step
        take: Callable[[Inputs], Tensor] = self.step
        self.step.updates.set_capturable(True)
        try:
            take = Replayed(self.step, inputs, self._recorder)
        except Exception as error:
            self.step.updates.set_capturable(False)
            self._say(f"warning: no graph: the step could not be recorded ({_told(error)})")
        before.restore()
        return take

    def _compile_parts(self, inputs: Inputs) -> None:
        parts = [part for name in COMPILED if isinstance(part := getattr(self.step.model, name, None), nn.Module)]
        if not parts:
            self._say(f"warning: nothing is compiled: the model has no {' or '.join(COMPILED)}")
            return
        before = self._snapshot()
        for part in parts:
            part.compile()
        try:
            cold, warm = self._seconds(inputs), self._seconds(inputs)
            self._say(f"compiled: the first step took {cold:.1f} s, the next {warm:.3f} s")
        except Exception as error:
            for part in parts:
                part._compiled_call_impl = None
            self._say(f"warning: not compiled: {_told(error)}")
        before.restore()

    def _seconds(self, inputs: Inputs) -> float:
        """How long a step takes, until its numbers are there."""
        started = time.perf_counter()
        self.step(inputs).sum().item()
        return time.perf_counter() - started

    def _snapshot(self) -> Snapshot:
        return Snapshot(self.step.model, self.step.updates, self.step.pixels.device)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
