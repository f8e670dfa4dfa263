"""What classifiers say of few rows stays out of the output; what they say of faults does not."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from disent_plugins.metrics.content_style.classifiers import read
from disent_plugins.metrics.probe.rows import Rows
from disent_plugins.metrics.statistics.quiet import quiet

X = np.random.default_rng(0).normal(size=(60, 3))
MANY = np.arange(60) % 40


def test_few_rows_of_many_classes_and_few_steps_are_no_warning() -> None:
    with warnings.catch_warnings(), quiet():
        LogisticRegression(max_iter=2).fit(X, MANY)
    with pytest.warns(UserWarning, match="unique classes"), warnings.catch_warnings():
        LogisticRegression(max_iter=300).fit(X, MANY)


def test_other_warnings_pass() -> None:
    with pytest.warns(UserWarning, match="something else"), quiet():
        warnings.warn("something else", UserWarning, stacklevel=1)


@pytest.mark.parametrize("kind", ["linear", "nonlinear"])
def test_readings_of_many_classes_are_quiet(kind: str) -> None:
    rows = Rows(np.arange(50), np.arange(45), np.arange(45, 50), np.arange(50, 60), "")
    read(X, MANY, rows, kind, 0)  # type: ignore[arg-type]
