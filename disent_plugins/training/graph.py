"""A step recorded once as a CUDA graph and replayed: one launch in place of hundreds.

PyTorch's rules for it: fixed shapes, fixed memory, no look at a value; a few steps on a side stream before recording.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from disent_plugins.training.feed import Inputs
from disent_plugins.training.randomness import random_state, restore_random_state
from disent_plugins.training.updates import Updates

WARM_UPS = 3
"""Steps before recording: libraries choose and load their kernels in the first ones."""

Work = Callable[[], Tensor]


class Recorder(Protocol):
    """Records work on fixed memory; CUDA's, or a stand-in for it."""

    def warm_up(self, work: Work) -> None:
        """Do the work as often as it has to be done before it can be recorded."""

    def record(self, work: Work) -> Work:
        """Record the work without doing it; what is returned does it, and gives the same memory every time."""


class CudaRecorder:
    """CUDA's graphs.

    Args:
        device: A GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self._device, self._side = device, torch.cuda.Stream(device)

    def warm_up(self, work: Work) -> None:
        """See ``Recorder``."""
        current = torch.cuda.current_stream(self._device)
        self._side.wait_stream(current)
        with torch.cuda.stream(self._side):
            for _ in range(WARM_UPS):
                work()
        current.wait_stream(self._side)

    def record(self, work: Work) -> Work:
        """See ``Recorder``."""
        graph = torch.cuda.CUDAGraph()
        # What the thread that reads ahead asks of CUDA meanwhile is none of the graph's business.
        with torch.cuda.graph(graph, stream=self._side, capture_error_mode="thread_local"):
            found = work()

        def replay() -> Tensor:
            graph.replay()
            return found

        return replay


class Replayed:
    """A step on memory of its own, into which each batch is copied.

    Args:
        step: The step.
        example: Inputs of the shapes of all to come.
        recorder: What records it.
    """

    def __init__(self, step: Callable[[Inputs], Tensor], example: Inputs, recorder: Recorder) -> None:
        pixels = None if example.pixels is None else example.pixels.clone()
        self._fixed = Inputs(example.ids.clone(), example.progress.clone(), example.group_count, pixels)
        self._replay = recorder.record(lambda: step(self._fixed))

    def __call__(self, inputs: Inputs) -> Tensor:
        """Take the step; what it gives is good until the next one."""
        self._fixed.ids.copy_(inputs.ids)
        self._fixed.progress.copy_(inputs.progress)
        if inputs.pixels is not None and self._fixed.pixels is not None:
            self._fixed.pixels.copy_(inputs.pixels)
        return self._replay()


class Snapshot:
    """All that a step changes, as it was: weights, statistics, optimisers, random state, a model's counters.

    Args:
        model: On its device.
        updates: Its optimisers.
        device: Of both.
    """

    def __init__(self, model: nn.Module, updates: Updates, device: torch.device) -> None:
        self._model, self._updates, self._device = model, updates, device
        self._kept = [(value, value.detach().clone()) for value in self._values()]
        self._random, self._counters = random_state(device), self._numbers()

    def restore(self) -> None:
        """Put it back into the same memory; what an optimiser has kept since then is 0, as before its first step."""
        known = {id(value) for value, _ in self._kept}
        with torch.no_grad():
            for value, before in self._kept:
                value.copy_(before)
            for value in self._updates.tensors():
                if id(value) not in known:
                    value.zero_()
        self._updates.forget_gradients()
        restore_random_state(self._random, self._device)
        for name in self.changed():
            part, _, attribute = name.rpartition(".")
            owner = self._model.get_submodule(part)
            if name in self._counters:
                setattr(owner, attribute, self._counters[name])
            else:
                delattr(owner, attribute)

    def changed(self) -> list[str]:
        """Numbers and texts that the model keeps as attributes and that have changed: a recording would not do it."""
        now = self._numbers()
        return [name for name in {**self._counters, **now} if self._counters.get(name, now) != now.get(name, now)]

    def _numbers(self) -> dict[str, int | float | str]:
        return {
            f"{part}.{name}": value
            for part, module in self._model.named_modules()
            for name, value in vars(module).items()
            if isinstance(value, int | float | str)
        }

    def _values(self) -> list[Tensor]:
        return [*self._model.parameters(), *self._model.buffers(), *self._updates.tensors()]
