"""Which factors are read from which block, and the answers of what reads them, kept for all metrics.

Classifiers read the content and categories, regressions read ordered, circular and continuous style factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np

from disent_plugins.content import has_value
from disent_plugins.contracts import Codes, Report, Subject
from disent_plugins.errors import UsageError
from disent_plugins.metrics.content_style.classifiers import Kind, Reading, read
from disent_plugins.metrics.content_style.regression import Regression, quantity, regress, regression_rows
from disent_plugins.metrics.factors.sample import LEAST_PER_VALUE
from disent_plugins.metrics.probe.rows import Rows, choose_rows
from disent_plugins.metrics.statistics.cores import cores, jobs_option
from disent_plugins.options import Options, option

BLOCKS = ("content", "style")

Answer = Reading | Regression
"""What was read of a factor: by a classifier, or by a regression."""

ROWS_FOR_PROCESSES = 20_000
"""Training rows of all readings together from which on other processes are worth their start."""


@dataclass(frozen=True)
class ReadingOptions(Options):
    """Options of all metrics that read factors."""

    train: int = option(10_000, "Most rows that a reading trains on.", low=10)
    values: int = option(200, "Categories of style with more values than this are left out.", low=2)
    bootstrap: int = option(1000, "Resamples for the 95 % intervals.", low=10, high=100_000)
    jobs: int = jobs_option()


@dataclass(frozen=True)
class Target:
    """A factor to read.

    Attributes:
        name: Its name.
        labels: [N] of all codes: classes, or what a regression predicts, [N, T] (see ``regression.quantity``).
        rows: Where it is read.
        is_content: Whether content should hold it.
    """

    name: str
    labels: np.ndarray
    rows: Rows
    is_content: bool

    @property
    def by_regression(self) -> bool:
        """Whether a regression reads it."""
        return self.labels.ndim == 2


def targets(codes: Codes, options: ReadingOptions, seed: int) -> tuple[list[Target], tuple[str, ...]]:
    """The content factor first, then the style factors that can be read; and notes.

    Raises:
        UsageError: The content factor cannot be read: see ``choose_rows``, or it has one class among the test rows, or
            too few rows of a class to train on.
    """
    found = [_target(codes, codes.content_factor, codes.labels, options, seed, is_content=True)]
    notes: list[str] = []
    for name in codes.style_factors:
        try:
            if codes.factor(name).kind != "category":
                goal, known = quantity(codes, name)
                rows = regression_rows(codes, goal, known, name, seed, options.train)
                found.append(Target(name, goal, rows, is_content=False))
                continue
            labels = codes.factors[:, codes.factor_names.index(name)].astype(np.int64)
            count = len(np.unique(labels[has_value(labels)]))
            if count > options.values:
                notes.append(f"'{name}' was left out: it has {count} values, more than {options.values}.")
                continue
            found.append(_target(codes, name, labels, options, seed, is_content=False))
        except UsageError as error:
            notes.append(f"'{name}' was left out: {error.why}")
    if len(found) == 1:
        notes.append("No style factor could be read, so only the content factor says anything here.")
    return found, tuple(dict.fromkeys([*(note for target in found for note in target.rows.notes), *notes]))


def _target(
    codes: Codes, name: str, labels: np.ndarray, options: ReadingOptions, seed: int, *, is_content: bool
) -> Target:
    rows = choose_rows(codes, labels, name, seed, options.train)
    if len(np.unique(labels[rows.test])) < 2:
        raise UsageError(
            f"The factor '{name}' cannot be read.",
            f"It has one value in all {len(rows.test)} test rows, so guessing is always right.",
            "Give test rows of two values or more.",
        )
    count, size = len(rows.train), len(np.unique(labels[rows.train]))
    if size * LEAST_PER_VALUE > count:
        raise UsageError(
            f"The factor '{name}' cannot be read.",
            f"It has {size} values in {count} rows to train on, and needs {LEAST_PER_VALUE} rows a value or more.",
            "Give more rows of every value, or merge values.",
        )
    return Target(name, labels, rows, is_content)


def read_all(
    subject: Subject,
    found: Sequence[Target],
    kinds: Sequence[Kind],
    blocks: Sequence[str] = BLOCKS,
    *,
    jobs: int = 0,
) -> dict[tuple[str, str, Kind], Answer]:
    """Every target from every block, linearly or not: (block, target, kind) to what was read.

    Leakage, dependence and blocks read much the same, so what was read once is kept in ``subject.shared``.

    Args:
        subject: Has the codes.
        found: What to read.
        kinds: Of classifiers and regressions.
        blocks: To read from.
        jobs: Processes, 0 for one a core; no number depends on them.
    """
    cells = [(block, target, kind) for target in found for block in blocks for kind in kinds]
    keys = {(block, target.name, kind): _key(subject, block, target, kind) for block, target, kind in cells}
    missing = [cell for cell in cells if keys[cell[0], cell[1].name, cell[2]] not in subject.shared]
    rows = sum(len(target.rows.train) for _, target, _ in missing)
    many = min(cores(jobs), len(missing)) if rows >= ROWS_FOR_PROCESSES else 1
    parallel = joblib.Parallel(n_jobs=many, return_as="generator")
    readings = parallel(
        joblib.delayed(regress if target.by_regression else read)(
            getattr(subject.codes, block), target.labels, target.rows, kind, subject.seed
        )
        for block, target, kind in missing
    )
    report: Report = subject.report
    for done, (block, target, kind) in enumerate(missing):
        report(done, len(missing), f"{target.name} from {block}")
        subject.shared[keys[block, target.name, kind]] = next(readings)
    report(len(missing), len(missing), "reading")
    return {name: subject.shared[key] for name, key in keys.items()}


def _key(subject: Subject, block: str, target: Target, kind: Kind) -> tuple[str, str, int, str]:
    """Of all that an answer depends on."""
    rows = target.rows
    used = (rows.train, rows.tuned_train, rows.validation, rows.test)
    return "reading", kind, subject.seed, joblib.hash((getattr(subject.codes, block), target.labels, *used))


def reading_settings(subject: Subject, found: Sequence[Target]) -> dict[str, Any]:
    """What every metric that reads factors records beside its own options."""
    import sklearn

    return {
        "seed": subject.seed,
        "split": subject.codes.split_source,
        "content_size": subject.codes.content.shape[1],
        "style_size": subject.codes.style.shape[1],
        "targets": {
            target.name: {
                "n_train": len(target.rows.train),
                "n_test": len(target.rows.test),
                "values": len(np.unique(target.labels[np.append(target.rows.train, target.rows.test)], axis=0)),
                "read_by": "regression" if target.by_regression else "classifier",
                "protocol": target.rows.protocol,
            }
            for target in found
        },
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
    }
