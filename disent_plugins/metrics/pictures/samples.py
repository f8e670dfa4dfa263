"""Images decoded from random codes (GM-VAE paper, Figure 5), under three priors.

- ``normal``: content and style from N(0, I), as in the paper.
- ``group_mixture``: content from N(mu_G, I) for a random group G of the training split, style from N(0, I). This is
  the prior that the model is trained with; N(0, I) agrees with it only as far as the group means lie near 0.
- ``fitted``: a Gaussian for each block, with the mean and covariance of the training codes (means and variances).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from disent_plugins.about import About
from disent_plugins.contracts import Codes, Result, Subject
from disent_plugins.errors import UsageError
from disent_plugins.metrics.pictures.canvas import EDGE, Heading, Sheet, enlarge, save_arrays
from disent_plugins.metrics.pictures.examples import decoder_of
from disent_plugins.metrics.statistics.seeds import stream
from disent_plugins.options import Options, option


@dataclass(frozen=True)
class SamplesConfig(Options):
    """Options of the samples."""

    prior: Literal["normal", "group_mixture", "fitted"] = option("normal", "What the codes are drawn from.")
    n: int = option(8, "Rows and columns.", low=1, high=32)


class Samples:
    """The metric ``samples``: a picture ``samples.png`` and its arrays ``samples.npz``."""

    Config = SamplesConfig
    about = About(
        definition="A picture, `samples.png`, with its arrays, `samples.npz`: n x n images decoded from random codes "
        "(GM-VAE paper, Figure 5).\n\n```\n"
        "normal         content ~ N(0, I),     style ~ N(0, I)      as in the paper\n"
        "group_mixture  content ~ N(mu_G, I),  style ~ N(0, I)      mu_G: mean of a random training group (Eq. 3)\n"
        "fitted         content ~ N(m, C),     style ~ N(m', C')    mean and covariance of the training codes\n"
        "```",
        range="No number. The nearer to images of the data set and the more different from each other, the better.",
        floor="None: it is a picture.",
        ceiling="None; the reconstructions in `swap-grid` show how sharp a sample could be.",
        cost="Grows with `n` squared: under a second for 8 x 8 tiles of 32 x 32 on one core, decoding not counted.",
        distrust="It says nothing of the division into content and style. Under `normal`, poor images may be the fault "
        "of a prior that the codes do not follow and not of the decoder: compare `fitted`. `group_mixture` draws "
        "around training groups, so it shows no content that training lacks.",
    )

    def __init__(self, config: SamplesConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Draw n x n samples.

        Raises:
            UsageError: Only codes were given, or ``group_mixture`` without log-variances.
        """
        decode, n, prior = decoder_of(subject), self.config.n, self.config.prior
        content, style = draw_codes(subject.codes, prior, n * n, stream(subject.seed, "samples", prior))
        found = decode(content, style)
        grid = found.reshape(n, n, *found.shape[1:])
        name = "samples" if prior == "normal" else f"samples-{prior.replace('_', '-')}"
        artifacts = {
            "samples": draw(grid, subject.name, prior).save(subject.out / f"{name}.png"),
            "samples-arrays": save_arrays(subject.out / f"{name}.npz", samples=grid, content=content, style=style),
        }
        return Result("samples", {}, {"prior": prior, "n": n, "seed": subject.seed}, artifacts)


def draw_codes(codes: Codes, prior: str, count: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Random content [count, Dc] and style [count, Ds], float32, from one of the three priors."""
    train = codes.rows("train")
    content = generator.standard_normal((count, codes.content.shape[1]))
    style = generator.standard_normal((count, codes.style.shape[1]))
    if prior == "group_mixture":
        if codes.content_logvar is None:
            raise UsageError("These codes hold no log-variances, so their group means are unknown.", "", _NORMAL)
        known = codes.rows("train", labelled=True)
        means = group_means(codes.content[known], codes.content_logvar[known], codes.labels[known])
        content += means[generator.integers(len(means), size=count)]
    elif prior == "fitted":
        content = _fit(codes.content, codes.content_logvar, train, content)
        style = _fit(codes.style, codes.style_logvar, train, style)
    return content.astype(np.float32), style.astype(np.float32)


_NORMAL = "Use: --set prior=normal"


def group_means(mean: np.ndarray, logvar: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Means of the groups' products of Gaussians, sum(mu_i / sigma_i^2) / sum(1 / sigma_i^2) (paper, Eq. 3).

    Args:
        mean, logvar: [N, D].
        labels: [N], equal in a group.

    Returns:
        [G, D] float64, in the order of the labels.

    >>> group_means(np.array([[0.0], [3.0]]), np.log([[1.0], [0.5]]), np.array([7, 7]))
    array([[2.]])
    """
    _, group = np.unique(labels, return_inverse=True)
    precision = np.exp(-logvar.astype(np.float64))
    total, weighted = np.zeros((2, group.max() + 1, mean.shape[1]))
    np.add.at(total, group, precision)
    np.add.at(weighted, group, precision * mean)
    return weighted / total


def _fit(mean: np.ndarray, logvar: np.ndarray | None, train: np.ndarray, standard: np.ndarray) -> np.ndarray:
    """Give standard normal draws the mean and covariance of the training codes."""
    values = mean[train].astype(np.float64)
    covariance = np.atleast_2d(np.cov(values, rowvar=False, bias=True))
    if logvar is not None:
        covariance += np.diag(np.exp(logvar[train].astype(np.float64)).mean(axis=0))
    spread, axes = np.linalg.eigh(covariance)  # where Cholesky fails: a dead dimension
    return values.mean(axis=0) + standard * np.sqrt(np.clip(spread, 0, None)) @ axes.T


def draw(grid: np.ndarray, name: str, prior: str) -> Sheet:
    """Lay the samples [n, n, H, W, C] out."""
    tiles = enlarge(grid)
    n, _, height, width = tiles.shape[:4]
    gap = max(8, width // 12)
    across = max(n * (width + gap) - gap, 420)
    heading = Heading(f"Random samples: {name}", _WORDS[prior], across)
    sheet = Sheet(across + 2 * EDGE, heading.height + 18 + n * (height + gap) - gap + EDGE)
    sheet.head(heading, EDGE)
    for i in range(n):
        for j in range(n):
            sheet.tile(tiles[i, j], EDGE + j * (width + gap), heading.height + 18 + i * (height + gap))
    return sheet


_WORDS = {
    "normal": "Decoded from random codes: content and style both drawn from the standard normal distribution.",
    "group_mixture": (
        "Decoded from random codes: content drawn around the mean of a random training group, N(group mean, I), style "
        "from the standard normal distribution."
    ),
    "fitted": "Decoded from random codes: content and style drawn from Gaussians fitted to the training codes.",
}
