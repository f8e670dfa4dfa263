"""Each logger against the real package, in a process of its own; what was written is read back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from helpers import log_a_run

HELPER = Path(log_a_run.__file__)
EPOCHS = {
    f"{group}/{term}": [[epoch, pytest.approx(value)] for epoch, value in enumerate(values, 1)]
    for group, term, values in (
        ("train", "total", (10, 5, 10 / 3)),
        ("train", "odd _term_._", (0.5, 0.5, 0.5)),
        ("train", "images_per_second", (100, 100, 100)),
        ("train", "learning_rate", (1e-3, 1e-3, 1e-3)),
        ("validation", "total", (12, 6, 4)),
    )
}
FINAL = {"": 0.9, ".floor": 0.1, ".ceiling": 1.0, ".low": 0.8}


def logged(name: str, folder: Path) -> dict:
    """What the log holds of three epochs, told in two processes, one of them twice."""
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "WANDB_MODE": "offline",
        "WANDB_SILENT": "true",
    }  # fmt: skip
    for variable in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "WANDB_PROJECT", "WANDB_DIR"):
        environment.pop(variable, None)
    command = [sys.executable, HELPER, name, folder]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_tensorboard(tmp_path):
    found = logged("tensorboard", tmp_path)
    final = {f"probe/content.mean{part}": [[3, pytest.approx(value)]] for part, value in FINAL.items()}
    assert found["series"] == EPOCHS | final
    assert '"options.k": 2.0' in found["settings"]
    assert found["pictures"] == {"probe/grid": [6, 4]}


def test_wandb(tmp_path):
    found = logged("wandb", tmp_path)
    assert {name: found["series"][name] for name in EPOCHS} == EPOCHS
    assert {part: found["summary"][f"probe/content.mean{part}"] for part in FINAL} == FINAL
    assert (found["settings"]["options.k"], found["settings"]["epochs"]) == (2.0, 3)
    assert found["pictures"] == {"probe/grid": 6}
    assert len(found["runs"]) == 1


def test_mlflow(tmp_path):
    found = logged("mlflow", tmp_path)
    final = {f"probe/content.mean{part}": [[3, value]] for part, value in FINAL.items()}
    assert found["series"] == EPOCHS | final
    assert found["settings"]["options.k"] == "2.0"
    assert found["tags"]["resumed.epochs"] == "3"
    assert found["pictures"] == ["figures/grid.png"]
    assert (found["status"], found["runs"]) == ("FINISHED", 1)
