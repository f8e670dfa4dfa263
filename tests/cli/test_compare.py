"""``disent compare`` as it is typed."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from tests.helpers.made_runs import made_run


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for model, level in (("good", 0.9), ("vae", 0.5)):
        for seed in range(3):
            made_run(tmp_path / "runs" / f"{model}{seed}", model=model, seed=seed, values={"a": level + 0.001 * seed})
    return tmp_path / "runs"


def test_a_table_with_controls_ranks_and_what_could_be_detected(disent, runs):
    found = disent("compare")
    assert found.code == 0, found.err
    lines = found.out.splitlines()
    assert lines[0].startswith("digits")
    assert [line.split()[0] for line in lines[1:] if line.strip()] == [
        "model", "chance", "ceiling", "good", "vae", "detectable",
    ]  # fmt: skip
    assert "0.901 ± 0.002 1" in found.out
    assert "0.501 ± 0.002 2" in found.out
    assert "Welch's t over seeds" in found.err
    assert "Holm" in found.err


def test_columns_that_do_not_fit_stand_below(disent, runs, tmp_path):
    names = [f"a/quite/long/name/of/a/value/{number}" for number in range(4)]
    made_run(tmp_path / "wide", values=dict.fromkeys(names, 0.5))
    found = disent("compare", "wide", "--values", "probe")
    assert found.code == 0, found.err
    assert found.out.count("gmvae") > 1
    assert all(name in found.out for name in names)


@pytest.mark.parametrize("format", ["md", "csv", "latex", "json"])
def test_formats(disent, runs, format):
    found = disent("compare", runs, "--format", format)
    assert found.code == 0, found.err
    if format == "json":
        (table,) = json.loads(found.out)
        assert [row["label"] for row in table["rows"]] == ["good", "vae"]
    elif format == "csv":
        rows = list(csv.DictReader(io.StringIO(found.out)))
        assert [row["best"] for row in rows] == ["True", "False"]
    else:
        assert found.out.startswith("| model" if format == "md" else "% digits")


def test_a_kept_comparison_is_shown_again(disent, runs, tmp_path):
    kept = disent("compare", runs, "--format", "json").out
    (tmp_path / "kept.json").write_text(kept)
    assert disent("compare", "kept.json", "--format", "md").out == disent("compare", runs, "--format", "md").out
    assert disent("compare", "kept.json", "--format", "json").out == kept
    found = disent("compare", "kept.json", "--values", "a")
    assert found.code == 2
    assert "A kept comparison has its columns" in found.err


def test_results_json_stands_for_its_run(disent, runs):
    found = disent("compare", runs / "good0" / "results.json", runs / "vae0", "--format", "json")
    assert [row["seeds"] for row in json.loads(found.out)[0]["rows"]] == [[0], [0]]


def test_sort_and_data(disent, runs, tmp_path):
    made_run(runs / "m", data="mnist", model="other", values={"a": 0.5})
    found = disent("compare", "--format", "json", "--data", "digits", "--sort", "a")
    (table,) = json.loads(found.out)
    assert [row["label"] for row in table["rows"]] == ["good", "vae"]
    found = disent("compare", "--data", "cars")
    assert found.code == 2
    assert "No run is of data set 'cars'" in found.err


def test_by_value_the_columns_are_data_sets(disent, runs):
    made_run(runs / "m", data="mnist", digest="78", model="good", values={"a": 0.75})
    found = disent("compare", "--by", "value", "--format", "json")
    (table,) = json.loads(found.out)
    assert table["data"] == "probe a"
    assert [column["heading"] for column in table["columns"]] == ["digits", "mnist"]
    good, vae = table["rows"]
    assert good["cells"][0]["best"]
    assert good["cells"][1]["value"]["value"] == 0.75
    assert vae["cells"][1]["value"] is None


def test_what_was_measured_in_different_ways(disent, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made_run(tmp_path / "a", model="a", values={"x": 0.9})
    made_run(tmp_path / "b", model="b", values={"x": 0.5}, version="2")
    found = disent("compare", "a", "b")
    assert found.code == 2
    assert "metric version: 1 in a; 2 in b" in found.err
    assert "--force" in found.err
    found = disent("compare", "a", "b", "--force")
    assert found.code == 0
    assert "Put together all the same (--force): probe, metric version" in found.err


@pytest.mark.parametrize("content", ["{", '{"probe": {"values": {"x": NaN}}}', "[]", '{"schema": 99}'])
def test_files_that_are_no_comparison(disent, tmp_path, content):
    (tmp_path / "odd.json").write_text(content)
    found = disent("compare", tmp_path / "odd.json")
    assert found.code == 2
    assert found.err.startswith("error: ")


def test_no_runs(disent, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = disent("compare")
    assert found.code == 2
    assert "There is no run" in found.err


def test_names_are_printed_harmlessly(disent, tmp_path):
    made_run(tmp_path / "a", model="[bold]x\x1b[31m\n|", values={"x": np.ones(4, bool)})
    for format in ("table", "md", "csv", "latex", "json"):
        found = disent("compare", tmp_path / "a", "--format", format)
        assert found.code == 0, found.err
        assert "\x1b" not in found.out
        assert "[bold]x" in found.out or format == "latex"
