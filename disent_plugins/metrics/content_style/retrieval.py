"""Retrieval: is the nearest other content code of the same class, and the nearest fused code that of the class?"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from disent_plugins.about import About, Expect
from disent_plugins.contracts import Items, Result, Subject, Value
from disent_plugins.errors import UsageError
from disent_plugins.metrics.content_style.nearest import Distance, fused, rule, seen_note, share_right
from disent_plugins.metrics.statistics.bootstrap import share_interval
from disent_plugins.metrics.statistics.partition import stratified
from disent_plugins.metrics.statistics.seeds import stream
from disent_plugins.options import Options, option


@dataclass(frozen=True)
class RetrievalConfig(Options):
    """Options of retrieval."""

    distance: Distance = option("euclid", "Distance between codes.")
    samples: int = option(10_000, "Most test rows, chosen by seed; all of them are searched.", low=10)
    permutations: int = option(
        20, "Permutations of the labels that the floor of `evidence` is the mean of.", low=1, high=10_000
    )
    bootstrap: int = option(1000, "Resamples for the 95 % intervals.", low=10, high=100_000)


class Retrieval:
    """The metric ``retrieval``."""

    Config = RetrievalConfig
    about = About(
        definition=(
            "`precision-at-1` is the share of test images whose nearest other test image, by the content code, is of "
            "the same class:\n\n"
            "    P@1 = 1/N sum_i [y_nn(i) = y_i],    nn(i) = argmin_(j != i) |content(i) - content(j)|\n\n"
            "(Euclidean, or cosine; equally near images share the answer). `evidence` is the same with one fused code "
            "per class to search: the content of a half of every class's test images is fused, by the model's own "
            "rule, otherwise by the product of the images' Gaussians, otherwise by the mean, and every image of the "
            "other half looks for the nearest class. Classes with one test image are left out. Protocol after "
            "Hosoya 2019 (group-based learning, retrieval with a fused gallery)."
        ),
        range="0..1, high is good.",
        floor=(
            "Chance from the class shares: for `precision-at-1` sum_k n_k (n_k - 1) / (N (N - 1)); for `evidence` the "
            "mean value of the same answers over 20 permutations of the labels."
        ),
        ceiling="1, which content scores whose classes lie apart.",
        cost=(
            "Grows with the square of the test rows (at most 10,000): 0.8 s on one thread for 10,000 "
            "MNIST-shaped test codes of 8 columns."
        ),
        distrust=(
            "It is a test of unseen classes only where the test classes are absent from training; a note says whether "
            "they are. Codes are compared as they are, so columns of large scale rule the distance. With `evidence`, "
            "which images share a class is given, so only compare it with other values of `evidence`. Near-duplicates "
            "in a data set (frames of one film) make `precision-at-1` high for any code. Intervals are over the images "
            "that ask; those that are searched are held fixed."
        ),
        expects=(
            Expect("split-apart", "precision-at-1", 0.97, 1.0, "classes lie further apart than their noise: 1"),
            Expect("split-apart", "evidence", 0.97, 1.0, "classes lie further apart than their noise: 1"),
            Expect("leaky", "precision-at-1", 0.97, 1.0, "the content block is that of split-apart: 1"),
            Expect("blind", "precision-at-1", -0.03, 0.03, "noise: chance", normalised=True),
            Expect("blind", "evidence", -0.03, 0.03, "noise: chance", normalised=True),
            Expect("swapped", "precision-at-1", -0.03, 0.03, "the content knows style factors only", normalised=True),
            Expect("ladder", "precision-at-1", 0.97, 1.0, "own points 1 away, others 1.5: 1"),
        ),
    )

    def __init__(self, config: RetrievalConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Search the test images.

        Raises:
            UsageError: The test split has not two classes of two images or more.
        """
        config, seed = self.config, subject.seed
        rows, notes = _rows(subject, config.samples)
        content, labels = subject.codes.content[rows], subject.codes.labels[rows]
        single = share_right(content, labels, content, labels, distance=config.distance, same_rows=True)
        held = stratified(labels, 0.5, stream(seed, "retrieval", "gallery"))
        classes, group = np.unique(labels[held], return_inverse=True)
        gallery = fused(subject, rows[held], group, len(classes))
        asked = labels[~held]
        classed = share_right(content[~held], asked, gallery, classes, distance=config.distance)
        shuffled = [
            share_right(content[~held], stream(seed, "retrieval", "floor", str(i)).permutation(asked), gallery, classes,
                        distance=config.distance).mean()
            for i in range(config.permutations)
        ]  # fmt: skip

        def value(name: str, right: np.ndarray, floor: float, words: str) -> Value:
            low, high = share_interval(right, config.bootstrap, stream(seed, "retrieval", name))
            how = f"{words}; interval over queries"
            return Value(float(right.mean()), "precision", floor, 1.0, low, high, len(right), how, "up")

        values = {
            "precision-at-1": value(
                "single", single, chance(labels), f"nearest of {len(rows) - 1} other images ({config.distance})"
            ),
            "evidence": value(
                "evidence", classed, float(np.mean(shuffled)),
                f"nearest of {len(classes)} fused codes ({config.distance}); {rule(subject)}",
            ),
        }  # fmt: skip
        items = {"precision-at-1": Items(rows, single), "evidence": Items(rows[~held], classed)}
        settings = {
            **asdict(config), "seed": seed, "split": subject.codes.split_source, "n": len(rows),
            "classes": len(classes), "fused_by": rule(subject), "gallery_images": int(held.sum()),
            "versions": {"numpy": np.__version__},
        }  # fmt: skip
        return Result("retrieval", values, settings, notes=[seen_note(subject, labels), *notes], items=items)


def chance(labels: np.ndarray) -> float:
    """Probability that two different rows have the same label.

    >>> chance(np.array([0, 0, 1, 1]))
    0.3333333333333333
    """
    counts = np.unique(labels, return_counts=True)[1]
    return float((counts * (counts - 1)).sum() / (len(labels) * (len(labels) - 1)))


def _rows(subject: Subject, most: int) -> tuple[np.ndarray, list[str]]:
    """Test rows, at most ``most``, of classes with two of them or more."""
    codes, notes = subject.codes, []
    rows = codes.rows("test", labelled=True)
    if len(rows) > most:
        rows = np.sort(stream(subject.seed, "retrieval", "rows").permutation(rows)[:most])
    _, group, counts = np.unique(codes.labels[rows], return_inverse=True, return_counts=True)
    paired = counts[group] > 1
    if not paired.all():
        notes.append(f"{(~paired).sum()} images that are the only one of their class were left out.")
    if (counts > 1).sum() < 2:
        raise UsageError(
            "Retrieval needs two classes with two test images each.",
            f"The test split has {len(rows)} images, and {(counts > 1).sum()} classes of two or more.",
            "Give a test split with more images of a class.",
        )
    return rows[paired], notes
