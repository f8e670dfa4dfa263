"""Name, then load: what only lists or helps loads none of the heavy libraries."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "torch", "numpy", "h5py", "sklearn", "scipy", "matplotlib", "PIL", "requests", "tensorboard", "wandb", "mlflow",
}  # fmt: skip
LOADED = f"""
import json, sys
def report():
    print(json.dumps(sorted({{name.split(".")[0] for name in sys.modules}} & {HEAVY!r})), file=sys.stderr)
"""
COMMAND = f"""{LOADED}
from disent_plugins.cli.main import main
try:
    main()
finally:
    report()
"""


def loaded(program: str, *arguments: str) -> tuple[str, list[str]]:
    """What the program printed, and the heavy libraries that were in memory at its end."""
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return done.stdout, json.loads(done.stderr.splitlines()[-1])


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--help"], "content and style"),
        (["--version"], "."),
        (["run", "--help"], "--model"),
        (["report", "--help"], "FILE.html"),
        (["sweep", "--help"], "--per-gpu"),
        (["models", "list"], "gmvae"),
        (["data", "list"], "cars3d"),
        (["runs", "--help"], "export"),
        (["encode", "--help"], "--resize"),
        (["metrics", "list"], "probe"),
        (["metrics", "--help"], "swap-grid"),
        (["plugins", "--json"], "disent-plugins"),
    ],
    ids=" ".join,
)
def test_listing_and_help_load_nothing_heavy(arguments, word):
    printed, heavy = loaded(COMMAND, *arguments)
    assert word in printed
    assert heavy == []


@pytest.mark.parametrize("arguments", [["list"], ["show", "mine"], ["rm", "mine", "--yes"]], ids=" ".join)
def test_runs_are_found_without_anything_heavy(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    settings = {"model": "m", "data": "d", "seed": 0, "epochs": 1, "options": {}}
    (tmp_path / "runs" / "mine" / "config.json").write_text(json.dumps(settings))
    printed, heavy = loaded(COMMAND, "runs", *arguments)
    assert "mine" in printed
    assert heavy == []


def test_what_plugin_authors_import_is_light():
    names = "ModelSpec, DatasetSpec, MetricSpec, hookimpl, option, Options, GroupBatch, Result, Value, Codes"
    printed, heavy = loaded(f"{LOADED}\nimport disent_plugins\nfrom disent_plugins import {names}\nreport()")
    assert printed == ""
    assert heavy == []


def test_every_public_name_is_there():
    import disent_plugins

    for name in disent_plugins.__all__:
        assert getattr(disent_plugins, name) is not None
    assert dir(disent_plugins) == disent_plugins.__all__
    with pytest.raises(AttributeError, match="has no attribute 'ModelSpecs'"):
        disent_plugins.ModelSpecs  # noqa: B018
