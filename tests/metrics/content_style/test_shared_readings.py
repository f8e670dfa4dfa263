"""What one metric of a suite has read, the others take up; no number depends on it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.content_style_files import codes, subject

from disent_plugins.metrics.content_style import reading
from disent_plugins.metrics.content_style.blocks import Blocks, BlocksConfig
from disent_plugins.metrics.content_style.dependence import Dependence, DependenceConfig
from disent_plugins.metrics.content_style.leakage import Leakage, LeakageConfig

FEW = {"bootstrap": 10, "train": 200}


@pytest.fixture
def fits(monkeypatch):
    """Counts the classifiers that are trained."""
    calls = []

    def counted(*given):
        calls.append(given)
        return original(*given)

    original = reading.read
    monkeypatch.setattr(reading, "read", counted)
    return calls


def test_blocks_and_dependence_train_nothing_after_leakage(tmp_path, fits):
    one = subject(tmp_path, codes("split-apart", 300))
    Leakage(LeakageConfig(**FEW)).measure(one)
    assert (trained := len(fits)) > 0
    shared = [Blocks(BlocksConfig(**FEW)).measure(one), Dependence(DependenceConfig(**FEW)).measure(one)]
    assert len(fits) == trained
    alone = subject(tmp_path, codes("split-apart", 300))
    assert shared[0] == Blocks(BlocksConfig(**FEW)).measure(alone)
    assert shared[1] == Dependence(DependenceConfig(**FEW)).measure(alone)


def test_other_rows_codes_or_another_seed_are_read_anew(tmp_path, fits):
    one = subject(tmp_path, codes("split-apart", 300))
    Blocks(BlocksConfig(**FEW)).measure(one)
    trained = len(fits)
    Blocks(BlocksConfig(bootstrap=10, train=100)).measure(one)
    assert len(fits) == 2 * trained
    Blocks(BlocksConfig(**FEW)).measure(replace(one, seed=one.seed + 1))
    assert len(fits) == 3 * trained
    Blocks(BlocksConfig(**FEW)).measure(replace(one, codes=codes("leaky", 300)))
    assert len(fits) == 4 * trained - 3  # the content block and the truth of all factors are the same in both
