"""Every image through the encoder once: the codes that all metrics of a run share."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn

from disent_plugins.contracts import SPLITS, Codes, Gaussian, ImageSpec, ImageTable, Posterior, Report
from disent_plugins.contracts.outputs import check_fused, check_images, check_posterior
from disent_plugins.data_adapters.cache import quiet
from disent_plugins.errors import WorkFailed
from disent_plugins.measuring.images import checked_images, scaled
from disent_plugins.training.pixels import Pixels

BATCH = 512


def used_rows(table: ImageTable, limit: int | None) -> np.ndarray:
    """Positions of the images a run uses, ascending: the first ``limit`` training images and every other split."""
    rows = [table.rows(split) for split in SPLITS]
    rows[0] = rows[0][:limit]
    return np.sort(np.concatenate(rows))


def encode(model: nn.Module, pixels: Pixels, table: ImageTable, rows: np.ndarray, report: Report) -> Codes:
    """Encode the images at ``rows`` (see ``encoded``)."""
    batches = (
        pixels.batch(torch.from_numpy(rows[start : start + BATCH]).to(pixels.device))
        for start in range(0, len(rows), BATCH)
    )
    columns = encoded(model, batches, len(rows), report)
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


def encoded(model: nn.Module, batches: Iterable[Tensor], total: int, report: Report = quiet) -> dict[str, np.ndarray]:
    """Encode batches of images in evaluation mode (batch statistics would leak a batch's composition).

    Args:
        model: The model.
        batches: Images [B, C, H, W] float32 in [0, 1] on its device.
        total: How many they are together.
        report: Progress.

    Returns:
        ``content`` [N, Dc], ``style`` [N, Ds], and ``content_logvar``, ``style_logvar`` where a block has variances.

    Raises:
        ContractError: The encoder gives something else than posteriors of one form.
        WorkFailed: It gives something that is not a finite number.
    """
    model.eval()
    parts: dict[str, list[np.ndarray]] = {}
    before: Posterior | None = None
    done = 0
    with torch.inference_mode():
        for images in batches:
            z = model.encode(images)  # type: ignore[operator]
            check_posterior(model, z, len(images), before)
            before = z
            for name, code in (("content", z.content), ("style", z.style)):
                for column, value in ((name, code.mean), (f"{name}_logvar", code.logvar)):
                    if value is not None:  # a code without variance has none to keep
                        parts.setdefault(column, []).append(value.float().cpu().numpy())
            done += len(images)
            report(done, total, "encoding")
    columns = {name: np.concatenate(values) for name, values in parts.items()}
    _require_finite("encoder gives codes", *columns.values())
    return columns


def encoded_arrays(
    model: nn.Module, device: torch.device, images: np.ndarray, report: Report = quiet
) -> dict[str, np.ndarray]:
    """Encode images [N, H, W, C] as ``checked_images`` gives them (see ``encoded``)."""
    batches = (
        torch.tensor(scaled(images[start : start + BATCH])).permute(0, 3, 1, 2).to(device)
        for start in range(0, len(images), BATCH)
    )
    return encoded(model, batches, len(images), report)


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


def encoder(
    model: nn.Module, device: torch.device, image: ImageSpec
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """The model's encoder on arrays: images [B, H, W, C] in [0, 1] -> means content [B, Dc], style [B, Ds].

    It raises ``UsageError`` for images of another size or range (``measuring.images``).
    """

    def encode_images(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        columns = encoded_arrays(model, device, checked_images(images, image, source="What is encoded"))
        return columns["content"], columns["style"]

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
