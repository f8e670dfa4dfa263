"""What a run measures when it has trained."""

from __future__ import annotations

from helpers.training_files import with_plugin

from disent_plugins.measuring.after_training import after_training
from disent_plugins.registry.host import OURS, Plugin


def test_what_is_measured_after_training_is_ours_where_it_is_there():
    registry = with_plugin()
    spec, _ = registry.metrics.find("probe")
    registry.metrics.entries.append((spec, Plugin("odd", "some-dist", "1")))  # the same name, by somebody else
    names = after_training(registry)
    assert names == [f"{OURS}:{n}" for n in ("probe", "reconstruction", "swap-grid", "interpolation", "samples")]
    assert all(registry.metrics.find(name) for name in names)
    registry.metrics.entries = [e for e in registry.metrics.entries if e[0].name != "samples"]
    assert f"{OURS}:samples" not in after_training(registry)
