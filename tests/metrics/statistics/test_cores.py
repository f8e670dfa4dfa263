"""How many cores are used, and that it changes no bit."""

from __future__ import annotations

import joblib
import numpy as np
import pytest
from helpers.content_style_files import codes, subject
from joblib.externals.loky import get_reusable_executor

from disent_plugins.metrics.content_style import reading
from disent_plugins.metrics.content_style.leakage import Leakage, LeakageConfig
from disent_plugins.metrics.statistics.cores import cores, one_blas_thread


@pytest.fixture(autouse=True)
def new_workers():
    """None of an earlier test's, which leave when they have had nothing to do for five minutes: maybe just now."""
    get_reusable_executor().shutdown(wait=True)


def test_all_cores_a_number_of_them_or_one_inside_a_worker():
    assert cores(0) == joblib.cpu_count()
    assert cores(3) == 3
    for backend in ("loky", "threading"):
        assert joblib.Parallel(n_jobs=2, backend=backend)(joblib.delayed(cores)(jobs) for jobs in (0, 3)) == [1, 1]


def test_linear_algebra_has_one_thread():
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))
    with one_blas_thread():
        assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {1}


def test_processes_change_no_bit(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "ROWS_FOR_PROCESSES", 0)
    one, two = (
        Leakage(LeakageConfig(bootstrap=10, train=200, jobs=jobs)).measure(subject(tmp_path, codes("leaky", 300)))
        for jobs in (1, 2)
    )
    assert one.values == two.values
