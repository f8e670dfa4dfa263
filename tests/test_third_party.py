"""Plugins of others: the example package, installed and run, and everything a plugin can do wrong while it is used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.command_line import TINY, Outcome, begin, finish
from helpers.plugin_files import write_plugin

from disent_plugins.models.plugin import disent_models
from disent_plugins.testing import check_model

EXAMPLE = Path(__file__).parents[1] / "examples" / "third_party_model"

OUR_MODELS = [spec.name for spec in disent_models()]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder with the example package, installed there by pip."""
    pytest.importorskip("setuptools", reason="the example is built with setuptools")
    folder = tmp_path_factory.mktemp("installed")
    source = shutil.copytree(EXAMPLE, folder / "source")  # a build leaves files beside the sources
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    offline = ["--no-index", "--no-build-isolation", "--target", folder / "site", source]
    done = subprocess.run([*pip, *offline], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "site"


@pytest.fixture
def shell(cache, tmp_path, monkeypatch):
    """Run the command as a process that finds the plugins in a folder."""

    def run(site: Path, *arguments: object, **environment: str) -> Outcome:
        path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
        with monkeypatch.context() as patch:
            for key, value in {"PYTHONPATH": path, **environment}.items():
                patch.setenv(key, value)
            return finish(begin(tmp_path, cache, *arguments))

    return run


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder on the import path of this process, whose plugin modules are forgotten afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if name.endswith("_plugin"):
            del sys.modules[name]


def test_the_example_trains_is_measured_and_resumes(installed, shell, disent, monkeypatch, tmp_path):
    done = shell(installed, "run", "--model", "plain-vae", "--epochs", 1, *TINY, "--out", "runs/plain", "--json")
    assert done.code == 0, done.err
    assert done.json["results"]["probe"]["values"]["content/mean/strong"] > 0
    assert "epoch 1/1: total " in done.err
    assert (tmp_path / "runs" / "plain" / "figures" / "swap-grid.png").is_file()
    monkeypatch.syspath_prepend(installed)
    monkeypatch.setenv("DISENT_DISABLE_PLUGINS", "metrics")  # measured once is enough
    resumed = disent("run", "--resume", "runs/plain", "--epochs", 2)
    assert resumed.code == 0, resumed.err
    assert "epoch 2/2: total " in resumed.err
    assert "epoch 1/" not in resumed.err


def test_the_example_is_listed_beside_ours(installed, shell):
    (found,) = [model for model in shell(installed, "models", "list", "--json").json if model["name"] == "plain-vae"]
    assert (found["distribution"], found["version"]) == ("disent-plain-vae", "0.1.0")
    shown = shell(installed, "models", "show", "disent-plain-vae:plain-vae", "--json").json
    assert [option["name"] for option in shown["options"]] == ["size", "width", "beta"]
    assert shown["recipes"]["digits"]["epochs"] == 20
    assert shown["recipes"]["digits"]["options"]["width"] == 0.5


def test_the_example_can_be_left_out(installed, shell):
    for arguments, environment in (
        (["--no-plugins"], {}),
        ([], {"DISENT_DISABLE_PLUGINS": "plain-vae"}),
        ([], {"DISENT_DISABLE_PLUGINS": "disent-plain-vae"}),
    ):
        done = shell(installed, "models", "list", *arguments, **environment)
        assert done.code == 0
        assert "gmvae" in done.out
        assert "plain-vae" not in done.out
        assert done.err == ""


def test_the_example_keeps_the_contract(installed, monkeypatch):
    monkeypatch.syspath_prepend(installed)
    from disent_plain_vae.model import Config, PlainVAE

    check_model(PlainVAE, config=Config(width=0.1))


def test_the_readme_quotes_the_example():
    readme = (EXAMPLE.parents[1] / "README.md").read_text(encoding="utf-8")
    plugin = (EXAMPLE / "disent_plain_vae" / "plugin.py").read_text(encoding="utf-8")
    assert plugin[plugin.index("from disent_plugins") :].strip() in readme
    project = (EXAMPLE / "pyproject.toml").read_text(encoding="utf-8")
    entry = '[project.entry-points.disent]\nplain-vae = "disent_plain_vae.plugin"\n'
    assert entry in project
    assert entry in readme


def test_a_bad_plugin_costs_one_line_and_not_the_command(shell, tmp_path):
    write_plugin(tmp_path, "leaver", "import sys; sys.exit(9)")
    write_plugin(tmp_path, "breaker", "import absent_module")
    done = shell(tmp_path, "models", "list", "--json")
    assert done.code == 0
    assert [model["name"] for model in done.json] == OUR_MODELS
    breaker, leaver = done.err.splitlines()
    assert breaker.startswith("warning: plugin 'breaker' of breaker 1.0 was skipped: ModuleNotFoundError")
    assert "it called sys.exit(9)" in leaver
    assert leaver.endswith("; disable it with DISENT_DISABLE_PLUGINS=leaver, or: pip uninstall leaver")
    strict = {"DISENT_STRICT_PLUGINS": "1"}
    assert shell(tmp_path, "models", "list", **strict).code == 4
    assert shell(tmp_path, "models", "list", **strict, DISENT_DISABLE_PLUGINS="leaver,breaker").code == 0


MODEL = """
import torch
from torch import nn
from disent_plugins import Gaussian, Loss, ModelSpec, Options, Posterior, hookimpl, option
from dataclasses import dataclass

@hookimpl
def disent_models():
    return [ModelSpec(name="toy", summary="A toy.", target="{module}:Toy")]

@dataclass(frozen=True)
class Config(Options):
    width: float = option(1.0, "Width.")

class Base(nn.Module):
    Config = Config

    def __init__(self, config, data):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def encode(self, images):
        code = images.flatten(1)[:, 500:504] + self.weight
        return Posterior(Gaussian(code, 0 * code), Gaussian(code, 0 * code))

    def decode(self, content, style):
        return content.mean(dim=1)[:, None, None, None].expand(-1, 1, 32, 32).clamp(0, 1)

    def loss(self, batch):
        return Loss(self.weight.square(), {{}})

class Toy(Base):
{toy}
"""

METRIC = """
from disent_plugins import MetricSpec, Options, Result, Value, hookimpl
from dataclasses import dataclass

@hookimpl
def disent_metrics():
    return [MetricSpec(name="toy", summary="A toy.", target="toy_plugin:Toy")]

@dataclass(frozen=True)
class Config(Options):
    pass

class Toy:
    Config = Config

    def __init__(self, config):
        pass

    def measure(self, subject):
{measure}
"""

DATA = """
import numpy as np
from disent_plugins import DatasetInfo, DatasetSpec, Factor, ImageSpec, hookimpl

@hookimpl
def disent_datasets():
    return [DatasetSpec(name="toy", summary="A toy.", target="toy_plugin:Toy")]

class Toy:
    info = DatasetInfo(name="toy", image=ImageSpec(1, 32, 32), factors=(Factor("shape", 3),), content="shape",
                       groups_are_distinct=True, preprocessing="none", licence="none", reference="none")
    files = ()

    def read(self, source):
        raise KeyError("shape")
"""


def is_the_plugins_failure(outcome: Outcome, *words: str) -> None:
    assert outcome.code == 4, outcome.err
    for word in (*words, "plugin 'toy' of toy 1.0 failed", "DISENT_DISABLE_PLUGINS=toy, or: pip uninstall toy"):
        assert word in outcome.err
    assert "Traceback" not in outcome.err
    assert "bug in disent" not in outcome.err


@pytest.mark.parametrize(
    ("toy", "words"),
    [
        ("    def __init__(self, config, data): raise ValueError('no image')", "Model 'toy' could not be made"),
        ("    def loss(self, batch): raise RuntimeError('no loss')", "RuntimeError: no loss"),
        ("    def loss(self, batch): raise SystemExit(0)", "it called sys.exit(0)"),
        ("    def encode(self, images): raise RuntimeError('no code')", "RuntimeError: no code"),
        ("    def decode(self, content, style): raise RuntimeError('no image')", "RuntimeError: no image"),
    ],
)
def test_a_model_that_fails_is_the_plugins_failure(disent, site, toy, words):
    write_plugin(site, "toy", MODEL.format(module="toy_plugin", toy=toy))
    is_the_plugins_failure(disent("run", "--model", "toy", "--epochs", 1, *TINY, "--out", "runs/toy"), words)


@pytest.mark.parametrize(
    ("toy", "words"),
    [
        ("    encode = None", "Toy has no method 'encode'"),
        ("    Config = dict", "is not a frozen dataclass"),
        ("    def __new__(cls, config, data): return 3", "is not a torch.nn.Module"),
        ("    def loss(self, batch): return 3", "Toy.loss returns int, no Loss"),
    ],
)
def test_a_model_that_is_none_is_said_to_be_so(disent, site, toy, words):
    write_plugin(site, "toy", MODEL.format(module="toy_plugin", toy=toy))
    done = disent("run", "--model", "toy", "--epochs", 1, *TINY, "--out", "runs/toy")
    assert done.code == 4, done.err
    assert words in done.err
    assert "disent_plugins.testing" in done.err
    assert "pip uninstall toy" in done.err


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        ("raise KeyError('shape')", "KeyError: 'shape'"),
        ("raise SystemExit", "it called sys.exit(None)"),
    ],
)
def test_a_metric_that_fails_is_the_plugins_failure(disent, trained, site, measure, words):
    write_plugin(site, "toy", METRIC.format(measure="        " + measure))
    is_the_plugins_failure(disent("metrics", "toy", trained), words, "Metric 'toy' could not be measured")


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ("{}", "measure returns dict, not a disent_plugins.Result"),
        ("Result('toy', {'a': Value(float('nan'), 'x', floor=0.0)}, {})", "value 'a': value is nan, no finite number"),
    ],
)
def test_a_metric_without_a_result_is_the_plugins_failure(disent, trained, site, result, words):
    write_plugin(site, "toy", METRIC.format(measure=f"        return {result}"))
    done = disent("metrics", "toy", trained)
    assert done.code == 4
    assert words in done.err


def test_a_metric_of_others_is_a_command_as_ours_are(disent, trained, site):
    result = "Result('toy', {'a': Value(0.5, 'x', floor=0.0, ceiling=1.0)}, {'seed': subject.seed})"
    write_plugin(site, "toy", METRIC.format(measure=f"        return {result}"))
    done = disent("metrics", "toy", trained, "--json")
    assert done.code == 0, done.err
    assert done.json["values"] == {"a": 0.5}
    assert done.json["reference"]["a"]["ceiling"] == 1.0


@pytest.mark.parametrize("command", [["data", "prepare", "toy"], ["run", "--data", "toy", "--out", "runs/toy"]])
def test_data_that_fail_are_the_plugins_failure(disent, site, command):
    write_plugin(site, "toy", DATA)
    is_the_plugins_failure(disent(*command), "KeyError: 'shape'")


def test_a_plugins_own_refusal_of_an_option_is_the_users_affair(disent, site):
    refusal = "    def __init__(self, config, data):\n        from disent_plugins import UsageError\n"
    refusal += "        raise UsageError('width and depth do not go together.', hint='Leave one out.')"
    write_plugin(site, "toy", MODEL.format(module="toy_plugin", toy=refusal))
    done = disent("run", "--model", "toy", "--dry-run")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: width and depth do not go together.\n       Leave one out.\n"


def test_a_run_hook_that_spoils_what_it_is_given_spoils_nothing(disent, site, monkeypatch, tmp_path):
    monkeypatch.setenv("DISENT_DISABLE_PLUGINS", "metrics")  # the run is what matters here
    (tmp_path / "elsewhere").mkdir()
    write_plugin(site, "toy", """
import os
from pathlib import Path
from disent_plugins import hookimpl

@hookimpl
def disent_run_started(run):
    os.chdir("elsewhere")
    run.settings.options.clear()
    run.folder = None

@hookimpl(tryfirst=True)
def disent_epoch_ended(run, losses):
    losses.clear()
    os.chdir("elsewhere")

@hookimpl(tryfirst=True)
def disent_run_ended(results):
    results["mine"] = 1
""")  # fmt: skip
    done = disent("run", "--epochs", 1, *TINY, "--out", "runs/it", "--json")
    assert done.code == 0, done.err
    assert done.json["results"] == {}
    assert "epoch 1/1: total " in done.err
    assert '"total"' in (tmp_path / "runs" / "it" / "metrics.jsonl").read_text()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_run_hook_that_fails_costs_one_line_and_not_the_run(disent, site, monkeypatch):
    monkeypatch.setenv("DISENT_DISABLE_PLUGINS", "metrics")  # the run is what matters here
    write_plugin(site, "toy", "from disent_plugins import hookimpl\n@hookimpl\ndef disent_epoch_ended(epoch): 1 / 0\n")
    done = disent("run", "--epochs", 2, *TINY, "--out", "runs/it")
    assert done.code == 0, done.err
    (line,) = [line for line in done.err.splitlines() if "'toy'" in line]
    assert "disent_epoch_ended raised ZeroDivisionError" in line
    assert line.endswith("disable it with DISENT_DISABLE_PLUGINS=toy, or: pip uninstall toy")
    assert "epoch 2/2" in done.err


def test_a_taken_name_is_an_error_that_says_both_owners(disent, site):
    write_plugin(site, "toy", MODEL.format(module="toy_plugin", toy="    pass").replace('name="toy"', 'name="gmvae"'))
    done = disent("run", "--model", "gmvae", "--dry-run")
    assert done.code == 4
    for words in ("of disent-plugins ", "of toy 1.0", "disent-plugins:gmvae or toy:gmvae"):
        assert words in done.err
    assert disent("run", "--model", "toy:gmvae", "--dry-run").code == 0
    assert disent("run", "--model", "disent-plugins:gmvae", "--dry-run").code == 0
    assert disent("run", "--model", "gmvae", "--dry-run", "--no-plugins").code == 0
