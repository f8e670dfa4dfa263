"""What is kept of measurements."""

from __future__ import annotations

import json

from disent_plugins.measuring.results import add_results
from disent_plugins.training.folder import RunFolder


def test_results_are_merged(tmp_path):
    folder = RunFolder(tmp_path)
    add_results(folder, {"probe": {"values": {"a": 1.0}}, "samples": {}})
    add_results(folder, {"probe": {"values": {"a": 2.0}}})
    assert json.loads(folder.results.read_text()) == {"probe": {"values": {"a": 2.0}}, "samples": {}}
