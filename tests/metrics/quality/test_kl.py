from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from helpers.metric_files import codes, subject
from hypothesis import given, settings
from hypothesis import strategies as st

from disent_plugins.errors import UsageError
from disent_plugins.metrics.quality.kl import Information, InformationConfig, kl_by_dimension


def measured(given, **options):
    return Information(InformationConfig(**options)).measure(given)


def test_the_closed_form_value_by_value(tmp_path):
    some = codes()
    result = measured(subject(tmp_path, some))
    for block, mean, logvar in (
        ("content", some.content, some.content_logvar),
        ("style", some.style, some.style_logvar),
    ):
        slow = 0.0
        for row in some.rows("test"):
            for m, v in zip(mean[row].tolist(), logvar[row].tolist(), strict=True):
                slow += 0.5 * (math.exp(v) + m * m - 1 - v)
        value = result.values[f"{block}/kl"]
        assert value.value == pytest.approx(slow / 150, rel=1e-6)
        assert sum(result.settings["kl_by_dimension"][block]) == pytest.approx(value.value)
        assert value.low < value.value < value.high
    assert result.artifacts["dimensions"].read_bytes().startswith(b"\x89PNG")


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 999), d=st.integers(1, 6))
def test_order_and_sign_do_not_matter_and_nothing_is_negative(seed, d):
    generator = np.random.default_rng(seed)
    mean, logvar = generator.normal(size=(2, 20, d))
    order = generator.permutation(d)
    found = kl_by_dimension(mean, logvar)
    assert (found >= 0).all()
    np.testing.assert_allclose(kl_by_dimension(-mean[:, order], logvar[:, order]), found[order])
    np.testing.assert_allclose(kl_by_dimension(np.zeros((5, d)), np.zeros((5, d))), 0)


def test_scale_matters_and_the_golden_value_stays():
    mean, logvar = np.random.default_rng(5).normal(size=(2, 40, 2))
    np.testing.assert_allclose(kl_by_dimension(mean, logvar), [0.6876725, 0.6899768], atol=1e-6)
    assert (kl_by_dimension(2 * mean, logvar) > kl_by_dimension(mean, logvar)).all()


def test_dead_and_faint_dimensions_are_not_active(tmp_path):
    some = codes()
    content = np.concatenate([np.ones((600, 1)), some.content, 0.05 * some.style[:, 1:]], axis=1).astype(np.float32)
    given = replace(some, content=content, content_logvar=np.zeros_like(content))
    value = measured(subject(tmp_path, given)).values["content/active"]
    assert (value.value, value.floor, value.ceiling, value.low, value.high) == (3, 0, 5, 3, 3)
    assert measured(subject(tmp_path, given), threshold=1e-4).values["content/active"].value == 4


def test_codes_without_log_variances_or_without_style(tmp_path):
    some = replace(codes(), content_logvar=None, style_logvar=None, style=np.zeros((600, 0), np.float32))
    result = measured(subject(tmp_path, some))
    assert set(result.values) == {"content/active"}
    assert "no log-variances" in result.notes[0]
    assert not result.artifacts


def test_same_seed_same_result(tmp_path):
    assert measured(subject(tmp_path, seed=2)) == measured(subject(tmp_path, seed=2))


def test_no_test_rows_is_told(tmp_path):
    some = codes()
    with pytest.raises(UsageError, match="no test rows"):
        measured(subject(tmp_path, replace(some, split=np.zeros(600, np.uint8))))
