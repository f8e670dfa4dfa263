"""The classifier of the paper's appendix D, several side by side.

Linear 256, batch norm, LeakyReLU 0.2, twice, then linear. P probes, B batch, D input width, K classes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import nn

HIDDEN = 256
SLOPE = 0.2


class Networks(nn.Module):
    """P of the paper's classifiers: [P, B, D] -> [P, K, B].

    Activations are [P, features, B]: viewed as [1, P * features, B] they go through one ordinary batch norm.
    """

    def __init__(self, width: int, classes: int, generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        sizes = [width, HIDDEN, HIDDEN, classes]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for inputs, outputs in itertools.pairwise(sizes):
            bound = 1 / math.sqrt(inputs)  # what torch.nn.Linear draws from
            self.weights.append(_uniform((outputs, inputs), bound, generators))
            self.biases.append(_uniform((outputs, 1), bound, generators))
        self.norms = nn.ModuleList(nn.BatchNorm1d(len(generators) * HIDDEN) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = x.transpose(1, 2)
        for weight, bias, norm in zip(self.weights, self.biases, self.norms, strict=False):
            hidden = torch.baddbmm(bias, weight, hidden)
            count, features, batch = hidden.shape
            hidden = norm(hidden.view(1, count * features, batch)).view(count, features, batch)
            hidden = nn.functional.leaky_relu(hidden, SLOPE, inplace=True)
        return torch.baddbmm(self.biases[-1], self.weights[-1], hidden)


def _uniform(shape: tuple[int, int], bound: float, generators: Sequence[torch.Generator]) -> nn.Parameter:
    return nn.Parameter(torch.stack([torch.empty(shape).uniform_(-bound, bound, generator=g) for g in generators]))
