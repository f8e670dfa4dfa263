"""Blocks: which of the two blocks holds each factor, and whether each holds its own: DCI for blocks instead of codes.

    a_bk              normalised accuracy of factor k read from block b by a non-linear classifier (0 chance, 1 all),
                      or R^2 of a non-linear regression where the factor is no category
    informativeness_k = max_b a_bk
    completeness_k    = informativeness_k (1 - H2(a_ck / (a_ck + a_sk)))
    disentanglement_b = max(m_bc, m_bs) (1 - H2(m_bc / (m_bc + m_bs)))
    placement         = ((m_cc - m_sc) + (m_ss - m_cs)) / 2

H2 is the binary entropy in bits, m_bc and m_bs the mean of a_bk over the content factor and over the style factors.
Accuracies less than 3 standard errors above chance count as 0: beside a perfect block, an entropy would take 2 % of
accuracy that are mere luck for 0.14 bits. The ceiling is the score of the ideal code, see ``ideal.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from disent_plugins.about import About, Expect
from disent_plugins.contracts import Result, Subject, Value
from disent_plugins.metrics.content_style.classifiers import WORDS, told
from disent_plugins.metrics.content_style.ideal import SAYS, dependence_notes, ideal_accuracies
from disent_plugins.metrics.content_style.reading import (
    BLOCKS,
    Answer,
    ReadingOptions,
    read_all,
    reading_settings,
    targets,
)
from disent_plugins.metrics.content_style.regression import Regression, significant
from disent_plugins.metrics.factors.references import interval
from disent_plugins.metrics.pictures.heatmap import heatmap
from disent_plugins.metrics.statistics.seeds import stream
from disent_plugins.options import option


@dataclass(frozen=True)
class BlocksConfig(ReadingOptions):
    """Options of blocks."""

    bootstrap: int = option(200, "Resamples for the 95 % intervals.", low=10, high=100_000)
    permutations: int = option(20, "Permutations of the test labels that the floor is the mean of.", low=1, high=10_000)


class Blocks:
    """The metric ``blocks``."""

    Config = BlocksConfig
    about = About(
        definition=(
            "DCI (Eastwood and Williams 2018) asks which single codes hold which factors; this asks it of the two "
            "blocks. With a_ck and a_sk the normalised test accuracies (0: most frequent class, 1: all; 0 below 3 "
            "standard errors above chance) of factor k read from the content and the style block by the non-linear "
            "classifier of `leakage` (or R^2 of its regression, where factor k is no category), m_bc that of the "
            "content factor from block b, m_bs the mean of those of the style factors from block b, and H2 the binary "
            "entropy in bits:\n\n"
            "    informativeness/k = max(a_ck, a_sk)                                   the better block's accuracy\n"
            "    completeness/k    = informativeness/k (1 - H2(a_ck / (a_ck + a_sk)))  is it in one block only\n"
            "    disentanglement/b = max(m_bc, m_bs) (1 - H2(m_bc / (m_bc + m_bs)))    does the block hold one kind\n"
            "    placement         = ((m_cc - m_sc) + (m_ss - m_cs)) / 2               is each in its own block\n\n"
            "`informativeness` and `completeness` are means over the factors, `disentanglement` over the blocks. "
            "Unlike in DCI, completeness and disentanglement are multiplied by what is read at all, so that blocks "
            "that tell nothing score 0 and not whatever the shares of their noise are. Our definition."
        ),
        range="0..1, high is good; `placement` -1 (exchanged) .. 1 (each factor in its own block only).",
        floor="The mean score of the same answers over 20 permutations of the test labels.",
        ceiling=(
            "The score of the ideal code on the same rows, whose blocks are the factors themselves: 1 where content "
            f"and style are independent. {SAYS}"
        ),
        cost=(
            "Grows with training rows (at most 10,000), factors and columns: 1.6 s on one thread for 60,000 "
            "MNIST-shaped codes of 8 + 8 columns with labels alone, about 1.8 s for each further factor."
        ),
        distrust=(
            "Only `placement` knows which block is which: exchanged blocks are as complete and disentangled as right "
            "ones. Accuracies are no amounts of information: a factor half of whose values one block tells has 0.5 "
            "whatever they are. Where factors of the data set depend on each other so much that a ceiling is small, a "
            "normalised value divides by little: read the matrix. A code that holds less than its factors may pass "
            "such a ceiling. What one block tells beyond the other (together they may tell all, XOR) is not seen. "
            "Without style factors there are no `disentanglement` values, and `placement` is that of the content "
            "factor, m_cc - m_sc."
        ),
        expects=(
            Expect("split-apart", "completeness", 0.97, 1.0, "every factor is in one block: 1"),
            Expect("split-apart", "disentanglement", 0.97, 1.0, "every block holds one kind: 1"),
            Expect("split-apart", "informativeness", 0.97, 1.0, "every factor is held: 1"),
            Expect("split-apart", "placement", 0.97, 1.0, "every factor is in its own block: 1"),
            Expect("swapped", "placement", -1.0, -0.97, "every factor is in the other block: -1"),
            Expect("swapped", "completeness", 0.97, 1.0, "every factor is in one block: 1"),
            Expect("leaky", "completeness/label", 0.0, 0.03, "both blocks hold the label: 0"),
            Expect("leaky", "placement", 0.47, 0.53, "label in both (0), style factors placed (1): 1/2"),
            Expect("all-in-content", "completeness", 0.97, 1.0, "every factor is in one block: 1"),
            Expect("all-in-content", "disentanglement", 0.0, 0.05, "content holds both kinds, style none: 0"),
            Expect("all-in-content", "placement", -0.03, 0.03, "label placed (1), style factors not (-1): 0"),
            Expect("blind", "completeness", -0.03, 0.03, "noise: 0", normalised=True),
            Expect("blind", "disentanglement", -0.03, 0.03, "noise: 0", normalised=True),
            Expect("blind", "informativeness", -0.03, 0.03, "noise: 0", normalised=True),
            Expect("blind", "placement", -0.03, 0.03, "noise: 0", normalised=True),
            Expect("noise", "informativeness", -0.03, 0.03, "noise: 0", normalised=True),
            Expect("half-leak", "completeness/label", 0.08, 0.14, "accuracies 1 and 4/9: 1 - H2(9/13) = 0.110"),
            Expect("half-leak", "completeness", 0.69, 0.72, "(2 + 0.110) / 3 = 0.703"),
            Expect("half-leak", "disentanglement", 0.54, 0.57, "style holds two kinds: (1 + 0.110) / 2 = 0.555"),
            Expect("half-leak", "placement", 0.75, 0.81, "label in both (1 - 4/9), style factors placed (1): 7/9"),
            Expect("memorised-blocks", "informativeness", 0.0, 0.05, "test rows say nothing: 0"),
            Expect("memorised-blocks", "disentanglement", 0.0, 0.05, "no block holds anything: 0"),
        ),
    )

    def __init__(self, config: BlocksConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Read every factor from both blocks and score the blocks.

        Raises:
            UsageError: The content factor cannot be read (see ``reading.targets``).
        """
        config, seed = self.config, subject.seed
        found, notes = targets(subject.codes, config, seed)
        readings = read_all(subject, found, ("nonlinear",), jobs=config.jobs)
        names = [target.name for target in found]
        pairs = [[readings[block, name, "nonlinear"] for block in BLOCKS] for name in names]
        floors = [pair[0].floor for pair in pairs]

        def scored(some: Pairs) -> dict[str, float]:
            return scores(held(some, floors), names)

        def shuffled(generator: np.random.Generator) -> Pairs:
            orders = [generator.permutation(len(pair[0].labels)) for pair in pairs]
            return [[replace(a, labels=a.labels[order]) for a in pair]
                    for pair, order in zip(pairs, orders, strict=True)]  # fmt: skip

        def drawn(generator: np.random.Generator) -> Pairs:
            sizes = [len(pair[0].labels) for pair in pairs]
            rows = [generator.integers(size, size=size) for size in sizes]
            return [[replace(a, labels=a.labels[some], predicted=a.predicted[some]) for a in pair]
                    for pair, some in zip(pairs, rows, strict=True)]  # fmt: skip

        value = scored(pairs)
        chance = [scored(shuffled(stream(seed, "blocks", "floor", str(i)))) for i in range(config.permutations)]
        draws = [scored(drawn(stream(seed, "blocks", "bootstrap", str(i)))) for i in range(config.bootstrap)]
        ideal = ideal_accuracies(subject.codes, found)
        notes = (*notes, *dependence_notes(ideal, found, "the ceilings are those"))
        best = scores(ideal, names)
        n = min(len(pair[0].labels) for pair in pairs)
        values = {}
        for name, number in value.items():
            low, high = interval(number, [draw[name] for draw in draws])
            floor = float(np.mean([c[name] for c in chance]))
            unit = "difference of normalised accuracies" if name == "placement" else "normalised accuracy"
            ceiling = max(best[name], floor)  # factors that tell each other leave nothing to score
            values[name] = Value(number, unit, floor, ceiling, low, high, n, WORDS["nonlinear"], "up")
        settings = {**asdict(config), **reading_settings(subject, found), "ideal": ideal.tolist()}
        matrix = held(pairs, floors)
        return Result("blocks", values, settings, {"matrix": _picture(subject, matrix, names)}, notes)


Pairs = Sequence[Sequence[Answer]]
"""What was read of every factor from content and from style."""


def held(pairs: Pairs, floors: Sequence[float]) -> np.ndarray:
    """Normalised accuracies, or R^2, [2, K]; 0 where they are not significantly above chance.

    Args:
        pairs: Of K factors.
        floors: [K] share of the most frequent class; 0 for a regression.

    >>> truth = np.arange(50.0)[:, None]
    >>> right, poor = (Regression(truth, answers) for answers in (truth, truth[::-1]))
    >>> held([[right, poor]], [0.0]).ravel()
    array([1., 0.])
    """
    return np.array([[_held(answer, floor) for answer in pair] for pair, floor in zip(pairs, floors, strict=True)]).T


def _held(answer: Answer, floor: float) -> float:
    n = len(answer.labels)
    if isinstance(answer, Regression):
        return significant(answer.r2, n)
    return float(told(np.asarray(answer.accuracy), floor, n))


def scores(accuracy: np.ndarray, names: list[str]) -> dict[str, float]:
    """All values of the metric.

    Args:
        accuracy: [2, K] normalised, in [0, 1]: content and style block, the content factor first.
        names: K factor names.

    >>> scores(np.array([[1.0, 1.0], [0.0, 0.0]]), ["label", "angle"])["completeness"]
    1.0
    """
    held, apart = accuracy.max(axis=0), one_sided(accuracy)
    found = {"informativeness": float(held.mean()), "completeness": float(apart.mean())}
    if len(names) > 1:
        kinds = np.stack([accuracy[:, 0], accuracy[:, 1:].mean(axis=1)])
        blocks = one_sided(kinds)
        found["disentanglement"] = float(blocks.mean())
        found["placement"] = float(((kinds[0, 0] - kinds[0, 1]) + (kinds[1, 1] - kinds[1, 0])) / 2)
        found |= {f"disentanglement/{block}": float(x) for block, x in zip(BLOCKS, blocks, strict=True)}
    else:
        found["placement"] = float(accuracy[0, 0] - accuracy[1, 0])
    for name, h, c in zip(names, held, apart, strict=True):
        found |= {f"informativeness/{name}": float(h), f"completeness/{name}": float(c)}
    return found


def one_sided(pair: np.ndarray) -> np.ndarray:
    """max(x, y) (1 - H2(x / (x + y))) of pairs [2, K] of numbers >= 0, 0 where both are 0.

    >>> one_sided(np.array([[1.0, 0.5, 0.0], [0.0, 0.5, 0.0]]))
    array([1., 0., 0.])
    """
    total = pair.sum(axis=0)
    share = pair / np.where(total > 0, total, 1.0)
    bits = -(share * np.log2(np.where(share > 0, share, 1.0))).sum(axis=0)
    found: np.ndarray = pair.max(axis=0) * np.clip(1 - bits, 0.0, 1.0)
    return found


def _picture(subject: Subject, matrix: np.ndarray, names: list[str]) -> Path:
    return heatmap(
        subject.out / "blocks.png", matrix, list(BLOCKS), names,
        title=f"Blocks: {subject.name}",
        words="How well each block tells each factor: 0 is chance, 1 is every test row. "
        f"Ideal: '{names[0]}' in content only, the others in style only.",
        row_title="block", column_title="factor",
    )  # fmt: skip
