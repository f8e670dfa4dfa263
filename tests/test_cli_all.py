"""``disent metrics all``: one table, JSON, CSV, several runs, and codes from anywhere."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from disent_plugins.cli import state
from disent_plugins.cli.show import show_values
from disent_plugins.cli.suite import show_entries
from disent_plugins.contracts import Result, Value
from disent_plugins.training.documents import document
from disent_plugins.training.suite import Entry

EXAMPLE = Path(__file__).parents[1] / "examples" / "third_party_metric"


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


def test_several_runs_give_their_mean(trained, disent, tmp_path):
    other = shutil.copytree(trained, tmp_path / "runs" / "other")
    found = disent("metrics", "all", trained, other, "--groups", "quality", "--json")
    assert found.code == 0, found.err
    document = found.json["metrics"]["reconstruction"]
    alone = json.loads((other / "results.json").read_text())["reconstruction"]
    assert document["values"]["sse"] == pytest.approx(alone["values"]["sse"])
    assert document["reference"]["sse"]["low"] == pytest.approx(document["reference"]["sse"]["high"])
    assert "mean of 2 runs" in document["reference"]["sse"]["estimator"]
    assert rows_of(tmp_path / "figures" / "results.csv")


def test_codes_without_a_model_leave_out_what_needs_one(disent, tmp_path):
    generator, labels = np.random.default_rng(0), np.arange(400) % 4
    codes = np.hstack([3 * np.eye(4)[labels] + generator.normal(size=(400, 4)), generator.normal(size=(400, 3))])
    np.savez(tmp_path / "mine.npz", codes=codes, labels=labels)
    given = ("--codes", "mine.npz", "--content", "0:4", "--style", "4:7")
    found = disent("metrics", "all", *given, "--groups", "leakage,pictures", "--json")
    assert found.code == 0, found.err
    assert found.json["metrics"]["probe"]["values"]["content/mean/strong"] > 0.8
    assert "needs decoder" in found.json["left_out"]["swap-grid"]
    assert json.loads((tmp_path / "figures" / "results.json").read_text()) == found.json["metrics"]
    assert rows_of(tmp_path / "figures" / "results.csv")


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
