"""Leakage: what each block tells of the content and of every style factor, and how much of that it should not.

    leakage = 1/K sum_k max(0, (a_k - f_k) / (1 - f_k))

over the K factors, a_k being the test accuracy of a non-linear classifier that reads factor k from the *wrong* block
(the content factor from style, style factors from content), f_k the share of the most frequent class; for a factor
that is no category a_k is the R^2 of a non-linear regression and f_k = 0. The floor of leakage is that of the ideal
code, see ``ideal.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from disent_plugins.about import About, Expect
from disent_plugins.contracts import Items, Result, Subject, Value
from disent_plugins.metrics.content_style.classifiers import WORDS, Kind, normalise
from disent_plugins.metrics.content_style.ideal import SAYS, dependence_notes, ideal_accuracies
from disent_plugins.metrics.content_style.reading import (
    BLOCKS,
    Answer,
    ReadingOptions,
    Target,
    read_all,
    reading_settings,
    targets,
)
from disent_plugins.metrics.content_style.regression import UNIT, Regression
from disent_plugins.metrics.content_style.regression import WORDS as REGRESSION_WORDS
from disent_plugins.metrics.factors.references import interval
from disent_plugins.metrics.pictures.heatmap import heatmap
from disent_plugins.metrics.statistics.bootstrap import proportion_interval
from disent_plugins.metrics.statistics.seeds import stream

KINDS: tuple[Kind, ...] = ("linear", "nonlinear")

# Guesses of ten classes on 2,000 test rows: .100 +- .0067, and the largest class has about .113: -.015 +- .0075.
_CHANCE = "noise: at or below the largest class"


@dataclass(frozen=True)
class LeakageConfig(ReadingOptions):
    """Options of leakage."""


class Leakage:
    """The metric ``leakage``."""

    Config = LeakageConfig
    about = About(
        definition=(
            "Classifiers read the content factor and every style factor from the content means and from the style "
            "means, and the one that is right on most validation rows is tested: `{block}/{factor}/linear` is the test "
            "accuracy of the best of logistic regression (C = 1 on standardised, C = 100 on whitened codes) and a "
            "linear discriminant; `{block}/{factor}/nonlinear` that of the best of these, a discriminant of levelled "
            "codes and a network with 128 and 64 hidden units (see `probe` for levelled and whitened). "
            "One number sums the wrong half of that matrix up:\n\n"
            "    leakage = 1/K sum_k max(0, (a_k - f_k) / (1 - f_k))\n\n"
            "with a_k the non-linear accuracy of factor k from the wrong block (the content factor from style, style "
            "factors from content) and f_k its floor. Style factors that are ordered, circular or continuous are read "
            "by regression instead, and a_k is R^2 on the test rows:\n\n"
            "    R^2 = 1 - sum_i |y_i - p_i|^2 / sum_i |y_i - mean y|^2\n\n"
            "with y the number of the value, for circular factors its sine and cosine. `linear` is ridge regression "
            "(its penalty chosen on validation rows), `nonlinear` adds a network with 128 and 64 hidden units on what "
            "it leaves (epoch and weight chosen on validation rows). No value of the test rows needs to occur in "
            "training: unseen views are read off their neighbours. Codes are standardised on the training rows by "
            "their median and the deviation of their middle 99 %, and cut to +-5, so that no outlier decides. Our "
            "definition; the matrix extends the two probes of the GM-VAE paper (Table 1) to style factors. Where no "
            "class of the test split occurs in training, half of each class's test rows train the classifiers and the "
            "other half test them."
        ),
        range=(
            "Accuracies in 0..1, R^2 at most 1 and below 0 where a constant is better; `leakage` in 0..1, 0 is good. "
            "High is good for the right block, bad for the wrong."
        ),
        floor=(
            "The share of the most frequent class among the test rows, or R^2 = 0, that of the best constant; what "
            "the same answers score against shuffled test labels stands in the settings (`permuted`). `leakage`: what "
            "the ideal code leaks on the "
            f"same rows, whose blocks are the factors themselves: 0 where content and style are independent. {SAYS}"
        ),
        ceiling="1, which codes reach that hold the factor; for `leakage` 1 means that the wrong blocks tell all.",
        cost=(
            "Grows with training rows (at most 10,000), factors and columns: 2.8 s on one thread for 60,000 "
            "MNIST-shaped codes of 8 + 8 columns with labels alone, 4.2 s for Cars3D-shaped ones with three "
            "factors."
        ),
        distrust=(
            "A low `leakage` is no merit if the block is empty: codes that tell nothing score 0, so read the right "
            "half of the matrix beside it. Factors that depend on each other in the data set (a class with its typical "
            "pose) leak by necessity: then the floor is above 0, and codes that hold less than their own factors fall "
            "below it; a dependence that shows only in combinations of factors with few rows each is not in it. A "
            "classifier is a lower bound, and so is a regression: what it cannot read may still be there, the more so "
            "with few rows for each value: the parity of three signs among 64 codes, or narrow bands of one code that "
            "take turns, read as chance. R^2 takes the values of ordered factors as equal steps, and one far-off value "
            "of a continuous factor may decide it. Without style factors only the content factor counts, and what of "
            "the style sits in the content block stays unseen."
        ),
        expects=(
            Expect("split-apart", "leakage", 0.0, 0.03, "blocks hold their own factors only: 0"),
            Expect("split-apart", "content/label/nonlinear", 0.97, 1.0, "the content is the label: 1"),
            Expect("split-apart", "style/angle/nonlinear", 0.97, 1.0, "the style is the angle: 1"),
            Expect("leaky", "leakage", 0.3, 0.37, "one of three factors is in the wrong block: 1/3"),
            Expect("leaky", "style/label/nonlinear", 0.97, 1.0, "style holds the label: 1"),
            Expect("swapped", "leakage", 0.97, 1.0, "all factors are in the wrong block: 1"),
            Expect("all-in-content", "leakage", 0.6, 0.7, "two of three factors are in the wrong block: 2/3"),
            Expect("blind", "leakage", 0.0, 0.03, "noise tells nothing: 0"),
            Expect("blind", "content/label/nonlinear", -0.045, 0.03, _CHANCE, normalised=True),
            Expect("blind", "style/label/linear", -0.045, 0.03, _CHANCE, normalised=True),
            Expect("noise", "leakage", 0.0, 0.03, "noise tells nothing: 0"),
            Expect("half-leak", "leakage", 0.123, 0.173, "(1/2 - 1/10) / (1 - 1/10) / 3 = 0.148"),
            Expect("half-leak", "style/label/nonlinear", 0.45, 0.55, "a ring for every two labels: 1/2"),
            Expect("half-leak", "style/label/linear", -0.05, 0.05, "no line tells rings apart: 0", normalised=True),
            Expect("memorised-blocks", "leakage", 0.0, 0.04, "test rows say nothing: 0"),
            Expect(
                "memorised-blocks", "content/label/nonlinear", -0.08, 0.05, "test rows say nothing: 0", normalised=True
            ),
            Expect("memorised-blocks", "style/label/linear", -0.08, 0.05, "test rows say nothing: 0", normalised=True),
        ),
    )

    def __init__(self, config: LeakageConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Read every factor from both blocks and draw the matrix.

        Raises:
            UsageError: The content factor cannot be read (see ``reading.targets``).
        """
        config, seed = self.config, subject.seed
        found, notes = targets(subject.codes, config, seed)
        readings = read_all(subject, found, KINDS, jobs=config.jobs)
        ideal = ideal_accuracies(subject.codes, found)
        notes = (*notes, *dependence_notes(ideal, found, "the floor of leakage is that"))
        floor = float(np.append(ideal[0, 1:], ideal[1, 0]).mean())
        values = {"leakage": _summary(readings, found, floor, config.bootstrap, seed)}
        for (block, name, kind), answer in readings.items():
            generator = stream(seed, "leakage", block, name, kind)
            better = "up" if wrong_block(found, name) != block else "down"
            values[f"{block}/{name}/{kind}"] = _cell(answer, kind, config.bootstrap, generator, better)
        items = {
            "/".join(key): Items(target.rows.test, answer.correct)
            for target in found
            for key, answer in readings.items()
            if key[1] == target.name and not isinstance(answer, Regression)
        }
        told = {
            "permuted": {"/".join(key): answer.permuted for key, answer in readings.items()},
            "ideal": ideal.tolist(),
        }
        settings = {**asdict(config), **reading_settings(subject, found), **told}
        picture = _picture(subject, readings, found)
        return Result("leakage", values, settings, {"matrix": picture}, notes, items)


def wrong_block(found: Sequence[Target], name: str) -> str:
    """The block that should not tell the factor ``name``."""
    return "style" if next(target for target in found if target.name == name).is_content else "content"


def leakage(accuracy: np.ndarray, floor: np.ndarray) -> float:
    """The summary, in [0, 1].

    Args:
        accuracy: [K] of every factor read from its wrong block; R^2 of those that are no categories.
        floor: [K] chance; 0 for R^2.

    >>> leakage(np.array([1.0, 0.2, 0.5]), np.array([0.1, 0.25, 0.5])).__round__(3)
    0.333
    """
    return float(normalise(accuracy, floor).mean())


def _cell(answer: Answer, kind: Kind, resamples: int, generator: np.random.Generator, better: str) -> Value:
    n = len(answer.labels)
    if isinstance(answer, Regression):
        low, high = interval(answer.r2, answer.resampled(resamples, generator).tolist())
        return Value(answer.r2, UNIT, answer.floor, 1.0, low, high, n, REGRESSION_WORDS[kind], better)
    low, high = proportion_interval(answer.correct, resamples, generator)
    words = f"{answer.chosen}: {WORDS[kind]}"
    return Value(answer.accuracy, "accuracy", answer.floor, 1.0, low, high, n, words, better)


def _summary(
    readings: Mapping[tuple[str, str, Kind], Answer], found: Sequence[Target], ideal: float, resamples: int, seed: int
) -> Value:
    wrong = [readings[wrong_block(found, target.name), target.name, "nonlinear"] for target in found]
    score = np.array([answer.r2 if isinstance(answer, Regression) else answer.accuracy for answer in wrong])
    floor, n = np.array([answer.floor for answer in wrong]), np.array([len(answer.labels) for answer in wrong])
    generator, classes = stream(seed, "leakage", "summary"), ~np.array([target.by_regression for target in found])
    drawn = np.empty((resamples, len(n)))
    # Drawing n rows of a 0/1 vector with replacement and counting is one binomial draw.
    drawn[:, classes] = generator.binomial(n[classes], score[classes], (resamples, classes.sum())) / n[classes]
    for k, answer in enumerate(wrong):
        if isinstance(answer, Regression):
            drawn[:, k] = answer.resampled(resamples, generator)
    value = leakage(score, floor)
    low, high = interval(value, [leakage(draw, floor) for draw in drawn])
    words = f"mean over {len(found)} factors read from the wrong block; {WORDS['nonlinear']}"
    unit = "normalised accuracy" + (f" or {UNIT}" if not classes.all() else "")
    words += f"; {REGRESSION_WORDS['nonlinear']}" if not classes.all() else ""
    return Value(value, unit, ideal, 1.0, low, high, int(n.min()), words, "down")


def _picture(subject: Subject, readings: Mapping[tuple[str, str, Kind], Answer], found: Sequence[Target]) -> Path:
    matrix = np.array([[readings[block, target.name, kind].normalised for target in found]
                       for block in BLOCKS for kind in KINDS])  # fmt: skip
    return heatmap(
        subject.out / "leakage.png",
        matrix,
        [f"{block}, {'linear' if kind == 'linear' else 'non-linear'}" for block in BLOCKS for kind in KINDS],
        [target.name for target in found],
        title=f"Leakage: {subject.name}",
        words="How well each factor is read from each block: 0 is chance, 1 is all of it. The content "
        f"factor '{found[0].name}' belongs in content, the others in style.",
        row_title="read from",
        column_title="factor",
    )
