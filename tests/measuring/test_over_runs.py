"""The suite over several runs: means and intervals."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.metric_files import codes, subject

from disent_plugins.contracts import Result, Value
from disent_plugins.measuring.means import mean_value
from disent_plugins.measuring.over_runs import mean_folder, over_runs
from disent_plugins.measuring.provenance import of_runs
from disent_plugins.measuring.suite import Entry, measure_all
from disent_plugins.training.settings import RunSettings


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


def test_a_mean_has_no_pictures_those_are_of_single_runs(tmp_path):
    result = Result("a", {"a": Value(1.0, "dB")}, {}, {"picture": tmp_path / "a.png"})
    (entry,) = over_runs([[Entry("quality", "a", result)]] * 2)
    assert dict(entry.result.artifacts) == {}


def test_means_over_other_runs_or_weights_have_other_places():
    first, second, trained_on = ({"weights": f"sha256:{digit * 64}"} for digit in "012")
    settings = RunSettings(model="some-dist:gmvae", data="digits")
    pairs = ([first, second], [first, trained_on], [first, second, trained_on])
    places = [mean_folder(settings, of_runs(runs)) for runs in pairs]
    assert len(set(places)) == 3
    assert [place.name[:33] for place in places[::2]] == [
        "mean-of-2-some-dist-gmvae-digits-", "mean-of-3-some-dist-gmvae-digits-"
    ]  # fmt: skip


def test_values_too_large_for_a_mean_lose_no_other_metric():
    results = [Result(name, {"a": Value(number, "nats")}, {}) for name, number in (("large", 1.7e308), ("fine", 1.0))]
    run = [Entry("quality", result.metric, result) for result in results]
    large, fine = over_runs([run, run])
    assert large.left_out == "Its values are too large for a mean."
    assert fine.result.values["a"].value == 1.0
