"""Factors that are no categories: read by regression, also where no value of the test rows occurs in training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.content_style_files import subject
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from disent_plugins.contracts import Codes, Factor, Result
from disent_plugins.metrics.content_style.blocks import Blocks, BlocksConfig
from disent_plugins.metrics.content_style.dependence import Dependence, DependenceConfig
from disent_plugins.metrics.content_style.few_shot import FewShot, FewShotConfig
from disent_plugins.metrics.content_style.ideal import averaged, ideal_accuracies
from disent_plugins.metrics.content_style.leakage import Leakage, LeakageConfig
from disent_plugins.metrics.content_style.reading import ReadingOptions, targets
from disent_plugins.metrics.content_style.regression import Regression, regress, significant
from disent_plugins.metrics.probe.rows import Rows

N, VIEWS = 1800, 36
AZIMUTH = Factor("azimuth", VIEWS, "circular")


def views(*, unseen: bool = True, leak: float = 0.0, n: int = N) -> Codes:
    """Twelve objects (content) from 36 azimuths: style knows the view; content knows it too, as far as ``leak`` says.

    ``unseen``: every third view is tested only, otherwise every third row.
    """
    rng = np.random.default_rng(0)
    label, azimuth = np.divmod(rng.permutation(np.arange(n) % (12 * VIEWS)), VIEWS)
    angle = 2 * np.pi * azimuth / VIEWS
    pose = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    noise = rng.normal(size=(n, 8))
    content = np.hstack([3 * np.eye(12)[label] + 0.05 * rng.normal(size=(n, 12)), leak * pose + 0.3 * noise[:, :2]])
    test = azimuth % 3 == 1 if unseen else np.arange(n) % 3 == 0
    return Codes(
        content.astype(np.float32),
        np.hstack([pose + 0.05 * noise[:, 2:4], noise[:, 4:]]).astype(np.float32),
        np.stack([label, azimuth], axis=1),
        ("object", "azimuth"),
        "object",
        np.where(test, 2, 0).astype(np.uint8),
        described=(Factor("object", 12), AZIMUTH),
    )


def leakage(out: Path, some: Codes, **options: Any) -> Result:
    return Leakage(LeakageConfig(bootstrap=100, **options)).measure(subject(out, some))


def test_a_leak_of_views_that_training_never_saw_is_read(tmp_path: Path) -> None:
    found = leakage(tmp_path, views(leak=1.0)).values
    truth = 0.5 / (0.5 + 0.3**2)  # variance of a coordinate, of its noise
    for kind in ("linear", "nonlinear"):
        assert found[f"content/azimuth/{kind}"].value == pytest.approx(truth, abs=0.04)
        assert found[f"style/azimuth/{kind}"].value > 0.97
    cell = found["content/azimuth/nonlinear"]
    assert (cell.unit, cell.floor, cell.ceiling, cell.better) == ("R^2", 0.0, 1.0, "down")
    assert cell.low < cell.value < cell.high  # type: ignore[operator]
    assert cell.n == 600
    # One of two factors is told by the wrong block as far as R^2 says; the other by none.
    assert found["leakage"].value == pytest.approx(cell.value / 2, abs=0.02)


def test_content_without_the_view_reads_nothing(tmp_path: Path) -> None:
    found = leakage(tmp_path, views()).values
    assert abs(found["content/azimuth/linear"].value) < 0.03
    assert abs(found["content/azimuth/nonlinear"].value) < 0.03
    assert found["leakage"].value < 0.03
    assert found["leakage"].floor == 0.0


def test_blocks_place_a_circular_factor(tmp_path: Path) -> None:
    apart, leaky = (
        Blocks(BlocksConfig(bootstrap=20)).measure(subject(tmp_path, views(leak=leak))).values for leak in (0.0, 1.0)
    )
    assert apart["placement"].value > 0.96
    assert apart["completeness/azimuth"].value > 0.96
    assert leaky["completeness/azimuth"].value < 0.05
    assert all(abs(value.floor or 0) < 0.05 for value in apart.values())


def test_the_kind_changes_nothing_that_reads_the_content_alone(tmp_path: Path) -> None:
    some = views(leak=1.0, unseen=False)
    for metric in (
        Dependence(DependenceConfig(bootstrap=20, permutations=5)),
        FewShot(FewShotConfig(bootstrap=10, episodes=5)),
    ):
        one, other = (metric.measure(subject(tmp_path, c)) for c in (some, replace(some, described=())))
        assert one.values == other.values


@pytest.mark.parametrize("kind", ["ordered", "continuous"])
def test_a_quantity_is_read_linearly_and_its_square_is_not(tmp_path: Path, kind: Any) -> None:
    rng = np.random.default_rng(1)
    grade = rng.integers(9, size=N) if kind == "ordered" else rng.normal(size=N)
    some = views(unseen=False)
    content, style = some.content.copy(), some.style.copy()
    centred = (grade - grade.mean()) / grade.std()
    sign = rng.choice([-1.0, 1.0], N) * rng.uniform(0.5, 1.5, N)
    content[:, 12], content[:, 13], style[:, 5] = sign, centred / sign, centred
    some = replace(
        some,
        content=content,
        style=style,
        factors=np.column_stack([some.factors[:, 0], grade]),
        factor_names=("object", "grade"),
        described=(Factor("grade", 9 if kind == "ordered" else 0, kind),),
    )
    found = leakage(tmp_path, some).values
    assert found["style/grade/linear"].value > 0.99
    assert abs(found["content/grade/linear"].value) < 0.03
    assert found["content/grade/nonlinear"].value > 0.8


def test_rows_without_a_value_are_left_out(tmp_path: Path) -> None:
    some = views(leak=1.0)
    lacking = np.arange(N) % 5 == 0
    factors = some.factors.copy()
    factors[lacking, 1] = -1
    found = leakage(tmp_path, replace(some, factors=factors))
    clean = leakage(tmp_path, replace(some, split=np.where(lacking, 1, some.split).astype(np.uint8)), train=10_000)
    assert found.settings["targets"]["azimuth"]["n_train"] == ((some.split == 0) & ~lacking).sum()
    assert found.values["content/azimuth/linear"].value == pytest.approx(
        clean.values["content/azimuth/linear"].value, abs=0.02
    )
    as_floats = replace(
        some,
        factors=np.where(factors == -1, np.nan, factors).astype(float),
        described=(Factor("azimuth", 0, "continuous"),),
    )
    as_floats.factors[:, 0] = some.factors[:, 0]
    assert leakage(tmp_path, as_floats).values["style/azimuth/nonlinear"].n == ((some.split == 2) & ~lacking).sum()


def test_a_value_that_does_not_vary_or_is_hardly_ever_known_is_left_out_with_a_note(tmp_path: Path) -> None:
    some = views()
    for column in (np.full(N, 3), np.where(np.arange(N) < 12, np.arange(N) % 5, -1)):
        found = leakage(tmp_path, replace(some, factors=np.column_stack([some.factors[:, 0], column])))
        assert {name.split("/")[1] for name in found.values if "/" in name} == {"object"}
        assert any("'azimuth' was left out" in note for note in found.notes)


def test_linear_is_ridge_and_r2_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(900, 5))
    y = x[:, :2] @ rng.normal(size=(2, 2)) + rng.normal(size=(900, 2))
    rows = Rows(np.arange(500), np.arange(400), np.arange(400, 500), np.arange(500, 900), "")
    found = regress(x, y, rows, "linear", 0)
    exact = Ridge(1e-3).fit(x[:400], y[:400]).predict(x[500:])
    assert found.predicted == pytest.approx(exact, abs=0.06)
    by_hand = 1 - np.square(y[500:] - found.predicted).sum() / np.square(y[500:] - y[500:].mean(axis=0)).sum()
    assert found.r2 == pytest.approx(by_hand)
    weighted = r2_score(y[500:], found.predicted, multioutput="variance_weighted")
    assert found.r2 == pytest.approx(weighted)
    assert regress(x, y, rows, "nonlinear", 0).r2 == regress(x, y, rows, "nonlinear", 0).r2
    assert found.r2 - 0.01 < regress(x, y, rows, "nonlinear", 0).r2


def test_far_off_test_codes_take_no_answer_out_of_the_range_of_the_training_targets() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(300, 2))
    y = x[:, :1].copy()
    x[250:] *= 1e6
    rows = Rows(np.arange(200), np.arange(180), np.arange(180, 200), np.arange(200, 300), "")
    for kind in ("linear", "nonlinear"):
        found = regress(x, y, rows, kind, 0)  # type: ignore[arg-type]
        assert y[:200].min() <= found.predicted.min() <= found.predicted.max() <= y[:200].max()


def test_intervals_cover_and_permutations_read_what_they_should() -> None:
    rng = np.random.default_rng(4)
    truth, inside = 0.5, []
    for _ in range(200):
        y = rng.normal(size=(150, 1))
        p = 0.5 * y + 0.5 * rng.normal(size=(150, 1))  # the best answer of y = p + noise has R^2 1/2
        low, high = np.quantile(Regression(y, p).resampled(200, rng), (0.025, 0.975))
        inside.append(low < truth < high)
    assert np.mean(inside) > 0.9
    one = Regression(y, p)
    shuffled = [Regression(rng.permutation(y), p).r2 for _ in range(2000)]
    assert one.permuted == pytest.approx(np.mean(shuffled), abs=0.01)


def test_answers_that_know_nothing_are_not_significant() -> None:
    rng = np.random.default_rng(5)
    y, p = rng.normal(size=(2, 2000, 100, 1))
    for size in (0.05, 0.1, 0.3):
        assert np.mean([significant(Regression(a, size * b).r2, 100) > 0 for a, b in zip(y, p, strict=True)]) < 0.003


def test_a_table_tells_what_the_content_tells_of_a_quantity() -> None:
    some = views(unseen=False, n=60_000)
    depends = some.factors[:, 0] * 3 % VIEWS
    share = np.where(np.random.default_rng(6).random(60_000) < 0.5, depends, some.factors[:, 1])
    some = replace(some, factors=np.column_stack([some.factors[:, 0], share]))
    found = targets(some, ReadingOptions(), 0)[0]
    told = ideal_accuracies(some, found)
    assert told[0, 1] == pytest.approx(0.25, abs=0.02)  # half of the time: half of the vector's length, R^2 1/4
    assert told[:, :1].tolist()[0] == [1]
    independent = views(unseen=False)
    assert ideal_accuracies(independent, targets(independent, ReadingOptions(), 0)[0]).tolist() == [[1, 0], [0, 1]]


def test_tables_of_means_are_as_slow_ones() -> None:
    rng = np.random.default_rng(7)
    keys, goal = rng.integers(3, size=(60, 2)), rng.normal(size=(60, 2))
    train, test = np.arange(30), np.arange(30, 60)
    slow = [
        goal[same].mean(axis=0)
        if len(same := train[(keys[train] == keys[row]).all(axis=1)])
        else goal[train].mean(axis=0)
        for row in test
    ]
    assert averaged(keys, goal, Rows(train, train, test, test, "")) == pytest.approx(np.array(slow))


def test_contents_that_training_lacks_are_chosen_by_contents_that_training_lacks(tmp_path: Path) -> None:
    """A network could learn by heart where each object stands; rows of the same objects would choose that."""
    some = views(unseen=False, n=12 * VIEWS * 4)
    rng = np.random.default_rng(8)
    label, azimuth = some.factors[:, 0] + 12 * rng.integers(8, size=len(some.factors)), some.factors[:, 1]
    places = rng.normal(size=(96, 12))[label]
    angle = 2 * np.pi * azimuth / VIEWS
    content = np.hstack([places, 0.5 * np.sin(angle)[:, None] + 0.3 * rng.normal(size=(len(label), 1))])
    some = replace(
        some,
        content=content.astype(np.float32),
        factors=np.stack([label, azimuth], axis=1),
        split=np.where(label % 8 == 0, 2, 0).astype(np.uint8),
    )
    rows = targets(some, ReadingOptions(), 0)[0][1].rows
    kept, held = set(label[rows.tuned_train]), set(label[rows.validation])
    assert len(held) == round(len(set(label[rows.train])) / 10)
    assert not kept & held
    assert not set(label[rows.test]) & (kept | held)
    found = leakage(tmp_path, some).values
    assert found["content/azimuth/nonlinear"].value > found["content/azimuth/linear"].value - 0.02
