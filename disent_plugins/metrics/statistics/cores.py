"""Cores that a metric uses, without any of its numbers depending on how many there are."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import joblib
from joblib.parallel import get_active_backend
from threadpoolctl import threadpool_limits

from disent_plugins.options import option
from disent_plugins.together import Together


def jobs_option() -> Any:
    """The option ``jobs``: 0 for every core."""
    return option(0, "Cores to use, 0 for all; no number depends on it.", low=0)


def cores(jobs: int) -> int:
    """``jobs``, or all cores that this process may use for 0; 1 where the caller is one of several already."""
    backend, _ = get_active_backend()
    if getattr(backend, "nesting_level", 0):
        return 1
    return jobs or int(joblib.cpu_count())


def one_blas_thread() -> AbstractContextManager[object]:
    """A context in which linear algebra does not split its sums over threads.

    How they are split changes the last bits of a result, and the products of small classifiers are slower for it.
    """
    return _ONE_THREAD


_ONE_THREAD = Together(lambda: threadpool_limits(limits=1, user_api="blas"))
