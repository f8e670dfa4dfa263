"""The plugins of a run, loaded and checked: a model class and a data adapter, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any

from torch import nn

from disent_plugins.contracts import CAPABILITIES, DatasetInfo, ImageTable, Report, TrainingData
from disent_plugins.data_adapters.adapter import make_adapter
from disent_plugins.data_adapters.store import prepare
from disent_plugins.errors import PluginFailure, UsageError
from disent_plugins.options import build
from disent_plugins.registry.host import Plugin, Registry
from disent_plugins.registry.specs import DatasetSpec, ModelSpec
from disent_plugins.training.settings import RunSettings, merge


@dataclass
class Parts:
    """The plugins of a run, loaded."""

    registry: Registry
    spec: ModelSpec
    plugin: Plugin
    model_class: Any
    adapter: Any
    data_plugin: Plugin
    data_spec: DatasetSpec

    def model(self, settings: RunSettings, data: TrainingData) -> nn.Module:
        """A fresh model for that data.

        Raises:
            PluginFailure: It cannot be made, or is no ``torch.nn.Module``.
        """
        config = build(self.model_class.Config, settings.options, owner=f"model '{settings.model}'")
        model = self.registry.call(self.plugin, "The model could not be made", lambda: self.model_class(config, data))
        if not isinstance(model, nn.Module):
            raise _no_model(self.spec, self.plugin, f"is not a torch.nn.Module but {type(model).__name__}")
        return model

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
        if "distinct_groups" in needed and not info.groups_are_distinct:
            raise UsageError(
                f"Model '{name}' needs distinct_groups, which data set '{info.name}' does not promise.",
                "Its loss would be wrong where two groups share their content.",
                f"See the options that lift the need: disent models show {name}",
            )
        unknown = sorted(needed - CAPABILITIES)
        if unknown:
            raise PluginFailure(
                f"Model '{name}' of {self.plugin.distribution} needs {', '.join(unknown)}, which nothing provides.",
                f"A model may require {', '.join(sorted(CAPABILITIES))}.",
                "Its author can check it with disent_plugins.testing.check_model",
            )


def load_parts(registry: Registry, model: str, data: str, data_options: Mapping[str, Any]) -> Parts:
    """Look up and import a model and a data set, the latter with options that may be text.

    Raises:
        UsageError: An unknown name, or options that the data set does not take.
        PluginFailure: A plugin cannot be imported or breaks its contract.
    """
    spec, plugin = registry.models.find(model)
    data_spec, data_plugin = registry.datasets.find(data)
    model_class = registry.load(spec, plugin)
    for member in ("encode", "decode", "loss"):
        if not callable(getattr(model_class, member, None)):
            raise _no_model(spec, plugin, f"has no '{member}'")
    if not is_dataclass(getattr(model_class, "Config", None)):
        raise _no_model(spec, plugin, "has no Config that is a dataclass")
    adapter_class = registry.load(data_spec, data_plugin)
    what = f"data set '{data_spec.name}' could not be made"
    adapter = registry.call(data_plugin, what, lambda: make_adapter(adapter_class, data_options, data_spec.name))
    return Parts(registry, spec, plugin, model_class, adapter, data_plugin, data_spec)


def _no_model(spec: ModelSpec, plugin: Plugin, what: str) -> PluginFailure:
    return PluginFailure(
        f"Model '{spec.name}' of {plugin.distribution} {what}.",
        "A model is a torch.nn.Module with a dataclass Config and the methods encode, decode and loss.",
        "Its author can check it with disent_plugins.testing.check_model",
    )


def resolve(
    registry: Registry, *, model: str, data: str, file: Mapping[str, Any], flags: Mapping[str, Any]
) -> tuple[Parts, RunSettings]:
    """Load the plugins and merge the settings."""
    parts = load_parts(registry, model, data, {**file.get("data_options", {}), **flags.get("data_options", {})})
    flags = {**flags, "data_options": dict(parts.adapter.info.options)}
    config, known = parts.model_class.Config, parts.data_spec
    settings = merge(parts.spec, config, model=model, data=data, file=file, flags=flags, data_spec=known)
    return parts, settings
