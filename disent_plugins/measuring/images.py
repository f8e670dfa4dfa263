"""Anybody's images as a model takes them: another size or range is refused, and nothing is guessed."""

from __future__ import annotations

from typing import Any

import numpy as np

from disent_plugins.contracts import ImageSpec
from disent_plugins.errors import UsageError
from disent_plugins.metrics.codes.arrays import taken

HELP = "It takes images [N, H, W, C], [N, H, W] of one channel, or [N, C, H, W]: uint8 in 0..255 or floats in 0..1."

ROUNDING = 1e-5
"""As far as the arithmetic of 16- and 32-bit floats leads out of 0..1; what leads further is another range."""


def checked_images(given: Any, image: ImageSpec, *, made: str = "", source: str = "The call") -> np.ndarray:
    """Images as [N, H, W, C], uint8 in 0..255 or float32 in 0..1.

    Args:
        given: [N, H, W, C], [N, H, W] where C is 1, or [N, C, H, W] where that is not the same: an array, a tensor, or
            anything else that NumPy takes.
        image: The size that the model takes.
        made: How the images that it was trained on were made, for the message.
        source: Where they come from, for messages.

    Raises:
        UsageError: They are no array of numbers, none at all, of another size or number of channels, or out of range.
    """
    images = taken(source, "images", given, HELP)
    if images.dtype.kind not in "uif":
        raise UsageError(f"{source} has images of type {images.dtype}.", "They are no numbers.", HELP)
    if images.ndim not in (3, 4) or not len(images):
        hint = "A single image is given as images[None]." if images.ndim in (2, 3) else HELP
        raise UsageError(f"{source} has images of shape {images.shape}.", "It takes one image or more in a row.", hint)
    return _in_range(_laid_out(images, image, made, source), source)


def scaled(images: np.ndarray) -> np.ndarray:
    """Checked images as float32 in [0, 1]."""
    return images.astype(np.float32) / 255.0 if images.dtype == np.uint8 else images


def _laid_out(images: np.ndarray, image: ImageSpec, made: str, source: str) -> np.ndarray:
    channels, height, width = image.shape
    given = images
    if images.ndim == 3:
        images = images[..., None]
    if images.shape[1:] == (height, width, channels):
        return images
    if images.shape[1:] == (channels, height, width):
        return np.moveaxis(images, 1, -1)
    raise UsageError(
        f"{source} has images of shape {given.shape[1:]}, and the model takes {height}x{width} pixels of "
        f"{channels} channel{'s' * (channels != 1)}.",
        f"The images that it was trained on were made so: {made or 'unknown'}.",
        _fitting(given.shape[1:], image),
    )


def _fitting(shape: tuple[int, ...], image: ImageSpec) -> str:
    """How images of another shape, [h, w], [h, w, c] or [c, h, w], can be made to fit."""
    channels, height, width = image.shape
    first = len(shape) == 3 and shape[2] not in (1, 3, channels)
    h, w = shape[1:] if first else shape[:2]
    c = 1 if len(shape) == 2 else shape[0 if first else 2]
    if c != channels:
        return f"They have {c} channels; convert them first, with Pillow for example: picture.convert('L') or 'RGB'."
    missing = height - h, width - w
    if min(missing) < 0 or any(part % 2 for part in missing):
        return f"Resize them first to {height}x{width}, as those were made."
    sides = ["(0, 0)", *(f"({part // 2}, {part // 2})" for part in missing)]
    if len(shape) == 3:
        sides.insert(1 if first else 3, "(0, 0)")
    return f"To pad them with zeros: images = numpy.pad(images, ({', '.join(sides)}))"


def _in_range(images: np.ndarray, source: str) -> np.ndarray:
    if images.dtype == np.uint8:
        if images.max() == 1:
            raise UsageError(
                f"{source} has images of type uint8 whose largest value is 1.",
                "Images of that type lie in 0..255, where that is black.",
                "If they lie in 0..1: images.astype('float32').",
            )
        return images
    low, high = float(images.min()), float(images.max())
    if images.dtype.kind != "f":
        hint = "If they lie in 0..255: images.astype('uint8')." if low >= 0 and high <= 255 else HELP
        raise UsageError(f"{source} has images of type {images.dtype}.", f"They lie in {low:g}..{high:g}.", hint)
    if not np.isfinite(low + high):
        raise UsageError(f"{source} has images with NaN or infinity.", "Pixels are finite numbers.", HELP)
    if low < -ROUNDING or high > 1 + ROUNDING:
        hint = "Divide them by the largest value that a pixel can have, such as 255."
        if low < 0:
            hint = "If they were shifted and scaled, undo it: those of -1..1 become (images + 1) / 2."
        raise UsageError(f"{source} has images in {low:.4g}..{high:.4g}.", "Floats have to lie in 0..1.", hint)
    return images.astype(np.float32, copy=False).clip(0, 1)
