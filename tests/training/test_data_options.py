"""Options of a data set: from the command line into the images, the cache, the record of a run, and its resumption."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from disent_plugins import DatasetInfo, DatasetSpec, Factor, ImageSpec, Options, RawTable, hookimpl, option
from disent_plugins.data_adapters.adapter import make_adapter
from disent_plugins.data_adapters.cache import cache_path
from disent_plugins.data_adapters.cars3d import Cars3d
from disent_plugins.data_adapters.digits import Digits
from disent_plugins.data_adapters.store import prepare
from disent_plugins.errors import UsageError
from disent_plugins.files import read_json
from disent_plugins.registry.host import Registry
from disent_plugins.testing import ContractError, check_dataset
from disent_plugins.training import session
from disent_plugins.training.folder import data_record, find_folder
from disent_plugins.training.parts import resolve
from disent_plugins.training.settings import RunSettings, as_toml, differences, read_config_file


@dataclass(frozen=True)
class StripesConfig(Options):
    shade: int = option(100, "Grey of a stripe.", low=1, high=255)
    inverted: bool = option(False, "White on black.")


class Stripes:
    Config = StripesConfig
    files = ()

    def __init__(self, config: StripesConfig) -> None:
        self.config = config
        self.info = DatasetInfo(
            name="stripes",
            image=ImageSpec(1, 16, 16),
            factors=(Factor("direction", 2), Factor("place", 4)),
            content="direction",
            groups_are_distinct=True,
            preprocessing="rendered",
            licence="none",
            reference="none",
        )

    def read(self, source: Path | None) -> RawTable:
        direction, place = np.divmod(np.arange(40) % 8, 4)
        images = np.zeros((40, 16, 16, 1), np.uint8)
        for image, across, at in zip(images, direction, place, strict=True):
            image[at::4, :] = self.config.shade * across
            image[:, at::4] = self.config.shade * (1 - across)
        split = np.where(np.arange(40) < 24, 0, 2).astype(np.uint8)
        return RawTable(np.stack([direction, place], axis=1), split, [images])


def test_options_reach_the_images_and_the_identity_of_the_cache(monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path))
    plain, dark = (make_adapter(Stripes, chosen, "stripes") for chosen in ({}, {"shade": "9"}))
    assert dark.info.options == {"shade": 9, "inverted": False}
    tables = [prepare(adapter) for adapter in (plain, dark)]
    assert tables[0].path != tables[1].path
    assert [int(table.images.max()) for table in tables] == [100, 9]
    assert data_record(tables[1])["options"] == {"shade": 9, "inverted": False}
    assert cache_path(make_adapter(Stripes, {"shade": 100}, "stripes").info) == tables[0].path


@pytest.mark.parametrize(
    ("adapter", "chosen", "what"),
    [
        (Stripes, {"shad": "1"}, "Unknown option 'shad' for data set 'x'"),
        (Stripes, {"shade": "0"}, "out of bounds for data set 'x'"),
        (Digits, {"size": "3"}, "The data set 'x' takes no options"),
    ],
)
def test_options_that_do_not_fit_are_told(adapter: type, chosen: dict[str, str], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        make_adapter(adapter, chosen, "x")


def test_check_dataset_goes_with_options() -> None:
    check_dataset(Stripes)
    check_dataset(Stripes, options={"shade": 7})


@dataclass
class Loose:
    size: int = 1


@dataclass(frozen=True)
class Bare:
    size: int


@pytest.mark.parametrize(("config", "what"), [(Loose, "not a frozen dataclass"), (Bare, "size has no default")])
def test_check_dataset_refuses_a_config_that_cannot_be_made(config: type, what: str) -> None:
    with pytest.raises(ContractError, match=what):
        check_dataset(type("Broken", (Stripes,), {"Config": config}))


def test_cars_come_in_the_size_that_is_asked_for() -> None:
    made = make_adapter(Cars3d, {"size": "32"}, "cars3d")
    assert made.info.image.shape == (3, 32, 32)
    assert "128x128 to 32x32" in made.info.preprocessing
    assert made.info.options == {"size": 32}


def test_settings_of_a_run_hold_them(tmp_path: Path) -> None:
    some = RunSettings(data="stripes", data_options={"shade": 9})
    (tmp_path / "run.toml").write_text(as_toml(some))
    assert read_config_file(tmp_path / "run.toml")["data_options"] == {"shade": 9}
    assert differences(some, replace(some, data_options={"shade": 8})) == ["data_options.shade: 9 -> 8"]
    (tmp_path / "bad.toml").write_text("data_options = 3\n")
    with pytest.raises(UsageError, match=r"'data_options' in .* is not a table"):
        read_config_file(tmp_path / "bad.toml")


class Plugin:
    """An outsider's plugin with the data set."""

    @staticmethod
    @hookimpl
    def disent_datasets() -> list[DatasetSpec]:
        return [DatasetSpec(name="stripes", summary="Stripes.", target=f"{__name__}:Stripes")]


def test_a_run_goes_on_with_the_options_that_it_was_started_with(monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path / "cache"))
    registry = Registry(third_party=False)
    registry.add(Plugin, name="stripes")
    flags = {"epochs": 1, "batch_size": 8, "options": {"width": 0.05}, "data_options": {"shade": "9"}}
    file = {"data_options": {"inverted": True, "shade": 5}}
    parts, settings = resolve(registry, model="gmvae", data="stripes", file=file, flags=flags)
    assert settings.data_options == {"shade": 9, "inverted": True}
    ready = session.start(parts, settings, source=None, out=tmp_path / "run", report=lambda *step: None)
    ready.fit()
    assert int(ready.table.images.max()) == 9
    again = session.resume(registry, find_folder(tmp_path / "run"), epochs=2)
    assert again.run.settings.data_options == {"shade": 9, "inverted": True}
    assert again.table.path == ready.table.path
    assert read_json(tmp_path / "run" / "data.json")["options"] == {"shade": 9, "inverted": True}
    again.lock.release()  # type: ignore[union-attr]
