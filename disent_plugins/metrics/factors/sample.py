"""The codes and factors that a factor metric sees: which rows, which factors, and the checks at the door."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from disent_plugins.content import MISSING, has_value
from disent_plugins.contracts import Codes, Subject
from disent_plugins.errors import UsageError, suggestion
from disent_plugins.metrics.codes.kinds import as_classes
from disent_plugins.metrics.statistics.partition import stratified
from disent_plugins.metrics.statistics.seeds import stream
from disent_plugins.options import Options, option

LEAST_PER_VALUE = 2
"""Rows that a factor's values must have on average: below that every metric measures its own noise."""


@dataclass(frozen=True)
class FactorOptions(Options):
    """Options that all factor metrics share."""

    factors: str | None = option(None, "Factors to use, comma-separated; none: all that vary.")
    rows: Literal["auto", "test", "all"] = option(
        "auto", "Rows to measure; auto: the test split if one was given, otherwise all."
    )
    quantiles: int = option(
        10, "Classes of about equal counts that a continuous factor is cut into.", low=2, high=10_000
    )
    samples: int = option(10_000, "Most rows to measure (to fit on, where something is fitted).", low=10)
    permutations: int = option(5, "Permutations of the factors that the floor is the median of.", low=1, high=10_000)
    bootstrap: int = option(100, "Resamples for the 95 % intervals.", low=10, high=100_000)


@dataclass(frozen=True)
class CeilingOptions(FactorOptions):
    """Options of metrics that a continuous code, however good, cannot score 1 by."""

    ceiling: Literal["auto", "factors"] = option(
        "auto",
        "The ideal code: the factors; auto: without ties where the codes have none, which continuous codes reach.",
    )


@dataclass(frozen=True)
class Sample:
    """N codes with their factors.

    Attributes:
        codes: [N, D] float64, finite; content and style side by side.
        factors: [N, K] int64, each column coded 0..size-1 in the order of its values, every value present.
        names: K factor names.
        test: [N] bool, the rows to be judged by a metric that fits something on the other rows; all True otherwise.
        protocol: Where the rows come from, in words.
        notes: What a reader must know.
    """

    codes: np.ndarray
    factors: np.ndarray
    names: tuple[str, ...]
    test: np.ndarray
    protocol: str = "as given"
    notes: tuple[str, ...] = ()

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of values of every factor."""
        return tuple(int(size) for size in self.factors.max(axis=0) + 1)

    @property
    def active(self) -> int:
        """Number of codes that vary."""
        return int((self.codes.max(axis=0) > self.codes.min(axis=0)).sum())


def one_sample(subject: Subject, options: FactorOptions) -> Sample:
    """The rows for a metric that fits nothing: at most ``options.samples``, chosen by seed.

    Raises:
        UsageError: An unknown factor, no factor that varies, a factor with too few rows a value, or codes that are
            all constant.
    """
    subject = _with_classes(subject, options)
    codes = subject.codes
    rows, protocol = _chosen(codes, options.rows)
    rows = _whole(codes, options, rows)
    rows = _some(rows, options.samples, subject.seed, "rows")
    return _sample(subject, options, rows, np.ones(len(rows), dtype=bool), protocol, ())


def fitted_sample(subject: Subject, options: FactorOptions, test_samples: int = 5000) -> Sample:
    """The rows for a metric that fits on some and is judged on others.

    Training split to test split; where some factor's test values are all absent from the training split (classes that
    were held out), one half of every class's test rows to the other half. Test rows with a value that the rows to fit
    on lack are left out, with a note.

    Raises:
        UsageError: As for ``one_sample``, or ``options.rows`` asks for all rows.
    """
    if options.rows == "all":
        raise UsageError(
            "rows=all does not go with this metric.",
            "It is fitted on the training split and judged on the test split, never on the rows it was fitted on.",
            "Leave --set rows=all out, or give another split.",
        )
    subject = _with_classes(subject, options)
    codes, seed = subject.codes, subject.seed
    columns, _ = _columns(codes, options.factors, np.arange(len(codes.factors)))
    train, test = (_whole(codes, options, codes.rows(split)) for split in ("train", "test"))
    protocol, notes = "training split to test split", []
    if not all(np.isin(codes.factors[test, column], codes.factors[train, column]).any() for column in columns):
        half = stratified(codes.labels[test], 0.5, stream(seed, "factors", "halves"))
        train, test = test[~half], test[half]
        protocol = "half of the test split to its other half, by class"
    train = _some(train, options.samples, seed, "train")
    test = _some(test, test_samples, seed, "test")
    known = np.ones(len(test), dtype=bool)
    for column in columns:
        known &= np.isin(codes.factors[test, column], codes.factors[train, column])
    if not known.all():
        notes.append(f"{(~known).sum()} test rows with a value that the rows to fit on lack were left out.")
    rows = np.concatenate([train, test[known]])
    return _sample(subject, options, rows, np.arange(len(rows)) >= len(train), protocol, tuple(notes))


def need_two(sample: Sample, metric: str) -> None:
    """Refuse a sample with one factor for a metric that asks how factors are told apart.

    Raises:
        UsageError: One factor only varies.
    """
    if len(sample.names) < 2:
        raise UsageError(
            f"{metric} needs two factors or more.",
            f"Only {sample.names[0]} varies in these rows, and one factor cannot be mixed with another.",
            "Measure another metric, or give more factors.",
        )


def sample_of(codes: np.ndarray, factors: np.ndarray, test: np.ndarray | None = None) -> Sample:
    """A sample straight from arrays: codes [N, D], factors [N, K] of any whole numbers, test [N] bool.

    >>> sample_of(np.zeros((4, 1)), np.array([[3], [3], [8], [8]])).sizes
    (2,)
    """
    compact = np.stack([np.unique(column, return_inverse=True)[1] for column in factors.T], axis=1).astype(np.int64)
    names = tuple(f"factor{i}" for i in range(factors.shape[1]))
    chosen = np.ones(len(codes), dtype=bool) if test is None else test
    return Sample(np.asarray(codes, dtype=np.float64), compact, names, chosen)


def code_names(subject: Subject) -> list[str]:
    """Names of the columns of ``Sample.codes``, for pictures."""
    content, style = subject.codes.content.shape[1], subject.codes.style.shape[1]
    if not style:
        return [f"code {i}" for i in range(content)]
    return [f"content {i}" for i in range(content)] + [f"style {i}" for i in range(style)]


def sample_settings(sample: Sample, subject: Subject) -> dict[str, Any]:
    """What every factor metric records beside its own options."""
    import sklearn

    return {
        "seed": subject.seed,
        "split": subject.codes.split_source,
        "protocol": sample.protocol,
        "n": int(sample.test.sum()),
        "n_fit": int((~sample.test).sum()),
        "codes": sample.codes.shape[1],
        "active_codes": sample.active,
        "used_factors": dict(zip(sample.names, sample.sizes, strict=True)),
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
    }


def _chosen(codes: Codes, which: str) -> tuple[np.ndarray, str]:
    made = codes.split_source != "as given"
    if which == "all" or (which == "auto" and made):
        return np.arange(len(codes.factors)), "all rows"
    return codes.rows("test"), "test split"


def _some(rows: np.ndarray, most: int, seed: int, name: str) -> np.ndarray:
    if len(rows) <= most:
        return rows
    return np.sort(stream(seed, "factors", name).permutation(rows)[:most])


def _wanted(codes: Codes, wanted: str | None) -> list[int]:
    """Columns of the factors that the option ``factors`` names."""
    names = list(codes.factor_names) if wanted is None else [name.strip() for name in wanted.split(",") if name.strip()]
    if not names:
        raise UsageError(
            "No factor was named.",
            f"The codes have: {', '.join(codes.factor_names)}.",
            "Name some of them, comma-separated, or leave --set factors=... out.",
        )
    for name in names:
        if name not in codes.factor_names:
            raise UsageError(f"There is no factor '{name}'.", suggestion(name, codes.factor_names))
    return [codes.factor_names.index(name) for name in names]


def _columns(codes: Codes, wanted: str | None, rows: np.ndarray, more: str = "") -> tuple[list[int], list[str]]:
    """Columns of the factors to use, and the names of those that do not vary in ``rows``."""
    columns = _wanted(codes, wanted)
    varying = [column for column in columns if _varies(codes.factors[rows, column])]
    if not varying:
        names = ", ".join(codes.factor_names[column] for column in columns)
        raise UsageError(
            "No factor varies in these rows.",
            f"{names}: one value in all {len(rows)} rows, so there is nothing to tell.",
            f"Give rows in which a factor takes two values or more{more or '.'}",
        )
    return varying, [codes.factor_names[column] for column in columns if column not in varying]


def _varies(column: np.ndarray) -> bool:
    return len(np.unique(column[has_value(column)])) > 1


def _with_classes(subject: Subject, options: FactorOptions) -> Subject:
    """The subject with every factor in classes, as factor metrics need them."""
    return replace(subject, codes=replace(subject.codes, factors=as_classes(subject.codes, options.quantiles)))


def _whole(codes: Codes, options: FactorOptions, rows: np.ndarray) -> np.ndarray:
    """Those of ``rows`` that have a value of every factor to use."""
    columns = [column for column in _wanted(codes, options.factors) if _varies(codes.factors[rows, column])]
    found = rows[(codes.factors[rows][:, columns] != MISSING).all(axis=1)]
    if len(rows) and not len(found):
        names = ", ".join(codes.factor_names[column] for column in columns)
        raise UsageError(
            "No row has a value of every factor.",
            f"In each of the {len(rows)} rows one of these is missing (-1 or NaN): {names}.",
            "Measure those that are known together: --set factors=...",
        )
    return found


def _sample(
    subject: Subject, options: FactorOptions, rows: np.ndarray, test: np.ndarray, protocol: str, notes: tuple[str, ...]
) -> Sample:
    codes = subject.codes
    # Where something is fitted on other rows, the option has no say.
    helps = test.all() and len(rows) < len(codes.factors) and (codes.factors != codes.factors[0]).any()
    more = ", or all of them: --set rows=all" if helps else ""
    columns, constant = _columns(codes, options.factors, rows, more)
    if constant:
        notes += (f"Left out, as they have one value in these rows: {', '.join(constant)}.",)
    names = tuple(codes.factor_names[column] for column in columns)
    cut = [name for name in names if codes.factor(name).kind == "continuous"]
    if cut:
        notes += (f"Continuous, so cut into {options.quantiles} classes of about equal counts: {', '.join(cut)}.",)
    values = np.concatenate([codes.content[rows], codes.style[rows]], axis=1).astype(np.float64)
    if not (values != values[0]).any():
        raise UsageError(
            f"The codes of {subject.name} are constant.",
            f"Every one of the {values.shape[1]} codes has the same value in all {len(rows)} rows.",
            "Find out why the encoder says the same of every image.",
        )
    compact = np.stack([np.unique(codes.factors[rows, c], return_inverse=True)[1] for c in columns], axis=1)
    sizes = dict(zip(names, compact.max(axis=0) + 1, strict=True))
    usable = [name for name, size in sizes.items() if size * LEAST_PER_VALUE <= len(rows)]
    if len(usable) < len(names):
        name = next(name for name in names if name not in usable)
        raise UsageError(
            f"The factor '{name}' has {sizes[name]} values in {len(rows)} rows.",
            f"A factor needs {LEAST_PER_VALUE} rows a value or more, on average.",
            f"Measure more rows, or the other factors: --set factors={','.join(usable)}"
            if usable
            else "Measure more rows, or merge values.",
        )
    return Sample(values, compact.astype(np.int64), names, test, protocol, notes)
