"""The data sets as they are registered."""

from __future__ import annotations

from disent_plugins.data_adapters.plugin import disent_datasets
from disent_plugins.registry.host import Registry


def test_every_spec_leads_to_an_adapter_of_its_name():
    registry = Registry(third_party=False)
    for spec in (spec for spec in disent_datasets() if not spec.place):  # those: tests/data_adapters/own
        adapter = registry.load(*registry.datasets.find(spec.name))()
        assert adapter.info.name == spec.name
        assert set(adapter.info.content.split("+")) <= set(adapter.info.factor_names)
        assert ("distinct_groups" in spec.provides) == adapter.info.groups_are_distinct
