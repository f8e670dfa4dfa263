"""Swap and classify: an independent classifier of real images judges decode(content of i, style of j).

    keeps-content = share of swaps judged to show the content of i      takes-style = share judged to show that of j

over pairs (i, j) of test images of different content.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch

from disent_plugins.about import About, Expect
from disent_plugins.contracts import SPLITS, Codes, Items, Result, Subject, Value
from disent_plugins.metrics.codes.kinds import label_names
from disent_plugins.metrics.content_style.donors import donors, numbered
from disent_plugins.metrics.content_style.image_classifier import BATCH, Training, image_classifier
from disent_plugins.metrics.pictures.examples import Decode, Images, model_of
from disent_plugins.metrics.pictures.heatmap import heatmap
from disent_plugins.metrics.probe.rows import choose_rows
from disent_plugins.metrics.statistics.bootstrap import proportion_interval
from disent_plugins.metrics.statistics.seeds import stream
from disent_plugins.options import Options, option

DRAWN = 40
"""Most classes that the confusion matrix is drawn for."""

TRUSTED = 0.95
"""Accuracy on real images below which a note warns."""

FAITHFUL = 0.95
"""Accuracy on reconstructions, as a share of that on real images, below which a note warns."""


@dataclass(frozen=True)
class SwapConfig(Options):
    """Options of swap and classify."""

    pairs: int = option(10_000, "Most pairs of donors.", low=10)
    max_train: int = option(50_000, "Most real images the classifier is trained on.", low=16)
    epochs: int = option(2, "Passes of the classifier over its training images, at least.", low=1, high=1000)
    minimum_steps: int = option(
        300, "Small sets get more passes, until the classifier has taken so many steps.", low=1, high=1_000_000
    )
    bootstrap: int = option(1000, "Resamples of the test rows for the 95 % intervals.", low=100, high=100_000)


class Swap:
    """The metric ``swap``: ``keeps-content``, ``takes-style`` and the classifier's accuracies."""

    Config = SwapConfig
    about = About(
        definition="A small convolutional network is trained on real training images to tell the content factor; it "
        "never sees the model. Pairs `(i, j)` of test images of different content are swapped and judged:\n\n```\n"
        "keeps-content = share of decode(content_i, style_j) judged to show the content of i\n"
        "takes-style   = share of decode(content_i, style_j) judged to show the content of j\n```\n\nBeside them stand "
        "the accuracy of the same classifier on the real test images (`real`) and on the reconstructions "
        "`decode(content_i, style_i)` (`reconstructions`). Where training lacks the test classes, half of the test "
        "images of every class train the classifier and the others are swapped. Swap-and-classify follows Mathieu et "
        "al. (2016).",
        range="0 to 1; `keeps-content`, `real` and `reconstructions` are good when high, `takes-style` when low.",
        floor="What permuted labels agree with the judgements, exactly: `sum_c n_judged(c) n_labels(c) / n^2`. A "
        "perfect swap has a `takes-style` near 0, below this floor.",
        ceiling="The accuracy on real images, the most that this judge can see; for `real` itself 1.",
        cost="The classifier once per data set and seed: 41 s for 50,000 images of 32 x 32 on one core; then 33 s to "
        "decode and judge 10,000 swaps and 10,000 reconstructions with the paper's network.",
        distrust="Distrust it when `real` is low (a note says so below 0.95) or when `reconstructions` is far below "
        "`real` (a note says so below 0.95 of it): then blur is judged, not the swap. A decoder that ignores the style "
        "altogether has a perfect "
        "`keeps-content`; read it beside exact-swap or cycle. The interval does not hold the chance of another "
        "classifier's training.",
        expects=(
            Expect("painter", "real", 0.97, 1.0, "ten shapes that differ in many pixels: all are told apart"),
            Expect("painter", "keeps-content", 0.97, 1.03, "every swap is a true image", normalised=True),
            Expect("painter", "takes-style", 0.0, 0.03, "no swap shows the style donor's shape: 0"),
            Expect("painter", "reconstructions", 0.97, 1.03, "reconstructions are the images", normalised=True),
            Expect("style-painter", "keeps-content", 0.0, 0.03, "every swap shows the style donor's shape: 0"),
            Expect("style-painter", "takes-style", 0.97, 1.03, "it is the style donor's image", normalised=True),
            Expect(
                "content-painter", "keeps-content", 0.97, 1.03, "the style that is lost is not judged", normalised=True
            ),
            Expect("content-painter", "takes-style", 0.0, 0.03, "no swap shows the style donor's shape: 0"),
            Expect("collapsed", "keeps-content", -0.03, 0.03, "one image for all: chance", normalised=True),
            Expect("collapsed", "takes-style", -0.03, 0.03, "one image for all: chance", normalised=True),
        ),
    )

    def __init__(self, config: SwapConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Train or read back the classifier, swap and judge.

        Raises:
            UsageError: Only codes were given, or there are too few rows or classes to train on or to swap.
        """
        decode, images = model_of(subject)
        codes, config, seed = subject.codes, self.config, subject.seed
        labels = codes.labels
        rows = choose_rows(codes, labels, codes.content_factor, seed, config.max_train)
        pairs = donors(labels, rows.test, config.pairs, stream(seed, "swap"))
        training = Training(config.epochs, config.minimum_steps, seed=seed)
        judge = image_classifier(_bytes(images, rows.train), labels[rows.train], training, subject.keep, subject.report)

        def judged(places: np.ndarray, of: Images, what: str) -> np.ndarray:
            found = np.empty(len(places), dtype=labels.dtype)
            for start in range(0, len(places), BATCH):
                found[start : start + BATCH] = judge.predict(of(places[start : start + BATCH]))
                subject.report(min(start + BATCH, len(places)), len(places), what)
            return found

        swapped = judged(pairs, lambda some: _swap(decode, codes, some), "judging swaps")
        real = judged(rows.test, images, "judging real images")
        again = judged(
            rows.test, lambda some: decode(codes.content[some], codes.style[some]), "judging reconstructions"
        )
        best = float((real == labels[rows.test]).mean())
        values = {
            "keeps-content": self._value("keeps-content", swapped, labels[pairs[:, 0]], best, seed, "up"),
            "takes-style": self._value("takes-style", swapped, labels[pairs[:, 1]], best, seed, "down"),
            "real": self._value("real", real, labels[rows.test], 1.0, seed, "up"),
            "reconstructions": self._value("reconstructions", again, labels[rows.test], best, seed, "up"),
        }
        swaps = numbered(pairs, len(labels))
        items = {
            "keeps-content": Items(swaps, swapped == labels[pairs[:, 0]]),
            "takes-style": Items(swaps, swapped == labels[pairs[:, 1]]),
            "real": Items(rows.test, real == labels[rows.test]),
            "reconstructions": Items(rows.test, again == labels[rows.test]),
        }
        notes = list(rows.notes)
        if (codes.split[rows.train] == SPLITS.index("test")).any():
            notes = [
                "Training lacks the test classes, so the classifier was trained on one half of the test images "
                f"({len(rows.train)}) and judges swaps of the other ({len(rows.test)})."
            ]
        kept = values["reconstructions"].value
        if kept < FAITHFUL * best:
            notes.append(
                f"The classifier is right on {kept:.1%} of the reconstructions and on {best:.1%} of the real images: "
                "what decoding loses is judged too, not the swap alone. Hold keeps-content against reconstructions."
            )
        if best < TRUSTED:
            notes.append(f"The classifier is right on {best:.1%} of the real images only, so it is a poor judge.")
        artifacts = {}
        if len(judge.classes) <= DRAWN:
            names = label_names(codes, judge.classes)
            artifacts["confusion"] = heatmap(
                subject.out / "swap.png", confusion(labels[pairs[:, 0]], swapped, judge.classes),
                names, names,
                title=f"What swaps show: {subject.name}", row_title=f"{codes.content_factor} of the content donor",
                words="Share of every content donor's swaps by what an independent classifier sees in them. A model "
                "that keeps content has 1 along the diagonal.",
                column_title=f"{codes.content_factor} that the classifier sees",
            )  # fmt: skip
        settings = {
            **asdict(config),
            "seed": seed,
            "n": len(pairs),
            "n_train": len(rows.train),
            "protocol": rows.protocol,
            "split": codes.split_source,
            "decoded": "means",
            "classes": len(judge.classes),
            "classifier": judge.kept.name if judge.kept else "not kept",
            "classifier_weights": f"sha256:{judge.digest}",
            "interval": "95 %, bootstrap over the swaps or the test images, the classifier held fixed",
            "versions": {"numpy": np.__version__, "torch": torch.__version__},
        }
        return Result("swap", values, settings, artifacts, notes, items)

    def _value(self, name: str, seen: np.ndarray, labels: np.ndarray, ceiling: float, seed: int, better: str) -> Value:
        right = seen == labels
        low, high = proportion_interval(right, self.config.bootstrap, stream(seed, "swap", "bootstrap", name))
        return Value(
            float(right.mean()), "accuracy", agreement(seen, labels), ceiling, low, high, len(right),
            "convolutional classifier of real images, trained independently of the model", better,
        )  # fmt: skip


def agreement(seen: np.ndarray, labels: np.ndarray) -> float:
    """Expected share of equal entries of ``seen`` [N] and a random permutation of ``labels`` [N].

    >>> agreement(np.array([0, 0, 0, 1]), np.array([0, 1, 0, 1]))
    0.5
    """
    classes = np.union1d(seen, labels)
    counts = [np.bincount(np.searchsorted(classes, part), minlength=len(classes)) for part in (seen, labels)]
    return float((counts[0] / len(seen) * counts[1] / len(labels)).sum())


def confusion(labels: np.ndarray, seen: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """[K, K] shares of every class's rows by what was seen in them; NaN in the row of a class without rows.

    >>> confusion(np.array([3, 3, 5]), np.array([3, 5, 5]), np.array([3, 5])).tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, (np.searchsorted(classes, labels), np.searchsorted(classes, seen)), 1)
    rows = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, rows, out=np.full_like(counts, np.nan), where=rows > 0)


def _swap(decode: Decode, codes: Codes, pairs: np.ndarray) -> np.ndarray:
    return decode(codes.content[pairs[:, 0]], codes.style[pairs[:, 1]])


def _bytes(images: Images, rows: np.ndarray) -> np.ndarray:
    """[N, H, W, C] uint8: real images were bytes, and take a quarter of the memory as such."""
    parts = [np.rint(255 * np.clip(images(rows[i : i + BATCH]), 0, 1)) for i in range(0, len(rows), BATCH)]
    return np.concatenate([part.astype(np.uint8) for part in parts])
