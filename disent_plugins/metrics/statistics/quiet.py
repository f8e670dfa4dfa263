"""Fits of scikit-learn without the warnings that tell a reader of the results nothing."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_FEW_ROWS = "The number of unique classes is greater than 50%"


@contextmanager
def quiet() -> Iterator[None]:
    """A context in which classifiers are fitted on few rows of many classes, or for fewer steps than they could take.

    Labels are never a regression problem here, and whether there are enough rows is the metric's own check, said once.
    Filters hold for this process and for the threads that scikit-learn starts in it, not for other processes.
    """
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_FEW_ROWS, category=UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
