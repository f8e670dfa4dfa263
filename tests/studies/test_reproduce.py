"""``disent reproduce`` on a small scale: runs are made once, gone on with, measured, compared and drawn."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from disent_plugins.studies import paper, reproduce

TINY = {"digits": {"epochs": 2, "milestones": [], "limit": 64, "batch_size": 32, "options": {"width": 0.25}}}


@pytest.fixture
def small(disent: Callable, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """The command, with a budget of a second a run, on the digits alone and without the slower metrics."""
    budget = paper.Budget("quick", "tiny", True, 1, TINY)
    monkeypatch.setattr(paper, "budget", lambda name: budget)
    monkeypatch.setattr(reproduce, "stand_in", lambda data: "digits")
    items = {"table1": {"probe": {"inputs": "sample,mean"}}, "fig3": {"exact-swap": {}, "retrieval": {}}, "fig5": {}}
    before = paper.items

    def chosen(name: str) -> list[paper.Item]:
        found = [item for item in before(name) if item.name in items]
        return [paper.Item(**{**vars(item), "measure": items[item.name]}) for item in found]

    monkeypatch.setattr(paper, "items", chosen)
    return disent


def test_all_of_it_and_then_nothing_twice(small: Callable):
    first = small("reproduce", "all")
    assert first.code == 0, first.err
    out = Path("reproduction")
    assert "training GM-VAE, digits in place of mnist" in first.err
    document = json.loads((out / "table1.json").read_text())
    assert set(document["runs"]) == {"GM-VAE", "ML-VAE", "two-block VAE"}
    assert document["runs"]["GM-VAE"]["stands_in_for"] == "mnist"
    assert document["runs"]["GM-VAE"]["seeds"][0]["epochs"] == 2
    rows = {(row["run"], row["value"]): row for row in document["rows"]}
    asked = rows["GM-VAE", "content/sample/paper"]
    assert asked["expected"]["paper"] == 0.992
    assert (asked["verdict"], asked["why"]) == ("not comparable", "digits stands in for mnist")
    assert 0 <= asked["found"]["low"] <= asked["found"]["value"] <= asked["found"]["high"] <= 1
    assert rows["GM-VAE", "style/mean/strong"]["why"] == "the paper gives no number"
    assert rows["GM-VAE", "keeps-content"]["verdict"] == "not measured"
    lines = list(csv.DictReader((out / "table1.csv").read_text().splitlines()))
    assert len(lines) == len(document["rows"])
    assert float(next(line for line in lines if line["paper"])["paper"]) == 0.992
    text = (out / "table1.md").read_text()
    assert "| GM-VAE | probe content/sample/paper |" in text
    assert "digits, in place of mnist" in text

    figure = json.loads((out / "fig3.json").read_text())
    assert {row["verdict"] for row in figure["rows"] if row["metric"] == "exact-swap"} == {"not measured"}
    with Image.open(out / "fig3.png") as sheet, Image.open(picture(out, "gmvae", "swap-grid")) as one:
        assert sheet.width > 2 * one.width  # two panels side by side
        assert sheet.height > one.height
    assert (out / "fig5.png").is_file()
    # Three runs: table and figures share those of the same settings.
    runs = sorted(path.name for path in (out / "runs").iterdir())
    assert [name.rsplit("-", 1)[0] for name in runs] == ["gmvae-digits-s0", "mlvae-digits-s0", "vae-digits-s0"]

    weights = {path: path.stat().st_mtime_ns for path in out.glob("runs/*/checkpoints/last.pt")}
    results = {path: path.stat().st_mtime_ns for path in out.glob("runs/*/results.json")}
    again = small("reproduce", "all", "--json")
    assert again.code == 0, again.err
    assert "3 trained" in again.err
    assert "training GM-VAE" not in again.err
    assert {path: path.stat().st_mtime_ns for path in weights} == weights
    assert {path: path.stat().st_mtime_ns for path in results} == results
    assert again.json["table1"]["rows"] == document["rows"]

    # A damaged file of results is made anew, from the same weights.
    damaged = next(iter(results))
    damaged.write_text("{")
    mended = small("reproduce", "table1", "--json")
    assert mended.code == 0, mended.err
    assert mended.json["table1"]["rows"] == document["rows"]


def picture(out: Path, model: str, name: str) -> Path:
    return next(out.glob(f"runs/{model}-*/figures/{name}.png"))


def test_a_stopped_run_is_gone_on_with(small: Callable):
    begun = small("reproduce", "fig5", "--dry-run")
    assert "1 new" in begun.err
    name = begun.err.rpartition("(")[2].partition(")")[0]
    # As if the command had been killed after one of two epochs.
    assert small("run", *_flags(), "--epochs", "1", "--out", name).code == 0
    config = Path(name) / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "epochs": 2, "milestones": []}))
    assert "1 begun" in small("reproduce", "fig5", "--dry-run").err
    done = small("reproduce", "fig5")
    assert done.code == 0, done.err
    assert "epoch 2/2" in done.err
    assert "epoch 1/2" not in done.err


def test_a_long_one_has_its_document_as_far_as_it_is_trained(small: Callable, monkeypatch: pytest.MonkeyPatch):
    train = reproduce.train

    def stopped(cell, **given):
        if cell.settings.model == "mlvae":
            raise KeyboardInterrupt
        train(cell, **given)

    monkeypatch.setattr(reproduce, "train", stopped)
    outcome = small("reproduce", "table1")
    assert outcome.code == 130
    assert "table1 as far as it is trained: reproduction/table1.md, without ML-VAE, two-block VAE" in outcome.err
    document = json.loads(Path("reproduction/table1.json").read_text())
    rows = {(row["run"], row["value"]): row for row in document["rows"]}
    measured = rows["GM-VAE", "content/sample/paper"]["found"]
    assert 0 <= measured["value"] <= 1
    without = document["runs"]["ML-VAE"]
    assert (without["missing"], without["seeds"]) == ("ML-VAE is not trained yet.", [])
    missing = rows["ML-VAE", "content/sample/paper"]
    assert (missing["verdict"], missing["why"]) == ("not measured", "ML-VAE is not trained yet.")
    assert "- ML-VAE: not measured. ML-VAE is not trained yet." in Path("reproduction/table1.md").read_text()

    monkeypatch.setattr(reproduce, "train", train)
    assert small("reproduce", "table1").code == 0
    whole = json.loads(Path("reproduction/table1.json").read_text())
    assert whole["runs"]["GM-VAE"] == document["runs"]["GM-VAE"]
    assert whole["runs"]["ML-VAE"]["missing"] is None
    rows = {(row["run"], row["value"]): row for row in whole["rows"]}
    assert rows["GM-VAE", "content/sample/paper"]["found"] == measured


def test_seeds_that_are_asked_for_later_take_nothing_away(small: Callable, monkeypatch: pytest.MonkeyPatch):
    assert small("reproduce", "fig3").code == 0
    train = reproduce.train

    def stopped(cell, **given):
        if (cell.settings.model, cell.settings.seed) == ("mlvae", 1):
            raise KeyboardInterrupt
        train(cell, **given)

    monkeypatch.setattr(reproduce, "train", stopped)
    assert small("reproduce", "fig3", "--seeds", "2").code == 130
    document = json.loads(Path("reproduction/fig3.json").read_text())
    seeds = {row["run"]: row["seeds"] for row in document["rows"] if row["metric"] == "retrieval"}
    assert seeds == {"GM-VAE": 2, "ML-VAE": 1, "two-block VAE": 1}
    text = Path("reproduction/fig3.md").read_text()
    assert ", seeds 0, 1; trained until 2" in text
    assert ", seeds 0 of 2 that were asked for; trained until 2" in text
    assert "unlike the paper's, batch_size: " in text
    assert "limit: None -> 64" in text


def _flags() -> list[str]:
    return ["--data", "digits", "--milestones", "none", "--limit", "64", "--batch-size", "32", "--set", "width=0.25"]


def test_another_run_in_a_runs_folder_is_refused(small: Callable):
    name = small("reproduce", "fig5", "--dry-run").err.rpartition("(")[2].partition(")")[0]
    assert small("run", *_flags(), "--epochs", "1", "--seed", "7", "--out", name).code == 0
    outcome = small("reproduce", "fig5")
    assert outcome.code == 2
    assert "seed: 7 -> 0" in outcome.err
    assert "Move the folder away" in outcome.err


def test_files_that_are_missing_are_named_and_the_quick_way_offered(
    disent: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path / "empty"))
    outcome = disent("reproduce", "fig2")
    assert outcome.code == 3
    assert "celeba" in outcome.err
    assert "disent reproduce fig2 --quick" in outcome.err
    assert not list(Path("reproduction").glob("runs/*"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["table2"], "table1"),
        (["table1", "--quick", "--budget", "cpu"], "contradict"),
        (["table1", "--budget", "huge"], "There is no budget 'huge'"),
        (["table1", "--precision", "fp8"], "precision"),
    ],
)
def test_what_cannot_be_is_refused_at_once(disent: Callable, arguments: list[str], says: str):
    outcome = disent("reproduce", *arguments)
    assert outcome.code == 2
    assert says in outcome.err
    assert not Path("reproduction").exists()
