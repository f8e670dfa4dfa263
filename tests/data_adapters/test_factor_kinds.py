"""Kinds, names and missing values of factors: in the cache, in our own data sets, in training batches."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import data_files

from disent_plugins.contracts import Factor
from disent_plugins.data_adapters.adapter import RawTable
from disent_plugins.data_adapters.cache import cache_path
from disent_plugins.data_adapters.cache_read import open_table, verify
from disent_plugins.data_adapters.cars3d import Cars3d
from disent_plugins.data_adapters.digits import Digits
from disent_plugins.data_adapters.samplers import make_sampler
from disent_plugins.data_adapters.sprites import Sprites
from disent_plugins.data_adapters.store import prepare
from disent_plugins.errors import PluginFailure


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DISENT_OFFLINE", "1")
    return tmp_path / "cache"


class Tilted(data_files.Tiny):
    """Six images with a kind, a view on a circle of four and a tilt in degrees; one of each is not known."""

    info = dataclasses.replace(
        data_files.Tiny.info,
        factors=(
            Factor("kind", 3, values=("a", "b", "c")),
            Factor("view", 4, "circular"),
            Factor("tilt", kind="continuous"),
        ),
    )
    table = np.array([[0, 0, 1.5], [0, 1, -2], [1, -1, 3], [1, 1, np.nan], [2, 0, 0.25], [-1, 1, 9]])

    def read(self, source: Path | None) -> RawTable:
        return dataclasses.replace(super().read(source), factors=self.table)


def test_a_table_of_mixed_kinds_goes_through_the_cache() -> None:
    table = prepare(Tilted())
    assert table.info == Tilted.info  # a circle and named values keep the size that they were given
    assert table.factors.dtype == np.float64
    assert np.array_equal(table.factors, Tilted.table, equal_nan=True)
    assert table.labels.tolist() == [0, 0, 1, 1, 2, -1]
    assert table.labels.dtype == np.int64
    verify(table.path)  # type: ignore[arg-type]
    assert open_table(table.path, Tilted.info).digest == table.digest  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [(0, 3, "size is 3"), (0, -2, "from -2"), (1, 0.5, "no whole numbers"), (2, np.inf, "infinite")],
)
def test_values_that_do_not_fit_their_kind_are_refused(column: int, value: float, why: str) -> None:
    class Broken(Tilted):
        table = Tilted.table.copy()

    Broken.table[0, column] = value
    with pytest.raises(PluginFailure) as caught:
        prepare(Broken())
    assert why in caught.value.why


@pytest.mark.parametrize(
    "factor",
    [Factor("kind", 3), Factor("kind", 3, values=("x", "b", "c")), Factor("kind", 3, "ordered", ("a", "b", "c"))],
)
def test_another_description_of_a_factor_is_another_cache_and_is_told(factor: Factor) -> None:
    first = prepare(Tilted())
    told: list[str] = []

    class Other(Tilted):
        info = dataclasses.replace(Tilted.info, factors=(factor, *Tilted.info.factors[1:]))

    assert cache_path(Other.info) != first.path
    prepare(Other(), report=lambda done, total, what: told.append(what))
    assert any(f"{first.path.name} is of another description or release" in line for line in told)  # type: ignore[union-attr]
    told.clear()
    prepare(Other(), report=lambda done, total, what: told.append(what))
    assert told == []


@pytest.mark.parametrize(
    "arguments", [("x", 2, "circle"), ("x", 2, "category", ("a",)), ("x", 3, "continuous")], ids=str
)
def test_a_factor_that_contradicts_itself_is_refused(arguments: Any) -> None:
    with pytest.raises(ValueError, match="factor 'x'"):
        Factor(*arguments)


def test_our_own_data_sets_say_what_their_factors_are() -> None:
    def kinds(info: Any) -> dict[str, str]:
        return {factor.name: factor.kind for factor in info.factors}

    assert kinds(Cars3d.info) == {"elevation": "ordered", "azimuth": "circular", "model": "category"}
    assert Cars3d.info.factors[0].values == ("0 deg", "6 deg", "12 deg", "18 deg")
    assert Cars3d.info.factors[1].values[::8] == ("0 deg", "120 deg", "240 deg")
    found = kinds(Sprites.info)
    assert [name for name, kind in found.items() if kind == "category"] == ["shape", "hue"]
    assert found["orientation"] == "circular"
    assert Digits.info.factors[0].values[7] == "7"


@pytest.mark.parametrize("name", ["random", "blocks", "pairs"])
def test_images_without_a_label_have_no_group_in_training(name: str) -> None:
    labels = np.repeat([-1, 0, 1, 2], 20)
    batches = make_sampler(name, np.arange(80), labels, batch_size=20, seed=0).epoch(0)
    shown = labels[batches.index]
    assert (batches.group[shown == -1] == -1).all()
    for index, group in zip(batches.index, batches.group, strict=True):
        pairs = {(int(label), int(g)) for label, g in zip(labels[index], group, strict=True) if label >= 0}
        assert len({g for _, g in pairs}) == len({label for label, _ in pairs}) == len(pairs)
        assert all(0 <= g < batches.group_count for _, g in pairs)
