from __future__ import annotations

import pytest
from helpers.suite_metrics import Plugin
from helpers.training_files import begin, with_plugin

from disent_plugins.measuring import trained
from disent_plugins.registry.host import Registry
from disent_plugins.training.folder import RunFolder


@pytest.fixture
def registry() -> Registry:
    """The metrics of ``helpers.suite_metrics`` and no others."""
    found = Registry(points=[])
    found.add(Plugin(), name="test")
    return found


@pytest.fixture
def opened(tmp_path, cache, monkeypatch):
    """A run on the squares, read back; ``encoded`` counts how often its images went through the encoder."""
    monkeypatch.setenv("DISENT_CACHE", str(cache))
    begin(tmp_path / "run", epochs=2).fit()
    found = trained.open_run(with_plugin(), RunFolder(tmp_path / "run"))
    inner, found.encoded = trained.encode, 0

    def encode(*arguments):
        found.encoded += 1
        return inner(*arguments)

    monkeypatch.setattr(trained, "encode", encode)
    return found
