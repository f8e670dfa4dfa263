"""Picture files of anybody: their bytes, size and colours, and their pixels. Nothing large is unpacked unasked."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from disent_plugins.contracts import ImageSpec
from disent_plugins.files import read_bytes

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")  # none that runs programs, such as EPS
BYTES = 64 << 20
"""That a file may have."""

PIXELS = 50_000_000
"""That a picture may have: more is a mistake, or a small file that unpacks to fill the memory."""

MADE = "pictures turned as their EXIF says, transparency on white, 8 bits, RGB or all grey (version 1)"


@dataclass(frozen=True)
class Seen:
    """What is known of a picture file before its pixels are unpacked."""

    sha256: str
    width: int
    height: int
    grey: bool


def look(path: Path) -> Seen:
    """Read a file's bytes and its header.

    Raises:
        Exception: It is no such picture; damaged files fail in many ways.
    """
    content = read_bytes(path, BYTES)
    with _opened(content) as image:
        turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        width, height = image.size[::-1] if turned else image.size
        return Seen(hashlib.sha256(content).hexdigest(), width, height, image.mode in ("1", "L", "LA"))


def pixels(path: Path, seen: Seen, image: ImageSpec, size: int) -> np.ndarray:
    """uint8 [H, W, C] of a picture; cut square and resized to ``size`` if that is not 0.

    Raises:
        Exception: As ``look``, or it is not what was seen.
    """
    content = read_bytes(path, BYTES)
    if hashlib.sha256(content).hexdigest() != seen.sha256:
        raise ValueError("it was changed while the data set was read")
    with _opened(content) as opened:
        return as_array(opened, image.channels == 1, size)


def as_array(image: Picture, grey: bool, size: int) -> np.ndarray:
    """uint8 [H, W, C] of a Pillow image."""
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("L" if grey else "RGB")
    if size:
        image = ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)
    return np.asarray(image).reshape(image.height, image.width, -1)


def _opened(content: bytes) -> Picture:
    from PIL import Image

    image = Image.open(io.BytesIO(content), formats=_FORMATS)
    if image.width * image.height > PIXELS:
        raise ValueError(f"it has {image.width:,} x {image.height:,} pixels, and {PIXELS:,} are read at most")
    if image.mode.startswith(("I", "F")):
        raise ValueError(f"its pixels have more than 8 bits (mode {image.mode})")
    return image
