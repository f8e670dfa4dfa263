"""The vectorised product of Gaussians against a Python loop over the groups, forward and backward.

Both sides run in turn in one process on the same batch: 256 images in 129 groups, as in a random batch of Cars3D.

    python benchmarks/group_product.py
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from disent_plugins.models.groups import product_of_gaussians

GOAL = 20


def looped(mean: Tensor, logvar: Tensor, group: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The usual way: one boolean mask per group."""
    means, variances = [], []
    for g in range(count):
        members = group == g
        precision = (-logvar[members]).exp()
        variance = 1.0 / precision.sum(dim=0)
        variances.append(variance)
        means.append(variance * (precision * mean[members]).sum(dim=0))
    return torch.stack(means), torch.stack(variances)


def vectorised(mean: Tensor, logvar: Tensor, group: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Ours."""
    groups = product_of_gaussians(mean, logvar, group, count)
    return groups.mean, groups.variance


def seconds(product: Callable[..., tuple[Tensor, Tensor]], *batch: object) -> float:
    """One forward and backward pass."""
    device = batch[0].device  # type: ignore[attr-defined]
    started = time.perf_counter()
    mean, variance = product(*batch)
    (mean.sum() + variance.sum()).backward()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", type=int, default=16, help="size of the content code")
    parser.add_argument("--rounds", type=int, default=30)
    # So small a batch gains nothing from threads, and their barriers wait whenever another process holds a core.
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    images, count = 256, 129
    torch.manual_seed(0)
    group = torch.cat([torch.arange(count), torch.randint(0, count, (images - count,))])[torch.randperm(images)]
    mean, logvar = torch.randn(2, images, options.size).to(options.device)
    batch = (mean.requires_grad_(), logvar.requires_grad_(), group.to(options.device), count)
    for one, other in zip(looped(*batch), vectorised(*batch), strict=True):
        torch.testing.assert_close(one, other)
    times: dict[str, list[float]] = {"loop": [], "vectorised": []}
    for _ in range(options.rounds):
        times["loop"].append(seconds(looped, *batch))
        times["vectorised"].append(seconds(vectorised, *batch))
    loop, ours = (statistics.median(times[name]) for name in ("loop", "vectorised"))
    threads = f"{options.threads} CPU thread(s)" if options.device == "cpu" else options.device
    print(f"{images} images in {count} groups, {options.size} dimensions, median of {options.rounds} rounds, {threads}")
    print(f"loop over the groups  {1e3 * loop:8.3f} ms")
    print(f"vectorised            {1e3 * ours:8.3f} ms")
    print(f"ratio                 {loop / ours:8.1f}  (goal: {GOAL})")


if __name__ == "__main__":
    main()
