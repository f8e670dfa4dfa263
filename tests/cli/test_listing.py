"""``disent data``, ``models``, ``plugins``, ``doctor`` and the global flags."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.data_files import write_mnist
from helpers.plugin_files import MODEL, write_plugin

import disent_plugins
from disent_plugins.data_adapters.cache import cache_path
from disent_plugins.data_adapters.digits import Digits
from disent_plugins.models.plugin import disent_models

OUR_MODELS = [spec.name for spec in disent_models()]


@pytest.fixture
def empty_cache(disent, tmp_path: Path, monkeypatch) -> Path:
    """A cache folder without any data, in a place whose name looks like markup, and no network."""
    folder = tmp_path / "[bold]cache"
    monkeypatch.setenv("DISENT_CACHE", str(folder))
    monkeypatch.setenv("DISENT_OFFLINE", "1")
    return folder


# The whole command


def test_the_version_is_printed(disent):
    assert disent("--version").out == disent_plugins.__version__ + "\n"


def test_help_names_the_commands_and_the_exit_codes(disent):
    found = disent("--help")
    assert found.code == 0
    for text in ("run", "metrics", "models", "data", "plugins", "doctor", "130"):
        assert text in found.out


def test_an_unknown_command_is_a_usage_error(disent):
    found = disent("runn")
    assert (found.code, found.out) == (2, "")
    assert "No such command 'runn'" in found.err


def test_global_flags_may_stand_behind_the_command(disent):
    assert disent("plugins", "--json", "--no-plugins").json == disent("--no-plugins", "plugins", "--json").json


# Models, plugins, doctor


def test_the_models_are_listed(disent):
    found = disent("models", "list", "--json")
    assert (found.code, found.err) == (0, "")
    entries = {entry["name"]: entry for entry in found.json}
    assert entries["gmvae"]["requires"] == ["groups", "distinct_groups"]
    assert entries["mlvae"]["distribution"] == "disent-plugins"
    keys = {"name", "summary", "requires", "reference", "distribution", "version"}
    assert all(set(entry) == keys for entry in entries.values())


def test_a_model_shows_its_options_and_recipes(disent):
    found = disent("models", "show", "gmvae", "--json").json
    options = {option["name"]: option for option in found["options"]}
    assert options["k"]["default"] == 2.0
    assert options["k"]["accepts"] == "a number >= 0 and <= 1,000,000"
    assert all(option["doc"] for option in options.values())
    assert found["recipes"]["cars3d"]["epochs"] == 600
    assert found["recipes"]["cars3d"]["options"] == {"content_size": 16, "style_size": 16, "k": 4.0}
    text = disent("models", "show", "gmvae").out
    for part in ("gmvae", "content_size", "prior_precision", "disent run --model gmvae"):
        assert part in text
    missing = disent("models", "show", "gmvea")
    assert missing.code == 2
    assert "Did you mean 'gmvae'?" in missing.err


def test_the_plugins_are_listed_with_what_they_add(disent, monkeypatch):
    entries = {entry["name"]: entry for entry in disent("plugins", "--json", "--no-plugins").json}
    assert set(entries) == {"models", "data", "metrics", "log"}  # loggers: tests/registry/test_loggers.py
    assert entries["models"]["models"] == OUR_MODELS
    assert entries["data"]["data"] == ["digits", "sprites", "mnist", "cars3d", "celeba", "folder", "arrays"]
    assert {entry["status"] for entry in entries.values()} == {"active"}
    monkeypatch.setenv("DISENT_DISABLE_PLUGINS", "models")
    entries = {entry["name"]: entry for entry in disent("plugins", "--json", "--no-plugins").json}
    assert entries["models"]["status"] == "disabled"
    assert disent("run", "--no-plugins").code == 2


def test_the_doctor_checks_what_a_run_needs(disent):
    found = disent("doctor", "--json", "--no-plugins")
    assert found.code == 0, found.err
    assert found.json["healthy"] is True
    assert [check["name"] for check in found.json["checks"]] == [
        "torch", "gpu", "cache folder", "current folder", "plugins",
    ]  # fmt: skip
    assert set(found.json["environment"]["libraries"]) >= {"torch", "numpy", "h5py"}
    assert disent("doctor", "--no-plugins").code == 0


def test_a_model_shows_only_options_that_it_has(disent):
    for name in ("ada-gvae", "lord-lite"):
        found = disent("models", "show", name, "--json").json
        known = {option["name"] for option in found["options"]}
        assert all(set(recipe["options"]) <= known for recipe in found["recipes"].values())


def test_the_doctor_finds_a_plugin_that_keeps_every_command_waiting(disent, tmp_path, monkeypatch):
    write_plugin(tmp_path, "waiting", "import time; time.sleep(600)")
    write_plugin(tmp_path, "good", MODEL.format(name="good", target="a:A"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("disent_plugins.registry.alone.SECONDS", 3.0)
    found = disent("doctor", "--json")
    assert found.code == 1
    (plugins,) = [check for check in found.json["checks"] if check["name"] == "plugins"]
    assert "plugin 'waiting' of waiting 1.0 was skipped: it is still being imported after 3 seconds" in plugins["found"]
    assert "DISENT_DISABLE_PLUGINS=waiting" in plugins["found"]
    assert "'good'" not in plugins["found"]
    monkeypatch.setenv("DISENT_DISABLE_PLUGINS", "waiting")
    assert disent("doctor").code == 0


def test_the_doctor_names_a_folder_that_cannot_be_written(disent, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path / "file"))
    found = disent("doctor", "--json", "--no-plugins")
    assert found.code == 1
    assert found.json["healthy"] is False
    assert "See: cache folder." in found.err


# Data


def test_the_data_sets_are_listed(disent):
    entries = {entry["name"]: entry for entry in disent("data", "list", "--json").json}
    assert set(entries) >= {"digits", "sprites", "mnist", "cars3d", "celeba"}
    assert "distinct_groups" in entries["digits"]["provides"]


def test_a_data_set_shows_its_files_and_whether_it_is_cached(disent, cache):
    found = disent("data", "show", "mnist", "--json").json
    assert (found["image"], found["content"], found["factors"]) == ([1, 32, 32], "digit", {"digit": 10})
    assert found["cached"] is False
    assert len(found["files"]) == 4
    assert all(file["urls"] and file["hash"] for file in found["files"])
    digits = disent("data", "show", "digits", "--json").json
    assert (digits["cached"], digits["files"]) == (True, [])
    assert Path(digits["cache"]).parent == cache
    assert "disent data prepare mnist" in disent("data", "show", "mnist").out


def test_a_subset_is_shown_and_prepared_by_its_name(disent, tmp_path):
    write_mnist(tmp_path / "raw")
    refused = disent("data", "prepare", "mnist", "--source", "raw")
    assert refused.code == 3
    assert "--set-data subset=NAME" in " ".join(refused.err.split())
    chosen = ("--set-data", "subset=first-16")
    assert "mnist, subset 'first-16': 16 images" in disent("data", "prepare", "mnist", "--source", "raw", *chosen).out
    assert "first-16: not the published images, or not all of them" in disent("data", "show", "mnist", *chosen).out
    assert disent("data", "show", "mnist", *chosen, "--json").json["options"] == {"subset": "first-16"}
    assert "subset" not in disent("data", "show", "mnist").out


def test_the_digits_are_prepared_and_verified(empty_cache, disent):
    found = disent("data", "prepare", "digits", "--json")
    assert found.code == 0, found.err
    assert found.json["splits"] == {"train": 1297, "validation": 200, "test": 300}
    assert disent("data", "verify", "digits", "--json").json["verified"] is True
    for command in ("prepare", "verify"):
        assert "[bold]cache" in disent("data", command, "digits").out


def test_a_damaged_cache_is_found_and_built_again(empty_cache, disent, cache):
    empty_cache.mkdir()
    path = Path(shutil.copy(cache / cache_path(Digits.info).name, empty_cache))
    content = np.fromfile(path, np.uint8)
    content[len(content) // 2] ^= 1
    content.tofile(path)
    found = disent("data", "verify", "digits", "--json")
    assert (found.code, found.out) == (3, "")
    assert "its images hash to" in found.err
    assert "Build it again: disent data prepare digits --rebuild" in found.err
    path.write_bytes(path.read_bytes()[:3000])
    assert disent("run", "--limit", "32").code == 3
    assert disent("data", "prepare", "digits", "--rebuild").code == 0
    assert disent("data", "verify", "digits").code == 0


@pytest.mark.parametrize("command", [("run", "--data"), ("data", "prepare")])
@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("mnist", ["Hash: ", "train-images-idx3-ubyte.gz"]),
        ("cars3d", ["nips2015-analogy-data.tar.gz", "Hash: "]),
    ],
)
def test_data_that_cannot_be_downloaded_is_described(empty_cache, disent, command, name, facts):
    found = disent(*command, name)
    assert (found.code, found.out) == (3, "")
    for text in (*facts, "DISENT_OFFLINE is set", "URL: http", f"Target: {empty_cache}/raw/{name}/", "--source DIR"):
        assert text in found.err


def test_data_that_has_to_be_fetched_by_hand_is_described(empty_cache, disent):
    found = disent("run", "--data", "celeba")
    assert (found.code, found.out) == (3, "")
    for text in ("img_align_celeba.zip", "identity_CelebA.txt", "list_eval_partition.txt", "--source DIR"):
        assert text in found.err
    assert f"Put them into {empty_cache}/raw/celeba" in found.err


def test_a_source_folder_that_is_not_there_is_named(empty_cache, disent):
    found = disent("run", "--data", "mnist", "--source", "nowhere")
    assert found.code == 3
    assert found.err.startswith("error: There is no folder nowhere.")


def test_verifying_what_was_never_built(empty_cache, disent):
    found = disent("data", "verify", "digits")
    assert found.code == 3
    assert "Build it: disent data prepare digits" in found.err
    assert not empty_cache.exists()
