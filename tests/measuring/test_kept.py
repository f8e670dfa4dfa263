"""Run folders read as plain data: whole, half made, damaged and hostile ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from disent_plugins.errors import UsageError
from disent_plugins.measuring.kept import find_runs, read_run

DOCUMENT = {
    "metric": "probe",
    "values": {"content": 0.5},
    "reference": {"content": {"unit": "accuracy", "floor": 0.1, "ceiling": 1.0}},
}


def make_run(folder, *, epochs=2, done=2, **documents):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model": "m", "data": "d", "seed": 3, "epochs": epochs}))
    (folder / "data.json").write_text(json.dumps({"content_hash": "77"}))
    (folder / "environment.json").write_text("{}")
    lines = [json.dumps({"epoch": epoch + 1, "total": 2.0, "seconds": 1.5}) for epoch in range(done)]
    (folder / "metrics.jsonl").write_text("".join(f"{line}\n" for line in lines))
    if documents:
        (folder / "results.json").write_text(json.dumps(documents))
    return folder


def test_a_measured_run(tmp_path):
    run = read_run(make_run(tmp_path / "a", probe=DOCUMENT))
    assert (run.model, run.dataset, run.seed, run.planned, run.done, run.state) == ("m", "d", 3, 2, 2, "measured")
    assert run.seconds == 3.0
    assert run.digest == "77"
    assert run.documents == {"probe": DOCUMENT}
    assert run.faults == ()


@pytest.mark.parametrize(("done", "state"), [(0, "begun"), (1, "begun"), (2, "trained")])
def test_how_far_a_run_is(tmp_path, done, state):
    assert read_run(make_run(tmp_path / "a", done=done)).state == state


def test_times_that_are_no_numbers_count_nothing(tmp_path):
    folder = make_run(tmp_path / "a")
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "seconds": NaN}\n{"epoch": 4, "seconds": "long"}\n{"epoch": 5}\n')
    assert (read_run(folder).done, read_run(folder).seconds) == (5, 3.0)


def test_a_line_that_was_cut_off_is_none(tmp_path):
    folder = make_run(tmp_path / "a")
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "tot')
    assert read_run(folder).done == 2


@pytest.mark.parametrize("name", ["data.json", "environment.json"])
def test_a_folder_half_deleted_says_what_it_lacks(tmp_path, name):
    folder = make_run(tmp_path / "a", probe=DOCUMENT)
    (folder / name).unlink()
    run = read_run(folder)
    assert run.faults == (f"It has no {name}.",)
    assert run.documents


@pytest.mark.parametrize(
    "found",
    [
        "text",
        {"metric": "probe"},
        {**DOCUMENT, "values": {"content": float("nan")}},
        {**DOCUMENT, "values": {"other": 1.0}},
        {**DOCUMENT, "reference": {"content": {"unit": "accuracy", "low": float("inf")}}},
        {**DOCUMENT, "reference": {"content": {"floor": 0.0}}},
    ],
)
def test_what_is_no_document_is_left_out_and_told(tmp_path, found):
    run = read_run(make_run(tmp_path / "a", odd=found, probe=DOCUMENT))
    assert list(run.documents) == ["probe"]
    assert len(run.faults) == 1
    assert "odd" in run.faults[0]


def test_results_that_are_no_json_are_a_fault(tmp_path):
    folder = make_run(tmp_path / "a")
    (folder / "results.json").write_text("{")
    run = read_run(folder)
    assert run.state == "trained"
    assert "results.json" in run.faults[0]


def test_no_run(tmp_path):
    with pytest.raises(UsageError, match="is not a run"):
        read_run(tmp_path)
    with pytest.raises(UsageError, match="There is no run in"):
        find_runs([tmp_path])
    with pytest.raises(UsageError, match="no such folder"):
        find_runs([tmp_path / "absent"])


def test_runs_are_found_once_each_by_name_and_below_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b", "a"):
        make_run(tmp_path / "runs" / name)
    other = make_run(tmp_path / "other")
    assert [run.path.name for run in find_runs()] == ["a", "b"]
    assert [run.path.name for run in find_runs([other, tmp_path / "runs", tmp_path / "runs" / "b"])] == [
        "other", "a", "b",
    ]  # fmt: skip
    assert [run.path.name for run in find_runs([Path("a")])] == ["a"]


def test_reading_runs_loads_no_torch():
    code = "import disent_plugins.measuring.kept, disent_plugins.measuring.means, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
