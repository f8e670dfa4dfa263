"""A data set's adapter by the name that people type, which may have a place behind it: ``folder:PATH``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from disent_plugins.contracts.descriptions import check_adapter
from disent_plugins.data_adapters.adapter import make_adapter
from disent_plugins.registry.host import Plugin, Registry
from disent_plugins.registry.specs import DatasetSpec


@dataclass(frozen=True)
class Named:
    """A data set, made.

    Attributes:
        adapter: Its adapter.
        name: What finds it again from any folder: what was typed, with the place that the adapter says.
        spec: Its spec.
        plugin: Whose it is.
    """

    adapter: Any
    name: str
    spec: DatasetSpec
    plugin: Plugin


def adapter_named(registry: Registry, name: str, chosen: Mapping[str, Any]) -> Named:
    """Look up, import and make a data set, with options that may be text.

    Raises:
        UsageError: An unknown name, or options that the data set does not take.
        DataMissing: There is nothing at its place, or no data set.
        PluginFailure: The plugin cannot be imported or breaks its contract.
    """
    spec, plugin = registry.datasets.find(name)
    adapter_class = registry.load(spec, plugin)
    head, place = registry.datasets.split(name)

    def make() -> Any:
        return check_adapter(make_adapter(adapter_class, chosen, spec.name, *filter(None, [place])))

    adapter = registry.call(plugin, f"data set '{spec.name}' could not be made", make)
    lasting = f"{head}:{getattr(adapter, 'place', place)}" if place else name
    return Named(adapter, lasting, spec, plugin)
