"""All metrics at once: the order, what is left out and why, several runs, the table and the CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pytest
from metric_files import codes, subject

from disent_plugins.cli.suite import documents, interval_bar
from disent_plugins.contracts import Result, Value
from disent_plugins.errors import UsageError
from disent_plugins.options import Options
from disent_plugins.registry.hookspecs import hookimpl
from disent_plugins.registry.host import Registry
from disent_plugins.registry.specs import MetricSpec
from disent_plugins.training.results import write_results
from disent_plugins.training.suite import Entry, mean_value, measure_all, over_runs, suite


@dataclass(frozen=True)
class NoOptions(Options):
    """None."""


class Mean:
    """A metric: the mean of the content codes."""

    Config = NoOptions
    name = "mean"
    presets: Mapping = MappingProxyType({"study": {}})

    def __init__(self, config) -> None:
        pass

    def measure(self, subject):
        return Result(self.name, {"mean": Value(float(subject.codes.content.mean()), "score", 0.0, 1.0)}, {})


class Quality(Mean):
    name = "quality"


class Bad(Mean):
    presets: Mapping = MappingProxyType({})

    def measure(self, subject):
        raise RuntimeError("no good")


class Plugin:
    @hookimpl
    def disent_metrics(self):
        def spec(name: str, group: str, target: str, needs: tuple[str, ...] = ("codes",)) -> MetricSpec:
            return MetricSpec(name=name, summary=name, target=f"{__name__}:{target}", needs=needs, group=group)

        return [
            spec("picture", "pictures", "Mean", ("codes", "decoder")),
            spec("strange", "my own", "Bad"),
            spec("quality", "quality", "Quality"),
            spec("mean", "leakage", "Mean"),
        ]


@pytest.fixture
def registry(monkeypatch) -> Registry:
    found = Registry(points=[])
    found.add(Plugin(), name="test")
    return found


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


def test_several_runs_give_the_mean_and_its_interval_over_runs(registry, tmp_path):
    runs = [measure_all(registry, subject(tmp_path, codes(seed=seed))) for seed in range(3)]
    numbers = [run[0].result.values["mean"].value for run in runs]
    found = over_runs(runs)[0].result.values["mean"]
    assert found.value == pytest.approx(np.mean(numbers))
    assert found.high - found.value == pytest.approx(4.302653 * np.std(numbers, ddof=1) / 3**0.5, rel=1e-5)
    assert over_runs(runs[:1]) == runs[0]


def test_a_metric_that_one_run_lacks_is_left_out_of_the_mean(registry, tmp_path):
    run = measure_all(registry, subject(tmp_path))
    other = [Entry(entry.group, entry.name, None, "broken") for entry in run]
    assert {entry.left_out for entry in over_runs([run, other])[:2]} == {"Not in every run: broken"}
    assert {entry.left_out for entry in over_runs([other, other])[:2]} == {"broken"}


def test_the_mean_of_values_without_ceiling_has_none():
    found = mean_value([Value(1.0, "dB", floor=0.0), Value(3.0, "dB", floor=1.0)])
    assert (found.value, found.floor, found.ceiling) == (2.0, 0.5, None)


def test_two_runs_have_a_range_and_more_an_interval_that_keeps_to_what_is_possible():
    values = [Value(number, "accuracy", 0.1, 1.0) for number in (0.99, 0.6, 0.98)]
    two, three = mean_value(values[:2]), mean_value(values)
    assert (two.low, two.high) == (0.6, 0.99)
    assert "the range" in two.estimator
    assert (three.high, "interval of the mean" in three.estimator) == (1.0, True)
    errors = mean_value([Value(number, "squared error per image", 50.0, 0.0) for number in (1.0, 30.0, 2.0)])
    assert errors.low == 0.0
    assert errors.high > 30
    decibels = mean_value([Value(number, "dB", 10.0) for number in (0.5, 20.0, 1.0)])
    assert decibels.low == 0.0


def test_the_mean_keeps_the_single_values(registry, tmp_path):
    runs = [measure_all(registry, subject(tmp_path, codes(seed=seed))) for seed in range(2)]
    settings = over_runs(runs)[0].result.settings
    assert settings["runs"]["mean"] == [run[0].result.values["mean"].value for run in runs]


def test_a_preset_that_no_metric_has_is_refused(registry, tmp_path):
    with pytest.raises(UsageError, match="No metric has a preset 'stduy'"):
        measure_all(registry, subject(tmp_path), preset="stduy")


def test_results_are_kept_as_documents_and_as_lines(registry, tmp_path):
    entries = measure_all(registry, subject(tmp_path))
    write_results(tmp_path, documents(entries, "mine"))
    kept = json.loads((tmp_path / "results.json").read_text())
    with (tmp_path / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [rows[0][key] for key in ("subject", "group", "metric", "name")] == ["mine", "leakage", "mean", "mean"]
    value = entries[0].result.values["mean"]
    assert float(rows[0]["value"]) == kept["mean"]["values"]["mean"] == value.value
    assert float(rows[0]["normalised"]) == pytest.approx(value.normalised)
    assert (rows[0]["low"], rows[0]["preset"]) == ("", "")


def test_a_preset_stands_beside_the_defaults(registry, tmp_path):
    entries = measure_all(registry, subject(tmp_path), groups=["leakage"], preset="study")
    write_results(tmp_path, documents(entries, "mine"))
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
