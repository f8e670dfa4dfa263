"""Batch normalisation by the statistics of the whole batch where processes share one."""

from __future__ import annotations

from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm
from torch.nn.modules.batchnorm import SyncBatchNorm, _BatchNorm

from disent_plugins.whole_batch import add_up, shares, whole_rows


def over_whole_batch(model: nn.Module) -> None:
    """Let every batch normalisation of a model see the whole batch in ``whole_batch.sharing``; names stay as they are.

    On any device: torch's ``SyncBatchNorm``, which is left as it is, works on GPUs alone.
    """
    for module in model.modules():
        if isinstance(module, _BatchNorm) and not isinstance(module, SyncBatchNorm):
            module.forward = MethodType(_forward, module)  # type: ignore[method-assign]


def _forward(norm: _BatchNorm, x: Tensor) -> Tensor:
    if not norm.training or shares() == 1:
        return type(norm).forward(norm, x)
    with torch.no_grad():
        mean, variance = _statistics(x)
        _remember(norm, mean, variance, shares() * x.numel() // x.shape[1])
    weight, bias = (norm.weight, norm.bias) if norm.affine else (torch.ones_like(mean), torch.zeros_like(mean))
    found: Tensor = _Normalised.apply(x, weight, bias, mean, variance, norm.eps)
    return found


def _statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased variance of every channel, [C], over the whole batch, in fp32 at least."""
    kind, count = torch.promote_types(x.dtype, torch.float32), x.numel() // x.shape[1]
    mean, variance = (torch.zeros(x.shape[1], dtype=kind, device=x.device) for _ in range(2))
    batch_norm(x, mean, variance, training=True, momentum=1.0)  # much faster than torch.var_mean in channels-last
    variance *= (count - 1) / count
    each = whole_rows(torch.stack([mean, variance]).unsqueeze(0))  # [W, 2, C]
    # Shares are equal; this way no large squares are subtracted.
    return each[:, 0].mean(dim=0), each[:, 1].mean(dim=0) + each[:, 0].var(dim=0, correction=0)


def _remember(norm: _BatchNorm, mean: Tensor, variance: Tensor, count: int) -> None:
    """Move the running statistics as torch does: with the unbiased variance, by ``momentum`` or as a plain mean."""
    if norm.running_mean is None or norm.running_var is None or norm.num_batches_tracked is None:
        return
    norm.num_batches_tracked += 1
    pace = 1.0 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
    norm.running_mean.lerp_(mean, pace)
    norm.running_var.lerp_(variance * (count / (count - 1)), pace)


class _Normalised(torch.autograd.Function):
    """y = weight (x - mean) / sqrt(variance + eps) + bias; mean and variance are those of x over all processes."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, eps: float
    ) -> Tensor:
        ctx.save_for_backward(x, weight, mean, variance)
        ctx.eps, ctx.count = eps, shares() * x.numel() // x.shape[1]
        return batch_norm(x, mean, variance, weight, bias, eps=eps)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, variance = ctx.saved_tensors
        # As if mean and variance were constants: torch's own kernel, with the sums that are needed for the rest.
        for_x, for_weight, for_bias = torch.ops.aten.native_batch_norm_backward(
            gradient, x, weight, mean, variance, None, None, False, ctx.eps, [True, True, True]
        )
        of_weight, of_bias = add_up(torch.stack([for_weight, for_bias])) / ctx.count
        inverse = (variance + ctx.eps).rsqrt()
        slope = -weight * inverse.square() * of_weight
        offset = -weight * inverse * of_bias - slope * mean
        shape = [-1, *[1] * (x.ndim - 2)]
        for_x = for_x + torch.addcmul(offset.view(shape), x, slope.view(shape)).to(for_x.dtype)
        return for_x, for_weight, for_bias, None, None, None
