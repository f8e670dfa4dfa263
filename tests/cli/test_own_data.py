"""Data of one's own on the command line: ``--data folder:PATH`` and ``--data arrays:FILE.npz``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.own_files import arrays_file, class_folders, picture

from disent_plugins.cli import state

TINY = ("--epochs", "1", "--batch-size", "4", "--set", "width=0.125", "--set", "leak=0")


@pytest.fixture
def own(disent, tmp_path, monkeypatch):
    """The command, with a cache of its own."""
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path / "cache"))
    return disent


def test_a_run_on_a_folder_goes_on_and_is_measured_from_elsewhere(own, tmp_path, monkeypatch):
    class_folders(tmp_path / "pets")
    found = own("run", "--data", "folder:pets", *TINY)
    assert found.code == 0, found.err
    (run,) = Path("runs").iterdir()
    assert run.name.endswith("_gmvae_folder-pets_s0")
    config = json.loads((run / "config.json").read_text())
    assert config["data"] == f"folder:{tmp_path / 'pets'}"
    assert config["data_options"] == {"size": 0, "content": ""}
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    other = own("run", "--resume", tmp_path / run, "--data", "folder:.", "--epochs", 2)
    assert other.code == 3
    again = own("run", "--resume", tmp_path / run, "--data", "folder:../pets", "--epochs", 2, "--json")
    assert again.code == 0, again.err
    assert again.json["results"]["probe"]["subject"].startswith("gmvae on folder-pets (")
    measured = own("metrics", "reconstruction", tmp_path / run, "--json")
    assert measured.code == 0, measured.err
    picture(tmp_path / "pets" / "cat" / "00.png", 55)
    changed = own("metrics", "reconstruction", tmp_path / run)
    assert changed.code == 2
    assert "The data of" in changed.err
    assert f"Put back the files in {tmp_path / 'pets'}" in " ".join(changed.err.split())


def test_the_data_commands_take_places(own, tmp_path):
    class_folders(tmp_path / "pets")
    arrays_file(tmp_path / "eyes.npz")
    for name, cache in (("folder:pets", "folder-pets-"), ("arrays:eyes.npz", "arrays-eyes-")):
        shown = own("data", "show", name, "--json").json
        assert (shown["cached"], shown["content"], shown["image"]) == (False, "class", [1, 16, 16])
        assert Path(shown["cache"]).name.startswith(cache)
        prepared = own("data", "prepare", name, "--json").json
        assert prepared["splits"] == {"train": 14, "validation": 2, "test": 4}
        assert own("data", "verify", name, "--json").json["verified"]
        assert own("data", "rm", name, "--yes").code == 0
        assert not Path(shown["cache"]).exists()
    assert "folder:PATH" in own("data", "list").out


def test_a_dry_run_is_a_configuration_file(own, tmp_path):
    class_folders(tmp_path / "pets")
    found = own("run", "--data", "folder:pets", "--set-data", "size=32", "--dry-run")
    Path("a.toml").write_text(found.out)
    assert own("run", "--config", "a.toml", "--dry-run").out == found.out
    assert "epochs = 60" in found.out
    assert "batch_size = 64" in found.out


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("folder", 2, "The data set 'folder' is named with a place behind a colon.\n       For example: folder:PATH"),
        ("folder:", 2, "is named with a place behind a colon"),
        ("foldr:pets", 2, "Did you mean 'folder:PATH'?"),
        ("digits:pets", 2, "There is no data set 'digits:pets'."),
        ("folder:nope", 3, "There is no folder"),
        ("arrays:nope.npz", 3, "There is no file"),
        ("folder:one", 3, "There is no image to test with among these 1."),
        ("disent-plugins:folder:nope", 3, "There is no folder"),
    ],
)
def test_a_place_that_cannot_be_used_is_one_clear_error(own, tmp_path, name, code, words):
    picture(tmp_path / "one" / "cat" / "0.png")
    for command in (("data", "show", name), ("data", "prepare", name), ("run", "--data", name, *TINY)):
        found = own(*command)
        assert (found.code, found.out) == (code, "")
        assert words in found.err
    assert not Path("runs").exists()


def test_places_are_offered(own):
    state.registry.cache_clear()
    from disent_plugins.cli import completion

    assert "folder:PATH" in completion.datasets("fo")
