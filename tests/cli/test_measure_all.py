"""``disent metrics all``: one table, JSON, CSV, several runs, and codes from anywhere."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from helpers.training_files import change_checkpoint, other_run

from disent_plugins.cli import state
from disent_plugins.cli.show import show_values
from disent_plugins.cli.suite import show_entries
from disent_plugins.contracts import Result, Value
from disent_plugins.measuring.documents import document
from disent_plugins.measuring.suite import Entry

EXAMPLE = Path(__file__).parents[2] / "examples" / "third_party_metric"


def rows_of(path: Path) -> list[dict]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_run_is_measured_as_a_whole(trained, disent):
    found = disent("metrics", "all", trained, "--groups", "quality,leakage")
    assert found.code == 0, found.err
    assert max(map(len, found.out.splitlines())) <= 80
    assert found.out.index("leakage") < found.out.index("quality")
    results = json.loads((trained / "results.json").read_text())
    written = {(row["metric"], row["name"]): float(row["value"]) for row in rows_of(trained / "results.csv")}
    assert written[("reconstruction", "sse")] == results["reconstruction"]["values"]["sse"]
    assert "results.csv" in found.err


def test_no_number_of_the_table_is_cropped(capsys):
    value = Value(-1234.5, "nats", -1234.5, 12345.6, 0.0, 1.0, 202_599, better="up")
    name = "content/shape+hue/nonlinear"
    show_entries([Entry("leakage", "leakage", Result("leakage", {name: value}, {}))])
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    for whole in ("leakage", "content", "-1,234.5 ↑ -1,234.5", "12,345.6", "202,599"):
        assert whole in out


@pytest.mark.parametrize(("width", "bar"), [(80, True), (60, False)])
def test_a_narrow_terminal_costs_the_bar_and_no_digit(monkeypatch, capsys, width, bar):
    monkeypatch.setattr(state, "out", state.Out(width=width))
    value = Value(9.807, "structural similarity of images", 0.0, 12345.6, 9.637, 10.49, 202_599, better="up")
    show_values(document(Result("kl", {"content/active_units": value}, {})))
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= width
    for whole in ("9.807 ↑", "9.637–10.49", "12,345.6", "202,599"):
        assert whole in out
    assert ("·" in out) == bar


def place(folder: Path) -> Path:
    """The one place below ``figures``."""
    (found,) = (folder / "figures").iterdir()
    return found


def test_several_runs_give_their_mean(trained, disent, tmp_path):
    other = other_run(trained, tmp_path / "runs" / "other", seed=5)
    found = disent("metrics", "all", trained, other, "--groups", "quality", "--json")
    assert found.code == 0, found.err
    document = found.json["metrics"]["reconstruction"]
    alone = json.loads((other / "results.json").read_text())["reconstruction"]
    assert document["values"]["sse"] == pytest.approx(alone["values"]["sse"])
    assert document["settings"]["runs"]["sse"] == [alone["values"]["sse"]] * 2
    assert document["settings"]["seed"] == [0, 5]
    assert document["reference"]["sse"]["low"] == pytest.approx(document["reference"]["sse"]["high"])
    assert "mean of 2 runs" in document["reference"]["sse"]["estimator"]
    assert document["of"] == {"runs": [read(run)["reconstruction"]["of"] for run in (trained, other)]}
    assert {of["epoch"] for of in document["of"]["runs"]} == {2}
    assert place(tmp_path).name.startswith("mean-of-2-gmvae-digits-")
    assert read(place(tmp_path))["reconstruction"] == document
    assert {row["subject"].count(",") for row in rows_of(place(tmp_path) / "results.csv")} == {1}


def read(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text())


@pytest.mark.parametrize(
    ("settings", "lines"),
    [
        ({"model": "mlvae"}, ["model: gmvae, mlvae"]),
        ({"data": "mnist"}, ["data: digits, mnist"]),
        ({"epochs": 9, "seed": 5}, ["epochs: 2, 9"]),
        ({"lr": 0.5, "milestones": [1], "seed": 5}, ["lr: 0.002, 0.5", "milestones: (40, 52), (1,)"]),
        ({"limit": 32}, ["limit: 64, 32"]),
        ({"visible": 0.5}, ["visible: 1.0, 0.5"]),
        ({"options": {"k": 3.0}}, ["options.k: 2.0, 3.0"]),
    ],
)
def test_runs_that_differ_in_more_than_their_seed_have_no_mean(trained, disent, tmp_path, settings, lines):
    settings["options"] = json.loads((trained / "config.json").read_text())["options"] | settings.get("options", {})
    other = other_run(trained, tmp_path / "runs" / "other", **settings)
    before = read(trained)
    found = disent("metrics", "all", trained, other, "--groups", "quality", "--json")
    assert (found.code, found.out) == (2, "")
    assert [line.strip() for line in found.err.splitlines()[1:-1]] == lines
    assert "Measure the others on their own" in found.err.splitlines()[-1]
    assert read(trained) == before
    assert not (tmp_path / "figures").exists()


@pytest.mark.parametrize("which", ["last", "best"])
def test_runs_that_were_trained_for_other_epochs_have_no_mean(trained, disent, tmp_path, which):
    """Such as one that was stopped; which of its epochs was the best is a matter of the seed, and may differ."""
    other = other_run(trained, tmp_path / "runs" / "other", seed=5)
    change_checkpoint(other / "checkpoints" / "best.pt", epoch=2)
    asked = ("metrics", "all", trained, other, "--groups", "quality", "--checkpoint", which)
    assert disent(*asked, "--json").code == 0
    change_checkpoint(other / "checkpoints" / "last.pt", epoch=2, step=1)
    found = disent(*asked)
    assert (found.code, "trained: 2 epochs, 1 epochs and 1 batches" in found.err) == (2, True)


def test_runs_on_other_data_of_one_name_have_no_mean(trained, disent, tmp_path):
    other = other_run(trained, tmp_path / "runs" / "other", seed=5)
    record = json.loads((other / "data.json").read_text())
    (other / "data.json").write_text(json.dumps(record | {"content_hash": "0" * 64}))
    found = disent("metrics", "all", trained, other, "--groups", "quality")
    assert found.code == 2
    assert f"content of the data: {record['content_hash']}, {'0' * 64}" in found.err


def test_runs_of_one_seed_have_a_mean_and_a_warning(trained, disent, tmp_path):
    other = other_run(trained, tmp_path / "runs" / "other", device="auto")
    found = disent("metrics", "all", trained, other, "--groups", "pictures")
    assert (found.code, "same seed" in found.err) == (0, True)


def test_a_run_twice_is_refused(trained, disent):
    found = disent("metrics", "all", trained, trained)
    assert (found.code, "named twice" in found.err) == (2, True)


def test_groups_are_added_to_what_is_there(trained, disent):
    for group in ("quality", "blocks"):
        assert disent("metrics", "all", trained, "--groups", group).code == 0
    kept = json.loads((trained / "results.json").read_text())
    assert {"reconstruction", "retrieval"} <= set(kept)
    assert {row["metric"] for row in rows_of(trained / "results.csv")} == {
        name for name in kept if kept[name]["values"]
    }


def test_an_interruption_keeps_what_was_measured_and_says_so(disent, tmp_path, monkeypatch):
    from disent_plugins.metrics.content_style.retrieval import Retrieval

    def stop(metric, subject):
        raise KeyboardInterrupt

    monkeypatch.setattr(Retrieval, "measure", stop)
    labels = np.arange(400) % 4
    np.savez(tmp_path / "mine.npz", content=np.eye(4)[labels], style=np.eye(4)[labels], labels=labels)
    found = disent("metrics", "all", "--codes", "mine.npz", "--groups", "blocks")
    assert found.code == 130
    kept = list(json.loads((place(tmp_path) / "results.json").read_text()))
    assert kept == ["blocks", "few-shot"]
    assert "2 metrics are kept in" in found.err
    assert "blocks, few-shot" in found.err
    assert len({row["metric"] for row in rows_of(place(tmp_path) / "results.csv")}) == 2


def test_a_place_that_cannot_be_written_is_told_before_the_work(disent, tmp_path):
    labels = np.arange(400) % 4
    np.savez(tmp_path / "mine.npz", content=np.eye(4)[labels], style=np.eye(4)[labels], labels=labels)
    (tmp_path / "afile").touch()
    found = disent("metrics", "all", "--codes", "mine.npz", "--out", "afile")
    assert (found.code, found.out) == (2, "")
    assert "Cannot write" in found.err


def test_a_preset_that_no_metric_has_is_refused(disent, tmp_path):
    labels = np.arange(400) % 4
    np.savez(tmp_path / "mine.npz", codes=np.eye(4)[labels], labels=labels)
    found = disent("metrics", "all", "--codes", "mine.npz", "--as", "dlob")
    assert (found.code, "Did you mean 'dlib'?" in found.err) == (2, True)
    assert not list(tmp_path.rglob("results.csv"))


def test_codes_without_a_model_leave_out_what_needs_one(disent, tmp_path):
    generator, labels = np.random.default_rng(0), np.arange(400) % 4
    codes = np.hstack([3 * np.eye(4)[labels] + generator.normal(size=(400, 4)), generator.normal(size=(400, 3))])
    np.savez(tmp_path / "mine.npz", codes=codes, labels=labels)
    given = ("--codes", "mine.npz", "--content", "0:4", "--style", "4:7")
    found = disent("metrics", "all", *given, "--groups", "leakage,pictures", "--json")
    assert found.code == 0, found.err
    assert found.json["metrics"]["probe"]["values"]["content/mean/strong"] > 0.8
    assert "needs decoder" in found.json["left_out"]["swap-grid"]
    assert json.loads((place(tmp_path) / "results.json").read_text()) == found.json["metrics"]
    assert rows_of(place(tmp_path) / "results.csv")


def test_nothing_to_measure_is_a_failure_with_every_reason(disent, tmp_path):
    labels = np.arange(40) % 4
    np.savez(tmp_path / "mine.npz", content=np.eye(4)[labels], style=np.eye(4)[labels], labels=labels)
    found = disent("metrics", "all", "--codes", "mine.npz", "--groups", "pictures")
    assert found.code == 2
    assert "left out: swap-grid, interpolation: it needs decoder and images" in " ".join(found.err.split())
    assert "Nothing could be measured." in found.err
    assert "written" not in found.err


def test_an_unknown_group_is_refused(trained, disent):
    found = disent("metrics", "all", trained, "--groups", "quality,leekage")
    assert found.code == 2
    assert "Did you mean 'leakage'?" in found.err


def test_a_run_and_codes_together_are_refused(trained, disent):
    found = disent("metrics", "all", trained, "--codes", "mine.npz")
    assert found.code == 2
    assert "One thing is measured at a time." in found.err


def test_the_example_metric_keeps_its_contract_and_holds_on_its_oracles(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(EXAMPLE)
    from disent_spread.metric import Spread, spread
    from disent_spread.plugin import disent_metrics

    from disent_plugins.testing import check_metric

    (spec,) = disent_metrics()
    check_metric(Spread, name=spec.name, needs=spec.needs)
    labels = np.repeat([0, 1], 50)
    assert spread(labels[:, None] * 3.0, labels) == 1.0
