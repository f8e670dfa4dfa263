"""How well test images survive encoding and decoding: squared error and peak signal-to-noise ratio.

For images x and their reconstructions y = decode(means), values in [0, 1], P values (pixels times channels) an image:

    sse  = sum (x - y)^2                    the paper's reconstruction term, mean over images
    psnr = -10 log10(sse / P)               in dB, mean over images

Both stand beside what the mean training image scores in place of every reconstruction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from disent_plugins.contracts import Result, Subject, Value
from disent_plugins.metrics.bootstrap import mean_interval
from disent_plugins.metrics.examples import Images, model_of
from disent_plugins.metrics.seeds import stream
from disent_plugins.options import Options, option

BATCH = 256
MEAN_OF = 10_000
"""Most training images that the mean image is taken over."""

SMALLEST = 1e-10
"""Mean squared errors below this count as this, so that a perfect image has 100 dB and not infinity."""


@dataclass(frozen=True)
class ReconstructionConfig(Options):
    """Options of the reconstruction error."""

    bootstrap: int = option(1000, "Resamples of the test set for the 95 % intervals.", low=100)


class Reconstruction:
    """The metric ``reconstruction``: values ``sse`` and ``psnr``."""

    Config = ReconstructionConfig

    def __init__(self, config: ReconstructionConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Decode the means of the test split and compare.

        Raises:
            UsageError: Only codes were given.
        """
        decode, images = model_of(subject)
        codes, rows = subject.codes, subject.codes.rows("test")
        mean_image = _mean_image(images, codes.rows("train"), subject.seed)
        errors, reference = np.empty(len(rows)), np.empty(len(rows))
        for start in range(0, len(rows), BATCH):
            some = rows[start : start + BATCH]
            true = images(some)
            errors[start : start + BATCH] = squared_error(true, decode(codes.content[some], codes.style[some]))
            reference[start : start + BATCH] = squared_error(true, mean_image)
            subject.report(min(start + BATCH, len(rows)), len(rows), "reconstruction")
        values = {
            "sse": self._value(
                errors, reference, subject.seed, "squared error per image", 0.0, "down",
                "sum over pixels and channels, images in [0, 1], mean over the test split",
            ),
            "psnr": self._value(
                psnr(errors, mean_image.size), psnr(reference, mean_image.size), subject.seed, "dB", None, "up",
                "peak 1, per image, mean over the test split",
            ),
        }  # fmt: skip
        settings = {
            "bootstrap": self.config.bootstrap,
            "seed": subject.seed,
            "split": "test",
            "decoded": "means",
            "floor": f"the mean of {min(len(codes.rows('train')), MEAN_OF)} training images as every reconstruction",
            "interval": "95 %, bootstrap over the test images",
        }
        return Result("reconstruction", values, settings)

    def _value(
        self, scores: np.ndarray, reference: np.ndarray, seed: int, unit: str, ceiling: float | None, better: str,
        estimator: str,
    ) -> Value:  # fmt: skip
        low, high = mean_interval(scores, self.config.bootstrap, stream(seed, "bootstrap", unit))
        floor = float(reference.mean())
        return Value(float(scores.mean()), unit, floor, ceiling, low, high, len(scores), estimator, better)


def squared_error(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Sum over pixels and channels of the squared difference of images [B, H, W, C], float64 [B].

    >>> squared_error(np.ones((1, 2, 2, 1)), np.zeros((2, 2, 1)))
    array([4.])
    """
    return np.square(images.astype(np.float64) - others).sum(axis=(1, 2, 3))


def psnr(sse: np.ndarray, size: int) -> np.ndarray:
    """Peak signal-to-noise ratio in dB of images with ``size`` values in [0, 1], from their squared errors [N].

    >>> psnr(np.array([4.0]), 400)
    array([20.])
    """
    return -10 * np.log10(np.maximum(sse / size, SMALLEST))


def _mean_image(images: Images, train: np.ndarray, seed: int) -> np.ndarray:
    """[H, W, C] float64."""
    rows = np.sort(stream(seed, "mean image").permutation(train)[:MEAN_OF])
    total = sum(images(rows[i : i + BATCH]).sum(axis=0, dtype=np.float64) for i in range(0, len(rows), BATCH))
    return np.asarray(total) / len(rows)
