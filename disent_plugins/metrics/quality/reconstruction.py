"""How well test images survive encoding and decoding: squared error, peak signal-to-noise ratio and SSIM.

For images x and their reconstructions y = decode(means), values in [0, 1], P values (pixels times channels) an image:

    sse  = sum (x - y)^2                    the paper's reconstruction term, mean over images
    psnr = -10 log10(sse / P)               in dB, mean over images
    ssim                                    structural similarity, mean over images (see ``ssim.py``)

They stand beside what the mean training image scores in place of every reconstruction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from disent_plugins.about import About, Expect
from disent_plugins.contracts import Items, Result, Subject, Value
from disent_plugins.errors import UsageError
from disent_plugins.metrics.pictures.examples import Images, model_of
from disent_plugins.metrics.quality.ssim import ssim
from disent_plugins.metrics.statistics.bootstrap import mean_interval
from disent_plugins.metrics.statistics.seeds import stream
from disent_plugins.options import Options, option

BATCH = 256
MEAN_OF = 10_000
"""Most training images that the mean image is taken over."""

SMALLEST = 1e-10
"""Mean squared errors below this count as this, so that a perfect image has 100 dB and not infinity."""


@dataclass(frozen=True)
class ReconstructionConfig(Options):
    """Options of the reconstruction error."""

    bootstrap: int = option(1000, "Resamples of the test set for the 95 % intervals.", low=100, high=100_000)


class Reconstruction:
    """The metric ``reconstruction``: values ``sse``, ``psnr`` and ``ssim``."""

    Config = ReconstructionConfig
    about = About(
        definition="Every test image `x` is compared with `y = decode(content mean, style mean)`; values in [0, 1], "
        "`P` values an image:\n\n```\nsse  = sum (x - y)^2\npsnr = -10 log10(sse / P)        dB\nssim = structural "
        "similarity, Gaussian window 11 x 11, sigma 1.5 (Wang et al. 2004)\n```\n\nEach is averaged over the test "
        "images, so `psnr` is the mean of the images' own values. A perfect image counts as 100 dB.",
        range="`sse` from 0 upwards, low is good; `psnr` in dB, high is good; `ssim` from -1 to 1, high is good.",
        floor="The mean training image in place of every reconstruction.",
        ceiling="0 for `sse`, 1 for `ssim`; none for `psnr`.",
        cost="Grows with the number of test pixels: 19 s for 10,000 images of 32 x 32 on one core, decoding included.",
        distrust="It says nothing of the division into content and style. Squared error and `psnr` favour blurred "
        "images; `ssim` of images below about 16 pixels a side is dominated by the borders. Values of different data "
        "sets, sizes or preprocessings do not compare.",
        expects=(
            Expect("painter", "sse", 0.0, 0.001, "an exact decoder: 0"),
            Expect("painter", "psnr", 99.9, 100.1, "an exact decoder: 100 dB by definition"),
            Expect("painter", "ssim", 0.999, 1.001, "an exact decoder: 1"),
            Expect("style-painter", "sse", 0.0, 0.001, "exact, too: which block holds what is not seen here"),
            Expect("bright-painter", "sse", 2.55, 2.57, "256 pixels, each off by a tenth: 256 x 0.01 = 2.56"),
            Expect("bright-painter", "psnr", 19.9, 20.1, "every pixel is off by a tenth: -20 log10(0.1) = 20 dB"),
            Expect("collapsed", "sse", -0.03, 0.03, "the mean image for all: the floor", normalised=True),
            Expect("collapsed", "ssim", -0.03, 0.03, "the mean image for all: the floor", normalised=True),
            Expect("collapsed", "psnr", 11.9, 12.6, "the mean image for all: 12.2 dB, mean over all scenes"),
            Expect("collapsed", "ssim", 0.056, 0.086, "similarity of all scenes to their mean, by direct sums: 0.071"),
        ),
    )

    def __init__(self, config: ReconstructionConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Decode the means of the test split and compare.

        Raises:
            UsageError: Only codes were given, or there are no training rows.
        """
        decode, images = model_of(subject)
        codes, rows = subject.codes, subject.codes.rows("test")
        mean_image = mean_training_image(images, codes.rows("train"), subject.seed)
        errors, reference = np.empty(len(rows)), np.empty(len(rows))
        similar, reference_similar = np.empty(len(rows)), np.empty(len(rows))
        for start in range(0, len(rows), BATCH):
            some = rows[start : start + BATCH]
            true = images(some)
            decoded, part = decode(codes.content[some], codes.style[some]), slice(start, start + BATCH)
            errors[part], similar[part] = squared_error(true, decoded), ssim(true, decoded)
            reference[part], reference_similar[part] = squared_error(true, mean_image), ssim(true, mean_image)
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
            "ssim": self._value(
                similar, reference_similar, subject.seed, "structural similarity", 1.0, "up",
                "Gaussian window 11 x 11, sigma 1.5, per image, mean over the test split",
            ),
        }  # fmt: skip
        items = {
            "sse": Items(rows, errors),
            "psnr": Items(rows, psnr(errors, mean_image.size)),
            "ssim": Items(rows, similar),
        }
        settings = {
            "bootstrap": self.config.bootstrap,
            "seed": subject.seed,
            "split": "test",
            "decoded": "means",
            "floor": f"the mean of {min(len(codes.rows('train')), MEAN_OF)} training images as every reconstruction",
            "interval": "95 %, bootstrap over the test images",
        }
        return Result("reconstruction", values, settings, items=items)

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


def mean_training_image(images: Images, train: np.ndarray, seed: int) -> np.ndarray:
    """Mean [H, W, C] float64 of at most ``MEAN_OF`` of the images at ``train``.

    Raises:
        UsageError: There are no training rows.
    """
    if not len(train):
        why = "The mean training image is the floor, and the training split has no rows."
        raise UsageError("Images cannot be compared.", why, "Measure codes with a training split.")
    rows = np.sort(stream(seed, "mean image").permutation(train)[:MEAN_OF])
    total = sum(images(rows[i : i + BATCH]).sum(axis=0, dtype=np.float64) for i in range(0, len(rows), BATCH))
    return np.asarray(total) / len(rows)
