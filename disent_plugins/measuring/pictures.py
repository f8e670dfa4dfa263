"""Files of pictures, or of arrays, as images for a model; folders of classes give labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageOps

from disent_plugins.contracts import ImageSpec, Report
from disent_plugins.data_adapters.cache import quiet
from disent_plugins.errors import UsageError
from disent_plugins.files import require_regular
from disent_plugins.measuring.images import checked_images

ARRAYS = (".npy", ".npz")
_MODES = {1: "L", 3: "RGB"}
_WIDE = ("I", "F")

Fit = Literal["", "resize", "pad"]


@dataclass(frozen=True)
class Found:
    """Images that were read.

    Attributes:
        images: [N, H, W, C], uint8 in 0..255 or float32 in 0..1.
        names: N files; of an array none.
        classes: Names of the folders that the pictures lie in, sorted; none if they do not lie in folders of classes.
        labels: [N] int64, positions in ``classes``, or the array ``labels`` of a file; None if there are none.
        left_out: Files in the folders that are no pictures.
    """

    images: np.ndarray
    names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    labels: np.ndarray | None = None
    left_out: int = 0


def read_images(
    paths: Sequence[Path], image: ImageSpec, *, made: str = "", fit: Fit = "", report: Report = quiet
) -> Found:
    """Read pictures, or one file of an array.

    Args:
        paths: Files of pictures, and folders of them, or of folders of them: one for each class. Or one ``.npy`` file,
            or an ``.npz`` with an array ``images`` and, if it has them, ``labels``.
        image: The size that the model takes; grey and coloured pictures are converted to its channels.
        made: How the images that it was trained on were made, for messages.
        fit: What becomes of pictures of another size: refused, or with ``resize`` scaled, whatever their proportions,
            or with ``pad`` put in the middle of zeros.
        report: Progress.

    Raises:
        UsageError: A path that is not there, no pictures, one that cannot be read or does not fit, or an array that is
            none of images.
    """
    arrays = [path for path in paths if path.suffix.lower() in ARRAYS and not path.is_dir()]
    if arrays:
        if len(paths) > 1:
            raise UsageError(f"{arrays[0]} was given among others.", "One file of an array is encoded at a time.")
        if fit:
            why = "Arrays are taken as they are."
            raise UsageError(f"--{fit} goes with files of pictures.", why, "Change the array: numpy.pad, for example.")
        return _of_arrays(arrays[0], image, made)
    files, classes, left_out = _listed(paths)
    images = np.empty((len(files), image.height, image.width, image.channels), np.uint8)
    for number, file in enumerate(files):
        images[number] = _picture(file, image, fit, made)
        report(number + 1, len(files), "reading pictures")
    named = [name for name in classes if name is not None]
    if not named:
        return Found(images, tuple(map(str, files)), left_out=left_out)
    if len(named) < len(classes):
        loose = files[classes.index(None)]
        raise UsageError(
            f"{loose} lies in no folder of a class.",
            f"Others do: {', '.join(sorted(set(named))[:5])}.",
            "Put it into one, or encode it in a call of its own.",
        )
    names, labels = np.unique(named, return_inverse=True)
    return Found(images, tuple(map(str, files)), tuple(map(str, names)), labels.astype(np.int64), left_out)


def _listed(paths: Sequence[Path]) -> tuple[list[Path], list[str | None], int]:
    """Files of pictures in the order of their names, the class of each, and how many files are none."""
    files: list[Path] = []
    classes: list[str | None] = []
    left_out = 0
    for path in paths:
        if not path.exists():
            raise UsageError(f"There is no {path}.", hint="Give files of pictures, a folder of them, or an .npy file.")
        inside = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        pictures = [file for file in inside if path == file or _is_picture(file)]
        if not pictures:
            raise UsageError(f"There is no picture in {path}.", f"Files there: {len(inside)}.")
        left_out += len(inside) - len(pictures)
        for file in pictures:
            parts = file.relative_to(path).parts
            files.append(file)
            classes.append(parts[0] if len(parts) > 1 else None)
    return files, classes, left_out


def _is_picture(file: Path) -> bool:
    return not file.name.startswith(".") and file.suffix.lower() in Image.registered_extensions()


def _picture(file: Path, image: ImageSpec, fit: Fit, made: str) -> np.ndarray:
    """[H, W, C] uint8."""
    if image.channels not in _MODES:
        why = f"The model takes {image.channels} channels, pictures have 1 or 3."
        raise UsageError("Files of pictures cannot be encoded.", why, "Give an array: an .npy file [N, H, W, C].")
    try:
        require_regular(file)
        with Image.open(file) as opened:
            # Pillow would cut their values at 255.
            wide = opened.mode.startswith(_WIDE)
            picture = opened if wide else ImageOps.exif_transpose(opened).convert(_MODES[image.channels])
    except Exception as error:  # Pillow's readers fail in many ways, and warn of bombs
        why = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise UsageError(f"{file} cannot be read as a picture.", why, "Leave it out, or save it anew.") from error
    if wide:
        hint = "Convert it to 8 bits, or give an array of floats in 0..1."
        raise UsageError(f"{file} has more than 8 bits a channel.", f"Its mode is {picture.mode}.", hint)
    if fit == "resize":
        picture = picture.resize((image.width, image.height), Image.Resampling.LANCZOS)
    pixels = np.asarray(picture, np.uint8)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    missing = [image.height - pixels.shape[0], image.width - pixels.shape[1]]
    if fit == "pad" and min(missing) >= 0:
        pixels = np.pad(pixels, (*((part // 2, part - part // 2) for part in missing), (0, 0)))
    if pixels.shape[:2] != (image.height, image.width):
        h, w = pixels.shape[:2]
        raise UsageError(
            f"{file} has {h}x{w} pixels (height x width), and the model takes {image.height}x{image.width}.",
            f"The images that it was trained on were made so: {made or 'unknown'}.",
            "Scale pictures with --resize, or put smaller ones in the middle of zeros with --pad.",
        )
    return pixels


def _of_arrays(path: Path, image: ImageSpec, made: str) -> Found:
    labels = None
    try:
        require_regular(path)
        found: Any = np.load(path, allow_pickle=False)
        if isinstance(found, np.lib.npyio.NpzFile):
            with found:
                if "images" not in found:
                    why = f"It holds: {', '.join(found.files) or 'nothing'}."
                    raise UsageError(
                        f"{path} has no array 'images'.", why, "Save it with numpy.savez(FILE, images=...)."
                    )
                labels, found = found.get("labels"), found["images"]
    except FileNotFoundError as error:
        raise UsageError(f"There is no file {path}.") from error
    except UsageError:
        raise
    except Exception as error:  # damaged files make their readers fail in many ways
        why = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise UsageError(
            f"{path} cannot be read.", why, "Save plain numbers with numpy.save or numpy.savez."
        ) from error
    images = checked_images(found, image, made=made, source=str(path))
    if labels is not None and labels.shape != (len(images),):
        why = f"Its labels have shape {labels.shape}."
        raise UsageError(f"{path} has {len(images)} images and other labels.", why, "Give one label for each image.")
    return Found(images, labels=labels)
