"""What every metric of codes alone makes of awkward blocks, factors and splits: a defined answer, or an error."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.content_style_files import codes, subject

from disent_plugins.contracts import Codes, Result, Value
from disent_plugins.errors import UsageError
from disent_plugins.metrics.content_style.blocks import Blocks, BlocksConfig
from disent_plugins.metrics.content_style.dependence import Dependence, DependenceConfig
from disent_plugins.metrics.content_style.few_shot import FewShot, FewShotConfig
from disent_plugins.metrics.content_style.leakage import Leakage, LeakageConfig
from disent_plugins.metrics.content_style.retrieval import Retrieval, RetrievalConfig

METRICS: dict[str, Any] = {
    "leakage": Leakage(LeakageConfig(bootstrap=50)),
    "blocks": Blocks(BlocksConfig(bootstrap=20)),
    "dependence": Dependence(DependenceConfig(bootstrap=50, permutations=20)),
    "few-shot": FewShot(FewShotConfig(bootstrap=50, episodes=20)),
    "retrieval": Retrieval(RetrievalConfig(bootstrap=50)),
}
READING = ("leakage", "blocks")
N = 240

every_metric = pytest.mark.parametrize("name", METRICS)


def given(*factors: np.ndarray) -> Codes:
    """Labels of four values that content tells, angles that style tells, and ``factors``, which nothing tells."""
    some = codes("split-apart", N)
    label = some.factors[:, 0] % 4
    content = some.content.copy()
    content[:, :4] += 4 * np.eye(4, dtype=np.float32)[label]
    table = np.stack([label, some.factors[:, 1], *factors], axis=1)
    names = ("label", "angle", *(f"other{i}" for i in range(len(factors))))
    return replace(some, content=content, factors=table, factor_names=names)


@cache
def plain(name: str, out: Path) -> dict[str, Value]:
    """Values of the metric on ``given()``."""
    return dict(measured(name, given(), out).values)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


def measured(name: str, some: Codes, out: Path) -> Result:
    found: Result = METRICS[name].measure(subject(out, some))
    for value in found.values.values():
        assert math.isfinite(value.value)
        assert value.low <= value.value <= value.high  # type: ignore[operator]
    return found


@every_metric
def test_dead_codes_and_an_outlier_among_the_training_rows_hardly_matter(name: str, out: Path) -> None:
    some = given()
    dead = [np.hstack([np.full((N, 1), 7.0, np.float32), block]) for block in (some.content, some.style)]
    changed = replace(some, content=dead[0], style=dead[1])
    changed.content[3] *= 1000
    changed.style[3] *= 1000
    after = measured(name, changed, out).values
    for which, value in plain(name, out).items():
        assert after[which].value == pytest.approx(value.value, abs=0.15)  # another network, with other weights


@every_metric
def test_one_code_a_block_has_an_answer(name: str, out: Path) -> None:
    some = given()
    measured(name, replace(some, content=some.content[:, :1], style=some.style[:, :1]), out)


@every_metric
def test_a_factor_of_one_value_is_left_out_and_changes_nothing(name: str, out: Path) -> None:
    found = measured(name, given(np.full(N, 5)), out)
    assert found.values == plain(name, out)
    assert any("'other0' was left out" in note for note in found.notes) == (name in READING)


@every_metric
def test_a_style_factor_with_more_values_than_rows_to_learn_them_is_left_out(name: str, out: Path) -> None:
    many = np.arange(N) % 159  # 160 rows train
    found = measured(name, given(many), out)
    assert found.values == plain(name, out)
    assert any("'other0' was left out: It has 159 values" in note for note in found.notes) == (name in READING)


@every_metric
def test_a_class_that_only_one_side_of_the_split_has_is_borne(name: str, out: Path) -> None:
    some = given()
    some.factors[some.rows("test")[:9], 0] = 9
    some.factors[some.rows("train"), 0] %= 3  # 3 in the test split only
    found = measured(name, some, out)
    if name in ("few-shot", "retrieval"):
        assert "3 of the 5 classes occur in the training split" in found.notes[0]
    else:
        assert any("classes without training rows were left out" in note for note in found.notes)


@every_metric
def test_content_that_cannot_be_told_is_an_error(name: str, out: Path) -> None:
    every, one = given(), given()
    every.factors[:, 0] = np.arange(N)
    one.factors[:, 0] = 1
    for some in (every, one):
        with pytest.raises(UsageError) as caught:
            measured(name, some, out)
        assert caught.value.why
        assert caught.value.hint
    few = given()
    few.factors[:, 0] = np.arange(N) % 100  # two rows train a class, or one does
    if name in ("leakage", "blocks", "dependence"):
        with pytest.raises(UsageError, match="100 values in 160 rows to train on, and needs 2 rows a value"):
            measured(name, few, out)
