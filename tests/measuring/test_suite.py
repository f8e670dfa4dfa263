"""All metrics at once: the order, what is left out and why, the table and the CSV."""

from __future__ import annotations

import csv
import json

import pytest
from helpers.metric_files import subject

from disent_plugins.cli.suite import interval_bar
from disent_plugins.contracts import Value
from disent_plugins.errors import UsageError
from disent_plugins.measuring.results import write_results
from disent_plugins.measuring.suite import Entry, documents, measure_all, suite


def test_groups_come_in_the_order_of_the_table_and_pictures_last(registry):
    assert [name for _, name in suite(registry)] == ["mean", "quality", "strange", "picture"]
    assert suite(registry, ["quality"]) == [("quality", "quality")]


def test_what_cannot_be_measured_is_left_out_with_the_reason(registry, tmp_path):
    given = subject(tmp_path)
    given.decode = None
    found = {entry.name: entry for entry in measure_all(registry, given)}
    assert found["mean"].result.values["mean"].value == pytest.approx(float(given.codes.content.mean()))
    assert found["picture"].result is None
    assert "needs decoder" in found["picture"].left_out
    assert "no good" in found["strange"].left_out


def test_a_preset_leaves_out_metrics_that_lack_it(registry, tmp_path):
    found = {entry.name: entry for entry in measure_all(registry, subject(tmp_path), preset="study")}
    assert found["mean"].result.settings["preset"] == "study"
    assert "no preset 'study'" in found["strange"].left_out


def test_a_preset_that_no_metric_has_is_refused(registry, tmp_path):
    with pytest.raises(UsageError, match="No metric has a preset 'stduy'"):
        measure_all(registry, subject(tmp_path), preset="stduy")


def test_results_are_kept_as_documents_and_as_lines(registry, tmp_path):
    entries = measure_all(registry, subject(tmp_path))
    write_results(tmp_path, documents(entries, "mine", {"checkpoint": "best", "epoch": 3}, tmp_path))
    kept = json.loads((tmp_path / "results.json").read_text())
    with (tmp_path / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [rows[0][key] for key in ("subject", "group", "metric", "name")] == ["mine", "leakage", "mean", "mean"]
    value = entries[0].result.values["mean"]
    assert float(rows[0]["value"]) == kept["mean"]["values"]["mean"] == value.value
    assert float(rows[0]["normalised"]) == pytest.approx(value.normalised)
    assert (rows[0]["low"], rows[0]["preset"]) == ("", "")
    assert (rows[0]["checkpoint"], rows[0]["epoch"], rows[0]["weights"]) == ("best", "3", "")


def test_a_preset_stands_beside_the_defaults(registry, tmp_path):
    entries = measure_all(registry, subject(tmp_path), groups=["leakage"], preset="study")
    write_results(tmp_path, documents(entries, "mine", {"checkpoint": "best", "epoch": 3}, tmp_path))
    assert list(json.loads((tmp_path / "results.json").read_text())) == ["mean@study"]
    with (tmp_path / "results.csv").open() as file:
        assert [(row["metric"], row["preset"]) for row in csv.DictReader(file)] == [("mean", "study")]


@pytest.mark.parametrize(
    ("value", "bar"),
    [
        (Value(0.5, "a", 0.0, 1.0, 0.4, 0.6), "█████▓▓·····"),
        (Value(0.5, "a", 0.0, 1.0), "██████······"),
        (Value(-0.5, "a", 0.0, 1.0, -0.6, -0.4), "············"),
        (Value(12.0, "a", 48.0, 0.0, 8.0, 16.0), "████████▓▓··"),
        (Value(0.5, "a", 0.0), ""),
    ],
)
def test_the_bar_shows_the_interval_between_chance_and_ceiling(value, bar):
    assert interval_bar(value) == bar


def test_every_metric_is_handed_over_when_it_is_done(registry, tmp_path):
    seen: list[Entry] = []
    assert measure_all(registry, subject(tmp_path), done=seen.append) == seen
