"""The plugins of a run, loaded and checked: a model class and a data adapter, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from disent_plugins.contracts import DatasetInfo, ImageTable, Report, TrainingData
from disent_plugins.contracts.classes import name_of
from disent_plugins.contracts.outputs import check_module
from disent_plugins.data_adapters.named import adapter_named
from disent_plugins.data_adapters.store import prepare
from disent_plugins.errors import PluginFailure, UsageError
from disent_plugins.options import build
from disent_plugins.registry.host import Plugin, Registry
from disent_plugins.registry.specs import DatasetSpec, ModelSpec
from disent_plugins.training.settings import RunSettings, merge


@dataclass
class Parts:
    """The plugins of a run, loaded; ``data`` is what a run keeps as the data set's name."""

    registry: Registry
    spec: ModelSpec
    plugin: Plugin
    model_class: Any
    adapter: Any
    data_plugin: Plugin
    data_spec: DatasetSpec
    data: str = ""

    def model(self, settings: RunSettings, data: TrainingData) -> nn.Module:
        """A fresh model for that data.

        Raises:
            PluginFailure: It cannot be made, or is none (see ``contracts.outputs.check_module``).
            UsageError: The data set has images of another size.
        """
        image = self.adapter.info.image
        if data.image != image:
            raise UsageError(
                f"A model of images {data.image.shape} cannot be used on data set '{self.data_spec.name}'.",
                f"Its images are {image.shape} (channels, height, width).",
                "Were data.json or config.json edited? Train again with: disent run",
            )
        config = build(self.model_class.Config, settings.options, owner=f"model '{settings.model}'")

        def make() -> nn.Module:
            model: nn.Module = self.model_class(config, data)
            check_module(name_of(self.model_class), model)
            return model

        return self.registry.call(self.plugin, f"Model '{self.spec.name}' could not be made", make)

    def table(self, source: Path | None, report: Report) -> ImageTable:
        """The data set, prepared."""
        what = f"Data set '{self.adapter.info.name}' could not be prepared"
        return self.registry.call(self.data_plugin, what, lambda: prepare(self.adapter, source, report=report))

    def check_requirements(self, model: nn.Module, settings: RunSettings) -> None:
        """Refuse data or settings that lack what the model's loss needs.

        Raises:
            UsageError: Which need is not met, and the flag that meets it.
        """
        info: DatasetInfo = self.adapter.info
        needed = set(getattr(model, "requires", self.spec.requires))
        name = self.spec.name
        if "pairs" in needed and settings.sampler != "pairs":
            raise UsageError(
                f"Model '{name}' needs pairs, and the sampler is '{settings.sampler}'.",
                "Its loss compares two images of one group, which that sampler does not put side by side.",
                "Leave --sampler out, or say: --sampler pairs",
            )
        if "identities" in needed and settings.visible < 1:
            raise UsageError(
                f"Model '{name}' needs every image's group, and only {settings.visible:g} of them are visible.",
                "It learns something of each group, so an image without one has no place in it.",
                "Leave --visible out.",
            )
        if settings.group_statistics == "exact" and not getattr(model, "whole_batch", False):
            raise UsageError(
                f"Model '{name}' has no exact group statistics over several processes.",
                "Nothing says that the mean of its loss over shares of a batch is the loss of the whole batch.",
                "Leave --group-statistics out: each process then takes its share for a batch.",
            )
        if "distinct_groups" in needed and not info.groups_are_distinct:
            raise UsageError(
                f"Model '{name}' needs distinct_groups, which data set '{info.name}' does not promise.",
                "Its loss would be wrong where two groups share their content.",
                f"See the options that lift the need: disent models show {name}",
            )


def load_parts(registry: Registry, model: str, data: str, data_options: Mapping[str, Any]) -> Parts:
    """Look up and import a model and a data set, the latter with options that may be text.

    Raises:
        UsageError: An unknown name, or options that the data set does not take.
        PluginFailure: A plugin cannot be imported or breaks its contract.
    """
    spec, plugin = registry.models.find(model)
    model_class = registry.load(spec, plugin)
    found = adapter_named(registry, data, data_options)
    return Parts(registry, spec, plugin, model_class, found.adapter, found.plugin, found.spec, found.name)


def resolve(
    registry: Registry, *, model: str, data: str, file: Mapping[str, Any], flags: Mapping[str, Any]
) -> tuple[Parts, RunSettings]:
    """Load the plugins and merge the settings."""
    parts = load_parts(registry, model, data, {**file.get("data_options", {}), **flags.get("data_options", {})})
    flags = {**flags, "data_options": dict(parts.adapter.info.options)}
    config, known = parts.model_class.Config, parts.data_spec
    try:
        merge(parts.spec, config, model=model, data=parts.data, file={}, flags={}, data_spec=known)
    except UsageError as error:  # nobody typed that
        owners = " or ".join(dict.fromkeys(plugin.distribution for plugin in (parts.plugin, parts.data_plugin)))
        raise PluginFailure(
            f"The recipe of model '{parts.spec.name}' for data set '{known.name}' cannot be used.",
            f"{error.what} {error.why}",
            f"It comes with {owners}: tell its author.",
        ) from error
    settings = merge(parts.spec, config, model=model, data=parts.data, file=file, flags=flags, data_spec=known)
    return parts, settings
