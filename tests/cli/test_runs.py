"""``disent runs``: found, shown, removed and exported, in whatever state they are."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import typer

from disent_plugins.cli import runs as commands


def results(folder: Path, change) -> None:
    path = folder / "results.json"
    documents = json.loads(path.read_text())
    change(documents)
    path.write_text(json.dumps(documents))


@pytest.fixture
def three(trained) -> Path:
    """``tiny``, an older one that was stopped after an epoch, and a folder that is none."""
    older = Path(shutil.copytree(trained, "runs/older"))
    (older / "results.json").unlink()
    (older / "metrics.jsonl").write_text((older / "metrics.jsonl").read_text().splitlines()[0] + '\n{"epo')
    os.utime(older / "config.json", (1, 1))
    Path("runs/notes").mkdir()
    return trained


def test_runs_are_listed_the_newest_first(three, disent):
    found = disent("runs", "list", "--json")
    assert (found.code, found.err) == (0, "")
    tiny, older = found.json
    assert [tiny[key] for key in ("run", "model", "data", "seed", "epochs", "planned", "state")] == [
        "runs/tiny", "gmvae", "digits", 0, 2, 2, "measured"
    ]  # fmt: skip
    assert [older[key] for key in ("run", "epochs", "planned", "state", "values")] == ["runs/older", 1, 2, "begun", {}]
    kept = json.loads((three / "results.json").read_text())["probe"]
    for name in ("content/mean/strong", "style/mean/strong"):
        assert tiny["values"][name]["value"] == kept["values"][name]
        assert tiny["values"][name]["floor"] == kept["reference"][name]["floor"]
    assert "keeps-content" not in tiny["values"]


def test_the_table_has_chance_where_there_is_room(three, disent, monkeypatch):
    kept = json.loads((three / "results.json").read_text())["probe"]
    value = f"{kept['values']['content/mean/strong']:.2f}"
    for width, cell in ((80, f"{value}  "), (120, f"{value} (0.10)")):
        monkeypatch.setattr(commands.state.out, "_width", width)
        monkeypatch.setenv("COLUMNS", str(width))
        lines = disent("runs", "list").out.splitlines()
        assert lines[2].split()[:6] == ["tiny", "gmvae", "digits", "0", "2/2", "measured"]
        assert cell in lines[2]
        assert lines[3].split() == ["older", "gmvae", "digits", "0", "1/2", "begun"]


def test_piped_a_run_is_one_line_however_long_its_name(three, disent, monkeypatch):
    name = "gmvae-" + 100 * "x"
    Path("runs/older").rename(f"runs/{name}")
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = disent("runs", "list").out.splitlines()
    assert lines[3].split() == [name, "gmvae", "digits", "0", "1/2", "begun"]
    assert lines[2].count("(0.10)") == 2  # there is room for chance
    monkeypatch.setenv("COLUMNS", "80")  # a width that somebody asked for is kept
    assert max(map(len, disent("runs", "list").out.splitlines())) <= 80


def test_named_folders_are_listed(three, disent):
    assert [run["run"] for run in disent("runs", "list", "runs/older", "older", "--json").json] == ["runs/older"]
    found = disent("runs", "list", "runs/notes")
    assert (found.code, "There is no run in runs/notes" in found.err) == (2, True)


def test_without_any_run_one_is_asked_for(disent):
    found = disent("runs", "list")
    assert (found.code, found.out) == (2, "")
    assert (
        "error: There is no run in runs.\n       There is no such folder.\n       Make one with: disent run"
        in found.err
    )


def test_damaged_runs_cost_a_line_and_not_the_list(three, disent):
    shutil.copytree(three, "runs/broken")
    Path("runs/broken/config.json").write_text('{"model": ')
    (three / "data.json").unlink()
    results(three, lambda documents: documents["probe"]["values"].update({"style/mean/strong": float("nan")}))
    found = disent("runs", "list", "--json")
    assert found.code == 0
    assert {run["run"] for run in found.json} == {"runs/tiny", "runs/older"}
    lines = found.err.splitlines()
    assert len(lines) == 3
    assert any("runs/broken/config.json cannot be read" in line for line in lines)
    assert any("It has no data.json." in line for line in lines)
    assert any("no documents of metrics: probe" in line for line in lines)


def test_a_run_is_shown(three, disent):
    found = disent("runs", "show", "tiny")
    assert (found.code, found.err) == (0, "")
    for text in ("measured, 2 of 2 epochs", "last epoch", "width", "content/mean/strong", "chance", "ceiling"):
        assert text in found.out
    document = disent("runs", "show", "tiny", "--json").json
    assert document["documents"] == json.loads((three / "results.json").read_text())
    assert (document["path"], document["state"], len(document["epochs"])) == ("runs/tiny", "measured", 2)


def test_results_of_another_schema_are_told_and_the_rest_is_shown(three, disent):
    results(three, lambda documents: documents.update(probe={"version": 9, "scores": [1]}))
    found = disent("runs", "show", "tiny")
    assert found.code == 0
    assert "no documents of metrics: probe" in found.err
    assert "content/mean/strong" not in found.out
    assert "reconstruction" in found.out
    results(three, lambda documents: documents.clear() or documents.update(x={
        "metric": "x", "values": {"y": 0.5}, "reference": {"y": {"unit": "u"}},
    }))  # fmt: skip
    assert "0.500" in disent("runs", "show", "tiny").out


@pytest.mark.parametrize("command", ["show", "rm --yes", "export"])
def test_what_is_no_run_is_refused(three, disent, command):
    name, *flags = command.split()
    for folder in ("runs/notes", "nothing"):
        found = disent("runs", name, folder, *flags)
        assert (found.code, found.out) == (2, "")
        assert f"error: {folder} is not a run." in found.err
    assert Path("runs/notes").is_dir()


def test_removing_asks_first(three, disent, monkeypatch):
    found = disent("runs", "rm", "tiny")
    assert (found.code, found.out) == (2, "")
    assert "runs/tiny (" in found.err
    assert "Say: --yes" in found.err
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(typer, "confirm", lambda text, **_: False)
    found = disent("runs", "rm", "tiny")
    assert (found.code, "Nothing was removed." in found.err, three.is_dir()) == (0, True, True)
    monkeypatch.setattr(typer, "confirm", lambda text, **_: True)
    found = disent("runs", "rm", "tiny")
    assert (found.code, found.out, three.exists()) == (0, "removed runs/tiny\n", False)


def test_of_several_none_is_removed_if_one_is_no_run(three, disent):
    found = disent("runs", "rm", "tiny", "notes", "--yes")
    assert (found.code, three.is_dir()) == (2, True)
    (three / "mine.txt").write_text("x")
    found = disent("runs", "rm", "tiny", "older", "--yes", "--json")
    assert found.json == [{"run": "runs/tiny", "left": ["mine.txt"]}, {"run": "runs/older", "left": []}]
    assert [path.name for path in three.iterdir()] == ["mine.txt"]


def test_an_export_is_written_and_is_no_run(three, disent):
    found = disent("runs", "export", "tiny", "--json")
    assert found.code == 0, found.err
    assert found.json["files"] == [f"exports/tiny/{name}" for name in ("model.safetensors", "config.json", "README.md")]
    assert disent("runs", "export", "tiny", "--checkpoint", "best", "--out", "other").code == 0
    for command in ("show", "rm"):
        found = disent("runs", command, "exports/tiny", *(["--yes"] if command == "rm" else []))
        assert found.code == (2 if command == "rm" else 0)
    found = disent("runs", "export", "exports/tiny")
    assert (found.code, "is an exported model, and no run" in found.err) == (2, True)
    assert disent("runs", "export", "tiny", "--out", "runs/x").code == 2


def test_an_export_without_safetensors_is_told(three, disent, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    found = disent("runs", "export", "tiny")
    assert (found.code, found.out) == (2, "")
    assert "pip install 'disent-plugins[export]'" in found.err


def test_a_run_half_deleted_cannot_be_exported(three, disent):
    shutil.rmtree(three / "checkpoints")
    found = disent("runs", "export", "tiny")
    assert (found.code, "has no checkpoint last.pt" in found.err) == (2, True)
