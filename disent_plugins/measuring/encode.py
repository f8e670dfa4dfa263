"""Every image through the encoder once: the codes that all metrics of a run share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from disent_plugins.contracts import SPLITS, Codes, Gaussian, ImageSpec, ImageTable, Posterior, Report
from disent_plugins.contracts.outputs import check_fused, check_images, check_posterior
from disent_plugins.errors import WorkFailed
from disent_plugins.training.pixels import Pixels

BATCH = 512


def used_rows(table: ImageTable, limit: int | None) -> np.ndarray:
    """Positions of the images a run uses, ascending: the first ``limit`` training images and every other split."""
    rows = [table.rows(split) for split in SPLITS]
    rows[0] = rows[0][:limit]
    return np.sort(np.concatenate(rows))


def encode(model: nn.Module, pixels: Pixels, table: ImageTable, rows: np.ndarray, report: Report) -> Codes:
    """Encode the images at ``rows`` in evaluation mode (batch statistics would leak a batch's composition).

    Raises:
        ContractError: The encoder gives something else than posteriors of one form.
        WorkFailed: It gives something that is not a finite number.
    """
    model.eval()
    parts: dict[str, list[np.ndarray]] = {}
    before: Posterior | None = None
    with torch.inference_mode():
        for start in range(0, len(rows), BATCH):
            index = torch.from_numpy(rows[start : start + BATCH]).to(pixels.device)
            z = model.encode(pixels.batch(index))  # type: ignore[operator]
            check_posterior(model, z, len(index), before)
            before = z
            for name, code in (("content", z.content), ("style", z.style)):
                for column, value in ((name, code.mean), (f"{name}_logvar", code.logvar)):
                    if value is not None:  # a code without variance has none to keep
                        parts.setdefault(column, []).append(value.float().cpu().numpy())
            report(min(start + BATCH, len(rows)), len(rows), "encoding")
    columns = {name: np.concatenate(values) for name, values in parts.items()}
    _require_finite("encoder gives codes", *columns.values())
    return Codes(
        content=columns["content"],
        style=columns["style"],
        content_logvar=columns.get("content_logvar"),
        style_logvar=columns.get("style_logvar"),
        factors=table.factors[rows],
        factor_names=tuple(factor.name for factor in table.info.factors),
        content_factor=table.info.content,
        split=table.split[rows],
        described=table.info.factors,
    )


def _require_finite(what: str, *arrays: np.ndarray) -> None:
    if not all(np.isfinite(array).all() for array in arrays):
        raise WorkFailed(f"The {what} that are not finite numbers.", "Its weights may have diverged.")


def decoder(model: nn.Module, device: torch.device, image: ImageSpec) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The model's decoder on arrays: content [B, Dc], style [B, Ds] -> images [B, H, W, C] float32 in [0, 1]."""

    def decode(content: np.ndarray, style: np.ndarray) -> np.ndarray:
        model.eval()
        parts = []
        with torch.inference_mode():
            for start in range(0, len(content), BATCH):
                # A copy: codes may be read-only, which torch warns of.
                c, s = (torch.tensor(block[start : start + BATCH], dtype=torch.float32) for block in (content, style))
                images = model.decode(c.to(device), s.to(device))  # type: ignore[operator]
                check_images(f"{type(model).__name__}.decode", images, (len(c), *image.shape), torch.Tensor)
                parts.append(images.clamp(0, 1).permute(0, 2, 3, 1).float().cpu().numpy())
        made = np.concatenate(parts)
        _require_finite("decoder gives images", made)
        return made

    return decode


def encoder(model: nn.Module, device: torch.device) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """The model's encoder on arrays: images [B, H, W, C] in [0, 1] -> means content [B, Dc], style [B, Ds]."""

    def encode_images(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        model.eval()
        content, style = [], []
        with torch.inference_mode():
            for start in range(0, len(images), BATCH):
                batch = torch.as_tensor(images[start : start + BATCH], dtype=torch.float32).permute(0, 3, 1, 2)
                z = model.encode(batch.to(device))  # type: ignore[operator]
                check_posterior(model, z, len(batch))
                content.append(z.content.mean.float().cpu().numpy())
                style.append(z.style.mean.float().cpu().numpy())
        means = np.concatenate(content), np.concatenate(style)
        _require_finite("encoder gives codes", *means)
        return means

    return encode_images


def fusion(model: nn.Module, device: torch.device) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] | None:
    """The model's own rule for the content of a group of images on arrays; None if it has none.

    Content means [B, Dc], log-variances [B, Dc] and group ids [B] in 0..G-1 -> [G, Dc].
    """
    if not callable(getattr(model, "fuse", None)):
        return None

    def fuse(mean: np.ndarray, logvar: np.ndarray, group: np.ndarray) -> np.ndarray:
        content = Gaussian(*(torch.tensor(part, dtype=torch.float32, device=device) for part in (mean, logvar)))
        ids = torch.tensor(group, dtype=torch.int64, device=device)
        with torch.inference_mode():
            found = model.fuse(content, ids, int(group.max()) + 1)  # type: ignore[operator]
            check_fused(type(model).__name__, found, int(group.max()) + 1, mean.shape[1])
            return np.asarray(found.float().cpu())

    return fuse


def real_images(table: ImageTable, rows: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The real images by position among the codes: [B] -> [B, H, W, C] float32 in [0, 1]."""
    return lambda positions: table.images[rows[positions]].astype(np.float32) / 255.0
