"""Mutants: our metrics, each with one small fault, and the oracle that has to find it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pkgutil import resolve_name
from types import SimpleNamespace
from typing import Any
from unittest import mock

import joblib
import numpy as np

from disent_plugins.metrics.factors.sample import Sample
from disent_plugins.metrics.oracles.check import Finding, check_metric_on_oracles
from disent_plugins.metrics.plugin import disent_metrics
from disent_plugins.metrics.probe.rows import Rows

METRICS = {spec.name: spec for spec in disent_metrics()}
LEAST = {
    "bootstrap": (10, 100), "permutations": (1,), "halves": (2,), "jobs": (1,), "presets": ("strong",),
    "inputs": ("mean",),
}  # fmt: skip
"""Options that cost time and that no expected value depends on: what they are set to, the first that is allowed."""


@dataclass(frozen=True)
class Mutant:
    """A metric with a fault.

    Attributes:
        metric: Its name.
        fault: What is wrong with it.
        case: The oracle that finds it out.
        patches: Names below ``disent_plugins.metrics`` to what makes the wrong thing of the right one.
        options: Options that are wrong.
    """

    metric: str
    fault: str
    case: str
    patches: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.metric}: {self.fault}"

    def findings(self) -> list[Finding]:
        """What the metric with its fault scores on the oracle."""
        return checked(self.metric, self.case, self.patches, self.options)


def checked(
    metric: str,
    case: str,
    patches: Mapping[str, Callable[[Any], Any]] | None = None,
    options: Mapping[str, Any] | None = None,
) -> list[Finding]:
    """The findings of a metric on one oracle, with few resamples."""
    spec = METRICS[metric]
    right = resolve_name(spec.target)
    known = {option.name for option in fields(right.Config)}
    least = {name: values for name, values in LEAST.items() if name in known}
    low = {option.name: option.metadata.get("low") or 0 for option in fields(right.Config)}
    few = {
        name: next(value for value in values if isinstance(value, str) or value >= low[name])
        for name, values in least.items()
    }
    quick = type(right.__name__, (right,), {"Config": partial(right.Config, **few, **(options or {}))})
    expects = [expect for expect in right.about.expects if expect.case == case]
    assert expects, f"{metric} expects nothing of {case}"
    with ExitStack() as stack:
        for name, fault in {"content_style.reading.read": _remembered, **(patches or {})}.items():
            target = f"disent_plugins.metrics.{name}"
            module, _, attribute = target.rpartition(".")
            stack.enter_context(mock.patch(target, fault(getattr(resolve_name(module), attribute))))
        return check_metric_on_oracles(quick, expects, spec.needs)


_READ: dict[str, Any] = {}


def _remembered(right: Callable[..., Any]) -> Callable[..., Any]:
    """Three metrics read the same of the same blocks, which takes them most of their time."""

    def read(*asked: Any) -> Any:
        key = joblib.hash(asked)
        if key not in _READ:
            _READ[key] = right(*asked)
        return _READ[key]

    return read


# Faults that several metrics can have


def after(change: Callable[..., Any]) -> Callable[[Any], Any]:
    """The right answer, changed: ``change`` gets the answer."""
    return lambda right: lambda *args, **how: change(right(*args, **how))


def before(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The right function of a changed first argument."""
    return lambda right: lambda first, *args, **how: right(change(first), *args, **how)


def instead(wrong: Any) -> Callable[[Any], Any]:
    """Another thing altogether."""
    return lambda right: wrong


def _judged_on_training(sample: Sample) -> Sample:
    fit = np.flatnonzero(~sample.test)
    rows = np.concatenate([fit, fit])
    test = np.arange(len(rows)) >= len(fit)
    return replace(sample, codes=sample.codes[rows], factors=sample.factors[rows], test=test)


def _tested_on_training(rows: Rows) -> Rows:
    return replace(rows, test=rows.train)


FACTORS_OF_TRAINING = after(_judged_on_training)
LABELS_OF_TRAINING = after(_tested_on_training)


def linear_for_all(right: Callable[..., Any]) -> Callable[..., Any]:
    """A linear classifier, whatever kind was asked for."""
    return lambda x, labels, rows, kind, seed: right(x, labels, rows, "linear", seed)


def manhattan(
    queries: np.ndarray, labels: np.ndarray, gallery: np.ndarray, names: np.ndarray, *,
    distance: str = "", same_rows: bool = False,
) -> np.ndarray:  # fmt: skip
    """``nearest.share_right`` by sums of absolute differences."""
    apart = np.abs(queries[:, None].astype(np.float64) - gallery).sum(axis=2)
    if same_rows:
        np.fill_diagonal(apart, np.inf)
    nearest = apart <= apart.min(axis=1, keepdims=True) + 1e-9
    return np.asarray((nearest & (labels[:, None] == names)).sum(axis=1) / nearest.sum(axis=1))


def box_ssim(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """``ssim.ssim`` with a window that weighs all its 11 x 11 pixels alike."""
    from scipy.ndimage import uniform_filter

    from disent_plugins.metrics.quality import ssim as right

    with mock.patch.object(right, "_blurred", lambda of: uniform_filter(of, (0, 11, 11, 0))):
        return right.ssim(images, others)


def shares(known: Any, share: np.ndarray) -> SimpleNamespace:
    """``information.Knowledge`` with other shares."""
    return SimpleNamespace(information=known.information, significant=known.significant, share=share)
