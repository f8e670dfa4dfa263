"""Killed wherever something is put in place, a run goes on to the same files, and leaves no others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HELPERS = Path(__file__).parents[1] / "helpers"


@pytest.mark.parametrize("writer", ["here", "behind"])
def test_a_run_killed_at_any_commit_goes_on_as_if_it_had_not_been(tmp_path, cache, writer):
    paths = os.pathsep.join([str(HELPERS.parent), *sys.path])
    environment = os.environ | {"DISENT_CACHE": str(cache), "OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
    command = [sys.executable, HELPERS / "kill_points.py", tmp_path, writer]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["wrong"] == [], done.stderr
    assert found["points"] >= 14
