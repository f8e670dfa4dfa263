"""Dependence of the two blocks: distance correlation of content and style, and what each tells of the label in nats.

R = <A, B> / sqrt(<A, A> <B, B>)        A, B: U-centred distance matrices of content and style
I(block; label) >= H(label) - cross-entropy of a classifier on test rows
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from disent_plugins.about import About, Expect
from disent_plugins.contracts import Result, Subject, Value
from disent_plugins.errors import UsageError
from disent_plugins.metrics.content_style.classifiers import Reading
from disent_plugins.metrics.content_style.reading import BLOCKS, ReadingOptions, read_all, reading_settings, targets
from disent_plugins.metrics.probe.views import standardised
from disent_plugins.metrics.statistics.bootstrap import mean_interval
from disent_plugins.metrics.statistics.seeds import stream
from disent_plugins.options import option

LEAST = 8
"""Rows below which a distance correlation is not computed; its formula needs 4."""


@dataclass(frozen=True)
class DependenceConfig(ReadingOptions):
    """Options of dependence."""

    rows: int = option(
        1000, "Test rows of a distance correlation: its time grows with their square.", low=LEAST, high=20_000
    )
    repeats: int = option(5, "Seeded draws of rows that the distance correlation is the mean of.", low=1, high=10_000)
    permutations: int = option(
        40, "Permutations of one block's rows, for the floor and the p-value.", low=1, high=10_000
    )
    halves: int = option(20, "Half-samples behind the interval of the distance correlation.", low=2, high=10_000)


class Dependence:
    """The metric ``dependence``."""

    Config = DependenceConfig
    about = About(
        definition=(
            "`distance-correlation` is the bias-corrected squared distance correlation of content and style:\n\n"
            "    R = <A, B> / sqrt(<A, A> <B, B>),    <A, B> = 1/(n (n - 3)) sum_(i != j) A_ij B_ij\n\n"
            "where A and B are the U-centred matrices of Euclidean distances between the rows of content and of style "
            "(Szekely and Rizzo 2013 and 2014): 0 in expectation for independent blocks whatever their sizes and n, "
            "1 for blocks with equal distances. It is the mean over 5 draws of 1,000 test rows; columns are "
            "standardised by median and the deviation of their middle 99 % and cut to +-5. The p-value, in the "
            "settings and the notes, is the share of permutations of the style rows that reach the value. "
            "`information/content` and `information/style` are lower bounds in nats of what each block tells of the "
            "content factor:\n\n"
            "    I(block; label) >= max(0, H(label) - CE)\n\n"
            "with H the entropy of the test labels and CE the cross-entropy, on test rows, of the classifiers "
            "of `leakage` (Barber and Agakov 2003), linear and non-linear: each sharpened or blunted and mixed with "
            "the shares of the classes, and all weighted by their likelihood on the validation rows."
        ),
        range="`distance-correlation` about 0..1 (chance may fall below 0), low is good; information in 0..H(label).",
        floor=(
            "`distance-correlation`: its mean over permutations of the style rows; information: 0, as a classifier "
            "that knows nothing has a cross-entropy of H(label) or more."
        ),
        ceiling="`distance-correlation`: that of content with itself, 1; information: H(label).",
        cost=(
            "Grows with the square of the rows of a draw and with permutations: 3.4 s on one thread for 60,000 "
            "MNIST-shaped codes of 8 + 8 columns, half of it for the classifiers."
        ),
        distrust=(
            "Blocks that depend on each other only weakly or in few of many columns have a small distance "
            "correlation; look at the p-value, too. Independent blocks are no proof of the right blocks: exchanged "
            "or empty ones score as well, so read the two informations beside it. Factors that depend on each "
            "other in the data set make good blocks dependent. A lower bound may lie far below the information, with "
            "few rows for each class above all, and for what `leakage` says that its classifiers cannot read."
        ),
        expects=(
            Expect("split-apart", "distance-correlation", -0.03, 0.03, "independent factors, independent blocks: 0"),
            Expect("split-apart", "information/content", 0.97, 1.0, "the label is known: H(label)", normalised=True),
            Expect("split-apart", "information/style", 0.0, 0.03, "independent of the label: 0", normalised=True),
            Expect("leaky", "information/style", 0.97, 1.0, "the label is known: H(label)", normalised=True),
            Expect("leaky", "distance-correlation", 0.1, 1.0, "both blocks hold the label"),
            Expect("swapped", "information/style", 0.97, 1.0, "the label is known: H(label)", normalised=True),
            Expect("blind", "distance-correlation", -0.03, 0.03, "independent noise: 0", normalised=True),
            Expect("blind", "information/content", 0.0, 0.03, "noise: 0", normalised=True),
            Expect("noise", "distance-correlation", -0.03, 0.03, "independent noise: 0", normalised=True),
            Expect("split-apart", "information/content", 2.23, 2.31, "log 10 = 2.303 nats"),
            Expect("half-leak", "information/style", 1.53, 1.65, "five rings for ten labels: log 5 = 1.609 nats"),
            Expect("correlated", "distance-correlation", 0.52, 0.62, "of Gaussians of correlation 0.8: 0.570"),
            Expect("wide", "distance-correlation", -0.08, 0.08, "independent noise, few rows: 0"),
            Expect("turned", "distance-correlation", 0.98, 1.0, "all Euclidean distances are equal: 1"),
            Expect("memorised-blocks", "information/style", 0.0, 0.03, "test rows say nothing: 0", normalised=True),
        ),
    )

    def __init__(self, config: DependenceConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Measure the correlation of the blocks and what each tells of the label.

        Raises:
            UsageError: Too few test rows, or the content factor cannot be read (see ``reading.targets``).
        """
        config, seed = self.config, subject.seed
        correlation, p_value, notes = _correlation(subject, config)
        found, _ = targets(subject.codes, config, seed)
        label = found[:1]
        readings = read_all(subject, label, ("nonlinear",), jobs=config.jobs)
        values = {"distance-correlation": correlation}
        for block in BLOCKS:
            reading = readings[block, label[0].name, "nonlinear"]
            assert isinstance(reading, Reading)  # the content is always read by classifiers
            values[f"information/{block}"] = _information(reading, block, config.bootstrap, seed)
        settings = {**asdict(config), **reading_settings(subject, label), "p_value": p_value}
        return Result("dependence", values, settings, notes=[*notes, *label[0].rows.notes])


def u_centred(x: np.ndarray) -> np.ndarray:
    """The U-centred matrix [n, n] of Euclidean distances between the rows of ``x`` [n, D] (Szekely and Rizzo 2014)."""
    from scipy.spatial.distance import pdist, squareform

    return _u_centre(squareform(pdist(x)))


def _u_centre(distances: np.ndarray) -> np.ndarray:
    n = len(distances)
    row = distances.sum(axis=0)
    centred = distances - row / (n - 2) - row[:, None] / (n - 2) + row.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0.0)
    found: np.ndarray = centred
    return found


def correlation_of(a: np.ndarray, b: np.ndarray) -> float:
    """Bias-corrected squared distance correlation from U-centred matrices [n, n]; 0 if a block is constant."""
    product = float(np.vdot(a, a)) * float(np.vdot(b, b))
    return float(np.vdot(a, b)) / product**0.5 if product > 0 else 0.0


def distance_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Bias-corrected squared distance correlation of ``x`` [n, D] and ``y`` [n, E], n >= 4.

    >>> x = np.arange(8.0)[:, None]
    >>> round(distance_correlation(x, 3 - 2 * x), 9)
    1.0
    """
    return correlation_of(u_centred(x), u_centred(y))


def information_bound(log_prob: np.ndarray, labels: np.ndarray) -> float:
    """Lower bound of the mutual information in nats, at least 0.

    Args:
        log_prob: [n] log of the probability that a classifier gives the true label, on rows it was not fitted on.
        labels: [n].

    >>> round(information_bound(np.zeros(4), np.array([0, 0, 1, 1])), 3)
    0.693
    """
    return max(0.0, entropy(labels) + float(log_prob.mean()))


def entropy(labels: np.ndarray) -> float:
    """Plug-in entropy of ``labels`` [n] in nats."""
    shares = np.unique(labels, return_counts=True)[1] / len(labels)
    return float(-(shares * np.log(shares)).sum()) + 0.0


def _correlation(subject: Subject, config: DependenceConfig) -> tuple[Value, float, list[str]]:
    codes, seed = subject.codes, subject.seed
    test = codes.rows("test")
    if len(test) < LEAST:
        raise UsageError(
            "The dependence of content and style cannot be measured.",
            f"There are {len(test)} test rows, and a distance correlation needs {LEAST}.",
            "Give more test rows.",
        )
    content, style = (
        standardised(codes.content[test], np.arange(len(test))),
        standardised(codes.style[test], np.arange(len(test))),
    )
    n = min(config.rows, len(test))
    repeats = config.repeats if n < len(test) else 1
    found, own = np.empty(repeats), np.empty(repeats)
    chance, halves = np.empty((repeats, config.permutations)), np.empty(config.halves)
    for r in range(repeats):
        subject.report(r, repeats, "distance correlation")
        generator = stream(seed, "dependence", str(r))
        rows = generator.permutation(len(test))[:n]
        a, b = u_centred(content[rows]), u_centred(style[rows])
        found[r], own[r] = correlation_of(a, b), correlation_of(a, a)
        for p in range(config.permutations):
            order = generator.permutation(n)
            chance[r, p] = correlation_of(a, b[order][:, order])
        if r == 0:
            for h in range(config.halves):
                half = rows[generator.permutation(n)[: max(n // 2, 4)]]
                halves[h] = distance_correlation(content[half], style[half])
    value = float(found.mean())
    # The delete-half jackknife: half-samples spread around the whole as the whole does around the truth.
    spread = 1.959964 * float(np.sqrt(((halves - found[0]) ** 2).mean()))
    floors = chance.mean(axis=0)
    p_value = float((1 + (floors >= value).sum()) / (1 + config.permutations))
    words = f"U-centred, squared; mean of {repeats} draws of {n} test rows; interval by half-samples"
    notes = [f"Distance correlation: p = {p_value:.3g} by {config.permutations} permutations."]
    notes += [f"The {name} block is constant." for name, x in (("content", content), ("style", style)) if not x.any()]
    ceiling = float(own.mean()) or 1.0
    return (
        Value(value, "distance correlation", float(floors.mean()), ceiling, value - spread, min(value + spread, 1.0),
              n, words, "down"),
        p_value,
        notes,
    )  # fmt: skip


def _information(reading: Reading, block: str, resamples: int, seed: int) -> Value:
    whole = entropy(reading.labels)
    value = information_bound(reading.log_prob, reading.labels)
    low, high = mean_interval(whole + reading.log_prob, resamples, stream(seed, "dependence", "information", block))
    better = "up" if block == "content" else "down"
    how = f"lower bound: entropy less cross-entropy; calibrated mixture, most of it {reading.surest}"
    return Value(value, "nats", 0.0, whole, min(max(low, 0.0), value), max(high, value), len(reading.labels),
                 how, better)  # fmt: skip
