"""What every factor metric makes of awkward codes and factors: a defined answer, or an error in words."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from disent_plugins.contracts import Codes, Result, Subject
from disent_plugins.errors import UsageError
from disent_plugins.metrics.factors.beta_vae import BetaVae, BetaVaeConfig
from disent_plugins.metrics.factors.dci import Dci, DciConfig
from disent_plugins.metrics.factors.explicitness import Explicitness, ExplicitnessConfig
from disent_plugins.metrics.factors.factor_vae import FactorVae, FactorVaeConfig
from disent_plugins.metrics.factors.info_mec import InfoMec, InfoMecConfig
from disent_plugins.metrics.factors.irs import Irs, IrsConfig
from disent_plugins.metrics.factors.mig import Mig, MigConfig
from disent_plugins.metrics.factors.modularity import Modularity, ModularityConfig
from disent_plugins.metrics.factors.sap import Sap, SapConfig

FEW: dict[str, Any] = {"permutations": 1, "bootstrap": 10}
VOTES: dict[str, Any] = {**FEW, "train_votes": 200, "votes": 100}
METRICS = {
    "dci": Dci(DciConfig(**FEW)),
    "mig": Mig(MigConfig(**FEW)),
    "sap": Sap(SapConfig(**FEW)),
    "explicitness": Explicitness(ExplicitnessConfig(**FEW)),
    "modularity": Modularity(ModularityConfig(**FEW)),
    "factor-vae": FactorVae(FactorVaeConfig(**VOTES)),
    "beta-vae": BetaVae(BetaVaeConfig(**VOTES)),
    "irs": Irs(IrsConfig(**FEW)),
    "info-mec": InfoMec(InfoMecConfig(**FEW)),
}
FITTED = ("dci", "sap", "explicitness", "info-mec")
N = 600

every_metric = pytest.mark.parametrize("name", METRICS)


def perfect(*, codes: np.ndarray | None = None, table: np.ndarray | None = None) -> Codes:
    """Factors of 2, 3 and 4 values as codes, half of the rows to test."""
    random = np.random.default_rng(0)
    made = np.stack([random.integers(size, size=N) for size in (2, 3, 4)], axis=1)
    table = made if table is None else table
    given = made.astype(float) if codes is None else codes
    names = tuple(f"factor{i}" for i in range(table.shape[1]))
    split = np.where(np.arange(N) < N // 2, 0, 2).astype(np.uint8)
    content = given.astype(np.float32)
    return Codes(content, content[:, :0], table, names, "factor0", split)


def measured(name: str, given: Codes, out: Path, **options: Any) -> Result:
    metric = METRICS[name]
    config = replace(metric.config, **options)
    return type(metric)(config).measure(Subject("codes.npz", given, 0, out))  # type: ignore[arg-type]


def in_order(found: Result) -> bool:
    """Whether every value is a number within its interval."""
    return all(
        math.isfinite(value.value) and (value.low is None or value.low <= value.value <= value.high)  # type: ignore[operator]
        for value in found.values.values()
    )


def codes_of(case: str) -> np.ndarray:
    codes = perfect().content.astype(float)
    if case == "dead codes":
        return np.hstack([np.full((N, 1), 7.0), codes, np.zeros((N, 1))])
    if case == "outlier":
        codes[N - 1] *= 1000
    if case == "turned, stretched and in another order":
        codes = codes[:, [2, 0, 1]] * [-0.01, 100.0, 1.0]
    return codes


@every_metric
@pytest.mark.parametrize("case", ["as they are", "dead codes", "outlier", "turned, stretched and in another order"])
def test_perfect_codes_stay_perfect(name: str, case: str, tmp_path: Path) -> None:
    found = measured(name, perfect(codes=codes_of(case)), tmp_path)
    assert in_order(found)
    assert min(value.value for value in found.values.values()) >= 0.97


@every_metric
def test_a_factor_of_one_value_is_left_out_and_changes_nothing(name: str, tmp_path: Path) -> None:
    with_constant = np.hstack([perfect().factors, np.full((N, 1), 5)])
    found = measured(name, perfect(table=with_constant), tmp_path)
    assert found.values == measured(name, perfect(), tmp_path).values
    assert any("Left out" in note and "factor3" in note for note in found.notes)


@every_metric
def test_one_code_has_an_answer(name: str, tmp_path: Path) -> None:
    assert in_order(measured(name, perfect(codes=codes_of("")[:, :1]), tmp_path))


@every_metric
def test_a_value_that_only_one_side_of_the_split_has_is_borne(name: str, tmp_path: Path) -> None:
    given = perfect()
    test = given.split == 2
    given.factors[test, 2] = np.minimum(given.factors[test, 2] + 1, 3)  # 0 in training only
    given.factors[~test, 1] = np.minimum(given.factors[~test, 1], 1)  # 2 in test only
    found = measured(name, replace(given, content=given.factors.astype(np.float32)), tmp_path)
    assert in_order(found)
    assert any("lack" in note for note in found.notes) == (name in FITTED)


@pytest.mark.parametrize("name", FITTED)
def test_classes_held_out_of_training_are_measured_on_halves_of_the_test_split(name: str, tmp_path: Path) -> None:
    given = perfect()
    given.factors[:, 2] = np.where(given.split == 2, 10, 0) + given.factors[:, 2]
    found = measured(name, replace(given, content=given.factors.astype(np.float32)), tmp_path)
    assert min(value.value for value in found.values.values()) >= 0.97
    assert "half of the test split" in found.settings["protocol"]


@every_metric
def test_more_values_than_rows_is_an_error_that_names_the_other_factors(name: str, tmp_path: Path) -> None:
    many = np.arange(N)[:, None] % 450  # no value is held out of training
    split = np.where(np.arange(N) < 450, 0, 2).astype(np.uint8)
    given = replace(perfect(table=np.hstack([perfect().factors, many, many])), split=split)
    with pytest.raises(UsageError, match=r"'factor3' has \d+ values in \d+ rows") as caught:
        measured(name, given, tmp_path)
    assert caught.value.hint.endswith("--set factors=factor0,factor1,factor2")
    with pytest.raises(UsageError, match="2 rows a value") as caught:
        measured(name, given, tmp_path, factors="factor3,factor4")
    assert caught.value.hint == "Measure more rows, or merge values."


@every_metric
def test_what_does_not_vary_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="are constant"):
        measured(name, perfect(codes=np.ones((N, 3))), tmp_path)
    table = perfect().factors
    table[N // 2 :] = 1
    with pytest.raises(UsageError, match="No factor varies in these rows") as caught:
        measured(name, perfect(table=table - table), tmp_path)
    assert "rows=all" not in caught.value.hint  # it would not help
    if name not in FITTED:
        with pytest.raises(UsageError, match="No factor varies in these rows") as caught:
            measured(name, perfect(table=table), tmp_path)
        assert caught.value.hint.endswith("--set rows=all")


@every_metric
def test_all_rows_are_measured_where_nothing_is_fitted(name: str, tmp_path: Path) -> None:
    if name in FITTED:
        with pytest.raises(UsageError, match="rows=all does not go with this metric"):
            measured(name, perfect(), tmp_path, rows="all")
    else:
        assert measured(name, perfect(), tmp_path, rows="all").settings["n"] == N


@every_metric
def test_factors_are_chosen_by_name(name: str, tmp_path: Path) -> None:
    found = measured(name, perfect(), tmp_path, factors="factor2, factor0")
    assert list(found.settings["used_factors"]) == ["factor2", "factor0"]
    with pytest.raises(UsageError, match=r"There is no factor 'factr1'") as caught:
        measured(name, perfect(), tmp_path, factors="factr1")
    assert "factor1" in caught.value.why
    with pytest.raises(UsageError, match="No factor was named"):
        measured(name, perfect(), tmp_path, factors=",")


@every_metric
def test_same_seed_same_bits_and_rows_are_capped(name: str, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    given = perfect(codes=perfect().content + random.normal(size=(N, 3)))
    first, again = (measured(name, given, tmp_path, samples=100) for _ in range(2))
    assert (first.values, first.settings) == (again.values, again.settings)
    assert 100 in (first.settings["n"], first.settings["n_fit"])
    assert first.settings["seed"] == 0
