"""How much each block and dimension of a Gaussian code can hold, and how many dimensions are in use.

    kl(d) = mean over images of 1/2 (sigma_d^2 + mu_d^2 - 1 - log sigma_d^2)    nats; a block's is the sum of its own
    active = number of dimensions whose mean varies over the images with a variance above 0.01

(Kingma and Welling 2014, appendix B; Burda, Grosse and Salakhutdinov 2016, section 5).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from disent_plugins.about import About, Expect
from disent_plugins.contracts import Result, Subject, Value
from disent_plugins.errors import UsageError
from disent_plugins.metrics.pictures.heatmap import heatmap
from disent_plugins.metrics.quality.gaussians import active_units, kl_to_standard_normal
from disent_plugins.metrics.statistics.bootstrap import LEVEL, mean_interval
from disent_plugins.metrics.statistics.seeds import stream
from disent_plugins.options import Options, option

DRAWN = 32
"""Most dimensions of a block that the picture is drawn for."""

_DERIVED = "every factor of 8 values varies with a variance of 5.25, a constant code with 0"


@dataclass(frozen=True)
class InformationConfig(Options):
    """Options of divergence and active units."""

    threshold: float = option(0.01, "Variance of a dimension's mean above which it is active.", low=0)
    bootstrap: int = option(200, "Resamples of the test split for the 95 % intervals.", low=100, high=100_000)


class Information:
    """The metric ``kl``: ``kl`` and ``active`` of content and style."""

    Config = InformationConfig
    about = About(
        definition="For the test split's posteriors `N(mu, sigma^2)`, by block:\n\n```\nkl     = mean over images of "
        "sum_d 1/2 (sigma_d^2 + mu_d^2 - 1 - log sigma_d^2)        nats\nactive = number of dimensions d with "
        "variance of mu_d over images > 0.01\n```\n\n`kl` is the divergence from the standard normal (Kingma and "
        "Welling 2014, appendix B) and bounds from above the information that the block holds about its image. Active "
        "units are those of Burda, Grosse and Salakhutdinov (2016). The settings and the picture give `kl` dimension "
        "by dimension. Codes without log-variances have active units only.",
        range="`kl` from 0 upwards; `active` from 0 to the number of dimensions. Neither end is good in itself.",
        floor="0, a block that says the same of every image.",
        ceiling="All dimensions for `active`; none for `kl`.",
        cost="Grows with rows times dimensions: 0.2 s for 10,000 rows of 8 + 8.",
        distrust="`kl` measures against a standard normal prior and says little of models with another one. It is an "
        "upper bound: a shifted code has a large `kl` and holds nothing. The threshold of `active` is in units of the "
        "prior's variance, so it means nothing for codes of another scale.",
        expects=(
            Expect("identity", "content/active", 3, 3, _DERIVED),
            Expect("identity", "style/active", 3, 3, _DERIVED),
            Expect("dead-code", "content/active", 3, 3, _DERIVED),
            Expect("one-code", "content/active", 1, 1, _DERIVED),
            Expect("painter", "content/kl", 18.5, 18.7, "one-hot: (1 + 10 (0.01 - 1 - log 0.01)) / 2 = 18.58"),
            Expect("painter", "style/kl", 7.8, 8.5, "variances: (65 / 12 + 3 (0.01 - 1 - log 0.01)) / 2 = 8.13"),
            Expect("collapsed", "content/kl", 0, 0, "every posterior is the prior: 0"),
            Expect("collapsed", "content/active", 0, 0, "no code varies"),
            Expect("faint", "content/active", 2, 2, "variances 0.005, 0.02 and 0.5: two above 0.01"),
            Expect("faint", "style/active", 1, 1, "variances 0.0085 and 0.0115: one above 0.01"),
        ),
    )

    def __init__(self, config: InformationConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Measure both blocks, and draw the divergence of every dimension.

        Raises:
            UsageError: There are no test rows.
        """
        codes, rows = subject.codes, subject.codes.rows("test")
        if not len(rows):
            raise UsageError(
                "There are no test rows to measure.", "Their split has none.", "Give codes with a test split."
            )
        blocks = {
            "content": (codes.content[rows], codes.content_logvar),
            "style": (codes.style[rows], codes.style_logvar),
        }
        values, each, notes = {}, {}, []
        for block, (mean, logvar) in blocks.items():
            if not mean.shape[1]:
                continue
            values[f"{block}/active"] = self._active(block, mean, subject.seed)
            if logvar is None:
                notes.append(f"The {block} code has no log-variances, so its divergence is unknown.")
                continue
            of = kl_by_dimension(mean, logvar[rows])
            each[block] = of
            values[f"{block}/kl"] = self._kl(block, kl_to_standard_normal(mean, logvar[rows]), subject.seed)
        settings = {
            **asdict(self.config),
            "seed": subject.seed,
            "n": len(rows),
            "kl_by_dimension": {block: of.tolist() for block, of in each.items()},
            "split": codes.split_source,
            "interval": "95 %, bootstrap over the test rows",
            "versions": {"numpy": np.__version__},
        }
        artifacts = {}
        if each and max(map(len, each.values())) <= DRAWN:
            artifacts["dimensions"] = _draw(subject.out / "kl.png", each, subject.name)
        return Result("kl", values, settings, artifacts, notes)

    def _kl(self, block: str, of: np.ndarray, seed: int) -> Value:
        low, high = mean_interval(of, self.config.bootstrap, stream(seed, "kl", block))
        how = "closed form, from the posteriors, mean over the test split"
        return Value(float(of.mean()), "nats", 0.0, None, low, high, len(of), how)

    def _active(self, block: str, mean: np.ndarray, seed: int) -> Value:
        generator, n = stream(seed, "active", block), len(mean)
        count = active_units(mean, self.config.threshold)
        drawn = [
            active_units(mean[generator.integers(n, size=n)], self.config.threshold)
            for _ in range(self.config.bootstrap)
        ]
        low, high = np.quantile(drawn, LEVEL)
        # Resampling few rows lowers every variance, which can push all resamples of a dimension below the threshold.
        low, high = min(float(low), count), max(float(high), count)
        how = f"variance of the mean over the test split above {self.config.threshold:g}"
        return Value(float(count), "dimensions", 0.0, float(mean.shape[1]), low, high, n, how)


def kl_by_dimension(mean: np.ndarray, logvar: np.ndarray) -> np.ndarray:
    """Divergence from the standard normal of every dimension, mean over the rows, in nats.

    Args:
        mean, logvar: [N, D].

    Returns:
        [D] float64; their sum is the mean of ``kl_to_standard_normal``.

    >>> kl_by_dimension(np.array([[0.0, 2.0]]), np.zeros((1, 2)))
    array([0., 2.])
    """
    return np.array([kl_to_standard_normal(mean[:, [d]], logvar[:, [d]]).mean() for d in range(mean.shape[1])])


def _draw(path: Path, each: dict[str, np.ndarray], name: str) -> Path:
    """One row a block, its dimensions in the order of their divergence."""
    matrix = np.full((len(each), max(map(len, each.values()))), np.nan)
    for row, of in enumerate(each.values()):
        matrix[row, : len(of)] = np.sort(of)[::-1]
    return heatmap(
        path, matrix, list(each), [str(place + 1) for place in range(matrix.shape[1])],
        title=f"Where the nats are: {name}", column_title="dimensions of the block, the fullest first",
        words="Mean divergence of every dimension from the standard normal, in nats: an upper bound of what it says of "
        "its image. A dimension near 0 is not in use.",
        high=float(np.nanmax(matrix)),
    )  # fmt: skip
