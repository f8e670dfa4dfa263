"""The plugin host: lazy, guarded, and never silent about two of the same name."""

from __future__ import annotations

import signal
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from helpers.plugin_files import MODEL, entry_points_in, write_plugin

from disent_plugins.errors import PluginFailure, UsageError
from disent_plugins.models.plugin import disent_models
from disent_plugins.registry.hookspecs import hookimpl
from disent_plugins.registry.host import GROUP, OURS, Registry, from_environment
from disent_plugins.registry.specs import ModelSpec

OUR_MODELS = sorted(spec.name for spec in disent_models())
MANY = 20_000
HOOK = "from disent_plugins import DatasetSpec, MetricSpec, ModelSpec, hookimpl\n@hookimpl\n"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder on the import path, whose modules are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.endswith("_plugin"):
            del sys.modules[name]


def registry(site=None, **options) -> Registry:
    ours = [point for point in entry_points(group=GROUP) if point.value.startswith("disent_plugins.")]
    return Registry(points=[*ours, *(entry_points_in(site) if site else [])], **options)


def test_our_own_plugins_come_in_by_entry_points():
    found = registry()
    assert found.models.names() == OUR_MODELS
    assert {"celeba", "cars3d", "digits", "mnist", "sprites"} <= set(found.datasets.names())
    assert {"probe", "swap-grid", "interpolation", "samples"} <= set(found.metrics.names())
    assert not found.skipped
    assert {plugin.distribution for plugin in found.plugins} == {OURS}
    for catalogue in (found.models, found.datasets, found.metrics):
        for spec, plugin in catalogue.entries:
            assert spec.summary
            assert len(spec.summary.splitlines()) == 1
            assert isinstance(found.load(spec, plugin), type)


BAD = {
    "not installed": ("import a_module_that_is_not_there", "ModuleNotFoundError: No module named 'a_module_that"),
    "raises at import": ("1 / 0", "ZeroDivisionError: division by zero"),
    "not Python": ("def broken(:", "SyntaxError"),
    "exits at import": ("import sys; sys.exit(3)", "it called sys.exit(3)"),
    "an interrupt that nobody asked for": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "no message": (
        "class Mute(Exception):\n    def __str__(self): raise RuntimeError\nraise Mute",
        "Mute, whose message cannot be read",
    ),
    "base exception": ("raise BaseException('out')", "BaseException: out"),
    "raises in a hook": (HOOK + "def disent_models(): raise KeyError('x')", "KeyError: 'x'"),
    "exits in a hook": (HOOK + "def disent_metrics(): raise SystemExit", "it called sys.exit(None)"),
    "no list": (HOOK + "def disent_models(): return None", "disent_models returned NoneType, not a list of specs"),
    "no spec": (HOOK + "def disent_models(): return ['gmvae']", "expected ModelSpec, got str"),
    "another kind": (
        HOOK + "def disent_models(): return [MetricSpec(name='a', summary='', target='a:A')]",
        "expected ModelSpec, got MetricSpec",
    ),
    "twice": (
        HOOK + "def disent_models(): return 2 * [ModelSpec(name='a', summary='', target='a:A')]",
        "it registers 'a' twice",
    ),
    "no name": (
        HOOK + "def disent_models(): return [ModelSpec(name='My Model', summary='', target='a:A')]",
        "'My Model' is not a name",
    ),
    "no target": (
        HOOK + "def disent_models(): return [ModelSpec(name='a', summary='', target='a.A')]",
        "target 'a.A' is not of the form 'package.module:Object'",
    ),
    "another version": (
        HOOK + "def disent_models(): return []\nDISENT_API_VERSION = 2",
        "it is written for plugin API 2, this is 1",
    ),
    "no hook": ("def disent_models(): return []", "it implements no hook of disent; mark functions with"),
    "a wrapper": (
        "from disent_plugins import hookimpl\n@hookimpl(wrapper=True)\ndef disent_run_started(run):\n    yield",
        "it wraps a hook; hooks are called one by one",
    ),
    "unknown hook": (HOOK + "def disent_modles(): return []", "disent_modles"),
    "unknown argument": (HOOK + "def disent_epoch_ended(run, loss): pass", "loss"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_plugin_costs_one_line(site, case):
    source, words = BAD[case]
    write_plugin(site, "bad-one", source, version="2.5")
    found = registry(site)
    (plugin,) = found.skipped
    assert words in plugin.error
    assert len(plugin.line.splitlines()) == 1
    assert plugin.line.startswith("plugin 'bad-one' of bad-one 2.5 was skipped: ")
    assert plugin.line.endswith("disable it with DISENT_DISABLE_PLUGINS=bad-one, or: pip uninstall bad-one")
    assert found.models.names() == OUR_MODELS
    with pytest.raises(PluginFailure, match="bad-one") as caught:
        registry(site, strict=True)
    assert caught.value.exit_code == 4


def test_nothing_of_a_bad_plugin_stays(site):
    write_plugin(site, "half", MODEL.format(name="half", target="a:A") + """
called = []

@hookimpl
def disent_epoch_ended(epoch):
    called.append(epoch)

@hookimpl
def disent_metrics():
    raise RuntimeError("no metrics today")
""")  # fmt: skip
    found = registry(site, disabled=["log"])  # ours would write to the run's folder
    assert found.models.names() == OUR_MODELS
    found.notify("disent_epoch_ended", run=None, epoch=1, losses={})
    assert sys.modules["half_plugin"].called == []


def test_an_entry_point_that_names_nothing_costs_one_line(site):
    write_plugin(site, "nothing", "", entry="nothing_plugin:absent")
    (plugin,) = registry(site).skipped
    assert plugin.error.startswith("AttributeError")


def test_a_distribution_without_a_name_costs_one_line(site):
    write_plugin(site, "nameless", "1 / 0", metadata="")
    write_plugin(site, "good", MODEL.format(name="good", target="a:A"))
    found = registry(site)
    (plugin,) = found.skipped
    assert (plugin.name, plugin.distribution) == ("nameless", "(unknown)")
    assert found.models.find("good")


def test_ctrl_c_while_plugins_load_is_not_swallowed(site):
    write_plugin(site, "slow", "import signal; signal.raise_signal(signal.SIGINT)")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            registry(site)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_good_plugin_adds_its_specs_without_loading_them(site):
    write_plugin(site, "good", MODEL.format(name="good", target="good_model_plugin:Inner.Model"))
    (site / "good_model_plugin.py").write_text(
        "from helpers.training_files import Counting\nclass Inner:\n    class Model(Counting): pass\n"
    )
    found = registry(site)
    spec, plugin = found.models.find("good")
    assert (plugin.name, plugin.distribution, plugin.version) == ("good", "good", "1.0")
    assert "good_model_plugin" not in sys.modules
    assert found.load(spec, plugin).__name__ == "Model"


def test_two_of_the_same_name_is_an_error_that_names_both_owners(site):
    write_plugin(site, "first", MODEL.format(name="same", target="first_plugin:First"))
    write_plugin(site, "second", MODEL.format(name="same", target="second_plugin:Second"), version="3.1")
    found = registry(site)
    assert not found.skipped
    assert found.models.names() == sorted(["first:same", *OUR_MODELS, "second:same"])
    with pytest.raises(PluginFailure) as caught:
        found.models.find("same")
    for words in ("'first' of first 1.0", "'second' of second 3.1", "first:same or second:same"):
        assert words in str(caught.value)
    assert found.models.find("second:same")[0].target == "second_plugin:Second"


def test_a_taken_name_does_not_overwrite_ours(site):
    write_plugin(site, "grabber", MODEL.format(name="gmvae", target="grabber_plugin:Mine"))
    found = registry(site)
    with pytest.raises(PluginFailure, match=r"disent-plugins.* and .*grabber"):
        found.models.find("gmvae")
    assert found.models.find("disent-plugins:gmvae")[0].target == "disent_plugins.models.gmvae:GMVAE"
    assert found.models.find("grabber:gmvae")[0].target == "grabber_plugin:Mine"
    assert registry(site, disabled=["grabber"]).models.find("gmvae")[1].distribution == OURS


def test_the_qualified_name_always_resolves():
    assert registry().models.find("disent-plugins:mlvae")[0].name == "mlvae"


def test_an_unknown_name_comes_with_a_suggestion():
    with pytest.raises(UsageError, match=r"Did you mean 'gmvae'\?") as caught:
        registry().models.find("gmvea")
    assert "disent models list" in caught.value.hint


@pytest.mark.parametrize(
    ("target", "words"),
    [("target_module_plugin:Model", "No module named"), ("broken_plugin:Absent", "no attribute 'Absent'")],
)
def test_a_target_that_cannot_be_loaded_is_the_plugins_failure(site, target, words):
    write_plugin(site, "broken", MODEL.format(name="broken", target=target))
    found = registry(site)
    assert not found.skipped
    with pytest.raises(PluginFailure, match=words) as caught:
        found.load(*found.models.find("broken"))
    assert "plugin 'broken' of broken 1.0 failed" in caught.value.what
    assert "pip uninstall broken" in caught.value.hint


def test_calls_on_behalf_of_a_request_are_guarded(site):
    write_plugin(site, "good", MODEL.format(name="good", target="a:A"))
    found = registry(site)
    plugin = found.models.find("good")[1]
    assert found.call(plugin, "It failed", lambda: 7) == 7
    with pytest.raises(PluginFailure, match=r"sys\.exit\(1\)"):
        found.call(plugin, "It failed", lambda: sys.exit(1))
    with pytest.raises(UsageError, match="as it is"):
        found.call(plugin, "It failed", lambda: _raise(UsageError("as it is")))
    with pytest.raises(KeyboardInterrupt):
        found.call(plugin, "It failed", lambda: _raise(KeyboardInterrupt()))
    ours = found.models.find("gmvae")[1]
    with pytest.raises(ZeroDivisionError):
        found.call(ours, "It failed", lambda: 1 / 0)


@pytest.mark.parametrize("failure", ["1 / 0", "raise SystemExit(1)"])
def test_a_run_hook_that_fails_is_reported_once_and_not_called_again(site, failure):
    hook = HOOK + "def disent_batch_ended(run, step):\n    calls.append(step)\n"
    write_plugin(site, "failing", f"calls = []\n{hook}    {failure}\n")
    write_plugin(site, "working", f"calls = []\n{hook}")
    found = registry(site)
    reported = []
    found.on_skip = reported.append
    for step in (1, 2, 3):
        found.notify("disent_batch_ended", run=None, epoch=1, step=step)
    assert sys.modules["failing_plugin"].calls == [1]
    assert sys.modules["working_plugin"].calls == [1, 2, 3]
    (plugin,) = reported
    assert plugin.error.startswith("disent_batch_ended raised ")
    assert found.skipped == [plugin]


def test_a_run_hook_is_handed_copies(site, tmp_path, monkeypatch):
    """It may empty them, and change the folder: neither the next plugin nor the run sees it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    spoil = (
        "import os\n" + HOOK + "def disent_epoch_ended(run, losses):\n    losses.clear(); run['folder'] = 'elsewhere'"
    )
    write_plugin(site, "spoiling", spoil + "; os.chdir('elsewhere')\n")
    write_plugin(site, "watching", f"seen = []\n{HOOK}def disent_epoch_ended(losses):\n    seen.append(losses)\n")
    found = registry(site, disabled=["log"])
    losses, run = {"total": 1.0}, {"folder": "here"}
    for epoch in (1, 2):
        found.notify("disent_epoch_ended", run=run, epoch=epoch, losses=losses)
    assert (losses, run) == ({"total": 1.0}, {"folder": "here"})
    assert sys.modules["watching_plugin"].seen == [{"total": 1.0}] * 2
    assert not found.skipped
    assert Path.cwd() == tmp_path


def test_the_time_of_many_specs_grows_with_their_number(site):
    """20,000 took 26 s when every name was looked for among all."""
    many = f"[ModelSpec(name=f'm{{i}}', summary='', target='a:A') for i in range({MANY})]"
    write_plugin(site, "many", HOOK + f"def disent_models(): return {many}\n")
    write_plugin(site, "again", HOOK + "def disent_models(): return [ModelSpec(name='m7', summary='', target='a:A')]\n")
    started = time.process_time()
    found = registry(site)
    names = found.models.names()
    for name in names:
        found.models.find(name)
    assert time.process_time() - started < 5
    assert len(names) == MANY + 1 + len(OUR_MODELS)
    assert {"many:m7", "again:m7", "m8"} <= set(names)


def test_a_run_hook_that_fails_is_a_failure_when_strict(site):
    write_plugin(site, "failing", HOOK + "def disent_batch_ended(step): 1 / 0\n")
    with pytest.raises(PluginFailure, match="ZeroDivisionError"):
        registry(site, strict=True).notify("disent_batch_ended", run=None, epoch=1, step=1)


def test_an_object_can_be_a_plugin():
    class Listener:
        def __init__(self) -> None:
            self.heard: list[int] = []

        @hookimpl
        def disent_batch_ended(self, step: int) -> None:
            self.heard.append(step)

    found, listener = registry(), Listener()
    found.add(listener, name="listener")
    found.notify("disent_batch_ended", run=None, epoch=1, step=5)
    assert listener.heard == [5]


@pytest.mark.parametrize(
    ("environment", "models"),
    [
        ({}, ["good", "other"]),
        ({"DISENT_DISABLE_PLUGINS": "good"}, ["other"]),
        ({"DISENT_DISABLE_PLUGINS": " good , other-dist,"}, []),
    ],
)
def test_plugins_are_disabled_by_their_or_their_distributions_name(site, monkeypatch, environment, models):
    write_plugin(site, "good", MODEL.format(name="good", target="a:A"))
    write_plugin(site, "other-dist", MODEL.format(name="other", target="a:A"))
    found = from_environment(environment)
    assert found.models.names() == sorted([*OUR_MODELS, *models])
    assert {p.distribution for p in found.plugins if p.disabled} == {"good", "other-dist"} - {
        p.distribution for _, p in found.models.entries
    }
    assert from_environment(environment, third_party=False).models.names() == OUR_MODELS


def test_strict_is_read_from_the_environment(site):
    write_plugin(site, "bad", "1 / 0")
    assert len(from_environment({"DISENT_STRICT_PLUGINS": "0"}).skipped) == 1
    with pytest.raises(PluginFailure):
        from_environment({"DISENT_STRICT_PLUGINS": "1"})
    assert not from_environment({"DISENT_STRICT_PLUGINS": "1", "DISENT_DISABLE_PLUGINS": "bad"}).skipped


def test_a_spec_is_data():
    spec = ModelSpec(name="a-1_b", summary="", target="not_there.at_all:Inner.Model")
    assert (spec.requires, spec.recipes, spec.reference) == ((), {}, "")
    for wrong in ({"name": "A"}, {"name": ""}, {"target": "module"}, {"target": "module:"}, {"target": "1:A"}):
        with pytest.raises(ValueError, match=r"name|form"):
            ModelSpec(**{"name": "a", "summary": "", "target": "a:A", **wrong})


def _raise(error: BaseException) -> None:
    raise error


def test_what_a_plugin_prints_stays_off_the_result(site, capsys):
    write_plugin(site, "chatty", "print('hello')\n" + MODEL.format(name="m", target="chatty_plugin:M"))
    assert "m" in registry(site).models.names()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "hello\n"
